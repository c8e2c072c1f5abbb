"""Every route of the server is on the allow-list, and answers as the list says, to each kind of person."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from fastapi import FastAPI
from flask import Flask

from dragoman_ui.auth.middleware import AccessMiddleware
from dragoman_ui.auth.route_table import NoMethodError, NoRouteError, RouteTable
from dragoman_ui.auth.routes import ASKING, ASKING_A_TOKEN, Access, group_of, groups

SCRIPT = Path(__file__).with_name("route_answers.py")


def run_script(mode: str, home: Path) -> Any:
    """What `route_answers.py` prints, in a process of its own: MLflow's app is one for all of a process."""
    done = subprocess.run([sys.executable, SCRIPT, mode, home], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_route_of_the_installed_mlflow_and_of_ours_is_listed(tmp_path: Path) -> None:
    there = {(method, path): template for method, path, template in run_script("routes", tmp_path)}
    assert len(there) > 300
    missing = [f"{method} {template}" for (method, path), template in there.items() if (method, path) not in group_of()]
    assert not missing, f"add these to auth/routes.toml, with who may ask for them or why nobody may: {missing}"
    stale = sorted(set(group_of()) - set(there))
    assert not stale, f"these are routes no more; take them out of auth/routes.toml: {stale}"


def test_no_route_is_listed_twice_and_each_group_says_why() -> None:
    listed = [route for group in groups() for route in group.routes]
    assert len(listed) == len(set(listed))
    assert all(group.routes and group.purpose for group in groups())


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "people"), [("users", ASKING), ("token", ASKING_A_TOKEN)])
def test_every_route_answers_each_kind_of_person_as_the_list_says(
    mode: str, people: tuple[str, ...], filled_home: Path, tmp_path: Path
) -> None:
    copytree(filled_home, tmp_path / "home")
    answers = run_script(mode, tmp_path / "home")
    assert {who for _, _, _, who, _ in answers} == set(people)
    assert len(answers) > 400 * len(people)
    wrong = [
        (method, template, who, status, expected)
        for method, template, path, who, status in answers
        if (expected := group_of()[method, path].access.answer(who)) != (status if status in (401, 403) else None)
    ]
    assert not wrong
    assert not [each for each in answers if each[-1] >= 500]


@pytest.mark.parametrize(
    ("access", "refusals"),
    [
        (Access.OPEN, (None, None, None, None, None, None, None)),
        (Access.VIEWER, (401, None, None, None, None, 401, None)),
        (Access.SUBMITTER, (401, 403, None, None, None, 401, None)),
        (Access.PROMOTER, (401, 403, 403, None, None, 401, None)),
        (Access.ADMIN, (401, 403, 403, 403, None, 401, None)),
        (Access.SHUT, (403, 403, 403, 403, 403, 403, 403)),
    ],
)
def test_roles_include_one_another(access: Access, refusals: tuple[int | None, ...]) -> None:
    assert tuple(access.answer(who) for who in (*ASKING, *ASKING_A_TOKEN)) == refusals


ASSISTANT = "/ajax-api/3.0/mlflow/assistant/config"
RUN = "/api/2.0/mlflow/runs/get"
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
REACHED = "what is behind the door"


@pytest.fixture
def table() -> RouteTable:
    """Some routes of MLflow's, in a FastAPI app around a Flask app, as it has them; one of them is new."""
    return apps()[1]


@cache
def apps(prefix: str = "") -> tuple[FastAPI, RouteTable]:
    from starlette.middleware.wsgi import WSGIMiddleware

    app, flask = FastAPI(docs_url=None, redoc_url=None, openapi_url=None), Flask("test", static_folder=None)
    for path in (f"{prefix}{ASSISTANT}", f"{ARTIFACTS}/{{artifact_path:path}}", f"{prefix}/health"):
        app.add_api_route(path, lambda: REACHED, methods=["GET"])
    for path, methods in (
        (RUN, ["GET"]), ("/api/2.0/mlflow/runs/create", ["POST"]), ("/api/2.0/mlflow/new", ["GET"]),
        ("/dragoman/", ["GET"]), ("/static-files/<path:path>", ["GET"]),
    ):  # fmt: skip
        flask.add_url_rule(prefix + path, path, lambda **_: REACHED, methods=methods)
    app.mount("/", WSGIMiddleware(flask))
    return app, RouteTable(app, flask, prefix)


