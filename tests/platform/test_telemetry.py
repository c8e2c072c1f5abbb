"""Reports to the makers of libraries are off, by the libraries' own word."""

import json
import os
import subprocess
import sys

import pytest

from dragoman.telemetry import OFF, turn_off

ASK = {
    "mlflow": "from mlflow.telemetry.utils import is_telemetry_disabled as off; print(int(off()))",
    "ray": "from ray._common.usage.usage_lib import usage_stats_enabled as on; print(int(not on()))",
    "huggingface_hub": "from huggingface_hub.constants import HF_HUB_DISABLE_TELEMETRY as off; print(int(off))",
}


@pytest.mark.parametrize("library", ASK)
@pytest.mark.parametrize("after", [True, False])
def test_a_library_says_that_they_are_off_once_they_are_turned_off(library: str, after: bool, tmp_path) -> None:
    pytest.importorskip(library)
    signs = ("CI", "GITHUB_ACTIONS", "PYTEST_CURRENT_TEST", *OFF)  # MLflow sends nothing where it is tested
    kept = {name: value for name, value in os.environ.items() if name not in signs} | {"HOME": str(tmp_path)}
    first = "from dragoman.telemetry import turn_off; turn_off(); " if after else ""
    asked = [sys.executable, "-c", first + ASK[library]]
    done = subprocess.run(asked, capture_output=True, text=True, env=kept, cwd=tmp_path, check=True)
    assert bool(json.loads(done.stdout.splitlines()[-1])) is after


def test_what_somebody_has_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in OFF:
        monkeypatch.setenv(name, "theirs")
    turn_off()
    assert {os.environ[name] for name in OFF} == {"theirs"}
