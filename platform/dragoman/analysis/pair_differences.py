"""Score differences of two models, pair by pair."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, Select, and_, func, select
from sqlalchemy.orm import aliased

from dragoman.analysis.comparability import Looked, comparable_signatures, decoded_alike, facing_conditions, ways_apart
from dragoman.analysis.line_slice import reading
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.score_slice import Slice, same_cell
from dragoman.analysis.significance_plan import ALPHA
from dragoman.analysis.systems import System, from_files, quotations, system_meant
from dragoman.analysis.test_sets import asked_of
from dragoman.errors import StoreError
from dragoman.metrics.lookup import metric_class
from dragoman.metrics.significance import HALF_WIDTH, Correction, Test, adjusted, interval_tests
from dragoman.pair import Pair
from dragoman.partition import Partition
from dragoman.store.database.connection import fetched
from dragoman.store.database.ids import grid_number
from dragoman.store.repositories.grids import grid_models, number_of
from dragoman.store.schema import PARTITIONS, PairRow, ScoreRow
from dragoman.store.store import Store


@dataclass(frozen=True, slots=True)  # not a pydantic model: there are tens of thousands of them at once
class PairDifference:
    """One pair that both models have a score for."""

    pair: Pair
    """The direction."""
    partition_a: Partition | None
    """The pair's partition under model a's training graph; None where that is unknown."""
    partition_b: Partition | None
    """Likewise of model b."""
    a: float
    """Score of model a."""
    b: float
    """Score of model b."""
    delta: float
    """b minus a."""
    low: float | None = None
    """Lower end of the 95% interval of `delta`."""
    high: float | None = None
    """Upper end of it."""
    p_value: float | None = None
    """Two-sided p-value of the test; None where none could be made."""
    p_is_floor: bool = False
    """Whether that is the smallest that the test's trials can give: the true one may be far below."""
    p_better: float | None = None
    """One-sided p-value of b's being better."""
    p_worse: float | None = None
    """One-sided p-value of b's being worse."""
    adjusted: float | None = None
    """The p-value adjusted for all pairs of the comparison."""
    significant: bool | None = None
    """Whether the adjusted p-value is at most alpha."""
    test: Test | None = None
    """How it was tested."""


def regressions(store: Store, question: ScoreQuestion, *, a: str, b: str, limit: int = 50) -> list[PairDifference]:
    """The pairs on which b is worse than a, worst first; arguments and errors as for `compare`.

    Of equally bad pairs, where there is no room for all of them, those added to the store last are left out.
    """
    with reading(store, question, a, b) as connection:
        part, a_id, b_id, _ = two_models(connection, question, a=a, b=b)
        higher = higher_is_better(question.metric)

        def worst_first(delta: ColumnElement[Any]) -> ColumnElement[Any]:
            return delta if higher else delta.desc()

        # cut off before the pairs are looked up, which takes longer than all else
        scores = _scores(part, a_id, b_id)
        columns = scores.selected_columns
        worst = scores.order_by(worst_first(columns.delta), columns.pair_id).limit(limit)
        query = _with_pairs(worst)
        rows = fetched(
            connection, query.order_by(worst_first(query.selected_columns.delta), PairRow.source, PairRow.target)
        )
    # not left out by the database, whose query planner would then look pairs up one by one
    return [each for each in listed(rows) if (each.delta < 0 if higher else each.delta > 0)]