@pytest.fixture
def ask() -> Callable[..., tuple[int, str, dict[str, str]]]:
    """Asks the routes behind the door: status, text and headers."""
    return lambda *asked, **options: request(*apps(), *asked, **options)


def request(
    app: FastAPI, table: RouteTable, method: str, path: str, token: str | None = None, query: str = "", **headers: str
) -> tuple[int, str, dict[str, str]]:
    sent: list[dict[str, Any]] = []
    named = {"host": "localhost:5000", **headers}
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in named.items()],
        "server": ("127.0.0.1", 5000), "client": ("127.0.0.1", 1),
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(AccessMiddleware(app, table, token)(scope, receive, send))
    text = b"".join(each.get("body", b"") for each in sent).decode()
    return sent[0]["status"], text, {name.decode(): value.decode() for name, value in sent[0]["headers"]}


@pytest.mark.parametrize(
    "path",
    [
        ASSISTANT, f"{ASSISTANT}/", f"/{ASSISTANT}", f"/.{ASSISTANT}", f"/health/..{ASSISTANT}",
        f"/static-files/..{ASSISTANT}", ASSISTANT.upper(), ASSISTANT.replace("/mlflow", "//mlflow"),
        ASSISTANT.replace("/mlflow", "/./mlflow"), ASSISTANT.replace("/mlflow", "/%2e/mlflow"),
        ASSISTANT.replace("assistant", "%61ssistant"), f"{ASSISTANT};a=b", f"{ASSISTANT};/health",
        f"{ASSISTANT}\n", f"{ASSISTANT}\x00", ASSISTANT.replace("/", "\\"), f"http://localhost{ASSISTANT}",
        f"{ARTIFACTS}/../../3.0/mlflow/assistant/config", "/ajax-api/3.0/mlflow/assistant",
        "/ajax-api/3.0/mlflow/assistant/new",
    ],
)  # fmt: skip
def test_no_spelling_of_a_shut_route_is_served(ask: Callable[..., Any], path: str) -> None:
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "ODD"):
        status, text, _ = ask(method, path)
        assert status in (400, 403, 404, 405), text
        assert REACHED not in text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", RUN, 200), ("HEAD", RUN, 200), ("OPTIONS", RUN, 200), ("GET", "/health", 200),
        ("GET", "/dragoman/", 200), ("GET", "/dragoman", 308), ("GET", f"{ARTIFACTS}/1/model/a b;c.txt", 200),
        ("POST", RUN, 405), ("HEAD", ASSISTANT, 405), ("GET", "/api/2.0/mlflow/new", 403),
        ("GET", "/nowhere", 404), ("GET", f"{ARTIFACTS}/1/../2", 400), ("GET", f"{ARTIFACTS}/1/%2e%2e/2", 400),
        ("GET", f"{ARTIFACTS}//etc/passwd", 400), ("GET", f"{ARTIFACTS}/1\\..\\2", 400),
        ("GET", "/static-files/../handlers.py", 400),
    ],
)  # fmt: skip
def test_what_is_listed_is_served_and_nothing_else(
    ask: Callable[..., Any], method: str, path: str, status: int
) -> None:
    assert ask(method, path)[0] == status


@pytest.mark.parametrize(
    ("path", "status"),
    [("model/a%20b.txt", 200), ("bleu:en-de.json", 200), ("", 200), ("%2Fetc", 400), ("a%2F..%2Fb", 400), ("..", 400),
     ("file%3A%2F%2F%2Fetc", 400), ("a%5Cb", 400), ("%252e%252e%252fb", 400)],
)  # fmt: skip
def test_the_path_of_an_artifact_stays_within(ask: Callable[..., Any], path: str, status: int) -> None:
    assert ask("GET", RUN, query=f"run_id=1&path={path}")[0] == status


def test_a_header_does_not_turn_one_method_into_another(ask: Callable[..., Any]) -> None:
    for name in ("x_http_method_override", "x_http_method", "x_method_override"):
        assert ask("GET", "/api/2.0/mlflow/runs/create", **{name: "POST"})[0] == 405


def test_a_refusal_is_a_sentence_in_mlflows_form(ask: Callable[..., Any]) -> None:
    status, text, headers = ask("GET", ASSISTANT)
    said = json.loads(text)
    assert (status, said["error_code"]) == (403, "PERMISSION_DENIED")
    assert said["message"] == "This is shut for everybody: MLflow's assistant runs commands on the server."
    assert headers["cache-control"] == "no-store"
    assert "not on the list" in ask("GET", "/api/2.0/mlflow/new")[1]


