"""A real cluster with token authentication: grids sent to it, followed from another shell, and everything killed once.

Decoding is a stub's, the rest is the real thing: Ray, its Jobs API, finetuning, the store, MLflow and its server.
"""

import json
import os
import random
import shlex
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from tests.end_to_end.conftest import MINI, Home
from tests.end_to_end.head import TOKEN, Head
from tests.end_to_end.shell import SPEC, Shell
from tests.end_to_end.stub_engine import install, limited

from dragoman.cell import CellState
from dragoman.store.records import JobState, LineKind
from dragoman_jobs.cluster.ray_jobs_api import ENDED, RayJobs

# a cluster, a server and three grids start on as many cores as there are
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]


@pytest.fixture(scope="module")
def python_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory.mktemp("stub"))


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory, python_path: Path) -> Iterator[Head]:
    cluster = Head(tmp_path_factory.mktemp("head"), python_path)
    cluster.start()
    yield cluster
    cluster.kill()


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory, head: Head, python_path: Path) -> Shell:
    """A grid that was submitted and left alone."""
    shell = Shell(tmp_path_factory.mktemp("calm") / "shell", head, python_path)
    shell.ok("submit", "spec.yaml", "--address", head.address)
    assert shell.until_over() is JobState.DONE
    return shell


def test_a_submitted_grid_is_followed_from_another_shell(calm: Shell, head: Head) -> None:
    assert {cell.state for cell in calm.cells()} == {CellState.DONE}
    assert {cell.attempts for cell in calm.cells()} == {1}
    run = calm.json("status", "mini")["run"][0]
    assert (run["state"], run["done"], run["cells"], run["where"]) == ("done", 24, 24, head.address)
    screen = calm.ok("status", "mini")
    assert f"{head.address}/#/jobs/{run['submission']}" in screen
    log = calm.ok("logs", "mini", "--follow")
    assert "cells: 24 of 24" in log
    assert "The run is done." in log
    assert [grid["state"] for grid in calm.json("list")["grids"]] == ["done"]
    assert "nothing to stop" in calm.refused("stop", "mini")


def test_what_ray_shows_of_a_job_holds_no_secret(calm: Shell, head: Head) -> None:
    submission = calm.store.jobs.of_grid("mini")[0].submission
    shown = requests.get(
        f"{head.address}/api/jobs/{submission}", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10
    ).text
    assert json.loads(shown)["metadata"] == {"dragoman.grid": "mini", "dragoman.job": "1"}
    assert TOKEN not in shown
    lines = calm.store.jobs.lines(1)
    assert lines
    assert not any(TOKEN in f"{line.text}{line.detail}" for line in lines)


_LOOK = """
import os
from dragoman_jobs.cluster.base import Share
from dragoman_jobs.cluster.ray_cluster import RayCluster

class Seen:
    def gpus(self):
        return os.environ.get("CUDA_VISIBLE_DEVICES")

def stream():
    yield Seen().gpus()

def task():
    return Seen().gpus()

cluster = RayCluster(address="auto")
for share in (Share(1, 1), Share(1, 0.5), Share(1, 0)):
    worker = cluster.worker(Seen, share=share)
    print("worker", share.gpus, "sees", repr(cluster.result(worker.call("gpus"))))
    worker.kill()
print("training sees", repr(cluster.result(cluster.stream(stream, share=Share(1, 1)))))
print("task sees", repr(cluster.result(cluster.task(task))))
"""
"""What the driver's workers see of the GPUs; the node only says that it has one, and needs none for that."""


def test_a_worker_sees_the_gpus_it_holds_and_no_others(head: Head, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)
    jobs = RayJobs(head.address)
    jobs.submit("look", f"{shlex.quote(sys.executable)} -c {shlex.quote(_LOOK)}", {}, {})
    while (known := jobs.job("look")) is None or known["status"] not in ENDED:
        time.sleep(0.2)
    log = jobs.log("look")
    said = [line for line in log.splitlines() if " sees " in line]
    assert said == [
        "worker 1 sees '0'", "worker 0.5 sees '0'", "worker 0 sees ''", "training sees '0'", "task sees ''",
    ], log  # fmt: skip


