"""Tiny models with random weights and a tokenizer of single characters, made once a session."""

import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (
    AutoModelForCausalLM,
    GPT2Config,
    LlamaConfig,
    OlmoConfig,
    OPTConfig,
    PreTrainedTokenizerFast,
    XGLMConfig,
)

from dragoman import plugins
from dragoman.settings import Settings
from dragoman_jobs.testing import EchoEngine

SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]
END, BREAK = 2, 99
"""The end of a sentence, and the line feed."""
VOCABULARY = 101
"""More rows than the tokenizer has tokens, as models often have, and no multiple of 8."""

_IDS: dict[str, Any] = {"vocab_size": VOCABULARY, "bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2}
_SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 128,
    **_IDS,
}
_XGLM: dict[str, Any] = {
    "d_model": 32,
    "ffn_dim": 64,
    "num_layers": 2,
    "attention_heads": 4,
    "max_position_embeddings": 128,
    **_IDS,
}
_ROPE = {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}

CONFIGS: dict[str, Callable[..., Any]] = {
    "xglm": lambda **changes: XGLMConfig(**{**_XGLM, **changes}),
    "opt": lambda **changes: OPTConfig(**{**_SIZES, "word_embed_proj_dim": 32, "ffn_dim": 64, **changes}),
    "llama": lambda **changes: LlamaConfig(**{**_SIZES, "intermediate_size": 64, "num_key_value_heads": 2, **changes}),
    "gpt2": lambda **changes: GPT2Config(n_embd=32, n_layer=2, n_head=4, n_positions=128, **{**_IDS, **changes}),
    "olmo": lambda **changes: OlmoConfig(**{**_SIZES, "intermediate_size": 64, **changes}),
    "llama3.1": lambda **changes: LlamaConfig(
        **{
            **_SIZES,
            "intermediate_size": 64,
            "max_position_embeddings": 131072,
            "rope_parameters": {**_ROPE, "original_max_position_embeddings": 8192},
            **changes,
        }
    ),
}


def _tokenizer(prefix: str = "</s> ", suffix: str = "") -> PreTrainedTokenizerFast:
    """Every printable ASCII character and the line feed is a token; special tokens go around a sentence."""
    byte_level = {ord(" "): "Ġ", ord("\n"): "Ċ"}
    characters = [byte_level.get(ord(character), character) for character in string.printable[:95] + "\n"]
    vocabulary = {token: number for number, token in enumerate([*SPECIAL, *characters])}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    if prefix or suffix:
        ids = [(token, number) for number, token in enumerate(SPECIAL)]
        backend.post_processor = processors.TemplateProcessing(single=f"{prefix}$A{suffix}", special_tokens=ids)
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<s>", eos_token="</s>", unk_token="<unk>", pad_token="<pad>"
    )


def _write_model(folder: Path, kind: str, *, seed: int = 1, prefix: str = "</s> ", **changes: Any) -> Path:
    """A model with random weights and its tokenizer.

    The matrices are six times the usual size: the model then prefers some tokens by far, and different ones for every
    prompt, so that no choice hangs on how an engine rounds. The two tokens that end a text weigh double, to be seen.
    """
    torch.manual_seed(seed)
    model: Any = AutoModelForCausalLM.from_config(CONFIGS[kind](**changes))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(6)
        model.get_output_embeddings().weight[[END, BREAK]] *= 2
    model.save_pretrained(folder)
    _tokenizer(prefix).save_pretrained(folder)
    return folder


def _write_adapter(folder: Path, base: Path, modules: list[str]) -> Path:
    """A LoRA adapter with random weights that change the model's text."""
    torch.manual_seed(2)
    config = LoraConfig(task_type="CAUSAL_LM", r=4, lora_alpha=8, target_modules=modules, init_lora_weights=False)
    model: Any = get_peft_model(AutoModelForCausalLM.from_pretrained(base), config)
    model.save_pretrained(folder, save_embedding_layers=False)
    return folder


@pytest.fixture(scope="session")
def write_model() -> Callable[..., Path]:
    """Writes a model into a folder, see `_write_model`."""
    return _write_model


@pytest.fixture(scope="session")
def write_adapter() -> Callable[..., Path]:
    """Writes an adapter into a folder, see `_write_adapter`."""
    return _write_adapter


@pytest.fixture(scope="session")
def make_tokenizer() -> Callable[..., PreTrainedTokenizerFast]:
    """Makes the tokenizer, see `_tokenizer`."""
    return _tokenizer


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a kind of model (`CONFIGS`), not to be written to; GPT-2 has a tokenizer without prefix."""
    folders: dict[str, Path] = {}

    def make(kind: str) -> Path:
        if kind not in folders:
            prefix = "" if kind == "gpt2" else "</s> "
            folders[kind] = _write_model(tmp_path_factory.mktemp(kind) / "model", kind, prefix=prefix)
        return folders[kind]

    return make


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> type[EchoEngine]:
    """Every engine is the one that says the source again."""
    real = plugins.load
    monkeypatch.setattr(plugins, "load", lambda group, name: EchoEngine if group == "engines" else real(group, name))
    EchoEngine.fails = None
    return EchoEngine


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Those of a home that is there."""
    (tmp_path / "home").mkdir()
    return Settings(home=tmp_path / "home")


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is waited for is looked at a hundred times a second, and a worker that died is started again at once."""
    for clock in ("driver.driver.BEAT_SECONDS", "cli.status.BEAT_SECONDS", "driver.trainings.LOOK_SECONDS"):
        monkeypatch.setattr(f"dragoman_jobs.{clock}", 0.01)
    for clock in ("evaluation.worker_pool.BACKOFF", "driver.driver_loop.TICK_SECONDS"):
        monkeypatch.setattr(f"dragoman_jobs.{clock}", 0.0)
