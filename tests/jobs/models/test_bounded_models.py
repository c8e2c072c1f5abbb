"""Models of others: files that are none, headers beyond measure, and an index that leads out of the folder."""

import json
import os
from pathlib import Path

import pytest

from dragoman.errors import ModelError
from dragoman_jobs.models.pretrained import INDEX, load_config, load_tokenizer, weight_files


def test_an_index_names_files_beside_it(tmp_path: Path) -> None:
    (tmp_path / "other.safetensors").touch()
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / INDEX).write_text(json.dumps({"weight_map": {"a": "../other.safetensors"}}))
    with pytest.raises(ModelError, match=r"it names \.\./other.safetensors, which is no file beside it"):
        weight_files(folder)


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ("[" * 100_000 + "]" * 100_000, "is nested too deeply"),
        ('{"a": ' * 80 + "1" + "}" * 80, "is nested too deeply, and 64 is the limit"),
        ('{"vocab_size": ' + "1" * 5000 + "}", "has a number of thousands of digits"),
    ],
    ids=["deep", "deeper than the limit", "digits"],
)
def test_a_configuration_beyond_measure_is_a_sentence(tmp_path: Path, config: str, sentence: str) -> None:
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(ModelError, match=sentence):
        load_config(tmp_path)


def test_a_header_of_weights_beyond_measure_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes((1 << 40).to_bytes(8, "little"))
    with pytest.raises(ModelError, match=r"describes itself in more bytes .* limit_file_bytes"):
        load_config(tmp_path)


def test_a_vocabulary_that_is_a_pipe_is_a_sentence(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "tokenizer.json")
    with pytest.raises(ModelError, match=r"tokenizer\.json is a pipe"):
        load_tokenizer(tmp_path)
