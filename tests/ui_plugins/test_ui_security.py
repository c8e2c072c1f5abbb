"""Who may do what with the pages; MLflow's own authentication runs in a process of its own, as it changes its app."""

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from flask.testing import FlaskClient

from dragoman_ui.app import _static_prefix

STATIC = Path(__file__).parents[2] / "ui_plugins" / "dragoman_ui" / "static"


@pytest.mark.parametrize(
    "path",
    [
        "/dragoman/",
        "/dragoman/grid?grid=demo",
        "/dragoman/grid?grid=none",
        "/dragoman/static/pages.js",
        "/ajax-api/3.0/dragoman/grids",
        "/ajax-api/3.0/dragoman/pairs",
    ],
)
def test_browsers_are_told_to_run_nothing_but_our_files(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "SAMEORIGIN"


def test_pages_need_nothing_that_the_policy_forbids(client: FlaskClient) -> None:
    for path in ("/", "/grid?grid=demo", "/cell?grid=demo&source=en&target=ar", "/compare?grid=demo", "/promotions"):
        page = client.get(f"/dragoman{path}").text
        assert " style=" not in page
        assert "<style" not in page
        assert " onclick=" not in page
        assert "http://" not in page
        assert "https://" not in page


def test_files_come_from_nowhere_else() -> None:
    for file in STATIC.iterdir():
        text = file.read_text()
        assert "https://" not in text
        assert "@import" not in text


def test_mlflows_prefix_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _static_prefix() == ""
    monkeypatch.setenv("_MLFLOW_STATIC_PREFIX", "/lab")
    assert _static_prefix() == "/lab"


def test_with_users_everyone_signed_in_reads_and_nobody_writes(filled: Path, tmp_path: Path) -> None:
    script = dedent(
        """
        import base64
        from mlflow.server import app
        from dragoman_ui.app import create_app_with_users

        create_app_with_users()
        from mlflow.server.auth import store
        store.create_user("viewer", "a viewer's password", is_admin=False)

        def status(path, user=None, method="get", **headers):
            if user:
                secret = base64.b64encode(user.encode()).decode()
                headers["Authorization"] = f"Basic {secret}"
            return getattr(app.test_client(), method)(path, headers=headers).status_code

        paths = ["/dragoman/grid?grid=demo", "/dragoman/static/pages.css", "/ajax-api/3.0/dragoman/pairs?grid=demo"]
        viewer = "viewer:a viewer's password"
        for path in paths:
            print(path, status(path), status(path, "viewer:wrong"), status(path, viewer), status(path, viewer, "post"))
        print("foreign", status(paths[2], viewer, "post", Origin="https://elsewhere.example"))
        """
    )
    environment = {
        "PATH": "/usr/bin:/bin",
        "DRAGOMAN_HOME": str(filled),
        "MLFLOW_AUTH_ADMIN_PASSWORD": "an admin's password",
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "a secret for a test",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "_MLFLOW_SGI_NAME": "uvicorn",
    }
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    *pages, foreign = done.stdout.splitlines()
    assert len(pages) == 3
    for line in pages:
        # nobody, a wrong password, a viewer who reads, a viewer who writes
        assert line.split()[1:] == ["401", "401", "200", "403"], line
    assert foreign == "foreign 403"