def test_prometheus_is_told(calm: Shell, head: Head) -> None:
    """Counters reach the exporter that Ray names to Prometheus."""
    assert calm.done()
    nodes = requests.get(
        f"{head.address}/nodes?view=summary", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10
    ).json()["data"]["summary"]
    port = nodes[0]["raylet"]["metricsExportPort"]

    def told() -> str:
        text = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text
        return text if "dragoman_cells" in text else ""

    series = [line for line in calm.wait(told, 60).splitlines() if line.startswith("ray_dragoman_cells_total{")]
    assert any('grid="mini"' in line for line in series)


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        ([], {"RAY_AUTH_TOKEN": "not-the-token-of-this-cluster-at-all"}, ["refuses the token"]),
        (["--gpus", "2"], {}, ["1 CPU core and 2 GPUs", "no node of the cluster", "--gpus"]),
        (["--training-gpus", "2"], {}, ["A finetuning", "2 GPUs", "no node of the cluster"]),
    ],
)  # fmt: skip
def test_what_a_cluster_does_not_take_is_one_sentence_and_nothing_is_written(
    tmp_path: Path, head: Head, python_path: Path, arguments: list[str], environment: dict[str, str], words: list[str]
) -> None:
    shell = Shell(tmp_path / "shell", head, python_path)
    sentence = shell.refused("submit", "spec.yaml", "--address", head.address, *arguments, **environment)
    for word in words:
        assert word in sentence
    assert not shell.home.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--address", "http://127.0.0.1:9"], ["no Ray cluster at http://127.0.0.1:9", "ray start --head"]),
        (["--address", "127.0.0.1:8265"], ["'127.0.0.1:8265'", "http://HOST:8265"]),
        ([], ["no cluster to submit to", "--address"]),
    ],
)
def test_what_is_submitted_to_no_cluster_is_one_sentence_and_nothing_is_written(
    tmp_path: Path, refused_here: Callable[..., str], arguments: list[str], words: list[str]
) -> None:
    home = Home(tmp_path, MINI)
    sentence = refused_here(home, "submit", "spec.yaml", *arguments)
    for word in words:
        assert word in sentence
    assert not home.home.exists()


def test_stopped_resumed_and_the_head_restarted(
    tmp_path: Path, calm: Shell, head: Head, python_path: Path, chance: random.Random
) -> None:
    shell = Shell(tmp_path / "shell", head, python_path)
    with limited(python_path, pairs=16):
        shell.ok("submit", "spec.yaml", "--address", head.address)
        wanted = chance.randrange(8)
        shell.wait(lambda: shell.store.jobs.of_grid("mini")[0].is_alive and shell.done() >= wanted)
        time.sleep(chance.uniform(0, 0.5))

        assert "is being run by" in shell.refused("resume", "mini")
        assert "is stopped (stopped by ada)" in shell.ok("stop", "mini")
    stopped_at = {cell.cell.id for cell in shell.cells() if cell.state is CellState.DONE}
    given_up = {cell.cell.id for cell in shell.cells() if cell.attempts} - stopped_at
    assert len(stopped_at) < 24
    assert not any(cell.state is CellState.RUNNING for cell in shell.cells())
    screen = shell.ok("status", "mini")
    assert "`dragoman resume mini` goes on with it" in screen
    assert "first failure" not in screen, "to be stopped is no failure"
    assert shell.ok("logs", "mini").count("stopped by ada") == 2, "by the driver, and as the end of the run"

    changed = {**SPEC, "evaluation": {**SPEC["evaluation"], "sentences": 5}}
    (shell.folder / "spec.yaml").write_text(yaml.safe_dump(changed))
    assert "evaluation.sentences was 6 and is 5" in shell.refused("resume", "spec.yaml")
    (shell.folder / "spec.yaml").write_text(yaml.safe_dump(SPEC))

    with limited(python_path, pairs=22 - len(stopped_at)):
        assert head.address in shell.ok("resume", "spec.yaml")
        wanted = chance.randrange(len(stopped_at), 22)
        shell.wait(lambda: shell.store.jobs.of_grid("mini")[0].is_alive and shell.done() >= wanted)
        time.sleep(chance.uniform(0, 0.5))
        head.kill()
    lost = {cell.cell.id for cell in shell.cells() if cell.state is CellState.RUNNING}
    assert stopped_at <= {cell.cell.id for cell in shell.cells() if cell.state is CellState.DONE}
    shell.wait(lambda: shell.store.jobs.of_grid("mini")[0].is_lost, 60)
    assert shell.json("status", "mini")["run"][0]["state"] == "lost"
    head.start()
    shell.ok("resume", "mini")
    assert shell.until_over() is JobState.DONE
    assert [job["state"] for job in shell.json("status", "mini")["runs"]] == ["done", "failed", "stopped"]

    assert shell.scores() == calm.scores()
    for cell in shell.cells():
        assert cell.attempts == 1 + (cell.cell.id in given_up) + (cell.cell.id in lost), "what was in flight, no more"


