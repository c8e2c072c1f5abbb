"""Attacks on the real server: what runs commands, reads files or reaches out is shut to everybody, in every mode.

The assistant's attack is first run on MLflow's own server, where it succeeds: it is a real one.
"""

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import copytree
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
import requests
from tests.ui_plugins.mlflow_users import AUTH

from dragoman_registry.registry_client.client import client_at
from dragoman_ui.auth import access_token

pytestmark = pytest.mark.slow

TOKEN = "the token of the attacked server"
ADMIN, VIEWER = ("admin", "an admin's password"), ("viola", "a viewer's password")
ASSISTANT = "ajax-api/3.0/mlflow/assistant"
SECRET = "what the server may read and nobody else"


class Attacker(NamedTuple):
    """Somebody at a server."""

    address: str
    session: requests.Session

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.session.request(method, f"{self.address}/{path}", timeout=300, allow_redirects=False, **options)


@pytest.fixture(scope="module")
def home(filled_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a secret beside its artifacts."""
    home = tmp_path_factory.mktemp("attacked") / "home"
    copytree(filled_home, home)
    (home / "secret.txt").write_text(SECRET)
    (home / "auth.ini").write_text(AUTH.format(home=home))
    client_at(f"sqlite:///{home}/mlflow.db").create_experiment("demo", artifact_location=f"file://{home}/artifacts")
    return home


@pytest.fixture(scope="module")
def with_token(home: Path, serve: Callable[..., Any]) -> str:
    """The server of `dragoman ui`."""
    return str(serve(home, "dragoman", DRAGOMAN_UI_TOKEN=TOKEN).address)


@pytest.fixture(scope="module")
def with_users(home: Path, serve: Callable[..., Any]) -> str:
    """A server with users, below a static prefix."""
    secrets = {"MLFLOW_AUTH_ADMIN_PASSWORD": ADMIN[1], "MLFLOW_FLASK_SERVER_SECRET_KEY": "a secret for a test"}
    server = serve(home, "dragoman-auth", "/lab", MLFLOW_AUTH_CONFIG_PATH=str(home / "auth.ini"), **secrets)
    made = requests.post(f"{server.address}/api/2.0/mlflow/users/create", auth=ADMIN,
                         json={"username": VIEWER[0], "password": VIEWER[1]})  # fmt: skip
    assert made.status_code == 200, made.text
    return str(server.address)


@pytest.fixture
def owner(with_token: str) -> Attacker:
    """Whoever has the token, who may do everything that is served."""
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {TOKEN}"
    return Attacker(with_token, session)


@pytest.fixture(params=["another local user", "whoever has the token", "anonymous", "viewer", "admin"])
def attacker(request: pytest.FixtureRequest) -> Attacker:
    """Everybody, at both servers."""
    with_token = request.param in ("another local user", "whoever has the token")
    session = requests.Session()
    if request.param == "whoever has the token":
        session.headers["Authorization"] = f"Bearer {TOKEN}"
    session.auth = {"viewer": VIEWER, "admin": ADMIN}.get(request.param)
    return Attacker(request.getfixturevalue("with_token" if with_token else "with_users"), session)


class Provider(NamedTuple):
    """A language model of the attacker's, which answers with a command to run."""

    address: str
    marker: Path
    asked: list[str]


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[Provider]:
    marker, asked = tmp_path / "marker", list[str]()

    class Model(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(json.dumps({"models": [{"name": "m"}]}))

        def do_POST(self) -> None:
            asked.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            call = {"name": "Bash", "arguments": json.dumps({"command": f"id > {marker}"})}
            delta = {"tool_calls": [{"index": 0, "id": "1", "type": "function", "function": call}]}
            if len(asked) > 1:
                delta = {"content": "done"}
            chunk = {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
            self._answer(f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n", "text/event-stream")

        def _answer(self, text: str, media_type: str = "application/json") -> None:
            self.send_response(200)
            self.send_header("Content-Type", media_type)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Provider(f"http://127.0.0.1:{server.server_port}", marker, asked)
    server.shutdown()
    server.server_close()


def use_assistant(attacker: Attacker, provider: Provider) -> list[int]:
    """Set a provider's address and full access, post a message, read the stream: the statuses of the answers."""
    chosen = {"model": "m", "base_url": provider.address, "selected": True, "permissions": {"full_access": True}}
    answers = [
        attacker.ask("PUT", f"{ASSISTANT}/config", json={"providers": {"ollama": chosen}}),
        attacker.ask("POST", f"{ASSISTANT}/message", json={"message": "hello"}),
    ]
    session = answers[1].json().get("session_id", "none")
    answers.append(attacker.ask("GET", f"{ASSISTANT}/sessions/{session}/stream"))
    return [answer.status_code for answer in answers]


def test_the_assistant_runs_commands_on_mlflows_own_server(
    home: Path, serve: Callable[..., Any], provider: Provider
) -> None:
    plain = Attacker(serve(home, None).address, requests.Session())
    assert use_assistant(plain, provider) == [200, 200, 200]
    assert provider.asked
    assert provider.marker.read_text().startswith("uid=")


def test_the_assistant_is_shut_to_everybody(attacker: Attacker, provider: Provider) -> None:
    assert use_assistant(attacker, provider) == [403, 403, 403]
    assert not provider.asked
    assert not provider.marker.exists()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "ajax-api/3.0/jobs/", {"job_name": "invoke_scorer", "params": {}}),
        ("POST", "ajax-api/3.0/mlflow/scorer/invoke", {"experiment_id": "1", "serialized_scorer": "{}"}),
        ("POST", "api/3.0/mlflow/scorers/register", {"experiment_id": "1", "name": "s", "serialized_scorer": "{}"}),
        ("POST", "api/3.0/mlflow/prompt-optimization/jobs", {"experiment_id": "1"}),
        ("POST", "ajax-api/2.0/mlflow/gateway-proxy", {"gateway_path": "http://169.254.169.254/"}),
        ("POST", "gateway/proxy/any/v1/models", {}),
        ("POST", "api/3.0/mlflow/gateway/secrets/create", {"secret_name": "s"}),
        ("POST", "ajax-api/2.0/mlflow/runs/create-promptlab-run", {"experiment_id": "1"}),
        ("POST", "ajax-api/3.0/mlflow/demo/generate", {}),
        ("POST", "api/3.0/mlflow/mcp-servers", {"name": "m"}),
    ],
)
def test_what_starts_processes_or_reaches_out_is_shut(
    attacker: Attacker, method: str, path: str, body: dict[str, Any]
) -> None:
    answer = attacker.ask(method, path, json=body)
    assert answer.status_code == 403
    assert "This is shut for everybody" in answer.text


def raw(address: str, method: str, path: str, headers: dict[str, str]) -> tuple[int, str]:
    """Ask for a path exactly as it is written."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=300)
    connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    text = answer.read().decode(errors="replace")
    connection.close()
    return answer.status, text


@pytest.mark.parametrize(
    "path",
    [
        "//ajax-api/3.0/mlflow/assistant/config", "/./ajax-api/3.0/mlflow/assistant/config",
        "/health/../ajax-api/3.0/mlflow/assistant/config", "/ajax-api/3.0/mlflow/assistant/config/",
        "/ajax-api/3.0/mlflow/%61ssistant/config", "/ajax-api/3.0/mlflow%2fassistant/config",
        "/ajax-api/3.0/mlflow/%2561ssistant/config", "/ajax-api/3.0/mlflow/%2e/assistant/config",
        "/ajax-api/3.0/mlflow/assistant/config;/health", "/ajax-api/3.0/mlflow/assistant/config%00",
        "/AJAX-API/3.0/mlflow/assistant/config", "/static-files/..%2fajax-api/3.0/mlflow/assistant/config",
        "/static-files/%2e%2e/%2e%2e/handlers.py", "/static-files/..%5c..%5chandlers.py",
        "http://localhost/ajax-api/3.0/mlflow/assistant/config",
        "/api/2.0/mlflow-artifacts/artifacts/..%2fsecret.txt", "/api/2.0/mlflow-artifacts/artifacts/%2e%2e/secret.txt",
        "/api/2.0/mlflow-artifacts/artifacts/..%252fsecret.txt",
        "/api/2.0/mlflow-artifacts/artifacts/..%5csecret.txt",
        "/ajax-api/2.0/mlflow-artifacts/artifacts/1/..%2f..%2fsecret.txt",
        "/api/2.0/mlflow-artifacts/artifacts//etc/passwd", "/api/2.0/mlflow-artifacts/artifacts/%2fetc%2fpasswd",
        "/api/2.0/mlflow-artifacts/artifacts/file:%2f%2f%2fetc%2fpasswd",
        "/dragoman/static/..%2fapp.py", "/dragoman/static/%2e%2e/app.py",
    ],
)  # fmt: skip
def test_no_odd_path_leads_anywhere(owner: Attacker, path: str) -> None:
    for method in ("GET", "PUT", "POST"):
        status, text = raw(owner.address, method, path, {"Authorization": f"Bearer {TOKEN}"})
        assert 400 <= status < 500, (method, status, text)
        assert SECRET not in text
        assert "root:" not in text


@pytest.fixture
def run(owner: Attacker) -> str:
    """A run, whose artifacts are the server's."""
    made = owner.ask("POST", "api/2.0/mlflow/runs/create", json={"experiment_id": "0"})
    return str(made.json()["run"]["info"]["run_id"])


@pytest.mark.parametrize(
    "path",
    [
        "../secret.txt", "../../../../secret.txt", "/etc/passwd", "file:///etc/passwd", "%2e%2e/secret.txt",
        "a/../../secret.txt", "..\\secret.txt", "%252e%252e%252fsecret.txt", "http://127.0.0.1/",
    ],
)  # fmt: skip
def test_no_artifact_path_leads_out(owner: Attacker, run: str, path: str) -> None:
    for address in ("get-artifact", "api/2.0/mlflow/artifacts/list", "api/2.0/mlflow-artifacts/artifacts"):
        answer = owner.ask("GET", address, params={"run_id": run, "path": path})
        assert answer.status_code == 400, answer.text
    written = owner.ask(
        "POST", "ajax-api/2.0/mlflow/upload-artifact", params={"run_uuid": run, "path": path}, data=b"x"
    )
    assert written.status_code == 400


PLACES = ("file:///etc", "/etc", "file:///etc/../etc", "s3://another-bucket/backups", "gs://another/backups",
          "mlflow-artifacts:/../..", "mlflow-artifacts:/%2e%2e/x", "http://127.0.0.1:1/", "hdfs://127.0.0.1/x",
          "ftp://127.0.0.1/", "mlflow-artifacts://127.0.0.1:1/x", "./mlruns", "file://localhost/etc")  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_no_experiment_or_version_lies_elsewhere(owner: Attacker, run: str, place: str) -> None:
    asked = {"name": f"at {place}", "artifact_location": place}
    assert owner.ask("POST", "api/2.0/mlflow/experiments/create", json=asked).status_code == 400
    owner.ask("POST", "api/2.0/mlflow/registered-models/create", json={"name": "placed"})
    for lineage in ({}, {"run_id": run}):
        asked = {"name": "placed", "source": place, **lineage}
        answer = owner.ask("POST", "api/2.0/mlflow/model-versions/create", json=asked)
        assert answer.status_code == 400, answer.text


def test_what_a_training_logs_is_taken(owner: Attacker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", TOKEN)
    client = client_at(owner.address)
    experiment = client.create_experiment("training")
    run = client.create_run(experiment)
    client.log_param(run.info.run_id, "rank", 4)
    client.log_metric(run.info.run_id, "bleu/seen", 12.5)
    client.log_text(run.info.run_id, "kept", "model/note.txt")
    (tmp_path / "back").mkdir()
    kept = client.download_artifacts(run.info.run_id, "model/note.txt", str(tmp_path / "back"))
    assert Path(kept).read_text() == "kept"
    client.create_registered_model("trained")
    source = f"{run.info.artifact_uri}/model"
    version = client.create_model_version("trained", source, run.info.run_id)
    client.set_registered_model_alias("trained", "candidate", version.version)
    assert client.get_model_version_by_alias("trained", "candidate").source == source
    assert [each.info.run_id for each in client.search_runs([experiment])] == [run.info.run_id]


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/x", "https://127.0.0.1/x", "https://169.254.169.254/x", "https://[::1]/"]
)
def test_no_webhook_goes_to_an_internal_address(owner: Attacker, url: str) -> None:
    asked = {"name": "hook", "url": url, "events": [{"entity": "MODEL_VERSION", "action": "CREATED"}]}
    assert owner.ask("POST", "api/2.0/mlflow/webhooks", json=asked).status_code == 400


def test_no_trace_says_where_its_files_are(owner: Attacker) -> None:
    here = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "0"}}
    about = {
        "trace_id": "tr-1", "trace_location": here, "request_time": "2026-01-01T00:00:00Z", "state": "OK",
        "tags": {"mlflow.artifactLocation": "file:///etc", "mlflow.trace.archiveLocation": "file:///etc"},
    }  # fmt: skip
    owner.ask("POST", "api/3.0/mlflow/traces", json={"trace": {"trace_info": about}})
    changed = owner.ask(
        "PATCH", "api/3.0/mlflow/traces/tr-1/tags", json={"key": "mlflow.artifactLocation", "value": "file:///etc"}
    )
    assert changed.status_code >= 400
    kept = owner.ask("GET", "api/3.0/mlflow/traces/tr-1").json()
    assert "file:///etc" not in json.dumps(kept)
    for path in ("../../etc/passwd", "passwd"):
        answer = owner.ask("GET", "ajax-api/2.0/mlflow/get-trace-artifact", params={"request_id": "tr-1", "path": path})
        assert answer.status_code >= 400
        assert "root:" not in answer.text


