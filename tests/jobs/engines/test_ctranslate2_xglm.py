"""XGLM written for CTranslate2 from its tensors: to the byte what CTranslate2's own converter makes of it."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, XGLMForCausalLM

from dragoman.spec.decoding import Decoding
from dragoman_jobs.engines import ctranslate2 as engine_module
from dragoman_jobs.engines.ctranslate2 import CTranslate2Engine
from dragoman_jobs.engines.ctranslate2_convert import write_ctranslate2
from dragoman_jobs.engines.ctranslate2_xglm import write_xglm
from dragoman_jobs.models.checkpoint import Checkpoint
from dragoman_jobs.models.conversion import xglm_to_opt

FILES = ("model.bin", "config.json", "vocabulary.json")

KINDS: dict[str, dict[str, Any]] = {
    "half": {"dtype": torch.float16, "activation_function": "relu"},
    "bfloat16": {"dtype": torch.bfloat16, "d_model": 24, "attention_heads": 3},
    "untied": {"tie_word_embeddings": False, "num_layers": 1},
    "alike": {"scale_embedding": False, "pad_token_id": 0},
    "odd": {"d_model": 21, "attention_heads": 3, "max_position_embeddings": 37},
}
"""Random models: stored in half precision, with scales that are no power of two, with equal and with odd tables."""


def random_model(out: Path, tokenizer: Path, dtype: torch.dtype = torch.float32, **changes: Any) -> Path:
    """A model with random tensors, biases and norms included, in several files."""
    config = AutoConfig.from_pretrained(tokenizer)
    config.update(changes)
    torch.manual_seed(7)
    model = XGLMForCausalLM(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.3)
    model.to(dtype).save_pretrained(out, max_shard_size="100KB")
    for file in tokenizer.glob("*token*"):
        shutil.copy(file, out)
    return out


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("quantization", [None, "int8"])
def test_a_random_model_is_written_to_the_byte(
    kind: str, quantization: str | None, tmp_path: Path, tiny_model: Callable[[str], Path]
) -> None:
    source = random_model(tmp_path / "source", tiny_model("xglm"), **KINDS[kind])
    write_ctranslate2("m", xglm_to_opt(source, tmp_path / "opt"), "float32", tmp_path / "theirs", quantization)
    assert write_xglm(source, AutoConfig.from_pretrained(source), tmp_path / "ours", quantization)
    assert sorted(path.name for path in (tmp_path / "ours").iterdir()) == sorted(FILES)
    for name in FILES:
        assert (tmp_path / "ours" / name).read_bytes() == (tmp_path / "theirs" / name).read_bytes(), name


def test_other_tensors_than_an_xglms_are_left_to_the_converter_and_its_check(
    tmp_path: Path, tiny_model: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Path(shutil.copytree(tiny_model("xglm"), tmp_path / "source"))
    asked = []
    real = engine_module._convert_and_check
    monkeypatch.setattr(engine_module, "_convert_and_check", lambda *given: asked.append(given) or real(*given))
    CTranslate2Engine.prepare(Checkpoint(id="plain", model=str(source)), Decoding(), tmp_path / "cache")
    assert not asked
    tensors = load_file(source / "model.safetensors")
    for number, changes in enumerate(({"layers.0.extra": torch.ones(2)}, {"model.layer_norm.bias": torch.ones(3)})):
        save_file({**tensors, **changes}, source / "model.safetensors", metadata={"format": "pt"})
        assert not write_xglm(source, AutoConfig.from_pretrained(source), tmp_path / f"none{number}")
        assert not (tmp_path / f"none{number}").exists()
