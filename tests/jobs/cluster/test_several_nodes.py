"""Grids on several nodes, raylets on this machine: nodes of different sizes, added, killed, ended and drained.

Whatever becomes of nodes, hypotheses and scores are those of a run without Ray, and what was done again is counted.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import psutil
import pytest
import ray
import yaml
from ray.cluster_utils import Cluster as RayNodes
from rich.console import Console

from dragoman.cell import CellState
from dragoman.planning.plan import Plan
from dragoman.planning.planner import make_plan
from dragoman.settings import Settings
from dragoman.spec.grid import GridSpec
from dragoman.store.store import Store
from dragoman_jobs.cluster.ray_cluster import RayCluster
from dragoman_jobs.driver.driver import Driver
from dragoman_jobs.driver.progress import ProgressDisplay
from dragoman_jobs.testing import run_plan

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.xdist_group("nodes")]

BASE = Path(__file__).parents[3] / "examples" / "tiny-xglm"
CELLS = 20

Result = tuple[str | None, tuple[str, ...]]


def plan_of(**changes: Any) -> Plan:
    return make_plan(
        GridSpec.model_validate(
            {
                "name": "nodes", "base": str(BASE), "languages": ["en", "de", "fr", "ru", "zh"], "corpus": "cldr",
                "evaluation": {"sentences": 60, "decoding": {"max_new_tokens": 40}},
                **changes,
            }
        )
    )  # fmt: skip


def results(store: Store) -> dict[str, Result]:
    """Of every cell the address of its hypotheses, which is their hash, and its scores."""
    cells = store.cells.of_grid("nodes")
    assert {each.state for each in cells} == {CellState.DONE}
    return {each.cell.id: (each.hypotheses, tuple(map(repr, store.cells.scores(each.cell.id)))) for each in cells}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """The results of a run in this process."""
    found = results(run_plan(plan_of(), Settings(home=tmp_path_factory.mktemp("plain"))))
    assert len(found) == CELLS
    return found


class Address(Protocol):
    """A cluster that can be joined."""

    address: str


class Nodes:
    """Raylets under a head that takes no work."""

    def __init__(self) -> None:
        self._nodes = RayNodes(
            initialize_head=True,
            head_node_args={"num_cpus": 0, "include_dashboard": False},
        )
        self.address = str(self._nodes.address)

    def add(self, cpus: int, **more: Any) -> Any:
        return self._nodes.add_node(num_cpus=cpus, **more)

    def kill(self, node: Any) -> None:
        """All of its processes at once, as when the machine is gone."""
        self._nodes.remove_node(node, allow_graceful=False)

    def end(self, node: Any) -> None:
        """SIGTERM to its raylet."""
        node.all_processes["raylet"][0].process.send_signal(signal.SIGTERM)

    def drain(self, node: Any, seconds: int) -> None:
        """What is told to Ray of a spot node that goes in so many seconds."""
        subprocess.run(
            [Path(sys.executable).with_name("ray"), "drain-node", "--address", self.address, "--node-id", node.node_id,
             "--reason", "DRAIN_NODE_REASON_PREEMPTION", "--reason-message", "spot",
             "--deadline-remaining-seconds", str(seconds)],
            check=True, capture_output=True,
        )  # fmt: skip

    def close(self, node: Any) -> None:
        """Take away what is left of it."""
        if node in self._nodes.worker_nodes:
            self._nodes.remove_node(node)

    def shutdown(self) -> None:
        self._nodes.shutdown()


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Where Ray keeps its files, in a short path, so that no other Ray of this machine hears of it; loopback only."""
    with (
        pytest.MonkeyPatch.context() as patch,
        tempfile.TemporaryDirectory(prefix="dr", dir="/tmp", ignore_cleanup_errors=True) as name,
    ):
        patch.setenv("RAY_TMPDIR", name)
        patch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
        patch.setattr("ray._private.ray_constants.ENABLE_RAY_CLUSTER", False)  # the same, read when Ray was imported
        yield Path(name)


@pytest.fixture(scope="module")
def nodes(folder: Path) -> Iterator[Nodes]:
    found = Nodes()
    try:
        yield found
    finally:
        found.shutdown()


