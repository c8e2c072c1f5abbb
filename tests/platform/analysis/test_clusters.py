"""Clusters and rank ranges, against their definition tried out on every split."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dragoman.analysis.clusters import standings


def matrix(count, pairs):
    found = np.zeros((count, count), np.bool_)
    for better, worse in pairs:
        found[better, worse] = True
    return found


def by_definition(is_better):
    """The clusters: two systems are in one unless some split above the lower has all above better than all below."""
    count = len(is_better)
    splits = [
        cut
        for cut in range(1, count)
        if all(is_better[above, below] for above in range(cut) for below in range(cut, count))
    ]
    return [1 + sum(cut <= place for cut in splits) for place in range(count)]


@given(
    st.integers(1, 7).flatmap(
        lambda count: arrays(np.bool_, (count, count), elements=st.sampled_from([True, True, True, False]))
    )
)
def test_clusters_and_ranges_are_those_of_the_definition(drawn):
    is_better = np.triu(drawn, 1)
    found = standings(is_better)
    assert [each.cluster for each in found] == by_definition(is_better)
    for place, each in enumerate(found):
        below = [other for other in range(len(found)) if is_better[place, other]]
        above = [other for other in range(len(found)) if is_better[other, place]]
        assert (each.wins, each.losses) == (len(below), len(above))
        assert (each.best, each.worst) == (1 + len(above), len(found) - len(below))
        assert each.best <= place + 1 <= each.worst
        # whatever rank a system may have lies within its cluster
        own = [rank for rank, other in enumerate(found, start=1) if other.cluster == each.cluster]
        assert own[0] <= each.best and each.worst <= own[-1]


@pytest.mark.parametrize(
    ("better", "clusters"),
    [
        ([], [1, 1, 1]),
        ([(0, 1), (0, 2)], [1, 2, 2]),
        ([(0, 1), (0, 2), (1, 2)], [1, 2, 3]),
        ([(0, 2), (1, 2)], [1, 1, 2]),
        # the last is worse than its neighbour, but not than the first
        ([(1, 2), (0, 1)], [1, 1, 1]),
    ],
)
def test_a_cluster_ends_where_all_above_are_better_than_all_below(better, clusters):
    assert [each.cluster for each in standings(matrix(3, better))] == clusters
