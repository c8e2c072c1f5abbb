"""Wins, rank ranges and clusters of ranked systems, as the WMT shared tasks define them.

Of systems ordered by their scores: a cluster ends after a system where all systems down to it are significantly better
than all below it, so that no system ties with one of another cluster; a system's rank lies between one more than the
systems that are significantly better, and the number of systems less those that it is significantly better than
(Kocmi et al., 2024, "Findings of the WMT24 General Machine Translation Shared Task", and the program of its tables,
`humeval/tools.py` in https://github.com/wmt-conference/wmt24-news-systems; clusters since Bojar et al., 2013).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Standing(NamedTuple):
    """Where a system stands among others."""

    cluster: int
    """Number of its cluster, from 1 for the best."""
    wins: int
    """Systems that it is significantly better than."""
    losses: int
    """Systems that are significantly better than it."""
    best: int
    """The best rank that it may have."""
    worst: int
    """The worst rank that it may have."""


def standings(is_better: NDArray[np.bool_]) -> list[Standing]:
    """The standing of each system.

    Args:
        is_better: whether the system of a row is significantly better than that of a column, systems × systems, the
            best first.
    """
    count = len(is_better)
    wins, losses = is_better.sum(axis=1).tolist(), is_better.sum(axis=0).tolist()
    found, cluster = [], 1
    for place in range(count):
        if place and is_better[:place, place:].all():
            cluster += 1
        found.append(Standing(cluster, wins[place], losses[place], losses[place] + 1, count - wins[place]))
    return found
