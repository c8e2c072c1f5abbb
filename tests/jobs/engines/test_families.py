"""Families of decoders: what CTranslate2 makes of each is what transformers computes, or it is refused."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import (
    Gemma2Config,
    Gemma3TextConfig,
    GemmaConfig,
    LlamaConfig,
    MistralConfig,
    Phi3Config,
    Qwen2Config,
    Qwen3Config,
)

from dragoman.errors import ModelError
from dragoman.spec.decoding import Decoding
from dragoman_jobs.engines.ctranslate2 import CTranslate2Engine
from dragoman_jobs.engines.selection import choose_engine
from dragoman_jobs.engines.transformers import TransformersEngine
from dragoman_jobs.models.checkpoint import Checkpoint

PROMPTS = [f"[English]: {number} Euro [French]:" for number in range(7, 12)]
DECODING = Decoding(max_new_tokens=12)
SIZES: dict[str, Any] = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
    "intermediate_size": 64, "max_position_embeddings": 128, "vocab_size": 101, "bos_token_id": 0, "pad_token_id": 1,
    "eos_token_id": 2,
}  # fmt: skip
THETA = {"rope_parameters": {"rope_type": "default", "rope_theta": 500000.0}}
GEMMA: dict[str, Any] = {"head_dim": 16, "query_pre_attn_scalar": 16}
CONVERTED: dict[str, Callable[[], Any]] = {
    "mistral": lambda: MistralConfig(**SIZES, head_dim=8, sliding_window=None),
    "mistral with a window": lambda: MistralConfig(**SIZES, head_dim=8, sliding_window=80),
    "gemma": lambda: GemmaConfig(**SIZES, head_dim=16),
    "gemma2": lambda: Gemma2Config(**SIZES, **GEMMA, sliding_window=80),
    "gemma3": lambda: Gemma3TextConfig(**SIZES, **GEMMA, sliding_window=80),
    "qwen2": lambda: Qwen2Config(**SIZES, **THETA),
    "qwen3": lambda: Qwen3Config(**SIZES, **THETA, head_dim=16),
    "llama3": lambda: LlamaConfig(**SIZES, **THETA),
}
REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "phi3": (lambda: Phi3Config(**{**SIZES, "num_key_value_heads": 4}), "can't convert"),
    "a window of few tokens": (lambda: MistralConfig(**SIZES, head_dim=8, sliding_window=16), "can't decode"),
}


@pytest.fixture
def write(write_model: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    def of(config: Callable[[], Any]) -> Path:
        monkeypatch.setitem(write_model.__globals__["CONFIGS"], "this", config)
        return write_model(tmp_path / "model", "this")

    return of


@pytest.mark.parametrize("kind", CONVERTED)
def test_what_converts_gives_the_references_text(kind: str, write: Callable[..., Path], tmp_path: Path) -> None:
    checkpoint = Checkpoint(id="m", model=str(write(CONVERTED[kind])))
    engines = (CTranslate2Engine, TransformersEngine)
    fast, reference = (engine(engine.prepare(checkpoint, DECODING, tmp_path), DECODING) for engine in engines)
    assert fast.translate(PROMPTS) == reference.translate(PROMPTS)
    if "window" in kind:
        with pytest.raises(ModelError, match=r"may become 81 tokens with its translation.* reaches back 80"):
            fast.translate(["x" * 68])
        assert reference.translate(["x" * 68])[0].tokens > 0


@pytest.mark.parametrize("kind", REFUSED)
def test_what_does_not_convert_goes_to_transformers_with_a_line(
    kind: str, write: Callable[..., Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config, reason = REFUSED[kind]
    name, _ = choose_engine("auto", Checkpoint(id="m", model=str(write(config))), DECODING, tmp_path)
    assert name == "transformers"
    (line,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert line.startswith("The transformers engine decodes")
    assert reason in line
