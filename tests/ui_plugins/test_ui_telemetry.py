"""What the pages we serve are told about reports of use: MLflow's own ask before they send any."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dragoman.settings import Settings
from dragoman.telemetry import OFF
from dragoman_ui.cli import environment

ASKED = "/ajax-api/3.0/mlflow/ui-telemetry"
"""Where MLflow's pages ask (mlflow.server, `serve_get_ui_telemetry`), and send."""

SERVED = f"""
import json
from mlflow.server import app, handlers
handlers._telemetry_config_cache["config"] = {{"disable_ui_telemetry": False, "disable_telemetry": False,
                                               "disable_ui_events": [], "ui_rollout_percentage": 100}}
%s
client = app.test_client()
print(json.dumps([client.get("{ASKED}").json, client.post("{ASKED}", json={{"records": []}}).json]))
"""


def told(home: Path, make: str) -> list[dict[str, object]]:
    """What a server says whose maker wants reports, in surroundings that say nothing of it."""
    signs = ("CI", "GITHUB_ACTIONS", "PYTEST_CURRENT_TEST", *OFF)
    kept = {name: value for name, value in os.environ.items() if name not in signs}
    kept |= {"DRAGOMAN_HOME": str(home), "MLFLOW_BACKEND_STORE_URI": f"sqlite:///{home}/mlflow.db"}
    asked = [sys.executable, "-c", SERVED % make]
    done = subprocess.run(asked, capture_output=True, text=True, env=kept, cwd=home, check=True)
    found: list[dict[str, object]] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_the_pages_are_told_to_send_nothing(tmp_path: Path) -> None:
    settings, answer = told(tmp_path, "from dragoman_ui.app import create_app; create_app()")
    assert settings["disable_ui_telemetry"] is True
    assert settings["ui_rollout_percentage"] == 0
    assert answer == {"status": "disabled"}


def test_mlflow_alone_would_tell_them_to_send(tmp_path: Path) -> None:
    assert told(tmp_path, "")[0]["disable_ui_telemetry"] is False


def test_the_server_that_is_started_has_them_off(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in OFF:
        monkeypatch.delenv(name, raising=False)
    assert environment(Settings()).items() >= OFF.items()
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "false")
    assert environment(Settings())["MLFLOW_DISABLE_TELEMETRY"] == "false"