def test_dns_rebinding_is_refused(owner: Attacker) -> None:
    for host in ("attacker.example", "10.attacker.example:5000", "127.0.0.1.attacker.example"):
        for path in ("/", "/api/2.0/mlflow/experiments/search?max_results=1", "/dragoman/"):
            status, text = raw(owner.address, "GET", path, {"Host": host, "Authorization": f"Bearer {TOKEN}"})
            assert (status, "does not answer to the Host" in text) == (403, True)
    assert raw(owner.address, "GET", "/health", {"Host": "10.0.0.1"})[0] == 200
    two = f"GET / HTTP/1.1\r\nHost: localhost\r\nHost: attacker.example\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    assert _spoken(owner.address, two).startswith(("HTTP/1.1 400", "HTTP/1.1 403"))


def _spoken(address: str, text: str) -> str:
    import socket

    parts = urlsplit(address)
    with socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=300) as connection:
        connection.sendall(text.encode())
        return connection.recv(4096).decode(errors="replace")


def test_pages_of_other_sites_are_refused(owner: Attacker) -> None:
    for origin in ("https://attacker.example", "http://localhost:1", "null"):
        for method, path in (("GET", "api/2.0/mlflow/experiments/search?max_results=1"), ("POST", "graphql")):
            answer = owner.ask(method, path, headers={"Origin": origin}, json={} if method == "POST" else None)
            assert answer.status_code == 403
            assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_browser_gets_in_by_the_file_and_writes(with_token: str, tmp_path: Path, chromium: Any) -> None:
    page = chromium.new_page()
    assert page.goto(f"{with_token}/dragoman/").status == 401
    with access_token.announced(tmp_path, f"{with_token}/dragoman/", TOKEN) as opened:
        page.goto(opened)
        page.wait_for_url(f"{with_token}/dragoman/")
    page.get_by_role("link", name="demo", exact=True).click()
    assert TOKEN not in page.content()
    (cookie,) = [each for each in page.context.cookies() if each["name"].startswith("dragoman-ui-")]
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert TOKEN not in cookie["value"]
    page.goto(f"{with_token}/dragoman/job?grid=demo")
    page.get_by_role("button", name="Try failed cells again").click()
    page.get_by_text("1 failed cell is planned again").wait_for()
    page.goto(f"{with_token}/#/experiments/1/runs")
    page.get_by_role("heading", name="demo").or_(page.get_by_text("demo").first).first.wait_for()
    page.close()