def differing_pairs(
    store: Store,
    question: ScoreQuestion,
    *,
    a: str,
    b: str,
    correction: Correction = Correction.HOLM,
    alpha: float = ALPHA,
) -> list[PairDifference]:
    """The pairs on which two models differ by more than their intervals explain, by the pair; of grids of any size.

    Tested by the two scores' intervals (`significance.interval_tests`), adjusted for all pairs that have them.

    Args:
        store: the store.
        question: the question.
        a: the baseline, as for `compare`.
        b: the model in question.
        correction: how p-values are adjusted.
        alpha: the level of significance of adjusted p-values.

    Raises:
        StoreError: as for `compare`.
    """
    with reading(store, question, a, b) as connection:
        part, a_id, b_id, _ = two_models(connection, question, a=a, b=b)
        scores = _scores(part, a_id, b_id).subquery("scores")
        of = scores.c
        tested = and_(of.width_a.is_not(None), of.width_b.is_not(None))
        count = connection.execute(select(func.count()).select_from(scores).where(tested)).scalar_one()
        # no correction makes a p-value smaller, so only those are read that are up to alpha as they are
        least = (NormalDist().inv_cdf(1 - alpha / 2) / HALF_WIDTH) ** 2 / 4 * (1 - 1e-9)
        is_far = of.delta * of.delta >= least * (of.width_a * of.width_a + of.width_b * of.width_b)
        near = select(scores).where(tested, of.delta != 0, is_far).subquery("near")
        _, *columns = near.columns
        query = select(PairRow.source, PairRow.target, *columns).join(near, near.c.pair_id == PairRow.id)
        rows = fetched(connection, query.order_by(PairRow.source, PairRow.target))
    found, widths = listed(rows), widths_of(rows)
    tests = interval_tests(np.array([each.delta for each in found], np.float64), widths.b, widths.a)
    final = adjusted(np.concatenate([tests.p_values, np.ones(count - len(found))]), correction)[: len(found)]
    results = zip(
        found, tests.lows.tolist(), tests.highs.tolist(), tests.p_values.tolist(), final.tolist(), strict=True
    )
    return [
        replace(each, low=low, high=high, p_value=p_value, adjusted=last, significant=True, test=Test.INTERVALS)
        for each, low, high, p_value, last in results
        if last <= alpha
    ]


class Facing(NamedTuple):
    """The two models of a comparison, with their scores matched."""

    part: Slice
    """The slice of model b's scores, and of model a's that match them."""
    a_id: int
    """Number of model a."""
    b_id: int
    """Number of model b."""
    note: str | None = None
    """What else differs between the two than the model, as a sentence."""


def two_models(connection: Connection, question: ScoreQuestion, *, a: str, b: str) -> Facing:
    """The slice in which two models are compared, and their numbers.

    They may have been run with different prompts, or decoded in different ways: baselines often are; and one may be
    of another grid (`GRID/MODEL`), on the pairs that both grids have. Their test set and signatures are the same.

    Raises:
        StoreError: something named is not there, is the same twice, or would be mixed; or scores of one are quoted.
    """
    (one, a_id), (two, b_id) = systems_meant(connection, question, a, b)
    _refuse_quoted(connection, {a_id: a, b_id: b})
    same = StoreError(f"'{a}' can't be compared with itself: name two models of grid '{question.grid}'.")
    if one == two:
        raise same
    is_one_way = (one.grid, one.prompt) == (two.grid, two.prompt)
    if is_one_way and decoded_alike(connection, grid_number(connection, two.grid)):
        own = replace(asked_of(connection, question, two.grid), prompt=two.prompt)
        part = Slice.of(connection, own, [two.model, one.model])
        return Facing(part, a_id, b_id, _note(connection, ((a, one, a_id), (b, two, b_id)), ()))
    other, part = (
        Slice.of(connection, replace(asked_of(connection, question, each.grid), prompt=each.prompt), [each.model])
        for each in (one, two)
    )
    looked = [
        Looked(one.grid, other.grid_id, other.conditions, {a_id}),
        Looked(two.grid, part.grid_id, part.conditions, {b_id}),
    ]
    signatures = comparable_signatures(connection, question.metric, part.metric_id, looked, question.signature)
    part = part._replace(signatures=signatures)
    facing = facing_conditions(connection, part.conditions, other.conditions)
    ways = ways_apart(connection, facing)
    if a_id == b_id and not ways:
        raise same
    part = part if other.conditions == part.conditions else part._replace(facing=facing)
    return Facing(part, a_id, b_id, _note(connection, ((a, one, a_id), (b, two, b_id)), ways))


def _refuse_quoted(connection: Connection, names: Mapping[int, str]) -> None:
    """Refuse to test quoted scores, which are neither of the same lines for certain, nor known line by line."""
    for number, quoted in quotations(connection, names).items():
        raise StoreError(
            f"The scores of {names[number]} are {quoted.phrase}, without translations, so that no difference can be "
            "tested: `dragoman compare GRID A B --with-quoted` sets them side by side, untested."
        )


