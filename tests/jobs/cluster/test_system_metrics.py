"""What the machines do meanwhile: sampled, kept until MLflow has it, sent once."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from dragoman_jobs.cluster import system_metrics
from dragoman_jobs.cluster.ray_jobs_api import RayJobs
from dragoman_jobs.cluster.system_metrics import Spool, SystemMetrics, nodes_of, this_machine


class _Mlflow:
    def __init__(self) -> None:
        self.is_up = True
        self.points: list[tuple[int, str, float]] = []

    def log_system(self, samples: list[tuple[int, str, float]]) -> None:
        if not self.is_up:
            raise ConnectionError
        self.points += samples


def test_samples_outlive_their_driver_until_they_are_sent(tmp_path: Path) -> None:
    path, mlflow = tmp_path / "unsent" / "grid.jsonl", _Mlflow()
    tracker: Any = mlflow
    Spool(path).add({"cpu": 1.0, "memory": 2.0})
    mlflow.is_up = False
    with pytest.raises(ConnectionError):
        Spool(path).send(tracker)
    mlflow.is_up = True
    with path.open("a") as file:
        file.write('[17, {"cpu": ')  # a driver was killed in the middle of a line
    Spool(path).add({"cpu": 3.0})  # lost with it: the next one is on the same line
    Spool(path).add({"cpu": 4.0})
    Spool(path).send(tracker)
    assert [(name, value) for _, name, value in mlflow.points] == [("cpu", 1.0), ("memory", 2.0), ("cpu", 4.0)]
    Spool(path).send(tracker)
    assert len(mlflow.points) == 3


def test_samples_are_taken_while_the_block_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_metrics, "SAMPLE_SECONDS", 0.001)
    enough, told = threading.Event(), []
    values = iter(range(1000))

    class Tracker:
        def tell(self, job: Any) -> None:
            told.append(job)

    def measure() -> dict[str, float]:
        value = next(values)
        if value == 1:
            raise OSError("no such file")
        if value == 5:
            enough.set()
        return {"cpu": float(value)}

    tracker: Any = Tracker()
    with SystemMetrics(measure, Spool(tmp_path / "spool"), tracker):
        assert enough.wait(10)
    samples = [json.loads(line)[1]["cpu"] for line in (tmp_path / "spool").read_text().splitlines()]
    assert samples[:4] == [0.0, 2.0, 3.0, 4.0]
    assert len(told) >= 2, "in batches, and what is left at the end"


def test_this_machine_is_measured_under_the_names_of_mlflow() -> None:
    measure = this_machine()
    sample = {**measure(), **measure()}
    assert {"cpu_utilization_percentage", "system_memory_usage_percentage", "disk_usage_percentage"} <= set(sample)
    assert 0 < sample["system_memory_usage_percentage"] < 100


def test_nodes_are_measured_by_their_agents(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = {"index": 0, "utilizationGpu": 50, "memoryUsed": 20_000, "memoryTotal": 80_000}
    node = {"ip": "10.0.0.1", "cpu": 12.5, "mem": [8e9, 6e9, 25.0, 2e9], "gpus": [gpu]}
    monkeypatch.setattr(RayJobs, "usage", lambda _: [node, {**node, "ip": "fd00::2", "gpus": []}])
    sample = nodes_of(RayJobs("http://ray.example.org:8265"))()
    assert sample["10.0.0.1/cpu_utilization_percentage"] == 12.5
    assert sample["10.0.0.1/system_memory_usage_percentage"] == 25.0
    assert sample["10.0.0.1/gpu_0_memory_usage_percentage"] == 25.0
    assert sample["10.0.0.1/gpu_0_utilization_percentage"] == 50
    assert sample["fd00__2/system_memory_usage_megabytes"] == 2000.0
