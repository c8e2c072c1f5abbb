"""`dragoman ui`, up to and including the real MLflow server."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copytree
from typing import Any

import psutil
import pytest

from dragoman.errors import DragomanError
from dragoman.settings import Settings, settings
from dragoman_ui import cli
from dragoman_ui.cli import check, command, environment

DRAGOMAN = [sys.executable, "-c", "from dragoman.cli.main import main; main()"]


@pytest.fixture
def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_no_store_is_a_sentence(tmp_path: Path, use_home: Callable[[Path], None], free_port: int) -> None:
    use_home(tmp_path)
    with pytest.raises(DragomanError, match=r"There is no store at .*: run `dragoman run SPEC` first"):
        check(settings(), "127.0.0.1", free_port)
    assert not list(tmp_path.iterdir())


def test_a_taken_port_is_a_sentence(filled: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(DragomanError, match=rf"Nothing can be served at 127.0.0.1:{port} .*--port"):
            check(settings(), "127.0.0.1", port)


def test_a_tracking_server_elsewhere_is_a_sentence(filled: Path, free_port: int) -> None:
    elsewhere = settings().model_copy(update={"mlflow": "https://mlflow.example"})
    with pytest.raises(DragomanError, match=r"server at https://mlflow.example: .*--app-name dragoman"):
        check(elsewhere, "127.0.0.1", free_port)


def test_the_server_gets_the_stores_of_the_settings(tmp_path: Path) -> None:
    words = command(Settings(home=tmp_path), "127.0.0.1", 5001)
    options = dict(zip(words[4::2], words[5::2], strict=True))
    assert options["--app-name"] == "dragoman"
    assert environment(Settings(home=tmp_path))["MLFLOW_BACKEND_STORE_URI"] == f"sqlite:///{tmp_path}/mlflow.db"
    assert options["--artifacts-destination"] == f"file://{tmp_path}/artifacts"
    assert (options["--host"], options["--port"], options["--workers"]) == ("127.0.0.1", "5001", "1")


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://localhost:5055"),
        ("0.0.0.0", "http://localhost:5055"),
        # an address of IPv6 stands in brackets: RFC 3986, section 3.2.2
        ("::1", "http://[::1]:5055"),
        ("::", "http://[::1]:5055"),
        ("fd00::7", "http://[fd00::7]:5055"),
        ("pages.example", "http://pages.example:5055"),
    ],
)
def test_the_address_that_is_printed_and_opened_can_be_opened(
    tmp_path: Path, use_home: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], host: str, address: str,
) -> None:  # fmt: skip
    use_home(tmp_path)
    asked, opened = [], []
    monkeypatch.setattr(cli, "check", lambda *_: None)
    monkeypatch.setattr(cli, "command", lambda *_: [sys.executable, "-c", ""])
    monkeypatch.setattr(cli, "wait_until_healthy", lambda _server, url, _log: asked.append(url))
    monkeypatch.setattr(cli.webbrowser, "open", opened.append)
    monkeypatch.setattr(cli.signal, "signal", lambda *_: None)
    with pytest.raises(DragomanError, match="ended by itself"):
        cli.ui(port=5055, host=host)
    said = re.search(r"Dragoman's pages: (\S+)\?token=([0-9a-f]{64})\n", capsys.readouterr().out)
    assert said
    assert said[1] == f"{address}/dragoman/"
    assert opened == [(tmp_path / "ui-5055.html").as_uri()]  # a browser's command line would show the token
    assert not list(tmp_path.glob("ui-5055.*"))
    assert asked == [f"{address.replace('localhost', '127.0.0.1')}/health"]


def test_without_a_token_is_a_warning(
    tmp_path: Path, use_home: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    use_home(tmp_path)
    opened: list[str] = []
    monkeypatch.setattr(cli, "check", lambda *_: None)
    monkeypatch.setattr(cli, "command", lambda *_: [sys.executable, "-c", ""])
    monkeypatch.setattr(cli, "wait_until_healthy", lambda *_: None)
    monkeypatch.setattr(cli.webbrowser, "open", opened.append)
    monkeypatch.setattr(cli.signal, "signal", lambda *_: None)
    with pytest.raises(DragomanError, match="ended by itself"):
        cli.ui(port=5055, has_token=False)
    assert opened == ["http://localhost:5055/dragoman/"]
    assert "There is no token: whoever reaches this address reads everything" in capsys.readouterr().out
    monkeypatch.setenv("DRAGOMAN_UI_TOKEN", "a token that was chosen")
    settings.cache_clear()
    with pytest.raises(
        DragomanError, match="--no-token, but the setting ui_token has one \\(from DRAGOMAN_UI_TOKEN\\)"
    ):
        cli.ui(port=5055, has_token=False)


@pytest.mark.parametrize(
    ("host", "names"),
    [("127.0.0.1", None), ("0.0.0.0", None), ("::1", None), ("10.0.0.7", None), ("pages.example", "pages.example:*")],
)
def test_a_name_to_listen_at_is_one_that_requests_may_use(
    monkeypatch: pytest.MonkeyPatch, host: str, names: str | None
) -> None:
    monkeypatch.delenv("MLFLOW_SERVER_ALLOWED_HOSTS", raising=False)
    allowed = cli.environment(Settings(), host, "t").get("MLFLOW_SERVER_ALLOWED_HOSTS")
    assert allowed is None if names is None else names in str(allowed).split(",")
    monkeypatch.setenv("MLFLOW_SERVER_ALLOWED_HOSTS", "mine.example")
    assert cli.environment(Settings(), host, "t")["MLFLOW_SERVER_ALLOWED_HOSTS"] == "mine.example"
    assert cli.environment(Settings(), host, "t")["DRAGOMAN_UI_TOKEN"] == "t"


@pytest.fixture
def served(filled_home: Path, tmp_path: Path, free_port: int) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """The real server on a copy of the filled store: its address and the process of `dragoman ui`."""
    home = tmp_path / "home"
    copytree(filled_home, home)
    process = subprocess.Popen(
        [*DRAGOMAN, "ui", "--no-browser", "--port", str(free_port)],
        env={"PATH": "/usr/bin:/bin", "DRAGOMAN_HOME": str(home), "HOME": str(tmp_path)},
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    yield f"http://127.0.0.1:{free_port}", process
    process.terminate()
    process.communicate(timeout=30)


def get(address: str, content: Any = None, token: str = "") -> str:
    request = urllib.request.Request(address, data=content and json.dumps(content).encode())
    request.add_header("Content-Type", "application/json")
    request.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return str(answer.read().decode())


@pytest.mark.slow
def test_pages_mlflow_and_its_rest_api_answer_from_one_server(
    served: tuple[str, "subprocess.Popen[str]"], tmp_path: Path
) -> None:
    address, process = served
    assert process.stdout is not None
    port = address.rpartition(":")[2]
    said = "".join(process.stdout.readline() for _ in range(4))
    printed = re.search(rf"Dragoman's pages: http://localhost:{port}/dragoman/\?token=([0-9a-f]+)\n", said)
    assert printed, said
    token = printed[1]
    there = json.loads((tmp_path / "home" / f"ui-{port}.json").read_text())
    assert (there["url"], there["token"]) == (f"http://localhost:{port}", token)

    for path in ("/dragoman/", "/", "/api/2.0/mlflow/experiments/search?max_results=1", "/ajax-api/3.0/dragoman/grids"):
        for wrong in ("", "wrong"):
            with pytest.raises(urllib.error.HTTPError, match="401"):
                get(address + path, token=wrong)
    assert "<h1>Grids</h1>" in get(f"{address}/dragoman/?token={token}")
    assert "<h1>Grids</h1>" in get(f"{address}/dragoman/", token=token)
    assert "<title>MLflow</title>" in get(f"{address}/", token=token)
    rest = f"{address}/api/2.0/mlflow/experiments"
    experiment = json.loads(get(f"{rest}/create", {"name": "demo"}, token))["experiment_id"]
    assert json.loads(get(f"{rest}/get?experiment_id={experiment}", token=token))["experiment"]["name"] == "demo"
    # the grid's page now leads to the experiment of the same name
    link = f'href="../#/experiments/{experiment}/runs?workflowType=machine_learning"'
    assert link in get(f"{address}/dragoman/grid?grid=demo", token=token)
    assert json.loads(get(f"{address}/ajax-api/3.0/dragoman/grids", token=token))["grids"][0]["name"] == "demo"
    assert get(f"{address}/dragoman/promotions", token=token)
    assert not (tmp_path / "mlruns").exists()
    for started in (psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)):
        assert token not in " ".join(started.cmdline())
    assert token not in (tmp_path / "home" / "ui.log").read_text()

    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 0
    assert not list((tmp_path / "home").glob("ui-*"))
    time.sleep(0.2)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(address.rpartition(":")[2]))) != 0


_UI = """
import sys
from dragoman.settings import settings
from dragoman_ui import cli

server = '''
import subprocess, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
class Healthy(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(worker.pid).encode())
HTTPServer(("127.0.0.1", int(sys.argv[1])), Healthy).serve_forever()
'''
cli.check = lambda *_: None
cli.command = lambda _, host, port: [sys.executable, "-c", server, str(port)]
cli.ui(port=int(sys.argv[1]), host="127.0.0.1", browser=False)
"""
"""`dragoman ui` with a small server in the place of MLflow's, whose worker is in a session of its own."""


def test_the_server_ends_with_a_ui_that_is_killed(tmp_path: Path, free_port: int) -> None:
    given = {**os.environ, "DRAGOMAN_HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path)}
    ui = subprocess.Popen([sys.executable, "-c", _UI, str(free_port)], env=given, stdout=subprocess.PIPE, text=True)
    assert ui.stdout
    while "Ctrl-C" not in (line := ui.stdout.readline()):
        assert line, "it ended"
    worker = psutil.Process(int(urllib.request.urlopen(f"http://127.0.0.1:{free_port}").read()))
    ui.kill()
    ui.communicate()
    assert psutil.wait_procs([worker], timeout=10)[1] == []
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", free_port)) != 0
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
