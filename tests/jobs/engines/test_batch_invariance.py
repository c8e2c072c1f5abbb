"""Every engine that has cells decoded together gives each sentence the same text, whatever is decoded with it."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dragoman.pair import Pair
from dragoman.spec.decoding import Decoding
from dragoman_jobs.engines.base import Engine, Hypothesis, Request
from dragoman_jobs.engines.ctranslate2 import CTranslate2Engine
from dragoman_jobs.engines.openai import OpenAIEngine
from dragoman_jobs.engines.selection import prepare_model
from dragoman_jobs.engines.transformers import TransformersEngine
from dragoman_jobs.engines.vllm import VllmEngine
from dragoman_jobs.models.checkpoint import Checkpoint

WORDS = ("one", "two", "three", "seven", "eins", "zwei")
PAIRS = [Pair("en", "de"), Pair("de", "en"), Pair("en", "zh-Hans")]
BOTH: tuple[type[Engine], ...] = (CTranslate2Engine, TransformersEngine)


def requests(pair: Pair) -> list[Request]:
    """Sentences of one to seven words; some prompts are shown examples, as those of few-shot cells are."""
    drawn = random.Random(str(pair))
    sources = [" ".join(drawn.choices(WORDS, k=1 + 2 * number)) for number in range(4)]
    shown = "[a]: one two [b]: eins " if pair.source == "de" else ""
    return [Request(pair, source, f"{shown}[{pair.source}]: {source} [{pair.target}]:") for source in sources]


def same_alone_and_together(engine: Engine) -> list[Hypothesis]:
    """The texts, after they were decoded pair by pair, all as one list, and in two other orders and sizes of it."""
    every = [request for pair in PAIRS for request in requests(pair)]
    by_pair = [found for pair in PAIRS for found in engine.translate_requests(requests(pair))]
    by_pair_only = [
        found
        for pair in PAIRS
        for found in engine.translate_pair(pair, *zip(*[each[1:] for each in requests(pair)], strict=True))
    ]
    assert by_pair == by_pair_only
    assert engine.translate_requests(every) == by_pair
    order = list(range(len(every)))
    random.Random(1).shuffle(order)
    assert engine.translate_requests([every[place] for place in order]) == [by_pair[place] for place in order]
    parts = [engine.translate_requests(every[start : start + 7]) for start in range(0, len(every), 7)]
    assert [found for part in parts for found in part] == by_pair
    assert len({each.text for each in by_pair}) > len(PAIRS), "the model tells sentences apart"
    return by_pair


DECODINGS: list[tuple[type[Engine], dict[str, Any]]] = [
    *((engine, decoding) for engine in BOTH for decoding in ({}, {"beam": 3, "max_ratio": 2.0})),
    (TransformersEngine, {"temperature": 2.0, "seed": 3}),
]


@pytest.mark.parametrize(("engine", "decoding"), DECODINGS)
def test_models_that_continue_a_prompt(
    engine: type[Engine], decoding: dict[str, Any], tiny_model: Callable[[str], Path], tmp_path: Path
) -> None:
    how = Decoding(max_new_tokens=8, **decoding)
    checkpoint = Checkpoint(id="m", model=str(tiny_model("xglm")))
    assert engine.is_batch_invariant(how, "cpu")
    same_alone_and_together(engine(engine.prepare(checkpoint, how, tmp_path), how))


@pytest.mark.parametrize("engine", BOTH)
@pytest.mark.parametrize("beam", [1, 3])
def test_encoder_decoders(engine: type[Engine], beam: int, translator: Callable[[str], Path], tmp_path: Path) -> None:
    how = Decoding(max_new_tokens=8, beam=beam)
    prepared = engine.prepare(Checkpoint(id="m", model=str(translator("nllb"))), how, tmp_path)
    same_alone_and_together(engine(prepared, how))


def test_who_promises_it_and_who_does_not(
    tiny_model: Callable[[str], Path], server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    greedy = Decoding()
    assert not any(engine.is_batch_invariant(greedy, "cuda") for engine in BOTH), "half precision rounds by the batch"
    assert not VllmEngine.is_batch_invariant(greedy, "cpu")
    assert VllmEngine.is_batch_invariant(greedy, "cuda")
    monkeypatch.setenv("VLLM_BATCH_INVARIANT", "0")
    assert not VllmEngine.is_batch_invariant(greedy, "cuda")
    assert not OpenAIEngine.is_batch_invariant(greedy, "cpu")
    assert VllmEngine.keeps_prefixes
    model = Checkpoint(id="m", model=str(tiny_model("llama")))
    found = prepare_model("auto", model, greedy, tmp_path, 0, [Pair("en", "de")])
    assert (found.engine, found.batch_invariant, found.keeps_prefixes) == ("ctranslate2", True, False)
    served = prepare_model("openai", Checkpoint(id="o", model="openai/parrot"), greedy, tmp_path, 0, [])
    assert not served.batch_invariant


def test_an_engine_that_knows_nothing_of_it_is_asked_pair_by_pair(server: Any, tmp_path: Path) -> None:
    how = Decoding(max_new_tokens=8)
    engine = OpenAIEngine(OpenAIEngine.prepare(Checkpoint(id="o", model="openai/parrot"), how, tmp_path), how)
    asked = [Request(PAIRS[place % 2], text, text) for place, text in enumerate(("one", "three", "zwei"))]
    assert [found.text for found in engine.translate_requests(asked)] == ["eno", "eerht", "iewz"]
