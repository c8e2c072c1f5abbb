"""A small grid run by the real command: real Ray, real store, real MLflow, the bundled base model."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml
from filelock import FileLock

from dragoman.cli.main import main
from dragoman.settings import Settings, settings
from dragoman.store.store import Store
from dragoman_ui.cli import wait_until_healthy

ROOT = Path(__file__).parents[2]
TOKEN = "the token of the pages in a test"
DRAGOMAN = Path(sys.executable).with_name("dragoman")

MINI: dict[str, Any] = {
    "name": "mini",
    "base": str(ROOT / "examples" / "tiny-xglm"),
    "languages": ["en", "de", "fr", "zh"],
    "corpus": "cldr",
    "models": [
        {
            "name": "to-english",
            "pairs": ["de-en", "fr-en"],
            "examples": 40,
            "method": {"kind": "full", "learning_rate": 0.001, "steps": 6, "batch_tokens": 512},
        }
    ],
    "evaluation": {"sentences": 12, "decoding": {"max_new_tokens": 24}},
}
"""Two models, twelve pairs: enough for a driver to be killed in the middle of it."""


class Home:
    """A folder with a spec and a Dragoman home of its own."""

    def __init__(self, folder: Path, spec: dict[str, Any]) -> None:
        self.folder = folder
        self.spec = folder / "spec.yaml"
        self.spec.write_text(yaml.safe_dump(spec))
        for name in ("tokenizers", "random", "typing"):  # the current folder is of no account to installed commands
            (folder / f"{name}.py").write_text("raise ImportError('a file of the current folder')")
        self.home = folder / "home #1, 50%2F"
        self.said = folder / "said.txt"
        """What its first run printed, once that is complete."""
        self.environment = {**os.environ, "DRAGOMAN_HOME": str(self.home), "COLUMNS": "160", "OMP_NUM_THREADS": "1"}

    @property
    def mlflow_url(self) -> str:
        """Where its MLflow is."""
        return Settings(home=self.home).mlflow_url

    @property
    def store(self) -> Store:
        """Its results store."""
        places = Settings(home=self.home)
        return Store.open_existing(places.store_url, places.blobs_url)

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """A `dragoman` process in a group of its own, so that it can be killed with all it started."""
        return subprocess.Popen(
            [DRAGOMAN, *arguments], cwd=self.folder, env=self.environment, text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def dragoman(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """A `dragoman` command, waited for."""
        return subprocess.run(
            [DRAGOMAN, *arguments], cwd=self.folder, env=self.environment, text=True, capture_output=True, timeout=240
        )

    def results(self) -> str:
        """The result tables, as one prints them."""
        done = self.dragoman("results", "mini")
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *arguments: str) -> Any:
        """What a command prints with `--json`."""
        done = self.dragoman(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="session")
def serve_home() -> Callable[[Home], AbstractContextManager[str]]:
    """Starts `dragoman ui` on a home, for as long as a context lasts, which gives its address."""

    @contextmanager
    def serve(home: Home) -> Iterator[str]:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
        home.environment["DRAGOMAN_UI_TOKEN"] = TOKEN
        server = home.start("ui", "--no-browser", "--port", str(port))
        try:
            wait_until_healthy(server, f"http://127.0.0.1:{port}/health", home.home / "ui.log")
            yield f"http://localhost:{port}"
            server.send_signal(signal.SIGINT)
            said, _ = server.communicate(timeout=180)
            assert said.endswith("Stopped.\n")
        finally:
            if server.poll() is None:
                server.terminate()  # it ends what it has started, then itself
                server.wait(timeout=180)

    return serve


@pytest.fixture(scope="session")
def let_in() -> Callable[[Any, str], Any]:
    """Has a page exchange the server's token for the cookie, as the address that `dragoman ui` prints does."""

    def open_(page: Any, address: str) -> Any:
        assert page.goto(f"{address}/dragoman/?{urlencode({'token': TOKEN})}").ok
        page.wait_for_url(f"{address}/dragoman/")
        return page

    return open_


@pytest.fixture
def refused_here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., str]]:
    """Runs a command on a home in this process, which saves a start; returns the one sentence that it ends with."""

    def run(home: Home, *arguments: str) -> str:
        for name in os.environ.keys() - home.environment.keys():
            monkeypatch.delenv(name)
        for name, value in home.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(home.folder)
        monkeypatch.setattr(sys, "argv", ["dragoman", *arguments])
        settings.cache_clear()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr().err
        assert (ended.value.code, said.count("\n")) == (2, 1), said
        return said

    yield run
    settings.cache_clear()


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """Chooses the moments at which things are killed: others in every run, the same ones with DRAGOMAN_TEST_SEED."""
    seed = os.environ.get("DRAGOMAN_TEST_SEED") or str(random.randrange(10**6))
    print(f"moments by DRAGOMAN_TEST_SEED={seed}")  # pytest shows it where the test fails
    return random.Random(f"{seed} {request.node.name}")


def kill(process: "subprocess.Popen[str]") -> None:
    """SIGKILL to the driver alone: its Ray must notice by itself."""
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


PROMOTION: dict[str, Any] = {
    "model": "mini-translator",
    "rules": [{"over": "all", "at_least": 0}],
    "champions": [{"over": "seen", "rules": [{"over": "seen", "at_least": 101}]}],
}
"""The finetuned model is registered and becomes the champion; as one of its own for seen pairs it is refused."""


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The mini grid, run once from beginning to end, by the first of the test processes that asks for it."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder = shared / "undisturbed"
    with FileLock(shared / "undisturbed.lock"):
        is_first = not folder.exists()
        folder.mkdir(exist_ok=True)
        home = Home(folder, {**MINI, "promotion": PROMOTION})
        if is_first:
            done = home.dragoman("run", str(home.spec))
            assert done.returncode == 0, done.stdout + done.stderr
            home.said.write_text(done.stdout)
    assert home.said.exists(), "the mini grid failed in another process"
    return home
