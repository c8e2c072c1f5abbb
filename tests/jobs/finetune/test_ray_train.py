"""Two workers of Ray Train train what one would, though one of them is killed."""

import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from dragoman.planning.planner import make_plan
from dragoman.spec.grid import GridSpec
from dragoman_jobs.cluster.base import NOTHING, ONE_CORE
from dragoman_jobs.cluster.ray_cluster import RayCluster
from dragoman_jobs.finetune.ray_train import train_together
from dragoman_jobs.finetune.result import FinetuneResult
from dragoman_jobs.finetune.task import TrainingTask, train

METHOD = {"kind": "full", "learning_rate": 0.002, "steps": 40, "batch_tokens": 512}
LOOKS = {"every": 10, "pairs": ["en-de", "de-fr"], "sentences": 2, "max_new_tokens": 8}


@pytest.fixture
def task(tiny_model: Callable[[str], Path], tmp_path: Path) -> TrainingTask:
    base = str(tiny_model("xglm"))
    spec = GridSpec.model_validate(
        {
            "name": "two",
            "base": base,
            "languages": ["en", "de", "fr"],
            "corpus": {"kind": "cldr"},
            "models": [
                {
                    "name": "full",
                    "pairs": {"centric": "en"},
                    "examples": 20,
                    "method": {**METHOD, "selection": LOOKS},
                }
            ],
            "evaluation": {"sentences": 2},
        }
    )
    (planned,) = make_plan(spec).trainings
    return TrainingTask(planned=planned, base=base, revision=None, out=tmp_path / "two")


def training_workers() -> list[psutil.Process]:
    """Of this process's own Ray: other clusters may run here."""
    return [child for child in psutil.Process().children(recursive=True) if "RayTrainWorker" in _words(child)]


def _words(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:  # it has just ended, or is a zombie
        return ""


@pytest.mark.slow
@pytest.mark.timeout(900)  # two starts of Ray Train
def test_a_killed_worker_is_replaced_and_nothing_is_lost(task: TrainingTask, tmp_path: Path) -> None:
    cluster = RayCluster(2)
    steps: list[int] = []
    try:
        ref = cluster.stream(train_together, task, 2, ONE_CORE, share=NOTHING)
        while True:
            cluster.wait([ref], 60)
            try:
                steps.append(cluster.result(ref).step)
            except StopIteration:
                break
            if steps[-1] == 12 and steps.count(12) == 1:
                workers = training_workers()
                assert len(workers) == 2
                workers[1].send_signal(signal.SIGKILL)
    finally:
        cluster.close()
    again = next(index for index in range(1, len(steps)) if steps[index] <= steps[index - 1])
    assert steps[:again] == list(range(1, again + 1))
    assert steps[again:] == list(range(steps[again], 41))
    assert steps[again] in (11, 21, 31)  # the step after a look, which leaves a checkpoint
    assert {path.name for path in tmp_path.iterdir()} == {"two", ".two.lock"}

    list(train(task.model_copy(update={"out": tmp_path / "one"})))
    one, two = FinetuneResult.load(tmp_path / "one"), FinetuneResult.load(tmp_path / "two")
    assert [point.loss for point in two.losses] == pytest.approx([point.loss for point in one.losses], rel=1e-2)
    assert (two.examples, two.target_tokens) == (one.examples, one.target_tokens)
