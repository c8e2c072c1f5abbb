"""The fast engine gives the reference's text, and the reference gives the model's."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from dragoman.spec.decoding import Decoding
from dragoman_jobs.engines.base import Engine, Hypothesis
from dragoman_jobs.engines.ctranslate2 import CTranslate2Engine
from dragoman_jobs.engines.transformers import TransformersEngine
from dragoman_jobs.models.checkpoint import Checkpoint

ENGINES: tuple[type[Engine], ...] = (CTranslate2Engine, TransformersEngine)
PROMPTS = [
    "a",  # one token, where the tokenizer has no prefix
    *(f"[German]: {'ab' * length} [English]:" for length in range(5)),
    *(f"[English]: {number} Euro [French]:" for number in range(10, 17)),
]
"""Of seven lengths, and some of the same."""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def translate(
    engine: type[Engine], folder: Path, decoding: Decoding, cache: Path, batch_tokens: int = 4096
) -> list[Hypothesis]:
    prepared = engine.prepare(Checkpoint(id=folder.parent.name, model=str(folder)), decoding, cache)
    return engine(prepared, decoding).translate(PROMPTS, batch_tokens)


@pytest.mark.parametrize("kind", ["xglm", "opt", "llama", "gpt2"])
@pytest.mark.parametrize("beam", [1, 4])
def test_both_engines_give_the_same(tiny_model: Callable[[str], Path], cache: Path, kind: str, beam: int) -> None:
    decoding = Decoding(beam=beam, max_new_tokens=16)
    fast, reference = (translate(engine, tiny_model(kind), decoding, cache) for engine in ENGINES)
    assert fast == reference
    assert len({hypothesis.text for hypothesis in reference}) > 3
    assert {hypothesis.finish_reason for hypothesis in reference} == {"stop", "length"}


@pytest.mark.parametrize("kind", ["xglm", "llama", "gpt2"])
@pytest.mark.parametrize("beam", [1, 3])
def test_examples_that_all_prompts_show_change_nothing(
    tiny_model: Callable[[str], Path], cache: Path, kind: str, beam: int
) -> None:
    """What prompts share is read once for all of them: each is continued as it is alone, and by the reference."""
    decoding = Decoding(beam=beam, max_new_tokens=8)
    prompts = [f"[German]: ja [English]: yes [German]: {word} [English]:" for word in ("a", "ab", "ba", "abc", "ba")]
    found = []
    for engine in ENGINES:
        prepared = engine.prepare(
            Checkpoint(id=tiny_model(kind).parent.name, model=str(tiny_model(kind))), decoding, cache
        )
        loaded = engine(prepared, decoding)
        found.append(loaded.translate(prompts))
        assert found[-1] == [loaded.translate([prompt])[0] for prompt in prompts]
    assert found[0] == found[1]
    assert len({hypothesis.text for hypothesis in found[0]}) > 1


@pytest.mark.parametrize("length_penalty", [0.0, 0.6, 2.0])
def test_the_length_penalty_is_the_same(tiny_model: Callable[[str], Path], cache: Path, length_penalty: float) -> None:
    decoding = Decoding(beam=3, max_new_tokens=16, length_penalty=length_penalty)
    fast, reference = (translate(engine, tiny_model("gpt2"), decoding, cache) for engine in ENGINES)
    assert fast == reference
    neutral = translate(CTranslate2Engine, tiny_model("gpt2"), Decoding(beam=3, max_new_tokens=16), cache)
    assert fast != neutral


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("beam", [1, 3])
def test_the_text_does_not_depend_on_the_batch(
    tiny_model: Callable[[str], Path], cache: Path, engine: type[Engine], beam: int
) -> None:
    decoding = Decoding(beam=beam, max_new_tokens=16)
    together = translate(engine, tiny_model("gpt2"), decoding, cache, 100_000)
    assert translate(engine, tiny_model("gpt2"), decoding, cache, 100) == together
    assert translate(engine, tiny_model("gpt2"), decoding, cache, 1) == together


@torch.inference_mode()
def greedy(model: Any, tokenizer: Any, prompt: str, max_new_tokens: int) -> str:
    """Greedy decoding by its definition: no cache, no batch, the whole sequence at every step."""
    ids = tokenizer(prompt).input_ids
    start = len(ids)
    while len(ids) - start < max_new_tokens:
        ids.append(int(model(input_ids=torch.tensor([ids])).logits[0, -1].argmax()))
        if ids[-1] == tokenizer.eos_token_id or "\n" in tokenizer.decode(ids[-1]):
            break
    text: str = tokenizer.decode(ids[start:], skip_special_tokens=True)
    return text.partition("\n")[0].strip()


def test_the_reference_is_greedy_decoding_by_its_definition(tiny_model: Callable[[str], Path], cache: Path) -> None:
    folder = tiny_model("xglm")
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    made = translate(TransformersEngine, folder, Decoding(max_new_tokens=16), cache)
    assert [hypothesis.text for hypothesis in made] == [greedy(model, tokenizer, prompt, 16) for prompt in PROMPTS]


def test_an_adapter_is_merged_by_both(
    tmp_path: Path, tiny_model: Callable[[str], Path], write_adapter: Callable[..., Path]
) -> None:
    folder = tiny_model("xglm")
    adapter = write_adapter(tmp_path / "adapter", folder, ["q_proj", "v_proj", "fc2"])
    checkpoint = Checkpoint(id="adapted", model=str(folder), adapter=adapter)
    decoding = Decoding(max_new_tokens=10)
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(folder), adapter)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    expected = [greedy(model, tokenizer, prompt, 10) for prompt in PROMPTS]
    for engine in ENGINES:
        made = engine(engine.prepare(checkpoint, decoding, tmp_path / "cache"), decoding).translate(PROMPTS)
        assert [hypothesis.text for hypothesis in made] == expected


def test_half_precision_weights_are_decoded_in_float32(tmp_path: Path, write_model: Callable[..., Path]) -> None:
    """Where sqrt(d_model) is no power of two and half precision could not hold the scaled embedding."""
    folder = write_model(tmp_path / "half" / "model", "xglm", d_model=24, attention_heads=3)
    AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).save_pretrained(folder)
    fast, reference = (translate(engine, folder, Decoding(max_new_tokens=16), tmp_path) for engine in ENGINES)
    assert fast == reference


def test_recommendations_of_the_models_makers_do_not_come_in(
    tmp_path: Path, tiny_model: Callable[[str], Path], write_model: Callable[..., Path], cache: Path
) -> None:
    folder = write_model(tmp_path / "sampling" / "model", "xglm")
    (folder / "generation_config.json").write_text(
        '{"do_sample": true, "temperature": 9.0, "repetition_penalty": 1.9, "no_repeat_ngram_size": 1, "num_beams": 2}'
    )
    decoding = Decoding(max_new_tokens=16)
    for engine in ENGINES:
        assert translate(engine, folder, decoding, tmp_path) == translate(engine, tiny_model("xglm"), decoding, cache)
