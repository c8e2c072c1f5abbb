"""Where two models differ on what neither has seen, among more pairs than paired tests can take."""

from statistics import NormalDist
from typing import Any

import numpy as np
from sqlalchemy import Connection, func, select

from dragoman.analysis.pair_differences import Facing, PairDifference, large_differences, named, two_models, widths_of
from dragoman.analysis.pair_tests import ALPHA
from dragoman.analysis.score_slice import Slice
from dragoman.metrics.significance import HALF_WIDTH, Correction, Test, adjusted, interval_tests
from dragoman.store.schema import UNSEEN_IDS, PartitionSumRow
from dragoman.store.store import Store


def unseen_differences(
    store: Store, grid: str, a: str, b: str, metric: str, signature: str | None = None, prompt: str | None = None,
    correction: Correction = Correction.HOLM, alpha: float = ALPHA,
) -> list[PairDifference]:  # fmt: skip
    """The pairs unseen for both models on which they differ significantly by the scores' intervals, largest first.

    Of tens of thousands of pairs the database passes on those whose own p-value is small enough (`_small`): no other
    can be significant after a correction. The number of tests that is corrected for is that of the pairs which model b
    has not seen: no fewer than both have not. A paired test (`compare`) knows that both scores were made on the same
    segments and finds more. Arguments and errors as for `compare`.
    """
    with store.database.reading() as connection:
        facing = two_models(connection, grid, metric, a, b, signature, prompt)
        tests = _unseen(connection, facing.part, facing.b_id)
        rows = _small(connection, facing, correction, alpha, tests)
        widths = widths_of(rows)
        found = interval_tests(np.array([row[-3] for row in rows], dtype=np.float64), widths.a, widths.b)
        untold = np.ones(max(0, tests - len(rows)))
        corrected = adjusted(np.concatenate([found.p_values, untold]), correction)[: len(rows)]
        kept = np.flatnonzero(corrected <= alpha)
        differences = named(connection, [rows[place] for place in kept])
    tested = (column[kept].tolist() for column in (found.lows, found.highs, found.p_values, corrected))
    significant = [
        PairDifference(
            each.pair, each.partition_a, each.partition_b, each.a, each.b, each.delta, low, high, p_value, of_all,
            significant=True, test=Test.INTERVALS,
        )
        for each, low, high, p_value, of_all in zip(differences, *tested, strict=True)
    ]  # fmt: skip
    return sorted(significant, key=lambda each: (-abs(each.delta), each.pair))


def _small(
    connection: Connection, facing: Facing, correction: Correction, alpha: float, tests: int
) -> list[tuple[Any, ...]]:
    """The pairs with p-values that a correction for so many tests may find significant.

    Holm holds the p-value that i others are below against alpha / (tests - i). Below 2 alpha / tests lie all that pass,
    unless those below are more than half of the tests.
    """

    def below(p_value: float) -> list[tuple[Any, ...]]:
        half_widths = NormalDist().inv_cdf(1 - p_value / 2) / HALF_WIDTH
        return large_differences(connection, facing.part, facing.a_id, facing.b_id, half_widths)

    if correction is Correction.HOLM and tests > 2 and 2 * len(rows := below(2 * alpha / tests)) < tests:
        return rows
    return below(alpha)


def _unseen(connection: Connection, part: Slice, model_id: int) -> int:
    """How many scores of a model are of pairs it has not seen."""
    scores = select(func.sum(PartitionSumRow.scores))
    scores = scores.where(part.sums(model_id), PartitionSumRow.partition_id.in_(UNSEEN_IDS))
    return connection.execute(scores).scalar() or 0
