import shutil
from collections.abc import Callable
from pathlib import Path

import huggingface_hub.constants
import pytest
import torch
from safetensors.torch import load_file, save_file

from dragoman.errors import ModelError
from dragoman_jobs.models.pretrained import load_config, load_model, load_tokenizer, local_folder


@pytest.fixture
def copy(tmp_path: Path, tiny_model: Callable[[str], Path]) -> Path:
    return Path(shutil.copytree(tiny_model("xglm"), tmp_path / "copy"))


def test_a_folder_is_its_own_place(copy: Path) -> None:
    assert local_folder(str(copy)) == copy


@pytest.mark.parametrize(
    ("name", "revision"), [("nobody/no-such-model", None), ("nobody/no-such-model", "v9"), ("./no/such/folder", None)]
)
def test_no_such_model(monkeypatch: pytest.MonkeyPatch, name: str, revision: str | None) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match=f"There is no model {name}{' at revision v9' if revision else ''} "):
        local_folder(name, revision)


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"it has no config\.json"):
        local_folder(str(tmp_path))


def test_pickled_weights_are_not_read(copy: Path) -> None:
    torch.save(load_file(copy / "model.safetensors"), copy / "pytorch_model.bin")
    (copy / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="has no weights in safetensors"):
        local_folder(str(copy))


def test_weights_that_are_damaged_or_incomplete(copy: Path) -> None:
    file = copy / "model.safetensors"
    tensors = load_file(file)
    del tensors["model.layers.1.fc1.weight"]
    save_file(tensors, file, metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"lack 1 of the model's tensors, such as model\.layers\.1\.fc1\.weight"):
        load_model(copy, torch.float32)
    file.write_bytes(file.read_bytes()[:500])
    with pytest.raises(ModelError, match="can't be loaded"):
        load_model(copy, torch.float32)


def test_no_tokenizer(copy: Path) -> None:
    (copy / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match="tokenizer"):
        load_tokenizer(copy)
    (copy / "tokenizer_config.json").unlink()
    with pytest.raises(ModelError, match="has no tokenizer"):
        load_tokenizer(copy)


def test_an_architecture_that_nobody_knows(copy: Path) -> None:
    (copy / "config.json").write_text('{"model_type": "babelfish"}')
    with pytest.raises(ModelError, match="babelfish"):
        load_config(copy)
