"""What browsers are told of the pages; who may do what is tested with the writes."""

from pathlib import Path

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