class Planned(NamedTuple):
    """Something to do once, after what was planned before it."""

    act: Callable[[], object]
    cells: int = 0
    """As soon as so many cells are done,"""
    workers: int = 99
    """and no more than so many workers are there."""


class Watched(ProgressDisplay):
    """Shows nothing, keeps what is measured, and does what is planned."""

    def __init__(self, planned: Iterable[Planned], each: Callable[[], object]) -> None:
        super().__init__(Console(quiet=True))
        self.planned, self._each = list(planned), each
        self._done = self.workers = 0
        self.busy = 0.0

    def update(self, name: str, done: int, note: str = "") -> None:
        super().update(name, done, note)
        self._done = done

    def show(self, measured: Mapping[str, Any]) -> None:
        self._each()
        self.busy = measured.get("busy") or self.busy
        self.workers = max(self.workers, measured.get("workers", 0))
        if self.planned and self._done >= self.planned[0].cells and measured["workers"] <= self.planned[0].workers:
            self.planned.pop(0).act()


def run(
    nodes: Address, home: Path, *planned: Planned, each: Callable[[], object] = lambda: None,
    at_last: Callable[[], object] = lambda: None, grows: bool = False, **chosen: Any,
) -> tuple[dict[str, Result], int]:  # fmt: skip
    """What a grid gives on the nodes, and how often cells were begun again.

    Args:
        nodes: where.
        home: where things are kept.
        planned: what is done meanwhile.
        each: what is done with every look.
        at_last: what is done when all cells are, while the driver is still there.
        grows: whether nodes are started for what waits.
        chosen: settings.
    """
    settings = Settings(home=home, **chosen)
    store = Store.open(settings.store_url, settings.blobs_url)
    progress = Watched(planned, each)
    driver = Driver(plan_of(), store, settings, progress)
    driver.register()
    cluster = RayCluster(address=nodes.address, grows=grows)
    began = time.monotonic()
    try:
        while backlog := driver.remaining():
            driver.run(cluster, backlog)
        seconds = time.monotonic() - began
        at_last()
    finally:
        cluster.close()
    assert not progress.planned, "the grid was done before"
    again = sum(each.attempts - 1 for each in store.cells.of_grid("nodes"))
    print(f"{seconds:.1f} s, {progress.workers} workers, {progress.busy:.0%} busy, {again} cells done again")
    return results(store), again


def test_three_nodes_of_different_sizes(nodes: Nodes, plain: dict[str, Result], tmp_path: Path) -> None:
    """Together they have room for four workers, and each by itself for none, one and two."""
    mine = [nodes.add(cpus) for cpus in (1, 2, 3)]
    try:
        assert run(nodes, tmp_path, worker_cpus=1.5) == (plain, 0)
    finally:
        for node in mine:
            nodes.close(node)


def test_a_node_that_is_added_is_used(nodes: Nodes, plain: dict[str, Result], tmp_path: Path) -> None:
    mine = [nodes.add(1)]
    try:
        found = run(nodes, tmp_path, Planned(lambda: mine.append(nodes.add(1)), cells=4))
        assert found == (plain, 0)
    finally:
        for node in mine:
            nodes.close(node)


def test_a_node_is_killed(nodes: Nodes, plain: dict[str, Result], tmp_path: Path) -> None:
    mine = [nodes.add(1), nodes.add(1)]
    try:
        found, again = run(nodes, tmp_path, Planned(lambda: nodes.kill(mine[1]), cells=6))
        assert found == plain
        assert again < CELLS / 4, "more than what was in flight there"
    finally:
        for node in mine:
            nodes.close(node)


