"""Shortage of nodes: said once where work waits for a node and none comes."""

import time

from dragoman_jobs.cluster.base import Share

PATIENCE = 60.0
"""Seconds that a node may take to come, as where an autoscaler starts it, before anything is said."""


class Shortage:
    """Notices when nothing can go on for lack of nodes."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._is_said = False

    def look(self, wanted: Share | None) -> str | None:
        """What is to be said now; nothing, where it has been said, or it has not lasted.

        Args:
            wanted: what the work that waits is to hold of a node; None where something is done.
        """
        if wanted is None:
            self._since, self._is_said = None, False
            return None
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        if self._is_said or now - self._since < PATIENCE:
            return None
        self._is_said = True
        return (
            f"For {PATIENCE:.0f} seconds no node has had room for {wanted}: the grid waits, and goes on as soon as one "
            "has. See that nodes can come (quota, limits of the autoscaler, other jobs), or stop the grid and run it "
            "again with less for each worker."
        )
