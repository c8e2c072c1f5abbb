"""The base is prepared ahead only where it will be decoded, and for the GPUs that it will be decoded on."""

import io
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dragoman.planning.planner import make_plan
from dragoman.settings import Settings
from dragoman.spec.grid import GridSpec
from dragoman_jobs.driver.prewarm import PrewarmRequest, prewarm_base


@pytest.mark.parametrize("evaluated", [True, False])
def test_the_base_is_prepared_where_it_is_evaluated(
    tmp_path: Path, tiny_model: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, evaluated: bool
) -> None:
    lora = {"kind": "lora", "learning_rate": 0.001, "steps": 2}
    model = {"name": "small", "pairs": {"centric": "en"}, "examples": 2, "method": lora}
    content = {
        "name": "g", "base": str(tiny_model("xglm")), "languages": ["en", "de"], "corpus": "cldr", "models": [model],
        "evaluation": {"sentences": 2, "base": evaluated},
    }  # fmt: skip
    asked: list[PrewarmRequest] = []

    class Process:
        def __init__(self, command: list[Any], **_: Any) -> None:
            self.stdin = io.BytesIO()

        def communicate(self) -> None:
            asked.append(PrewarmRequest.model_validate_json(self.stdin.getvalue()))

    monkeypatch.setattr(subprocess, "Popen", Process)
    with prewarm_base(make_plan(GridSpec.model_validate(content)), Settings(home=tmp_path, worker_gpus=0.5)):
        pass
    assert [request.gpus for request in asked] == ([0.5] if evaluated else [])
