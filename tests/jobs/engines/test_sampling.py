"""What is drawn at random belongs to the sentence: its seed and its prompt decide, and no batch."""

import logging
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from dragoman.errors import ModelError
from dragoman.pair import Pair
from dragoman.spec.decoding import Decoding
from dragoman_jobs.engines.base import Engine, Hypothesis, UnsupportedModelError
from dragoman_jobs.engines.ctranslate2 import CTranslate2Engine
from dragoman_jobs.engines.sampling import samplers, seed_of
from dragoman_jobs.engines.selection import choose_engine
from dragoman_jobs.engines.transformers import TransformersEngine
from dragoman_jobs.models.checkpoint import Checkpoint

ENGINES: tuple[type[Engine], ...] = (CTranslate2Engine, TransformersEngine)
PROMPTS = [f"[English]: {number} Euro [French]:" for number in range(7, 13)]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def translate(folder: Path, cache: Path, prompts: list[str], batch_tokens: int = 4096, **settings: Any) -> list[str]:
    decoding = Decoding(max_new_tokens=12, **settings)
    prepared = TransformersEngine.prepare(Checkpoint(id="m", model=str(folder)), decoding, cache)
    return [each.text for each in TransformersEngine(prepared, decoding).translate(prompts, batch_tokens)]


def test_the_same_sentence_is_drawn_alike_in_every_batch(tiny_model: Callable[[str], Path], cache: Path) -> None:
    folder = tiny_model("xglm")
    together = translate(folder, cache, PROMPTS, 100_000, temperature=3)
    assert translate(folder, cache, PROMPTS, 1, temperature=3) == together
    assert translate(folder, cache, PROMPTS[::-1], 100, temperature=3) == together[::-1]
    assert translate(folder, cache, PROMPTS[2:3], temperature=3) == together[2:3]
    assert len(set(together)) == len(PROMPTS)


def test_seed_temperature_and_limits_decide(tiny_model: Callable[[str], Path], cache: Path) -> None:
    folder = tiny_model("xglm")
    greedy = translate(folder, cache, PROMPTS)
    warm = [translate(folder, cache, PROMPTS, temperature=3, seed=seed) for seed in (1, 2)]
    assert warm[0] != warm[1] != greedy
    assert translate(folder, cache, PROMPTS, temperature=3, top_k=1) == greedy
    assert translate(folder, cache, PROMPTS, temperature=3, top_p=1e-9) == greedy
    assert translate(folder, cache, PROMPTS, temperature=1e-4) == greedy


@pytest.mark.parametrize("settings", [{}, {"top_k": 3}, {"top_p": 0.6}])
def test_drawn_are_tokens_by_their_probability(settings: dict[str, Any]) -> None:
    """A chi-squared test of 4,000 draws against the softmax, cut as `top_k` and `top_p` say; seeded, so no luck."""
    decoding = Decoding(temperature=2, **settings)
    logits = torch.tensor([4.0, 3.0, 2.0, 1.0, 0.0])
    kept = {"top_k": 3, "top_p": 2}.get(next(iter(settings), ""), 5)
    expected = (logits[:kept] / 2).softmax(0) * 4000
    scores = logits.repeat(4000, 1)
    for processor in samplers(decoding, [[number] for number in range(4000)]):
        scores = processor(torch.zeros(4000, 1, dtype=torch.long), scores)
    drawn = Counter(scores.argmax(1).tolist())
    assert set(drawn) == set(range(kept))
    observed = torch.tensor([float(drawn[token]) for token in range(kept)])
    assert ((observed - expected) ** 2 / expected).sum() < 18.5  # p = 0.001 for 4 degrees of freedom


def test_every_sentence_has_a_seed_of_its_own() -> None:
    decoding = Decoding(temperature=1)
    seeds = {seed_of(decoding, [1, number]) for number in range(1000)}
    assert len(seeds) == 1000
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert seed_of(Decoding(temperature=1, seed=2), [1, 2]) != seed_of(decoding, [1, 2])


def test_an_engine_that_can_t_draw_by_sentence_says_who_can(
    tiny_model: Callable[[str], Path], cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    decoding, checkpoint = Decoding(temperature=1), Checkpoint(id="m", model=str(tiny_model("xglm")))
    with pytest.raises(UnsupportedModelError, match="use the transformers engine to sample"):
        CTranslate2Engine.prepare(checkpoint, decoding, cache)
    caplog.set_level(logging.INFO)
    assert choose_engine("auto", checkpoint, decoding, cache)[0] == "transformers"
    assert "draws for a whole batch" in caplog.text


def cells(engine: type[Engine], folder: Path, cache: Path, decoding: Decoding, sources: list[str]) -> list[Hypothesis]:
    prepared = engine.prepare(Checkpoint(id=folder.parent.name, model=str(folder)), decoding, cache)
    prompts = [f"{source} [German]:" for source in sources]
    return engine(prepared, decoding).translate_pair(Pair("en", "de"), sources, prompts)


SOURCES = ["a", "bc", "one two", "three", "four five"]


@pytest.mark.parametrize("beam", [1, 3])
@pytest.mark.parametrize("newline", [True, False])
def test_both_engines_stop_alike_and_whatever_the_batch(
    beam: int, newline: bool, tiny_model: Callable[[str], Path], cache: Path
) -> None:
    folder = tiny_model("llama")
    plain = cells(CTranslate2Engine, folder, cache, Decoding(beam=beam, max_new_tokens=16), SOURCES)
    # a token of its own in one text, and a string of two tokens in another
    stops = (plain[0].text[4], plain[1].text[2:4])
    decoding = Decoding(beam=beam, max_new_tokens=16, stop=stops, stop_at_newline=newline)
    fast, reference = (cells(engine, folder, cache, decoding, SOURCES) for engine in ENGINES)
    assert fast == reference
    assert fast != plain
    assert not any(stop in each.text for each in fast for stop in stops)
    assert [cells(CTranslate2Engine, folder, cache, decoding, [source])[0] for source in SOURCES] == fast


@pytest.mark.parametrize("beam", [1, 3])
def test_both_engines_keep_each_sentences_limit(beam: int, tiny_model: Callable[[str], Path], cache: Path) -> None:
    folder, decoding = tiny_model("llama"), Decoding(beam=beam, max_new_tokens=9, max_ratio=1.5)
    fast, reference = (cells(engine, folder, cache, decoding, SOURCES) for engine in ENGINES)
    assert fast == reference
    assert [cells(TransformersEngine, folder, cache, decoding, [source])[0] for source in SOURCES] == fast
    most = [2, 3, 9, 8, 9]
    assert all(each.tokens <= limit for each, limit in zip(fast, most, strict=True))
    assert any(each.tokens == limit < 9 for each, limit in zip(fast, most, strict=True))


def test_a_limit_of_its_own_makes_room_for_a_long_prompt(tiny_model: Callable[[str], Path], cache: Path) -> None:
    folder, source = tiny_model("xglm"), "x" * 60
    for engine in ENGINES:
        with pytest.raises(ModelError, match="which with 120 new ones is more than the 128 positions"):
            cells(engine, folder, cache, Decoding(max_new_tokens=120), [source])
        assert cells(engine, folder, cache, Decoding(max_new_tokens=120, max_ratio=0.5), [source])[0].tokens <= 30
