"""What of a checkpoint's settings is part of its identity: whatever decides the text, and only where it does."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from dragoman.checkpoint_settings import changed_at
from dragoman.planning.baselines import identity_of
from dragoman.spec.grid import Base

ROOT = Path(__file__).parents[2]

CHANGES: list[tuple[str, dict[str, Any]]] = [
    # more end tokens, as chat models have them (Llama 3: <|end_of_text|> and <|eot_id|>), which every engine stops at
    ("generation_config.json", {"eos_token_id": [2, 285]}),
    ("tokenizer_config.json", {"eos_token": "<pad>"}),
    ("tokenizer_config.json", {"add_bos_token": True}),
    ("tokenizer_config.json", {"add_prefix_space": False}),
    ("tokenizer_config.json", {"tokenizer_class": "LlamaTokenizer"}),
    ("tokenizer_config.json", {"added_tokens_decoder": {"4000": {"content": "<x>", "special": True}}}),
]
NOTHING: list[tuple[str, dict[str, Any]]] = [
    # engines take these from the spec and never from the checkpoint
    ("generation_config.json", {"do_sample": True, "temperature": 0.7, "repetition_penalty": 1.1, "max_length": 9}),
    ("generation_config.json", {"eos_token_id": [2]}),
    ("tokenizer_config.json", {"model_max_length": 12, "padding_side": "left"}),
    ("tokenizer_config.json", {"eos_token": {"content": "</s>", "lstrip": False}}),
    ("tokenizer_config.json", {"tokenizer_class": "XGLMTokenizer"}),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the demo's base."""
    return Path(shutil.copytree(ROOT / "examples" / "tiny-xglm", tmp_path / "model"))


def change(folder: Path, name: str, changes: dict[str, Any]) -> None:
    path = folder / name
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def identity(folder: Path, chat: bool = False) -> str:
    return identity_of(Base(model=str(folder)), "base.model", chat=chat).id


def test_a_model_whose_settings_repeat_its_configuration_keeps_its_identity(folder: Path) -> None:
    """A golden of the first version: the demo's base, whose results are in stores since then."""
    assert identity(folder) == "model1-96fb38a51ffe5fb1d8c82f1ad641dc3c"


@pytest.mark.parametrize(("name", "changes"), CHANGES)
def test_settings_that_decide_count(folder: Path, name: str, changes: dict[str, Any]) -> None:
    before = identity(folder)
    change(folder, name, changes)
    assert identity(folder) != before
    assert identity(folder).startswith("model2-")


@pytest.mark.parametrize(("name", "changes"), NOTHING)
def test_settings_that_decide_nothing_do_not(folder: Path, name: str, changes: dict[str, Any]) -> None:
    before = identity(folder)
    change(folder, name, changes)
    assert identity(folder) == before


def test_files_for_people_and_times_do_not_count(folder: Path) -> None:
    before = identity(folder)
    (folder / "README.md").write_text("Another one.")
    (folder / ".gitattributes").write_text("*.safetensors filter=lfs")
    for path in folder.iterdir():
        os.utime(path, (1, 1))
    assert identity(folder) == before
    assert identity(Path(shutil.copytree(folder, folder.parent / "elsewhere"))) == before


@pytest.mark.parametrize("name", ["chat_template.jinja", "chat_template.json", "additional_chat_templates/rag.jinja"])
def test_a_chat_template_counts_where_models_are_asked_with_it(folder: Path, name: str) -> None:
    plain, chat = identity(folder), identity(folder, chat=True)
    assert plain == chat
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("{{ messages[0].content }}")
    assert identity(folder) == plain
    first = identity(folder, chat=True)
    (folder / name).write_text("Say: {{ messages[0].content }}")
    assert len({plain, first, identity(folder, chat=True)}) == 3


def test_a_vocabulary_counts_where_tokenizers_are_made_from_it(folder: Path) -> None:
    before = identity(folder)
    (folder / "vocab.json").write_text("{}")
    assert identity(folder) == before
    (folder / "tokenizer.json").unlink()
    first = identity(folder)
    (folder / "vocab.json").write_text('{"a": 1}')
    assert len({before, first, identity(folder)}) == 3


def test_the_identity_of_before_is_told_of(folder: Path) -> None:
    before = identity(folder)
    change(folder, "generation_config.json", {"eos_token_id": [2, 285]})
    former = identity_of(Base(model=str(folder)), "base.model").former
    assert former is not None
    assert former.id == before
    assert former.unseen == changed_at(folder) == (folder / "generation_config.json").stat().st_mtime
