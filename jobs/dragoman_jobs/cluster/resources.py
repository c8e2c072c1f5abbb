"""Resource requests of a grid's workers and finetunings, read from the settings, and checks that a cluster has them."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from dragoman.planning.plan import Plan
from dragoman.settings import Settings
from dragoman.spec.method import Lora
from dragoman_jobs.cluster.base import ClusterError, Share


@dataclass(frozen=True)
class Shares:
    """Of each kind of worker."""

    evaluation: Share
    """An evaluation worker."""
    metric: Share
    """An actor of a metric that holds a model."""
    training: Share
    """A finetuning, or each of its workers."""
    training_workers: int
    """Workers of a finetuning."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """As the settings have it."""
        return cls(
            evaluation=Share(settings.worker_cpus, settings.worker_gpus),
            metric=Share(settings.metric_cpus, settings.metric_gpus),
            training=Share(settings.training_cpus, settings.training_gpus),
            training_workers=settings.training_workers,
        )

    def require_room(
        self, room: Callable[[Share], int], trains: bool, where: str = "the cluster", *, has_models: bool = False
    ) -> None:
        """Make sure that all can run; a request that is never met would wait forever.

        Args:
            room: how many workers with a share there is room for.
            trains: whether there is a finetuning.
            where: what has the room, for the sentence.
            has_models: whether there is a metric that holds a model.

        Raises:
            ClusterError: no node is large enough, or there are too few for the workers of a finetuning.
        """
        wanted = [("A finetuning", self.training, self.training_workers)] if trains else []
        wanted += [("An actor of a metric that holds a model", self.metric, 1)] if has_models else []
        for what, share, count in (*wanted, ("An evaluation worker", self.evaluation, 1)):
            there = room(share)
            if there == 0:
                raise ClusterError(
                    f"{what} is to hold {share}, and no node of {where} has that: start one that has, or ask for less "
                    "(`--cpus`, `--gpus`, or the settings worker_cpus, worker_gpus, training_cpus, training_gpus, "
                    "metric_cpus, metric_gpus)."
                )
            if there < count:
                raise ClusterError(
                    f"{what} is to have {count} workers with {share} each, and {where} has room for {there}: "
                    "start more nodes, or ask for fewer (`--training-workers`)."
                )

    def require_sense(self, plan: Plan) -> None:
        """Make sure that the finetunings of a plan can be trained with what they are to hold.

        Raises:
            ClusterError: a worker is to hold GPUs it could not use, or lacks one that its method needs.
        """
        gpus, several = self.training.gpus, self.training_workers > 1
        if plan.trainings and gpus > 1:
            raise ClusterError(
                f"Each worker of a finetuning trains on one GPU, and training_gpus is {gpus:g}: ask for "
                f"--training-workers {max(int(gpus), self.training_workers)} --training-gpus 1."
            )
        if plan.trainings and several and 0 < gpus < 1:
            raise ClusterError(
                f"Workers that train together can't share a GPU, and training_gpus is {gpus:g}: give each a whole one "
                "(--training-gpus 1), or train with one worker."
            )
        for planned in plan.trainings:
            method = planned.finetuning.method
            if isinstance(method, Lora) and method.quantized and not gpus:
                raise ClusterError(
                    f"models.{planned.identity.name}: QLoRA (method.quantized) needs an NVIDIA GPU, and training_gpus "
                    "is 0: give it one (--training-gpus 1), or leave `quantized` out."
                )


def room_here(settings: Settings) -> Callable[[Share], int]:
    """How many workers with a share an embedded Ray has room for, known before it is started."""
    cores = settings.workers or os.cpu_count() or 1

    def room(share: Share) -> int:
        if not share.gpus:
            return share.fits(cores, 0)
        # takes seconds: only where it is asked
        import ctranslate2
        import torch

        return share.fits(cores, max(torch.cuda.device_count(), ctranslate2.get_cuda_device_count()))

    return room
