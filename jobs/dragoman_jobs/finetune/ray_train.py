"""Finetune on several workers with Ray Train, on one node or many, preemptible ones included."""

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dragoman.disk import told_apart
from dragoman.errors import DragomanError, first_line
from dragoman_jobs.cluster.base import MAX_ATTEMPTS, Share, TaskError
from dragoman_jobs.finetune.result import Progress
from dragoman_jobs.finetune.task import TrainingTask, train

_ENVIRONMENT = {"RAY_CHDIR_TO_TRIAL_DIR": "0"}
"""Of Ray Train: a worker stays in the folder that paths are relative to."""

_TICK = 0.5
"""Seconds between two looks whether the training is over."""

_PATIENCE = 6 * 3600
"""Seconds a worker waits for the others, who may be writing a large model; that one died, Ray says at once."""


def train_together(task: TrainingTask, workers: int, share: Share) -> Iterator[Progress]:
    """Train on several workers, yielding progress. When a worker dies, all go on from the last checkpoint.

    It is itself a task on the cluster, which holds nothing.

    Args:
        task: the finetuning.
        workers: how many train it.
        share: what each of them holds.

    Raises:
        DragomanError: what the training itself raised.
        TaskError: workers died too often, or the training failed with what is no sentence.
    """
    import ray
    from ray.util.queue import Empty, Queue

    told: Any = Queue(actor_options={"num_cpus": 0})
    options: Any = {"num_cpus": 0, "max_retries": 0, "runtime_env": {"env_vars": _ENVIRONMENT}}
    # in a process of its own, which can be ended at any moment, and Ray Train's with it
    running: Any = ray.remote(**options)(_fit).remote(task, workers, share, told)
    try:
        while True:
            over, _ = ray.wait([running], timeout=0)
            try:
                said = told.get(timeout=_TICK)
            except Empty:
                if over:
                    break
                continue
            if isinstance(said, DragomanError):
                raise said
            yield said
        ray.get(running)
    except ray.exceptions.RayError as error:
        raise TaskError(f"its {workers} workers failed {MAX_ATTEMPTS} times: {_reason(error)}") from error
    finally:
        ray.cancel(running, force=True)
        told.shutdown(force=True)
        shutil.rmtree(_storage(task), ignore_errors=True)


def _reason(error: Exception) -> str:
    """What one of the workers raised, which is the last line of its traceback."""
    cause = getattr(error, "cause", error)
    raised = next(iter(getattr(cause, "worker_failures", {}).values()), cause)
    return first_line(Exception(str(raised).strip().rpartition("\n")[2]))


def _storage(task: TrainingTask) -> Path:
    """Where Ray Train keeps what it knows of a run; the checkpoints are the training's own."""
    return task.out.with_name(f"{task.out.name}.ray-train")


def _fit(task: TrainingTask, workers: int, share: Share, told: Any) -> None:
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchConfig, TorchTrainer
    from ray.util import get_node_ip_address

    run: Any = RunConfig  # Ray's annotations are those of the version before
    address: Any = get_node_ip_address
    inside = address() == "127.0.0.1"  # an embedded Ray: no other machine is to reach gloo
    TorchTrainer(
        _work,
        train_loop_config={"task": task, "told": told},
        # both: what is gathered of numbers and sentences is on the CPU
        torch_config=TorchConfig(backend="cpu:gloo,cuda:nccl" if share.gpus else "gloo", timeout_s=_PATIENCE),
        scaling_config=ScalingConfig(
            num_workers=workers,
            use_gpu=share.gpus > 0,
            resources_per_worker={"CPU": share.cpus, "GPU": share.gpus} if share.gpus else {"CPU": share.cpus},
        ),
        run_config=run(
            name=task.out.name,
            storage_path=str(_storage(task)),
            failure_config=FailureConfig(max_failures=MAX_ATTEMPTS - 1),
            worker_runtime_env={"env_vars": {"GLOO_SOCKET_IFNAME": _loopback()}} if inside else None,
        ),
    ).fit()


def _loopback() -> str:
    return next(name for _, name in socket.if_nameindex() if name.startswith("lo"))


def _work(config: dict[str, Any]) -> None:
    """What each worker does; the first one tells."""
    from dragoman_jobs.finetune import distributed

    try:
        with told_apart():
            for progress in train(config["task"]):
                if distributed.is_first():
                    config["told"].put(progress)
    except DragomanError as error:
        # all raise it, and none has to be tried again
        if distributed.is_first():
            config["told"].put(error)
