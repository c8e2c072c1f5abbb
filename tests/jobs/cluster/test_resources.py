"""What can't be trained with what workers are to hold is one sentence, before anything is written."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dragoman.planning.plan import Plan
from dragoman.planning.planner import make_plan
from dragoman.settings import Settings
from dragoman.spec.grid import GridSpec
from dragoman_jobs.cluster.base import ClusterError
from dragoman_jobs.cluster.resources import Shares, room_here


@pytest.fixture
def plan(tiny_model: Callable[[str], Path]) -> Callable[..., Plan]:
    def make(**method: Any) -> Plan:
        lora = {"kind": "lora", "learning_rate": 0.001, "steps": 2, **method}
        model = {"name": "small", "pairs": {"centric": "en"}, "examples": 2, "method": lora}
        return make_plan(
            GridSpec.model_validate(
                {
                    "name": "g",
                    "base": str(tiny_model("xglm")),
                    "languages": ["en", "de"],
                    "corpus": {"kind": "cldr"},
                    "models": [model],
                    "evaluation": {"sentences": 2},
                }
            )
        )

    return make


def shares(**settings: Any) -> Shares:
    return Shares.of(Settings(**settings))


def test_workers_that_there_is_no_room_for() -> None:
    three = shares(training_workers=3)
    with pytest.raises(ClusterError, match=r"3 workers with 1 CPU core each, and this machine has room for 2: start"):
        three.require_room(room_here(Settings(workers=2)), True, "this machine")
    three.require_room(room_here(Settings(workers=3)), True)
    three.require_room(room_here(Settings(workers=1)), False)  # nothing is trained


def test_cores_that_no_node_has() -> None:
    with pytest.raises(ClusterError, match=r"A finetuning is to hold 4 CPU cores, and no node of the cluster has that"):
        shares(training_cpus=4).require_room(lambda share: share.fits(2, 0) + share.fits(2, 0), True)
    with pytest.raises(ClusterError, match=r"An evaluation worker is to hold 4 CPU cores"):
        shares(worker_cpus=4).require_room(lambda share: share.fits(2, 0), True)


def test_gpus_that_a_worker_could_not_use(plan: Callable[..., Plan]) -> None:
    with pytest.raises(ClusterError, match=r"trains on one GPU, .* --training-workers 4 --training-gpus 1"):
        shares(training_gpus=4).require_sense(plan())
    with pytest.raises(ClusterError, match=r"can't share a GPU, and training_gpus is 0.5"):
        shares(training_gpus=0.5, training_workers=2).require_sense(plan())
    shares(training_gpus=0.5).require_sense(plan())
