"""Isolated environments for packages that clash with Dragoman's own, and processes in them, asked over a pipe."""

from dragoman.environments.builder import BuildError, Sources
from dragoman.environments.environment import Environment, environment, environments
from dragoman.environments.installation import (
    EnvironmentMissingError,
    Installation,
    ensured,
    install,
    installed,
    place,
    remove,
)
from dragoman.environments.pipe_worker import (
    PipeWorker,
    WorkerDiedError,
    WorkerError,
    WorkerMemoryError,
    WorkerMissingError,
    WorkerRefusedError,
)

__all__ = [
    "BuildError",
    "Environment",
    "EnvironmentMissingError",
    "Installation",
    "PipeWorker",
    "Sources",
    "WorkerDiedError",
    "WorkerError",
    "WorkerMemoryError",
    "WorkerMissingError",
    "WorkerRefusedError",
    "ensured",
    "environment",
    "environments",
    "install",
    "installed",
    "place",
    "remove",
]