def test_websockets_are_closed(table: RouteTable) -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    door = AccessMiddleware(lambda *_: pytest.fail("it was let through"), table)
    asyncio.run(door({"type": "websocket", "path": "/health"}, lambda: None, send))
    assert [message["type"] for message in sent] == ["websocket.close"]


def test_a_static_prefix_is_no_way_around(ask: Callable[..., Any]) -> None:
    app, table = apps("/lab")
    for path, status in (
        (f"/lab{ASSISTANT}", 403), (ASSISTANT, 404), (f"/lab/lab{ASSISTANT}", 404), (f"/lab{RUN}", 200), (RUN, 404),
        ("/lab/health", 200), (f"{ARTIFACTS}/1", 200), (f"/LAB{ASSISTANT}", 404), ("/labhealth", 404),
    ):  # fmt: skip
        assert request(app, table, "GET", path)[0] == status, path


def test_a_table_says_what_it_lacks(table: RouteTable) -> None:
    with pytest.raises(NoMethodError):
        table.resolve("DELETE", ASSISTANT)
    with pytest.raises(NoRouteError):
        table.resolve("GET", "/nowhere")
    with pytest.raises(TypeError, match="unknown kind"):
        app = FastAPI()
        app.mount("/other", FastAPI())
        RouteTable(app, Flask("test"))


@pytest.mark.parametrize(
    ("host", "passes"),
    [
        ("localhost", True), ("localhost:5000", True), ("127.0.0.1:80", True), ("[::1]:5000", True),
        ("10.1.2.3:5000", True), ("192.168.0.7", True), ("attacker.example", False),
        ("10.attacker.example", False), ("localhost.attacker.example", False),
        ("192.168.0.7.attacker.example:5000", False), ("8.8.8.8", False), ("", False), ("[", False),
        ("127.0.0.1@attacker.example", False),
    ],
)  # fmt: skip
def test_only_names_of_the_server_are_answered_to(ask: Callable[..., Any], host: str, passes: bool) -> None:
    status, text, _ = ask("GET", RUN, host=host)
    assert (status == 200) is passes, text
    if not passes:
        assert status == 403
        assert "does not answer to the Host" in text
        assert ask("GET", "/health", host=host)[0] == 200  # a probe calls the server by its address


def test_the_public_name_is_a_setting_of_mlflows(ask: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_SERVER_ALLOWED_HOSTS", "pages.example,*.lab.example:5000")
    answers = [ask("GET", RUN, host=host)[0] for host in ("pages.example", "a.lab.example:5000", "localhost:5000")]
    assert answers == [200, 200, 403]


@pytest.mark.parametrize(
    ("method", "headers", "passes"),
    [
        ("POST", {}, True),
        ("POST", {"origin": "http://localhost:5000"}, True),
        ("POST", {"origin": "http://localhost:5000", "sec_fetch_site": "same-origin"}, True),
        ("POST", {"origin": "http://localhost:5001"}, False),
        ("POST", {"origin": "http://127.0.0.1:5000"}, False),
        ("POST", {"origin": "null"}, False),
        ("POST", {"origin": "https://attacker.example"}, False),
        ("POST", {"sec_fetch_site": "cross-site"}, False),
        ("POST", {"sec_fetch_site": "same-site"}, False),
        ("GET", {"origin": "http://localhost:5001"}, False),
        ("OPTIONS", {"origin": "https://attacker.example"}, False),
        ("GET", {"sec_fetch_site": "cross-site"}, True),  # a link from elsewhere to a page
    ],
)
def test_pages_of_other_sites_neither_read_nor_write(
    ask: Callable[..., Any], method: str, headers: dict[str, str], passes: bool
) -> None:
    path = "/dragoman/" if method == "GET" else "/api/2.0/mlflow/runs/create"
    status, text, _ = ask(method, path, **headers)
    assert (status, passes) in ((200, True), (403, False)), text


def test_an_origin_can_be_allowed(ask: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_SERVER_CORS_ALLOWED_ORIGINS", "https://pages.example")
    assert ask("POST", "/api/2.0/mlflow/runs/create", origin="https://pages.example")[0] == 200
    assert ask("POST", "/api/2.0/mlflow/runs/create", origin="https://other.example")[0] == 403
