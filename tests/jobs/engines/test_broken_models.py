"""Models and endpoints that are broken in many ways: one sentence each with the remedy, and nothing left behind."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import T5Config, T5ForConditionalGeneration

from dragoman.errors import ModelError
from dragoman.spec.decoding import Decoding
from dragoman_jobs.engines.openai import OpenAIEngine
from dragoman_jobs.engines.selection import choose_engine
from dragoman_jobs.models.checkpoint import Checkpoint

DECODING = Decoding(max_new_tokens=4)


def _config(folder: Path, **changes: Any) -> None:
    found = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**found, **changes}))


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:200])


def _index(folder: Path, content: str) -> None:
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    (folder / "model.safetensors.index.json").write_text(content)


def _another(model: Any) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / "model.safetensors").unlink()
        model().save_pretrained(folder)

    return write


T5 = {
    "vocab_size": 101,
    "d_model": 8,
    "d_kv": 4,
    "d_ff": 8,
    "num_layers": 1,
    "num_heads": 2,
    "decoder_start_token_id": 0,
}
BROKEN: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no config": (lambda at: (at / "config.json").unlink(), "has no config.json. Give the folder"),
    "no weights": (lambda at: (at / "model.safetensors").unlink(), "has no weights in safetensors"),
    "pickled weights": (
        lambda at: (at / "model.safetensors").rename(at / "pytorch_model.bin"), "save it again with `save_pretrained`"
    ),
    "weights cut short": (lambda at: _cut(at / "model.safetensors"), "are damaged"),
    "no tokenizer": (
        lambda at: [(at / name).unlink() for name in ("tokenizer.json", "tokenizer_config.json")], "has no tokenizer"
    ),
    "a damaged tokenizer": (lambda at: _cut(at / "tokenizer.json"), "save the model with its tokenizer"),
    "a config that is no JSON": (lambda at: _cut(at / "config.json"), "can't be read"),
    "a config that is a list": (lambda at: (at / "config.json").write_text("[]"), "can't be read"),
    "an unknown architecture": (lambda at: _config(at, model_type="babelfish"), "babelfish"),
    "a size that is a word": (lambda at: _config(at, d_model="large"), "can't be read"),
    "another size than the weights": (lambda at: _config(at, d_model=64), "mend the model"),
    "an index of shards that are not there": (
        lambda at: _index(at, '{"weight_map": {"a": "model-00002-of-00002.safetensors"}}'), "which its index names"
    ),
    "an index that says nothing": (lambda at: _index(at, "{}"), "is damaged"),
    "an encoder-decoder without languages": (
        _another(lambda: T5ForConditionalGeneration(T5Config(**T5))), "without language tokens"
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_model_is_one_sentence(kind: str, tiny_model: Callable[[str], Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_model("xglm"), tmp_path / "model"))
    damage, sentence = BROKEN[kind]
    damage(folder)
    with pytest.raises(ModelError) as error:
        choose_engine("auto", Checkpoint(id="m", model=str(folder)), DECODING, tmp_path / "cache")
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_adapters_without_a_base_or_in_its_place(
    tiny_model: Callable[[str], Path], write_adapter: Callable[..., Path], tmp_path: Path
) -> None:
    adapter = write_adapter(tmp_path / "adapter", tiny_model("xglm"), ["q_proj"])

    def choose(model: Path) -> None:
        choose_engine("auto", Checkpoint(id="m", model=str(model), adapter=adapter), DECODING, tmp_path / "cache")

    with pytest.raises(ModelError, match=r"There is no model .*gone .*: give a folder"):
        choose(tmp_path / "gone")
    with pytest.raises(ModelError, match="holds a peft adapter and no model: merge it into its base"):
        choose(adapter)
    with pytest.raises(ModelError, match="give the base model it was trained on"):
        choose(tiny_model("gpt2"))
    _cut(adapter / "adapter_model.safetensors")
    with pytest.raises(ModelError, match="give the base model it was trained on"):
        choose(tiny_model("xglm"))


@pytest.mark.parametrize("answer", ["<html>", '{"object": "error"}', '{"choices": []}', "[]", "null"])
def test_an_answer_of_another_protocol(server: Any, tmp_path: Path, answer: str) -> None:
    engine = OpenAIEngine(OpenAIEngine.prepare(Checkpoint(id="m", model="parrot"), DECODING, tmp_path), DECODING)
    server.whole = answer
    with pytest.raises(ModelError, match="does not speak OpenAI's protocol"):
        engine.translate(["ab"])
    if not answer.startswith("{"):  # servers may list no models
        with pytest.raises(ModelError, match="does not speak OpenAI's protocol"):
            OpenAIEngine.prepare(Checkpoint(id="n", model="parrot"), DECODING, tmp_path)


def test_an_endpoint_that_is_no_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "no address")
    monkeypatch.setenv("DRAGOMAN_OPENAI_RETRIES", "0")
    with pytest.raises(ModelError, match="can't be reached: mend OPENAI_BASE_URL, or the endpoint that the spec names"):
        OpenAIEngine.prepare(Checkpoint(id="m", model="parrot"), DECODING, tmp_path)
