"""Broken set-ups, each made here: the doctor names the fault and its remedy."""

import json
import shutil
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner

from dragoman.cli.main import build_app
from dragoman.operations.checks import blobs, clock, configuration, installation, machine, mlflow, ray, store
from dragoman.operations.finding import Finding, State
from dragoman.settings import Settings, settings
from dragoman.store.records import JobState
from dragoman.store.store import Store
from dragoman.tracking.mlflow_schema import head_revision


class Broken(NamedTuple):
    """What a doctor must say of it."""

    part: str
    what: str
    remedy: str
    state: State = State.FAULT


def found(findings: Iterator[Finding], broken: Broken) -> None:
    said = list(findings)
    assert any(
        each.part.startswith(broken.part) and broken.what in each.what and broken.remedy in each.remedy
        and each.state is broken.state
        for each in said
    ), said  # fmt: skip


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home that is well, in use, and the current folder beside it; no variable says otherwise."""
    for name in [*(f"DRAGOMAN_{field.upper()}" for field in Settings.model_fields), "RAY_AUTH_TOKEN"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DRAGOMAN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HOME", str(tmp_path))
    settings.cache_clear()
    Store.open(settings().store_url, settings().blobs_url).close()
    yield tmp_path / "home"
    settings.cache_clear()


@pytest.fixture
def server() -> Iterator[Callable[..., str]]:
    """Starts a server that answers each path as told, and returns its address."""
    running = []

    def start(answers: dict[str, Any], late: float = 0) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer = answers.get(self.path.split("?")[0], 404)
                status, text = answer(self.headers) if callable(answer) else (answer, "{}")
                self.send_response_only(status)
                self.send_header("Date", format_datetime(datetime.now(UTC) + timedelta(seconds=late), usegmt=True))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: Any) -> None:
                pass

        listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        running.append(listener)
        return f"http://127.0.0.1:{listener.server_port}"

    yield start
    for listener in running:
        listener.shutdown()
        listener.server_close()


def test_a_home_that_is_well_has_no_fault(home: Path) -> None:
    done = CliRunner().invoke(build_app(), ["doctor", "--json"])
    said = json.loads(done.stdout)["findings"]
    assert done.exit_code == 0, said
    assert {each["part"] for each in said} >= {"python", "packages", "results store", "blobs", "MLflow", "Ray", "clock"}
    assert "fault" not in {each["state"] for each in said}


def test_a_package_of_the_wrong_version(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyarrow-3.0.dist-info").mkdir()
    (tmp_path / "pyarrow-3.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: pyarrow\nVersion: 3.0\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    found(installation.check(), Broken("packages", "pyarrow 3.0 (>=20 is needed)", "pip install --upgrade 'dragoman'"))


def test_a_misspelt_setting_stops_nothing_but_is_named(home: Path) -> None:
    Path("dragoman.toml").write_text("wokers = 2")
    settings.cache_clear()
    done = CliRunner().invoke(build_app(), ["doctor"])
    assert done.exit_code == 1
    assert "'wokers' is no setting; did you mean 'workers'?" in done.stdout


def test_a_misspelt_variable(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRAGOMAN_STROE", "x")
    wanted = Broken("settings", "DRAGOMAN_STROE sets nothing", "did you mean 'DRAGOMAN_STORE'?", State.WARNING)
    found(configuration.check(settings()), wanted)


def test_secrets_that_others_may_read(home: Path) -> None:
    Path(".env").write_text("ADMIN_PASSWORD=0123456789abcdef\n")
    Path(".env").chmod(0o644)
    found(configuration.check(settings()), Broken("settings", ".env holds secrets", "chmod 600 .env"))


def test_a_store_whose_server_is_away(home: Path) -> None:
    away = Settings(store="postgresql://ann:s3cret@127.0.0.1:1/dragoman")
    found(store.check(away), Broken("results store", "Connection refused", "DRAGOMAN_STORE"))
    assert "s3cret" not in str(list(store.check(away)))


@pytest.mark.parametrize(
    ("version", "state", "what", "remedy"),
    [("9999", State.FAULT, "newer Dragoman", "see that"), ("0001", State.WARNING, "schema 0001", "deploy migrate")],
)
def test_a_store_of_another_version(home: Path, version: str, state: State, what: str, remedy: str) -> None:
    with sqlite3.connect(home / "store.db") as database:
        database.execute("UPDATE schema_version SET version_num = ?", (version,))
    found(store.check(settings()), Broken("results store", what, remedy, state))
    list(blobs.check(settings()))
    with sqlite3.connect(home / "store.db") as database:  # looking at it did not upgrade it
        assert database.execute("SELECT version_num FROM schema_version").fetchone() == (version,)


def test_blobs_that_can_not_be_written(home: Path) -> None:
    (home / "file").touch()
    found(
        blobs.check(Settings(blobs=f"file://{home}/file/blobs")), Broken("blobs", "can't be written to", "check that")
    )


def test_an_object_store_that_is_away(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    found(blobs.check(Settings(blobs="s3://bucket/blobs")), Broken("blobs", "Could not connect", "AWS_ENDPOINT_URL"))


def test_a_blob_that_is_gone(campaign: Any) -> None:
    from dragoman.pair import Pair
    from dragoman.partition import TrainingGraph

    campaign.fill({"base": TrainingGraph()}, [Pair("en", "de")])
    found(blobs.check(settings()), Broken("blobs", "1 of 1 that the store refers to are missing", "backup"))


def test_a_blob_that_is_damaged(home: Path, small_grid: Any) -> None:
    store = Store.open(settings().store_url, settings().blobs_url)
    grid = small_grid(store).add()
    for record in grid.cells:
        grid.commit(record.cell, 1.0, statistics=None)
    store.close()
    assert "are what was written" in str(list(blobs.check(settings())))
    file = next((home / "blobs").glob("*/*"))
    file.write_bytes(file.read_bytes()[:-40])
    found(blobs.check(settings()), Broken("blobs", "that were read are damaged, such as", "retry GRID --damaged"))


def test_a_page_of_mlflows_database_that_is_damaged(home: Path) -> None:
    file = home / "mlflow.db"
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE alembic_version (version_num TEXT)")
        database.execute("INSERT INTO alembic_version VALUES (?)", (head_revision(),))
        database.execute("CREATE TABLE metrics (key TEXT)")
        database.executemany("INSERT INTO metrics VALUES (?)", [(str(number) * 50,) for number in range(200)])
    database.close()
    data = bytearray(file.read_bytes())
    data[-4096:] = bytes(byte ^ 0xFF for byte in data[-4096:])
    file.write_bytes(data)
    found(mlflow.check(Settings(home=home)), Broken("MLflow", "is damaged: metrics", "dragoman resume"))
    assert file.read_bytes() == data


def test_an_mlflow_that_is_away(home: Path) -> None:
    away = Settings(mlflow="http://127.0.0.1:1")
    found(mlflow.check(away), Broken("MLflow", "http://127.0.0.1:1 is not well", "start it"))


def test_an_mlflow_that_does_not_know_us(
    home: Path, server: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "jobs")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "wrong")
    url = server({"/health": 200, "/api/2.0/mlflow/experiments/search": 401})
    found(mlflow.check(Settings(mlflow=url)), Broken("MLflow", "the user jobs", "MLFLOW_TRACKING_PASSWORD"))


def test_an_mlflow_that_asks_for_a_token(
    home: Path, server: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def guarded(headers: Any) -> tuple[int, str]:
        return (200, "{}") if headers["Authorization"] == "Bearer right" else (401, "This server asks for its token")

    url = server({"/health": 200, "/version": guarded, "/api/2.0/mlflow/experiments/search": guarded})
    found(mlflow.check(Settings(mlflow=url)), Broken("MLflow", "asks for its token", "MLFLOW_TRACKING_TOKEN"))
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "right")
    assert "fault" not in {str(finding.state) for finding in mlflow.check(Settings(mlflow=url))}


def test_an_mlflow_called_by_a_name_it_refuses(home: Path, server: Callable[..., str]) -> None:
    refusal = (403, "Invalid Host header - possible DNS rebinding attack detected")
    url = server({"/health": 200, "/api/2.0/mlflow/experiments/search": lambda _: refusal})
    found(mlflow.check(Settings(mlflow=url)), Broken("MLflow", "refuses to be called", "MLFLOW_SERVER_ALLOWED_HOSTS"))


@pytest.mark.parametrize(
    ("version", "what", "remedy"),
    [
        ("451aebb31d03", "is older than MLflow", "deploy migrate"),
        ("none", "is newer than MLflow", "install the MLflow"),
    ],
)
def test_an_mlflow_database_of_another_version(home: Path, version: str, what: str, remedy: str) -> None:
    with sqlite3.connect(home / "mlflow.db") as database:
        database.execute("CREATE TABLE alembic_version (version_num TEXT)")
        database.execute("INSERT INTO alembic_version VALUES (?)", (version,))
        database.execute("CREATE TABLE experiments AS SELECT 0 AS experiment_id, 'Default' AS name")
    found(mlflow.check(settings()), Broken("MLflow", what, remedy))


@pytest.mark.parametrize(
    ("tables", "what"),
    [
        (["experiments (name)", "runs (run_uuid)"], "its first migration was cut short"),
        (["experiments AS SELECT 'Default' AS name"], "holds tables and no schema version"),
    ],
)
def test_an_mlflow_database_that_was_left_half_made(home: Path, tables: list[str], what: str) -> None:
    with sqlite3.connect(home / "mlflow.db") as database:
        for table in tables:
            database.execute(f"CREATE TABLE {table}")
    found(mlflow.check(settings()), Broken("MLflow", what, "deploy migrate"))


def test_a_grid_that_mlflow_was_not_told_of(campaign: Any) -> None:
    from dragoman.pair import Pair
    from dragoman.partition import TrainingGraph

    campaign.fill({"base": TrainingGraph()}, [Pair("en", "de")])
    job = campaign.store.jobs.start("g", "here-1", None)
    wanted = Broken("MLflow", "it holds no run of grid g", "dragoman resume g", State.WARNING)
    assert wanted.what not in str(list(mlflow.check(settings())))  # it is at it
    campaign.store.jobs.end(job, JobState.DONE, None)
    found(mlflow.check(settings()), wanted)
    with sqlite3.connect(settings().home / "mlflow.db") as database:
        database.execute("CREATE TABLE tags AS SELECT 'dragoman.grid' AS key, 'g' AS value")
    assert wanted.what not in str(list(mlflow.check(settings())))


def test_a_ray_that_is_away(home: Path) -> None:
    found(ray.check(Settings(ray="http://127.0.0.1:1")), Broken("Ray", "nothing answers", "DRAGOMAN_RAY"))


def test_a_ray_that_refuses_the_token(home: Path, server: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    url = server({"/api/version": 403})
    found(ray.check(Settings(ray=url)), Broken("Ray", "wants a token", "RAY_AUTH_TOKEN"))
    monkeypatch.setenv("RAY_AUTH_TOKEN", "0" * 64)
    found(ray.check(Settings(ray=url)), Broken("Ray", "refuses the token", "RAY_AUTH_TOKEN"))


def test_a_ray_that_asks_for_no_token(home: Path, server: Callable[..., str]) -> None:
    url = server({"/api/version": lambda _: (200, '{"ray_version": "2.60.0"}')})
    found(ray.check(Settings(ray=url)), Broken("Ray", "whatever anyone sends", "RAY_AUTH_MODE=token"))


def test_a_ray_of_another_version(home: Path, server: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(headers: Any) -> tuple[int, str]:
        return (200, '{"ray_version": "2.1.0"}') if headers["Authorization"] else (401, "")

    monkeypatch.setenv("RAY_AUTH_TOKEN", "0" * 64)
    url = server({"/api/version": answer})
    found(ray.check(Settings(ray=url)), Broken("Ray", "runs 2.1.0", "pip install 'ray[default]==2.1.0'"))


@pytest.mark.parametrize(("late", "way"), [(600, "behind"), (-600, "ahead of")])
def test_a_clock_that_is_off(home: Path, server: Callable[..., str], late: float, way: str) -> None:
    url = server({"/health": 200}, late=late)
    found(clock.check(Settings(mlflow=url)), Broken("clock", f"seconds {way} that of MLflow", "NTP"))


def test_a_full_disk(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(home)._replace(free=10_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    found(machine.check(settings()), Broken("disk", "0.0 GiB free", "dragoman gc --remove"))


@pytest.mark.parametrize(
    ("script", "what", "remedy"),
    [
        ("echo 'NVIDIA H200, 143771 MiB'", "built without CUDA", "pytorch.org"),
        ('echo "couldn\'t communicate with the NVIDIA driver"; exit 9', "couldn't communicate", "NVIDIA driver"),
    ],
)
def test_a_gpu_that_can_not_be_used(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, what: str, remedy: str
) -> None:
    import torch

    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    command = tmp_path / "nvidia-smi"
    command.write_text(f"#!/bin/sh\n{script}\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    found(machine.check(settings()), Broken("gpu", what, remedy))


def test_looking_at_a_home_that_is_not_there_makes_none(tmp_path: Path) -> None:
    found_there = list(blobs.check(Settings(home=tmp_path / "none")))
    assert [each.state for each in found_there] == [State.OK]
    assert not list(tmp_path.iterdir())
