"""Where two models differ on what neither has seen, among more pairs than paired tests can take."""

from statistics import NormalDist

import numpy as np
from sqlalchemy import Connection, func, select

from dragoman.metrics.significance import HALF_WIDTH, Correction, Test, adjusted, interval_tests
from dragoman.store.differences import PairDifference, large_differences, named, two_models, widths_of
from dragoman.store.ledger import Ledger
from dragoman.store.schema import UNSEEN_IDS, PartitionSumRow
from dragoman.store.slice import Slice
from dragoman.store.testing import ALPHA


def unseen_differences(
    store: Ledger, grid: str, a: str, b: str, metric: str, signature: str | None = None, prompt: str | None = None,
    correction: Correction = Correction.HOLM, alpha: float = ALPHA,
) -> list[PairDifference]:  # fmt: skip
    """The pairs unseen for both models on which they differ significantly by the scores' intervals, largest first.

    Of tens of thousands of pairs the database passes on those whose own p-value is at most alpha: no other can be
    significant after a correction. The number of tests that is corrected for is that of the pairs which model b has not
    seen: no fewer than both have not. A paired test (`compare`) knows that both scores were made on the same segments
    and finds more. Arguments and errors as for `compare`.
    """
    with store.database.reading() as connection:
        part, a_id, b_id, _ = two_models(connection, grid, metric, a, b, signature, prompt)
        half_widths = NormalDist().inv_cdf(1 - alpha / 2) / HALF_WIDTH
        rows = large_differences(connection, part, a_id, b_id, half_widths)
        tests = _unseen(connection, part, b_id)
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


def _unseen(connection: Connection, part: Slice, model_id: int) -> int:
    """How many scores of a model are of pairs it has not seen."""
    scores = select(func.sum(PartitionSumRow.scores))
    scores = scores.where(part.sums(model_id), PartitionSumRow.partition_id.in_(UNSEEN_IDS))
    return connection.execute(scores).scalar() or 0