def test_a_worker_a_finetuning_and_mlflow_are_killed(
    tmp_path: Path, calm: Shell, head: Head, python_path: Path, chance: random.Random
) -> None:
    server = _MlflowServer(tmp_path, calm.home / "mlflow.db")
    shell = Shell(tmp_path / "shell", head, python_path, DRAGOMAN_MLFLOW=server.address)
    server.start()
    try:
        with limited(python_path, pairs=22):
            shown = shell.ok("submit", "spec.yaml", "--address", head.address)
            assert f"{server.address}/#/experiments/" in shown

            (trainer, *_) = shell.wait(lambda: head.workers("ray::train"))
            time.sleep(chance.uniform(0, 3))
            trainer.kill()

            for cells, victim in sorted([(chance.randrange(20), "server"), (chance.randrange(20), "worker")]):
                _wait_for_done(shell, cells)
                time.sleep(chance.uniform(0, 0.5))
                if victim == "server":
                    server.kill()
                else:
                    (worker, *_) = shell.wait(lambda: head.workers("ray::_Holder"))
                    worker.kill()

        assert shell.until_over() is JobState.DONE
        assert {cell.state for cell in shell.cells()} == {CellState.DONE}
        assert shell.scores() == calm.scores()
        again = sorted(cell.attempts for cell in shell.cells() if cell.attempts > 1)
        assert again in ([], [2]), "more than the cell in flight was translated again"
        log = shell.ok("logs", "mini")
        assert f"MLflow at {server.address} does not answer" in log
        assert "`dragoman resume` of the grid writes it" in log
        assert not shell.store.jobs.lines(1, kind=LineKind.FAILURE)

        server.start()
        assert "is submitted to" in shell.ok("resume", "mini")
        assert shell.until_over() is JobState.DONE
        assert server.runs() == ["base", "base evaluation", "mini", "to-english", "to-english evaluation"]
        assert server.steps() == list(range(1, 31)), "no loss is missing, and none is there twice"
        assert sorted(cell.attempts for cell in shell.cells() if cell.attempts > 1) == again
    finally:
        server.kill()


def test_a_submitted_driver_is_killed_while_ray_lives(
    tmp_path: Path, calm: Shell, head: Head, python_path: Path, chance: random.Random
) -> None:
    shell = Shell(tmp_path / "shell", head, python_path)
    with limited(python_path, pairs=22):
        shell.ok("submit", "spec.yaml", "--address", head.address)
        _wait_for_done(shell, chance.randrange(20))
        time.sleep(chance.uniform(0, 0.5))
        for process in head.workers("dragoman_jobs.driver.entrypoint"):
            process.kill()
    shell.wait(lambda: "the driver ended without a word" in shell.ok("status", "mini"), 60)
    assert shell.state() is JobState.FAILED
    lost = {cell.cell.id for cell in shell.cells() if cell.state is CellState.RUNNING}
    shell.ok("resume", "mini")
    assert shell.until_over() is JobState.DONE
    assert shell.scores() == calm.scores()
    assert all(cell.attempts == 1 + (cell.cell.id in lost) for cell in shell.cells())


def _wait_for_done(shell: Shell, cells: int) -> None:
    shell.wait(lambda: shell.done() >= cells)


class _MlflowServer:
    """A tracking server of its own, killed and started again on the same files."""

    def __init__(self, folder: Path, tables: Path) -> None:
        shutil.copy(tables, folder / "mlflow.db")  # to make the tables takes longer than all the rest
        with closing(sqlite3.connect(folder / "mlflow.db")) as database, database:
            # what is in them is none of this grid's
            database.execute("UPDATE experiments SET name = 'calm' WHERE name = 'mini'")
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self._port = one.getsockname()[1]
        self.address = f"http://127.0.0.1:{self._port}"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [Path(sys.executable).with_name("mlflow"), "server", "--port", str(self._port), "--workers", "1",
             "--backend-store-uri", f"sqlite:///{self._folder}/mlflow.db", "--artifacts-destination",
             self._folder / "artifacts"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self._folder, start_new_session=True,
            env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        )  # fmt: skip
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            try:
                if requests.get(f"{self.address}/health", timeout=2).ok:
                    return
            except requests.RequestException:
                time.sleep(0.3)
        raise AssertionError("MLflow's server did not come up")

    def kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, 9)
            self._process.wait()

    def runs(self) -> list[str]:
        """The names of all runs."""
        return sorted(str(run.info.run_name) for run in self._runs())

    def steps(self) -> list[int]:
        """The steps of the finetuning that have a loss, as often as they have one."""
        (run,) = (run for run in self._runs() if run.info.run_name == "to-english")
        return sorted(point.step for point in self._client.get_metric_history(run.info.run_id, "loss"))

    @property
    def _client(self) -> Any:
        from mlflow import MlflowClient

        return MlflowClient(self.address)

    def _runs(self) -> Any:
        experiment = self._client.get_experiment_by_name("mini")
        assert experiment is not None
        return self._client.search_runs([experiment.experiment_id])
