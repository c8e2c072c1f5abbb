"""What commands that measure something on an embedded Ray have in common."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console

from dragoman.settings import Settings
from dragoman.signals import interruptible

if TYPE_CHECKING:
    from dragoman_jobs.cluster.base import Cluster


def progress_console(quiet: bool) -> Console:
    """Where progress is shown: standard error, as tables go to standard output."""
    from dragoman_jobs.driver.progress import LOG_WIDTH

    console = Console(stderr=True, quiet=quiet)
    return console if console.is_terminal else Console(stderr=True, quiet=quiet, width=LOG_WIDTH)


@contextmanager
def embedded_ray(chosen: Settings) -> "Iterator[Cluster]":
    """An embedded Ray for a block; SIGTERM ends the block as Ctrl-C does, so that no process of it is left.

    Raises:
        ClusterError: it does not come up.
    """
    from dragoman_jobs.cluster.ray_cluster import RayCluster, require_short_temporary_folder

    require_short_temporary_folder()
    with interruptible(signal.SIGTERM):
        cluster = RayCluster(chosen.workers)
        try:
            yield cluster
        finally:
            cluster.close()
