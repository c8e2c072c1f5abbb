"""Attempts at tasks: a task whose process died is given to another, unless it has cost too many."""

from collections import Counter
from collections.abc import Hashable

from dragoman_jobs.cluster.base import MAX_ATTEMPTS, NodeEndedError


class Attempts:
    """Counts deaths by task. That of a node that was drained or told to end is none of its tasks' doing."""

    def __init__(self) -> None:
        self._deaths: Counter[Hashable] = Counter()

    def again(self, task: Hashable, error: Exception) -> bool:
        """Count a death, and say whether the task is to be tried again.

        Args:
            task: what names the task.
            error: how it lost its process.
        """
        self._deaths[task] += not isinstance(error, NodeEndedError)
        return self._deaths[task] < MAX_ATTEMPTS
