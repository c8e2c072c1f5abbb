import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from dragoman.errors import ModelError
from dragoman.plugins import UnknownPluginError
from dragoman.spec.decoding import Decoding
from dragoman_jobs.engines import transformers as engine_module
from dragoman_jobs.engines.base import UnsupportedModelError
from dragoman_jobs.engines.selection import choose_engine
from dragoman_jobs.engines.transformers import TransformersEngine
from dragoman_jobs.models.checkpoint import Checkpoint
from dragoman_jobs.models.pretrained import load_model


def test_auto_takes_the_fastest_that_takes_the_model(
    tmp_path: Path, tiny_model: Callable[[str], Path], caplog: pytest.LogCaptureFixture
) -> None:
    name, prepared = choose_engine("auto", Checkpoint(id="x", model=str(tiny_model("xglm"))), Decoding(), tmp_path)
    assert name == "ctranslate2"
    assert prepared.is_dir()
    assert not caplog.records


@pytest.mark.parametrize(("kind", "reason"), [("olmo", "OlmoConfig"), ("llama3.1", "computes other logits")])
def test_auto_says_why_it_passes_over_an_engine(
    tmp_path: Path, tiny_model: Callable[[str], Path], caplog: pytest.LogCaptureFixture, kind: str, reason: str
) -> None:
    caplog.set_level(logging.INFO)
    name, _ = choose_engine("auto", Checkpoint(id="x", model=str(tiny_model(kind))), Decoding(), tmp_path)
    assert name == "transformers"
    assert reason in caplog.text


def test_several_gpus_a_worker_are_for_engines_that_share_a_model_out(
    tmp_path: Path, tiny_model: Callable[[str], Path], caplog: pytest.LogCaptureFixture
) -> None:
    checkpoint = Checkpoint(id="x", model=str(tiny_model("xglm")))
    for gpus in (0, 0.5, 1):
        assert choose_engine("auto", checkpoint, Decoding(), tmp_path, gpus)[0] == "ctranslate2"
    assert choose_engine("auto", checkpoint, Decoding(), tmp_path, 2)[0] == "transformers"
    assert "decodes on one GPU a worker, not on 2" in caplog.text
    with pytest.raises(UnsupportedModelError, match=r"ask for one \(`--gpus 1`\), or choose the transformers"):
        choose_engine("ctranslate2", checkpoint, Decoding(), tmp_path, 2)
    with pytest.raises(UnsupportedModelError, match=r"vLLM takes whole GPUs, and each worker is to hold 0.5"):
        choose_engine("vllm", checkpoint, Decoding(), tmp_path, 0.5)


def test_layers_are_shared_out_among_the_gpus_a_worker_sees(
    tmp_path: Path, tiny_model: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: dict[str, Any] = {}

    def load(folder: Path, dtype: Any, architecture: Any, **options: Any) -> Any:
        told.update(options)
        return load_model(folder, torch.float32, architecture)

    monkeypatch.setattr(engine_module, "load_model", load)
    monkeypatch.setattr(engine_module, "computing_dtype", lambda stored, device: torch.float32)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    _, prepared = choose_engine(
        "transformers", Checkpoint(id="x", model=str(tiny_model("llama"))), Decoding(), tmp_path, 2
    )
    TransformersEngine(prepared, Decoding(), "cuda")
    assert told == {"device_map": "auto"}


def test_an_engine_by_name(tmp_path: Path, tiny_model: Callable[[str], Path]) -> None:
    checkpoint = Checkpoint(id="x", model=str(tiny_model("xglm")))
    assert choose_engine("transformers", checkpoint, Decoding(), tmp_path)[0] == "transformers"
    with pytest.raises(UnknownPluginError, match="did you mean 'ctranslate2'"):
        choose_engine("ctranslat2", checkpoint, Decoding(), tmp_path)


def test_no_engine_takes_it(tmp_path: Path, tiny_model: Callable[[str], Path]) -> None:
    checkpoint = Checkpoint(id="x", model=str(tiny_model("olmo")))
    with pytest.raises(UnsupportedModelError, match=r"OlmoConfig.*not in int8"):
        choose_engine("auto", checkpoint, Decoding(precision="int8"), tmp_path)
    with pytest.raises(UnsupportedModelError, match="OlmoConfig"):
        choose_engine("ctranslate2", checkpoint, Decoding(), tmp_path)


def test_a_model_that_is_not_there_ends_the_search(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"it has no config\.json") as error:
        choose_engine("auto", Checkpoint(id="x", model=str(tmp_path)), Decoding(), tmp_path / "cache")
    assert not isinstance(error.value, UnsupportedModelError)