def test_spot_nodes_end(
    nodes: Nodes, plain: dict[str, Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One without a word; another is drained, and its worker leaves it before it ends."""
    monkeypatch.setattr("dragoman_jobs.cluster.ray_cluster._NODES_SECONDS", 0.2)
    mine = [nodes.add(1), nodes.add(1), nodes.add(1)]
    try:
        found, again = run(
            nodes, tmp_path, Planned(lambda: nodes.end(mine[1]), cells=4),
            Planned(lambda: nodes.drain(mine[2], 60), cells=6, workers=2),
            Planned(lambda: nodes.end(mine[2]), workers=1),
        )  # fmt: skip
        assert found == plain
        assert again < CELLS / 4, "more than what was in flight where nothing was said"
    finally:
        for node in mine:
            nodes.close(node)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Autoscaler:
    """A head without cores, and Ray's autoscaler with its provider of nodes that are raylets on this machine.

    `ray.cluster_utils.AutoscalingCluster` does the same, but ends every other Ray of the machine, and reads a file that
    is not in Ray's package.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = f"127.0.0.1:{_free_port()}"
        lists = [
            *("initialization_commands", "setup_commands", "head_setup_commands", "worker_setup_commands"),
            *("head_start_ray_commands", "worker_start_ray_commands", "cluster_synced_files"),
            *("rsync_exclude", "rsync_filter"),
        ]
        config = {
            **{name: [] for name in lists}, "cluster_name": "fake", "max_workers": 2, "auth": {}, "file_mounts": {},
            "file_mounts_sync_continuously": False, "upscaling_speed": 1.0, "idle_timeout_minutes": 0.05,
            "head_node_type": "ray.head.default",
            "provider": {
                "type": "fake_multinode", "use_node_id_as_ip": True, "disable_node_updaters": True,
                "disable_launch_config_check": True, "gcs_address": self.address,
            },
            "available_node_types": {
                "ray.head.default": {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0},
                "worker": {
                    "resources": {"CPU": 1, "object_store_memory": 150 * 2**20}, "node_config": {}, "min_workers": 0,
                    "max_workers": 2,
                },
            },
        }  # fmt: skip
        (folder / "autoscaler.yaml").write_text(yaml.safe_dump(config))
        environment = {
            **os.environ, "RAY_FAKE_CLUSTER": "1", "AUTOSCALER_UPDATE_INTERVAL_S": "1", "OMP_NUM_THREADS": "1",
            "RAY_AUTH_MODE": "disabled", "RAY_enable_autoscaler_v2": "0",
        }  # fmt: skip
        command: list[Any] = [
            Path(sys.executable).with_name("ray"), "start", "--head", "--block", "--num-cpus=0", "--num-gpus=0",
            f"--port={self.address.rpartition(':')[2]}", f"--autoscaling-config={folder / 'autoscaler.yaml'}",
            "--include-dashboard=false", "--disable-usage-stats", f"--temp-dir={folder}/a",
        ]  # fmt: skip
        with (folder / "log").open("w") as log:
            self._process = subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, start_new_session=True, cwd=folder
            )

    def until_up(self) -> None:
        deadline = time.monotonic() + 200
        while "Ray runtime started" not in (said := (self.folder / "log").read_text()):
            assert time.monotonic() < deadline and self._process.poll() is None, said
            time.sleep(0.2)

    def shutdown(self) -> None:
        """End what it has started, which are processes of other sessions too."""
        there = psutil.process_iter(["cmdline"])
        mine = [each for each in there if f"{self.folder}/a" in " ".join(each.info["cmdline"] or ())]
        for process in [psutil.Process(self._process.pid), *mine]:
            with suppress(psutil.Error):
                process.kill()
        self._process.wait()


def test_an_autoscaler_grows_from_no_node_and_shrinks_again(
    folder: Path, plain: dict[str, Result], tmp_path: Path
) -> None:
    head = Autoscaler(folder)
    counts: list[int] = []

    def count() -> None:
        found = sum(node["Alive"] and node["Resources"].get("CPU", 0) > 0 for node in ray.nodes())
        if counts[-1:] != [found]:
            counts.append(found)

    def shrink() -> None:
        deadline = time.monotonic() + 90
        while counts[-1] and time.monotonic() < deadline:
            time.sleep(0.5)
            count()

    try:
        head.until_up()
        assert run(head, tmp_path, each=count, at_last=shrink, grows=True) == (plain, 0)
        print("nodes", counts)
        assert counts[0] == 0 and max(counts) == 2 and counts[-1] == 0
    finally:
        head.shutdown()
