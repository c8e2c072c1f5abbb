"""The token of `dragoman ui`: who shows it may do everything, and nobody else anything."""

import json
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.ui_plugins.test_ui_routes import REACHED, RUN, apps, request

from dragoman.errors import DragomanError
from dragoman.settings import Settings
from dragoman_ui.auth import access_token

TOKEN = "0123456789abcdef0123456789abcdef"
PAGE = "text/html,application/xhtml+xml"


@pytest.fixture
def ask() -> Callable[..., tuple[int, str, dict[str, str]]]:
    """Asks routes behind a door with a token."""
    return lambda method, path, **options: request(*apps(), method, path, token=TOKEN, **options)


@pytest.mark.parametrize(
    ("options", "passes"),
    [
        ({}, False),
        ({"authorization": f"Bearer {TOKEN}"}, True),
        ({"authorization": f"bearer {TOKEN}"}, True),
        ({"authorization": f"token {TOKEN}"}, True),
        ({"query": f"run_id=1&token={TOKEN}"}, True),
        ({"cookie": f"other=1; dragoman-ui-5000={access_token.cookie_value(TOKEN, 5000)}"}, True),
        ({"authorization": "Bearer "}, False),
        ({"authorization": f"Bearer {TOKEN[:-1]}"}, False),
        ({"authorization": f"Bearer {TOKEN}x"}, False),
        ({"authorization": TOKEN}, False),
        ({"authorization": f"Basic {TOKEN}"}, False),
        ({"authorization": "Bearer ü"}, False),
        ({"query": "token="}, False),
        ({"query": "token=wrong"}, False),
        ({"query": f"token=wrong&token={TOKEN}"}, False),
        ({"cookie": f"dragoman-ui-5000={TOKEN}"}, False),
        ({"cookie": f"dragoman-ui-5000={access_token.cookie_value(TOKEN, 5001)}"}, False),  # another server's
        ({"cookie": f"dragoman-ui-5001={access_token.cookie_value(TOKEN, 5001)}"}, False),
        ({"cookie": "dragoman-ui-5000="}, False),
    ],
)
def test_what_shows_the_token(ask: Callable[..., Any], options: dict[str, str], passes: bool) -> None:
    for method, path in (("GET", RUN), ("POST", "/api/2.0/mlflow/runs/create"), ("GET", "/dragoman/")):
        status, text, _ = ask(method, path, **options)
        assert status == (200 if passes else 401), text
        assert passes or "open the address that `dragoman ui` printed" in text
    assert ask("GET", "/health")[0] == 200


def test_a_browser_exchanges_the_token_for_a_cookie(ask: Callable[..., Any]) -> None:
    status, text, headers = ask("GET", "/dragoman/", query=f"grid=a%26b&token={TOKEN}&x=%22", accept=PAGE)
    assert status == 200
    assert 'url=/dragoman/?grid=a%26b&amp;x=%22"' in text
    assert TOKEN not in text
    assert headers["referrer-policy"] == "no-referrer"
    cookie = headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert TOKEN not in cookie
    sent = cookie.partition(";")[0]
    assert sent.startswith("dragoman-ui-5000=")
    assert ask("GET", "/dragoman/", cookie=sent)[:2] == (200, REACHED)


def test_a_wrong_token_sets_no_cookie(ask: Callable[..., Any]) -> None:
    status, _, headers = ask("GET", "/dragoman/", query="token=wrong", accept=PAGE)
    assert (status, "set-cookie" in headers) == (401, False)


def test_the_address_that_leads_on_stays_on_this_server(ask: Callable[..., Any]) -> None:
    for path in ("//attacker.example/", "/\\attacker.example/"):
        assert ask("GET", path, query=f"token={TOKEN}", accept=PAGE)[0] == 400


@pytest.mark.parametrize(
    ("query", "given", "left"),
    [
        (b"", None, b""),
        (b"a=1&b=%20", None, b"a=1&b=%20"),
        (b"page_token=x", None, b"page_token=x"),
        (b"token=x", "x", b""),
        (b"a=1&token=x&b=%C3%BC&token=y", "x", b"a=1&b=%C3%BC"),
    ],
)
def test_the_token_is_taken_out_of_the_query(query: bytes, given: str | None, left: bytes) -> None:
    assert access_token.taken_from(query) == (given, left)


def test_a_chosen_token_is_long_enough() -> None:
    assert access_token.chosen(Settings()) is None
    assert access_token.chosen(Settings(ui_token="sixteen or more.")) == "sixteen or more."
    with pytest.raises(DragomanError, match="fewer than 16 characters: take a longer one") as told:
        access_token.chosen(Settings(ui_token="a short one"))
    assert "a short one" not in str(told.value)


def test_tokens_are_random_and_never_printed_with_the_settings() -> None:
    made = {access_token.made() for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch("[0-9a-f]{64}", token) for token in made)
    chosen = Settings(ui_token=TOKEN)
    assert TOKEN not in f"{chosen!r} {chosen} {chosen.model_dump_json()}"


def test_the_running_server_is_announced_to_its_user_alone(tmp_path: Path) -> None:
    with access_token.announced(tmp_path, "http://[::1]:5055/dragoman/", TOKEN) as opened:
        files = {file.name: file for file in tmp_path.iterdir()}
        assert files.keys() == {"ui-5055.json", "ui-5055.html"}
        assert {stat.S_IMODE(file.stat().st_mode) for file in files.values()} == {0o600}
        there = json.loads(files["ui-5055.json"].read_text())
        assert (there["url"], there["token"]) == ("http://[::1]:5055", TOKEN)
        assert opened == files["ui-5055.html"].as_uri()
        assert f"http://[::1]:5055/dragoman/?token={TOKEN}" in files["ui-5055.html"].read_text()
    assert not list(tmp_path.iterdir())


def test_a_file_that_a_killed_server_left_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "ui-1.json").write_text("old")
    (tmp_path / "ui-1.json").chmod(0o644)
    with access_token.announced(tmp_path, "http://localhost:1/dragoman/", TOKEN):
        assert stat.S_IMODE((tmp_path / "ui-1.json").stat().st_mode) == 0o600
    with access_token.announced(tmp_path, "http://localhost:1/dragoman/", None) as opened:
        assert opened == "http://localhost:1/dragoman/"
        assert json.loads((tmp_path / "ui-1.json").read_text())["token"] is None
