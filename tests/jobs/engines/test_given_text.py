"""Hidden states of sentences and log probabilities of references: those of a plain script with transformers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

from dragoman.spec.decoding import Decoding
from dragoman.store.alignment_records import Pooling
from dragoman_jobs.engines.base import Engine, UnsupportedModelError
from dragoman_jobs.engines.ctranslate2 import CTranslate2Engine
from dragoman_jobs.engines.transformers import TransformersEngine
from dragoman_jobs.models.checkpoint import Checkpoint
from dragoman_jobs.testing import EchoEngine

TEXTS = ["Good morning.", "No", "A much longer sentence with 12 words or so.", "", "Good evening!"]
PROMPTS = ["[German]: Hallo [English]:", "[German]: Guten Tag, Welt [English]:", "Translate:\n"]
REFERENCES = ["Hello", "Good day, world", "Yes"]


def loaded(folder: Path, cache: Path, adapter: Path | None = None) -> Engine:
    checkpoint = Checkpoint(id="model1-it", model=str(folder), adapter=adapter)
    return TransformersEngine(TransformersEngine.prepare(checkpoint, Decoding(), cache), Decoding())


@pytest.mark.parametrize("kind", ["xglm", "opt", "gpt2", "llama"])
def test_states_are_those_of_a_plain_script(kind: str, tiny_model: Callable[[str], Path], tmp_path: Path) -> None:
    folder = tiny_model(kind)
    found = {each.place: each.layers for each in loaded(folder, tmp_path).sentence_states("en", TEXTS, Pooling.MEAN)}
    assert sorted(found) == [0, 1, 2, 4], "an empty line has no token"
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder).eval()
    for place, layers in found.items():
        encoded = tokenizer(TEXTS[place], return_tensors="pt", return_special_tokens_mask=True)
        own = encoded.pop("special_tokens_mask")[0] == 0
        with torch.no_grad():
            states = model(**encoded, output_hidden_states=True).hidden_states
        expected = np.stack([state[0, own].mean(dim=0).numpy() for state in states])
        np.testing.assert_allclose(layers, expected, rtol=2e-4, atol=2e-5)


def test_later_tokens_weigh_more(tiny_model: Callable[[str], Path], tmp_path: Path) -> None:
    folder = tiny_model("xglm")
    (found,) = loaded(folder, tmp_path).sentence_states("en", ["abc"], Pooling.POSITION_WEIGHTED)
    ids = AutoTokenizer.from_pretrained(folder)("abc", return_tensors="pt")
    with torch.no_grad():
        states = AutoModelForCausalLM.from_pretrained(folder).eval()(**ids, output_hidden_states=True).hidden_states
    for layer, state in zip(found.layers, states, strict=True):
        own = state[0, -3:].numpy()
        np.testing.assert_allclose(layer, (own[0] + 2 * own[1] + 3 * own[2]) / 6, rtol=2e-4, atol=2e-5)


def test_states_do_not_depend_on_the_batch(
    tiny_model: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = loaded(tiny_model("xglm"), tmp_path)
    texts = [f"Sentence {number}" for number in range(10)]
    whole = {each.place: each.layers for each in engine.sentence_states("en", texts, Pooling.MEAN)}
    monkeypatch.setenv("DRAGOMAN_BATCH_TOKENS", "1")
    alone = {each.place: each.layers for each in engine.sentence_states("en", texts, Pooling.MEAN)}
    for place, layers in whole.items():
        np.testing.assert_allclose(layers, alone[place], rtol=1e-4, atol=1e-5)


def test_an_adapter_changes_the_states(
    tiny_model: Callable[[str], Path], write_adapter: Callable[..., Path], tmp_path: Path
) -> None:
    folder = tiny_model("xglm")
    adapter = write_adapter(tmp_path / "adapter", folder, ["q_proj", "v_proj"])
    (base,) = loaded(folder, tmp_path / "base").sentence_states("en", ["abc"], Pooling.MEAN)
    (own,) = loaded(folder, tmp_path / "adapted", adapter).sentence_states("en", ["abc"], Pooling.MEAN)
    np.testing.assert_allclose(base.layers[0], own.layers[0], rtol=1e-5)
    assert not np.allclose(base.layers[-1], own.layers[-1])


def test_a_long_sentence_is_read_up_to_the_models_positions(tiny_model: Callable[[str], Path], tmp_path: Path) -> None:
    engine = loaded(tiny_model("xglm"), tmp_path)
    long, cut = engine.sentence_states("en", ["a" * 400, "a" * 127], Pooling.MEAN)
    np.testing.assert_allclose(long.layers, cut.layers, rtol=1e-5)


@pytest.mark.parametrize("kind", ["xglm", "gpt2", "llama"])
def test_log_probabilities_are_those_of_a_plain_script(
    kind: str, tiny_model: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = tiny_model(kind)
    found = loaded(folder, tmp_path).log_probabilities(PROMPTS, REFERENCES)
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder).eval()
    for prompt, reference, told in zip(PROMPTS, REFERENCES, found, strict=True):
        between = "" if prompt.endswith("\n") else " "
        whole = tokenizer(prompt + between + reference, return_tensors="pt").input_ids
        with torch.no_grad():
            logits = model(whole).logits[0].log_softmax(dim=-1)
        begun = len(tokenizer(prompt).input_ids)  # a token is a character here, so that the prompt's are the first
        expected = [float(logits[place - 1, whole[0, place]]) for place in range(begun, whole.shape[1])]
        assert told == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_a_reference_without_room_has_no_log_probabilities(tiny_model: Callable[[str], Path], tmp_path: Path) -> None:
    found = loaded(tiny_model("xglm"), tmp_path).log_probabilities(["a" * 200, "a:", "b:"], ["x", "yz", ""])
    assert [len(row) for row in found] == [0, 3, 1], "the space before it is a token"


def test_engines_that_show_nothing_say_so(tiny_model: Callable[[str], Path], tmp_path: Path) -> None:
    checkpoint = Checkpoint(id="model1-it", model=str(tiny_model("xglm")))
    fast = CTranslate2Engine(CTranslate2Engine.prepare(checkpoint, Decoding(), tmp_path), Decoding())
    for engine in (fast, EchoEngine(tmp_path, Decoding())):
        with pytest.raises(UnsupportedModelError, match="shows no hidden states: the transformers engine does"):
            list(engine.sentence_states("en", TEXTS, Pooling.MEAN))
        with pytest.raises(UnsupportedModelError, match="scores no text that it is given"):
            engine.log_probabilities(PROMPTS, REFERENCES)


def test_of_an_encoder_decoder_the_encoder_is_read(translator: Callable[[str], Path], tmp_path: Path) -> None:
    folder = translator("nllb")
    engine = loaded(folder, tmp_path)
    (found,) = engine.sentence_states("de", ["two cat."], Pooling.MEAN)
    tokenizer: Any = AutoTokenizer.from_pretrained(folder, src_lang="deu_Latn")
    encoded = tokenizer("two cat.", return_tensors="pt")
    with torch.no_grad():
        encoder = AutoModelForSeq2SeqLM.from_pretrained(folder).eval().get_encoder()
        states = encoder(**encoded, output_hidden_states=True).hidden_states
    own = np.array(tokenizer.get_special_tokens_mask(encoded.input_ids[0], already_has_special_tokens=True)) == 0
    expected = np.stack([state[0, own].mean(dim=0).numpy() for state in states])
    np.testing.assert_allclose(found.layers, expected, rtol=2e-3, atol=2e-3)
    with pytest.raises(UnsupportedModelError, match="takes no instruction"):
        engine.log_probabilities(PROMPTS, REFERENCES)
