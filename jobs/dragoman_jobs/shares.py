"""What the workers of a grid hold of the cluster, by the settings: the same spec runs on cores and on GPUs."""

from dataclasses import dataclass
from typing import Self

from dragoman.settings import Settings
from dragoman_jobs.cluster import Share


@dataclass(frozen=True)
class Shares:
    """Of each kind of worker."""

    evaluation: Share
    """An evaluation worker."""
    training: Share
    """A finetuning."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """As the settings have it."""
        return cls(
            evaluation=Share(settings.worker_cpus, settings.worker_gpus),
            training=Share(settings.training_cpus, settings.training_gpus),
        )
