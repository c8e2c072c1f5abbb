"""What saves memory changes no step: batches in pieces, activations computed again; and adapters of other kinds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer, M2M100Config, M2M100ForConditionalGeneration

from dragoman.errors import ModelError
from dragoman.spec.decoding import Decoding
from dragoman.spec.method import Full, Lora
from dragoman_jobs.engines.ctranslate2 import CTranslate2Engine
from dragoman_jobs.finetune import adapters, trainer
from dragoman_jobs.finetune.examples import TrainingExample
from dragoman_jobs.finetune.loop import finetune
from dragoman_jobs.models.checkpoint import Checkpoint
from dragoman_jobs.models.pretrained import load_model

Examples = Callable[[int], list[TrainingExample]]

FULL = Full(learning_rate=5e-3, steps=6, batch_tokens=128)
LORA = Lora(kind="lora", learning_rate=1e-2, steps=6, batch_tokens=128, rank=4, alpha=8)


def train(base: Path, examples: list[TrainingExample], method: Full | Lora, out: Path) -> list[float]:
    return [progress.loss for progress in finetune(str(base), None, examples, method, 7, out)]


@pytest.mark.parametrize("method", [FULL, LORA], ids=["full", "lora"])
@pytest.mark.parametrize("changes", [{"accumulation": 3}, {"gradient_checkpointing": True}], ids=["pieces", "again"])
def test_the_steps_are_the_same(
    method: Full | Lora, changes: dict[str, int], still: Path, make_examples: Examples, tmp_path: Path
) -> None:
    whole = train(still, make_examples(40), method, tmp_path / "whole")
    saved = train(still, make_examples(40), method.model_copy(update=changes), tmp_path / "saved")
    assert saved == pytest.approx(whole, rel=1e-4)
    (first,), (second,) = ((tmp_path / name).glob("*.safetensors") for name in ("whole", "saved"))
    left, right = load_file(first), load_file(second)
    assert all(torch.allclose(left[name], right[name], atol=2e-3) for name in left)


def test_dora_trains_magnitudes_and_is_decoded(still: Path, make_examples: Examples, tmp_path: Path) -> None:
    losses = train(still, make_examples(40), LORA.model_copy(update={"dora": True}), tmp_path / "model")
    assert losses[-1] < losses[0]
    (weights,) = (tmp_path / "model").glob("*.safetensors")
    assert any("lora_magnitude_vector" in name for name in load_file(weights))
    checkpoint = Checkpoint(id="dora", model=str(still), adapter=tmp_path / "model")
    prepared = CTranslate2Engine.prepare(checkpoint, Decoding(max_new_tokens=4), tmp_path / "cache")
    assert CTranslate2Engine(prepared, Decoding(max_new_tokens=4)).translate(["[a]: eins [b]:"])[0].tokens > 0


QLORA = LORA.model_copy(update={"quantized": "nf4"})


def test_a_base_in_four_bits_learns_the_same_each_time_and_is_decoded(
    still: Path, make_examples: Examples, tmp_path: Path
) -> None:
    losses = train(still, make_examples(40), QLORA, tmp_path / "model")
    assert losses[-1] < losses[0] and losses == train(still, make_examples(40), QLORA, tmp_path / "again")
    whole = train(still, make_examples(40), LORA, tmp_path / "whole")
    assert losses != whole and losses == pytest.approx(whole, rel=0.25)
    checkpoint = Checkpoint(id="qlora", model=str(still), adapter=tmp_path / "model")
    prepared = CTranslate2Engine.prepare(checkpoint, Decoding(max_new_tokens=4), tmp_path / "cache")
    assert CTranslate2Engine(prepared, Decoding(max_new_tokens=4)).translate(["[a]: eins [b]:"])[0].tokens > 0


def test_qlora_is_refused_where_its_package_is_not_installed(
    still: Path, make_examples: Examples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapters, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"needs the package bitsandbytes, .*`pip install 'dragoman\[qlora\]'`"):
        train(still, make_examples(4), QLORA, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_base_in_half_precision_takes_half_of_the_memory_and_learns_as_well(
    still: Path, make_examples: Examples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[Any] = []

    def load_and_keep(*arguments: Any, **options: Any) -> Any:
        loaded.append(load_model(*arguments, **options))
        return loaded[-1]

    monkeypatch.setattr(trainer, "load_model", load_and_keep)
    whole = train(still, make_examples(40), LORA, tmp_path / "whole")
    half = train(still, make_examples(40), LORA.model_copy(update={"base_precision": "bfloat16"}), tmp_path / "half")
    types = [{weight.requires_grad: weight.dtype for weight in model.parameters()} for model in loaded]
    assert types == [{False: held, True: torch.float32} for held in (torch.float32, torch.bfloat16)]
    assert half != whole
    assert half == pytest.approx(whole, rel=0.02)
    (weights,) = (tmp_path / "half").glob("*.safetensors")
    assert {tensor.dtype for tensor in load_file(weights).values()} == {torch.float32}


@pytest.mark.parametrize(
    ("error", "out_of_memory"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."), True),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to get 9 bytes."),
            True,
        ),
        (MemoryError(), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
    ],
)
def test_memory_that_does_not_suffice_for_a_step_is_a_sentence(
    error: Exception, out_of_memory: bool, still: Path, make_examples: Examples, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def fail(*_: Any) -> float:
        raise error

    monkeypatch.setattr(trainer.TargetLoss, "backward", fail)
    expected = ModelError if out_of_memory else RuntimeError
    sentence = "of cpu does not suffice for step 1 of 6: raise the method's accumulation, set gradient_checkpointing"
    with pytest.raises(expected, match=sentence if out_of_memory else "cannot be multiplied"):
        train(still, make_examples(40), FULL, tmp_path / "model")


@pytest.mark.parametrize(("method", "remedy"), [(FULL, "--training-workers"), (LORA, "base_precision: bfloat16")])
def test_a_model_that_does_not_fit_is_a_sentence(
    method: Full | Lora, remedy: str, still: Path, make_examples: Examples, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def fail(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(trainer, "load_model", fail)
    with pytest.raises(ModelError, match=f"does not fit into the memory of cpu: .*{remedy}"):
        train(still, make_examples(4), method, tmp_path / "model")


def test_an_encoder_decoder_is_not_finetuned(base: Path, make_examples: Examples, tmp_path: Path) -> None:
    config = M2M100Config(vocab_size=99, d_model=8, encoder_layers=1, decoder_layers=1, encoder_ffn_dim=8,
                          decoder_ffn_dim=8, encoder_attention_heads=1, decoder_attention_heads=1)  # fmt: skip
    M2M100ForConditionalGeneration(config).save_pretrained(tmp_path / "m2m")
    AutoTokenizer.from_pretrained(base).save_pretrained(tmp_path / "m2m")
    with pytest.raises(ModelError, match="can be evaluated but not finetuned here"):
        train(tmp_path / "m2m", make_examples(4), FULL, tmp_path / "model")


def test_what_is_not_used_is_no_part_of_a_methods_identity() -> None:
    assert "accumulation" not in FULL.model_dump()
    assert FULL.model_copy(update={"accumulation": 3}).model_dump()["accumulation"] == 3
    unused = {"dora", "quantized", "selection", "gradient_checkpointing", "base_precision"}
    assert not unused & LORA.model_dump().keys()
    assert LORA.model_copy(update={"base_precision": "bfloat16"}).model_dump()["base_precision"] == "bfloat16"
    assert Lora.model_validate(LORA.model_dump()) == LORA
