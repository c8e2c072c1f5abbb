"""What Ray raises, told apart; no Ray is started."""

from types import SimpleNamespace
from typing import Any

import pytest
import ray.exceptions
from ray import ObjectRef
from ray.exceptions import RayTaskError

from dragoman.errors import DragomanError, ModelError
from dragoman_jobs.cluster.base import TaskError, WorkerDiedError
from dragoman_jobs.cluster.ray_cluster import RayCluster


def _raised_by(cluster_error: Exception) -> type[BaseException]:
    """What `result` makes of an error of `ray.get`."""

    def get(_: Any) -> Any:
        raise cluster_error

    cluster = RayCluster.__new__(RayCluster)
    cluster._ray = SimpleNamespace(exceptions=ray.exceptions, get=get, ObjectRefGenerator=ray.ObjectRefGenerator)
    with pytest.raises(DragomanError) as caught:
        cluster.result(ObjectRef.nil())
    return caught.type


@pytest.mark.parametrize(
    "error",
    [
        ray.exceptions.ObjectLostError("00", None, ""),
        ray.exceptions.OwnerDiedError("00", None, ""),
        ray.exceptions.LocalRayletDiedError(),
        ray.exceptions.NodeDiedError("its node died"),
        ray.exceptions.ActorDiedError(),
        ray.exceptions.ActorUnavailableError("away", b"0" * 16),
        ray.exceptions.OutOfMemoryError("too little memory"),
        ray.exceptions.RuntimeEnvSetupError("no environment"),
        RayTaskError("task", "Traceback", ray.exceptions.ObjectFetchTimedOutError("00", None, "")),
    ],
)
def test_what_is_gone_with_a_process_or_its_node_is_tried_again(error: Exception) -> None:
    assert _raised_by(error) is WorkerDiedError


@pytest.mark.parametrize(
    ("cause", "expected"), [(ModelError("no such model."), ModelError), (ValueError("a fault"), TaskError)]
)
def test_what_a_task_raises_is_its_own_sentence_or_a_fault_of_ours(cause: Exception, expected: type[Exception]) -> None:
    assert _raised_by(RayTaskError("task", "Traceback", cause)) is expected
