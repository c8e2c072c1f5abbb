"""What is served is what was scored: one way of merging adapters, and registering only what answers alike."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import torch
from peft import LoraConfig, get_peft_model
from sqlalchemy import select, update
from transformers import AutoModelForCausalLM, AutoTokenizer, GemmaConfig, LlamaConfig, OPTConfig, Qwen2Config

from dragoman.errors import ModelError
from dragoman.pair import Pair
from dragoman.spec.decoding import Decoding
from dragoman.spec.prompt import Prompt
from dragoman.store.schema import CellRow, ModelRow
from dragoman_jobs.engines.transformers import TransformersEngine
from dragoman_jobs.models.checkpoint import Checkpoint
from dragoman_jobs.models.peft_import import import_peft
from dragoman_registry.packaging import served_model
from dragoman_registry.packaging.package import register
from dragoman_registry.packaging.served_model import Translator
from dragoman_registry.registry_client.client import client_at
from dragoman_registry.registry_client.versions import registered_names

LINES = ["two hours", "a", "Zwölf Monate", "x" * 20]
PAIR = Pair("de", "fr")
SIZES: dict[str, Any] = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "max_position_embeddings": 256,
    "vocab_size": 260, "bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2, "tie_word_embeddings": True,
}  # fmt: skip
GATED: dict[str, Any] = {**SIZES, "intermediate_size": 64, "num_key_value_heads": 2, "initializer_range": 0.3}
KINDS: dict[str, Callable[[], Any]] = {
    "llama": lambda: LlamaConfig(**GATED),
    "qwen2": lambda: Qwen2Config(**GATED),
    "gemma": lambda: GemmaConfig(**GATED, head_dim=8),
    "opt": lambda: OPTConfig(**SIZES, word_embed_proj_dim=32, ffn_dim=64, init_std=0.3),
    "untied": lambda: LlamaConfig(**{**GATED, "tie_word_embeddings": False}),
}
WAYS: dict[str, dict[str, Any]] = {
    "inner": {"target_modules": ["q_proj", "v_proj"]},
    "head": {"target_modules": ["lm_head", "q_proj"]},
    "embedding": {"target_modules": ["embed_tokens", "q_proj"]},
    "both": {"target_modules": ["lm_head", "embed_tokens"]},
    "dora": {"target_modules": ["lm_head", "q_proj"], "use_dora": True},
    "saved head": {"target_modules": ["q_proj"], "modules_to_save": ["lm_head"]},
    "saved embedding": {"target_modules": ["q_proj"], "modules_to_save": ["embed_tokens"]},
}


def base_of(kind: str, base_folder: Path, folder: Path) -> Path:
    """A tiny model with random weights."""
    if kind == "xglm":
        return base_folder
    torch.manual_seed(1)
    AutoModelForCausalLM.from_config(KINDS[kind]()).save_pretrained(folder)
    AutoTokenizer.from_pretrained(base_folder).save_pretrained(folder)
    return folder


def adapter_of(base: Path, folder: Path, way: dict[str, Any]) -> Path:
    """An adapter as training leaves it, of weights that change the text."""
    torch.manual_seed(2)
    model = AutoModelForCausalLM.from_pretrained(base)
    adapted: Any = get_peft_model(model, LoraConfig(r=4, init_lora_weights=False, task_type="CAUSAL_LM", **way))
    for name, weights in adapted.named_parameters():
        if "modules_to_save" in name:
            weights.data += 0.1 * torch.randn_like(weights)
    adapted.save_pretrained(folder)
    return folder


def served(base: Path, checkpoint: Path, decoding: Decoding) -> list[str]:
    """What the code of a registered model answers."""
    config = {
        "template": "[{source_language}]: {source} [{target_language}]:", "shots": 0, "separator": "\n", "chat": None,
        "languages": {"de": "German", "fr": "French"}, "base_model": str(base), "base_revision": None,
        "base_files": None, "base_patterns": [], "stop": list(decoding.stop),
        **{name: getattr(decoding, name) for name in ("beam", "length_penalty", "max_new_tokens", "max_ratio")},
        "stop_at_newline": decoding.stop_at_newline,
    }  # fmt: skip
    translator = Translator()
    translator.load_context(SimpleNamespace(model_config=config, artifacts={"checkpoint": str(checkpoint)}))
    rows = pd.DataFrame({"text": LINES, "source": "de", "target": "fr"})
    found: list[str] = translator.predict(None, rows)["translation"].tolist()
    return found


def scored(base: Path, adapter: Path, decoding: Decoding, cache: Path) -> list[str]:
    """What the reference engine answers, with the adapter merged for it."""
    checkpoint = Checkpoint(id="m", model=str(base), adapter=adapter)
    engine = TransformersEngine(TransformersEngine.prepare(checkpoint, decoding, cache), decoding)
    prompt = Prompt(template="[{source_language}]: {source} [{target_language}]:")
    return [found.text for found in engine.translate_pair(PAIR, LINES, [prompt.render(PAIR, line) for line in LINES])]


CASES = [("xglm", way) for way in WAYS] + [(kind, way) for kind in KINDS for way in ("head", "embedding")]


@pytest.mark.parametrize(("kind", "way"), CASES)
def test_a_served_adapter_gives_the_text_that_was_scored(
    base_folder: Path, tmp_path: Path, kind: str, way: str
) -> None:
    """With peft's own tying a head's adapter would be added to the embedding too (peft's issues 2018 and 2777)."""
    base = base_of(kind, base_folder, tmp_path / "base")
    adapter = adapter_of(base, tmp_path / "adapter", WAYS[way])
    decoding = Decoding(max_new_tokens=12)
    answers = served(base, adapter, decoding)
    assert answers == scored(base, adapter, decoding, tmp_path / "cache")
    assert len(set(answers)) > 1


def test_the_length_of_a_translation_is_limited_as_it_was(base_folder: Path, tmp_path: Path) -> None:
    adapter = adapter_of(base_folder, tmp_path / "adapter", WAYS["inner"])
    for decoding in (Decoding(max_new_tokens=12, max_ratio=0.4), Decoding(max_new_tokens=12, max_ratio=0.4, beam=2)):
        answers = served(base_folder, adapter, decoding)
        assert answers == scored(base_folder, adapter, decoding, tmp_path / "cache")
        assert answers != served(base_folder, adapter, Decoding(max_new_tokens=12, beam=decoding.beam))


@pytest.mark.parametrize("model", ["english", "german"])
def test_a_model_that_answers_otherwise_is_not_registered(world: Any, model: str) -> None:
    store, grid = world.store, world.grid
    (model_id,) = [identity for identity, name in grid.names.items() if name == model]
    address = store.blobs.put_translation([("something else", "stop", 4)] * 3)
    number = select(ModelRow.id).where(ModelRow.identity == model_id).scalar_subquery()
    with store.database.writing() as connection:
        connection.execute(update(CellRow).where(CellRow.model_id == number).values(hypotheses=address))
    with pytest.raises(ModelError, match=rf"'{model}' is not registered: of 12 sentences .* translates 12 otherwise"):
        register(world.settings, store, grid, model, "small-translator")
    client = client_at(world.settings.mlflow_url)
    assert "small-translator" not in registered_names(world.settings.mlflow_url)
    experiments = [each.experiment_id for each in client.search_experiments()]
    assert client.search_logged_models(experiments) == []
    assert not list((world.settings.home / "artifacts").rglob("MLmodel"))
    assert not [path for path in world.settings.cache_dir.iterdir() if path.name.startswith("tmp")]


def test_a_model_without_translations_is_not_registered(world: Any) -> None:
    evaluation = {**world.spec.evaluation.model_dump(mode="json"), "decoding": {"max_new_tokens": 11}}
    world.run(
        {"name": "failed", "evaluation": evaluation},
        scores={name: dict.fromkeys(found) for name, found in world.scores.items()},
    )
    with pytest.raises(ModelError, match="No translation of 'english' is in the store"):
        register(world.settings, world.store, world.grid, "english", "small-translator")


@pytest.mark.parametrize("import_it", [served_model._peft, import_peft])
def test_peft_comes_without_code_of_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, import_it: Callable[[], Any]
) -> None:
    """bitsandbytes 0.50 imports `kernels` if it can, and has it fetch compiled code (`backends/cpu/ops.py`)."""
    (tmp_path / "kernels.py").write_text("")
    (tmp_path / "peft.py").write_text("try:\n    import kernels\nexcept ImportError:\n    kernels = None\n")
    monkeypatch.syspath_prepend(tmp_path)
    for name in [each for each in sys.modules if each.partition(".")[0] in ("peft", "kernels")]:
        monkeypatch.delitem(sys.modules, name)
    assert import_it().kernels is None
    assert "kernels" not in sys.modules
    del sys.modules["peft"]