def _note(connection: Connection, both: Sequence[tuple[str, System, int]], ways: Sequence[str]) -> str | None:
    """What else differs between two systems than the model, by the names they were given."""
    files = from_files(connection, [number for _, _, number in both])
    if files:
        named = " and ".join(name for name, _, number in both if number in files)
        return f"{named}: translations from files, of which neither prompt nor decoding is known here."
    how = " and ".join(f"{name} is {system.phrase}" for name, system, _ in both)
    return f"Two systems, not two models alone: their {' and '.join(ways)} differ ({how})." if ways else None


def systems_meant(connection: Connection, question: ScoreQuestion, *names: str) -> list[tuple[System, int]]:
    """The systems of some names, and the numbers of their models; each grid's models are looked up once.

    Raises:
        StoreError: something named is not there.
    """
    home = grid_number(connection, question.grid)
    grids = {question.grid: (home, grid_models(connection, home))}
    found = []
    for named in (System.parse(name, question.grid, grids[question.grid][1]) for name in names):
        if named.grid not in grids:
            grid_id = grid_number(connection, named.grid)
            grids[named.grid] = grid_id, grid_models(connection, grid_id)
        grid_id, models = grids[named.grid]
        system = system_meant(connection, grid_id, models=models, named=named, prompt=question.prompt)
        found.append((system, number_of(system.grid, models, system.model)))
    return found


class Widths(NamedTuple):
    """How wide the 95% intervals of two models' scores are, pair by pair; NaN where there is none."""

    a: NDArray[np.float64]
    """Model a's."""
    b: NDArray[np.float64]
    """Model b's."""


def pair_differences(connection: Connection, part: Slice, a_id: int, b_id: int) -> tuple[list[PairDifference], Widths]:
    """Every pair both have a score for, sorted, not tested; and the widths of the intervals of their scores."""
    rows = fetched(connection, _differences(part, a_id, b_id).order_by(PairRow.source, PairRow.target))
    return listed(rows), widths_of(rows)


def widths_of(rows: Sequence[Sequence[Any]]) -> Widths:
    """The widths of the intervals of rows with differences."""
    widths = np.array([row[-2:] for row in rows], dtype=np.float64).reshape(-1, 2)
    return Widths(widths[:, 0], widths[:, 1])


def _differences(part: Slice, a_id: int, b_id: int) -> Select[*tuple[Any, ...]]:
    return _with_pairs(_scores(part, a_id, b_id))


def _scores(part: Slice, a_id: int, b_id: int) -> Select[*tuple[Any, ...]]:
    """Both models' scores of each pair, by the pair's number."""
    other = aliased(ScoreRow)
    return (
        select(
            ScoreRow.pair_id,
            other.partition_id.label("partition_a"),
            ScoreRow.partition_id.label("partition_b"),
            other.value.label("a"),
            ScoreRow.value.label("b"),
            (ScoreRow.value - other.value).label("delta"),
            (other.high - other.low).label("width_a"),
            (ScoreRow.high - ScoreRow.low).label("width_b"),
        )
        .join(other, same_cell(other, a_id, part.facing))
        .where(ScoreRow.model_id == b_id, part.holds(ScoreRow))
    )


def _with_pairs(scores: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """Scores with each pair in place of its number."""
    of = scores.subquery("scores")
    _, *columns = of.columns
    return select(PairRow.source, PairRow.target, *columns).join(of, of.c.pair_id == PairRow.id)


def listed(rows: Sequence[Sequence[Any]]) -> list[PairDifference]:
    """The differences of some rows, not tested."""
    return [
        PairDifference(Pair(source, target), PARTITIONS[of_a], PARTITIONS[of_b], a, b, delta)
        for source, target, of_a, of_b, a, b, delta, *_ in rows
    ]


def higher_is_better(metric: str) -> bool:
    """Whether higher scores are better; assumed of a metric that is not installed."""
    kind = metric_class(metric)
    return kind is None or kind.higher_is_better
