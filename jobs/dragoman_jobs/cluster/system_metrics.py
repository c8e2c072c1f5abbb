"""MLflow system metrics of a grid's machines: processors, memory, GPUs, disks and network, sampled while it runs."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dragoman.tracking.background import BackgroundTracker
from dragoman.tracking.mlflow import Tracker
from dragoman_jobs.cluster.ray_jobs_api import RayJobs

SAMPLE_SECONDS = 10.0
"""Between two samples, as in MLflow."""

SAMPLES_A_BATCH = 3
"""Samples that are written at once."""

Measure = Callable[[], Mapping[str, float]]


class Spool:
    """Samples that MLflow does not have yet: a file, so that they outlive the driver and are sent by the next one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def add(self, sample: Mapping[str, float]) -> None:
        """Keep what was measured just now."""
        line = json.dumps([int(time.time() * 1000), sample])
        with self._lock:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")

    def send(self, mlflow: Tracker) -> None:
        """Write to MLflow what is kept, and forget it."""
        with self._lock:
            text = self._path.read_text(encoding="utf-8") if self._path.exists() else ""
        if not text:
            return
        mlflow.log_system([point for line in text.splitlines() for point in _points(line)])
        with self._lock:
            rest = self._path.read_text(encoding="utf-8")[len(text) :]
            if rest:
                self._path.write_text(rest, encoding="utf-8")
            else:
                self._path.unlink()


def _points(line: str) -> list[tuple[int, str, float]]:
    """What a line of the file holds: nothing, where a driver was killed in the middle of it."""
    try:
        at, sample = json.loads(line)
    except ValueError:
        return []
    return [(at, name, value) for name, value in sample.items()]


class SystemMetrics:
    """Takes samples on a thread of its own while its block runs."""

    def __init__(self, measure: Measure, spool: Spool, tracker: BackgroundTracker) -> None:
        """Prepare.

        Args:
            measure: takes a sample; what fails is left out.
            spool: keeps it until MLflow has it.
            tracker: writes it there.
        """
        self._measure, self._spool, self._tracker = measure, spool, tracker
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="system-metrics", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(1.0)
        self._tracker.tell(self._spool.send)

    def _work(self) -> None:
        taken = 0
        while not self._over.wait(0.0 if taken == 0 else SAMPLE_SECONDS):
            try:
                self._spool.add(self._measure())
            except Exception:  # noqa: S112  # a sample is worth no failure of a grid
                continue
            finally:
                taken += 1
            if taken % SAMPLES_A_BATCH == 0:
                self._tracker.tell(self._spool.send)


def this_machine() -> Measure:
    """Samples of this machine, by MLflow's own monitors and under their names."""
    monitors: list[Any] = []

    def measure() -> Mapping[str, float]:
        if not monitors:
            from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor
            from mlflow.system_metrics.metrics.disk_monitor import DiskMonitor
            from mlflow.system_metrics.metrics.gpu_monitor import GPUMonitor
            from mlflow.system_metrics.metrics.network_monitor import NetworkMonitor

            kinds: list[Any] = [CPUMonitor, DiskMonitor, NetworkMonitor, GPUMonitor]
            for kind in kinds:
                with suppress(Exception):  # there is no GPU, or nothing that knows of it
                    monitors.append(kind())
        sample: dict[str, float] = {}
        for monitor in monitors:
            monitor.collect_metrics()
            sample |= monitor.aggregate_metrics()
            monitor.clear_metrics()
        return sample

    return measure


def nodes_of(cluster: RayJobs) -> Measure:
    """Samples of every node of a cluster, as its dashboard has them: MLflow's names behind the node's address."""
    return lambda: {
        f"{node['ip'].replace(':', '_')}/{name}": value
        for node in cluster.usage()
        for name, value in _of_node(node).items()
    }


def _of_node(node: Mapping[str, Any]) -> dict[str, float]:
    total, available = node["mem"][:2]
    sample = {
        "cpu_utilization_percentage": node["cpu"],
        "system_memory_usage_megabytes": (total - available) / 1e6,
        "system_memory_usage_percentage": 100 * (total - available) / total,
    }
    for place, gpu in enumerate(node.get("gpus") or ()):
        if gpu.get("utilizationGpu") is not None:
            sample[f"gpu_{place}_utilization_percentage"] = gpu["utilizationGpu"]
        sample[f"gpu_{place}_memory_usage_megabytes"] = gpu["memoryUsed"]
        sample[f"gpu_{place}_memory_usage_percentage"] = 100 * gpu["memoryUsed"] / gpu["memoryTotal"]
    return sample
