"""Repository of cells: their states, translations and scores."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, bindparam, exists, select, update

from dragoman.cell import Cell, CellState, Unscorable
from dragoman.errors import StoreError
from dragoman.pair import Pair
from dragoman.store.database.ids import grid_number
from dragoman.store.records import CellOutcome, CellRecord, ScoredCell, StoredScore, Untranslated, now
from dragoman.store.repositories import aggregates, scores
from dragoman.store.repositories.base import Repository
from dragoman.store.repositories.grids import is_member
from dragoman.store.repositories.scores import CellKey
from dragoman.store.schema import (
    CellCountRow,
    CellRow,
    ConditionRow,
    DecodingRow,
    GridModelRow,
    GridPairRow,
    ModelRow,
    PairRow,
    PromptRow,
    TestRow,
    TestSetRow,
)

TRANSLATED = tuple(state for state in CellState if state.is_translated)
"""States in which a cell has hypotheses."""


class CellRepository(Repository):
    """The cells of grids: their states, translations and scores."""

    def advance(
        self,
        *,
        translated: Sequence[CellOutcome] = (),
        scored: Sequence[ScoredCell] = (),
        failed: Sequence[Untranslated] = (),
        missing: Sequence[Untranslated] = (),
        started: Sequence[str] = (),
        worker: str = "",
    ) -> list[str]:
        """Write a driver's updates of many cells in one transaction; a cell that is translated stays as it is.

        One that another worker is at neither fails nor is missing: a driver that stood still may tell of it too late.

        Args:
            translated: the outcome of every cell that was translated; one that no metric can score is unscorable.
            scored: what model metrics made of cells, those just translated included.
            failed: every cell that failed.
            missing: every cell whose pair turned out to be one that the model can't translate.
            started: ids of the cells that a worker is about to begin: one more attempt of each.
            worker: who tells of them, and begins those.

        Returns:
            Those of `started` that are not to begin: another grid's driver works at them, or has translated them.

        Raises:
            StoreError: there is no such cell.
        """
        with self._database.writing(alone=True) as connection:
            for outcome in translated:
                _commit(connection, outcome)
            for found in scored:
                _add_scores(connection, found.cell, found.scores, found.unscorable)
            for state, ended in ((CellState.FAILED, failed), (CellState.MISSING, missing)):
                for cell in ended:
                    _end_untranslated(connection, cell, state, worker)
            return [cell_id for cell_id in started if not _start(connection, cell_id, worker)]

    def add_scores(self, cell_id: str, scores: Sequence[StoredScore], unscorable: Sequence[Unscorable] = ()) -> None:
        """Score a translated cell again; a signature it already has a score of keeps it.

        Raises:
            StoreError: there is no such cell, or it is not translated.
        """
        self._database.write(lambda connection: _add_scores(connection, cell_id, scores, unscorable))

    def quote(self, found: Mapping[str, Sequence[StoredScore]]) -> None:
        """Write scores that are quoted from a source, by the ids of their cells; what is there stays.

        Raises:
            StoreError: there is no such cell, or it is translated.
        """
        with self._database.writing(alone=True) as connection:
            for cell_id, quoted in sorted(found.items()):
                _quote(connection, cell_id, quoted)

    def plan_again(self, grid: str, state: CellState, *, except_of: Collection[str] | None = None) -> int:
        """Plan the cells of a grid again that are in a state; returns how many there were.

        Args:
            grid: name of the grid.
            state: the state they are in.
            except_of: workers whose cells stay as they are.

        Raises:
            StoreError: there is no such grid.
        """
        with self._database.writing() as connection:
            return _plan_again(connection, grid_number(connection, grid), state, except_of)

    def workers(self, grid: str) -> set[str]:
        """Who works at cells of a grid, as far as the store knows.

        Raises:
            StoreError: there is no such grid.
        """
        with self._database.reading() as connection:
            grid_id = grid_number(connection, grid)
            query = select(CellRow.worker).distinct().where(_is_in(grid_id, CellState.RUNNING))
            found = (
                connection.execute(query.where(CellRow.model_id == model_id)).scalars()
                for model_id in _models_with(connection, grid_id, CellState.RUNNING)
            )
            return set(filter(None, chain.from_iterable(found)))

    def iterate(
        self, grid: str, pair: Pair | None = None, model: str | None = None, state: CellState | None = None
    ) -> Iterator[CellRecord]:
        """The same as `of_grid`, one after another, for grids of millions; the transaction lasts as long."""
        with self._database.reading() as connection:
            query = _of_grid(grid_number(connection, grid))
            if pair is not None:
                query = query.where(PairRow.source == pair.source, PairRow.target == pair.target)
            if model is not None:
                query = query.where(ModelRow.identity == model)
            if state is not None:
                query = query.where(CellRow.state == state.value)
            for row in connection.execute(query):
                yield _record(row)

    def of_grid(
        self, grid: str, pair: Pair | None = None, model: str | None = None, state: CellState | None = None
    ) -> list[CellRecord]:
        """A grid's cells, model by model, and each model's in the order of the pairs.

        Args:
            grid: name of the grid.
            pair: only those of this pair.
            model: only those of the model of this id.
            state: only those in this state.

        Raises:
            StoreError: there is no such grid.
        """
        return list(self.iterate(grid, pair, model, state))

    def scores(self, cell_id: str) -> list[StoredScore]:
        """The scores of one cell under every signature, with their statistics.

        Raises:
            StoreError: there is no such cell.
        """
        with self._database.reading() as connection:
            return scores.read(connection, _find(connection, cell_id, to_change=False).key)


class _Found(NamedTuple):
    key: CellKey
    partition_id: int
    state: CellState
    worker: str | None


def _start(connection: Connection, cell_id: str, worker: str) -> bool:
    """A worker begins; a cell that is translated, or that another one works at, stays as it is: returns False."""
    cell = _find(connection, cell_id)
    if cell.state.is_translated or (cell.state is CellState.RUNNING and cell.worker != worker):
        return False
    connection.execute(_STARTING, {"worker_now": worker, "now": now(), **scores.bound(cell.key)})
    _count(connection, cell, CellState.RUNNING)
    return True


def _commit(connection: Connection, outcome: CellOutcome) -> None:
    cell = _find(connection, outcome.translation.cell_id)
    if cell.state.is_translated:
        return
    state = CellState.DONE if outcome.scores or not outcome.unscorable else CellState.UNSCORABLE
    reason = (
        None if state is CellState.DONE else "; ".join(f"{each.metric}: {each.reason}" for each in outcome.unscorable)
    )
    _change(connection, cell.key, state=state, reason=reason, **outcome.translation.model_dump(exclude={"cell_id"}))
    scores.write(connection, cell.key, cell.partition_id, outcome.scores, outcome.unscorable)
    _count(connection, cell, state)


def _add_scores(
    connection: Connection, cell_id: str, found: Sequence[StoredScore], unscorable: Sequence[Unscorable]
) -> None:
    cell = _find(connection, cell_id)
    if not cell.state.is_translated:
        raise StoreError(f"Cell {cell_id} is {cell.state} and has no translation to score: run its grid first.")
    scores.write(connection, cell.key, cell.partition_id, found, unscorable)
    if cell.state is CellState.UNSCORABLE and found:
        _change(connection, cell.key, state=CellState.DONE, reason=None)
        _count(connection, cell, CellState.DONE)


def _quote(connection: Connection, cell_id: str, quoted: Sequence[StoredScore]) -> None:
    cell = _find(connection, cell_id)
    if cell.state.is_translated:
        raise StoreError(f"Cell {cell_id} is translated: its scores are computed, and can't be quoted.")
    # a mean that weighs pairs by their segments takes those of the test set for all systems
    segments = connection.execute(_LINES, {"condition": cell.key.condition_id, "pair": cell.key.pair_id}).scalar()
    _change(connection, cell.key, state=CellState.QUOTED, reason=None, segments=segments)
    scores.write(connection, cell.key, cell.partition_id, quoted, ())
    _count(connection, cell, CellState.QUOTED)


def _end_untranslated(connection: Connection, ended: Untranslated, state: CellState, worker: str) -> None:
    cell = _find(connection, ended.cell_id)
    is_anothers = cell.state is CellState.RUNNING and bool(worker) and cell.worker != worker
    if not (cell.state.is_translated or is_anothers):
        _change(connection, cell.key, state=state, reason=ended.reason)
        _count(connection, cell, state)


def _plan_again(connection: Connection, grid_id: int, state: CellState, except_of: Collection[str] | None) -> int:
    again = update(CellRow).where(_is_in(grid_id, state))
    if except_of is not None:
        again = again.where(CellRow.worker.is_(None) | CellRow.worker.not_in(except_of))
    again = again.values(state=CellState.PLANNED.value, reason=None, worker=None, updated=now())
    changed: Counter[tuple[int, int]] = Counter()
    for model_id in _models_with(connection, grid_id, state):
        of_model = again.where(CellRow.model_id == model_id).returning(CellRow.model_id, CellRow.condition_id)
        changed.update((row.model_id, row.condition_id) for row in connection.execute(of_model))
    aggregates.move(connection, changed, state, CellState.PLANNED)
    return changed.total()


def _models_with(connection: Connection, grid_id: int, state: CellState) -> Sequence[int]:
    """The models that have cells in a state, by the counts: a few among millions of cells take long to find."""
    members = (
        select(GridModelRow.model_id)
        .join(CellCountRow, CellCountRow.model_id == GridModelRow.model_id)
        .where(GridModelRow.grid_id == grid_id, CellCountRow.state == state.value, CellCountRow.cells > 0)
        .distinct()
    )
    return connection.execute(members).scalars().all()


def _is_in(grid_id: int, state: CellState) -> ColumnElement[bool]:
    """Whether a cell is one of a grid's pairs and conditions, in a state."""
    of_grid = (
        exists()
        .where(GridPairRow.grid_id == grid_id, GridPairRow.condition_id == CellRow.condition_id)
        .where(GridPairRow.pair_id == CellRow.pair_id)
    )
    return (CellRow.state == state.value) & of_grid


def _of_grid(grid_id: int) -> Select[*tuple[Any, ...]]:
    return (
        select(
            CellRow,
            TestRow.content,
            TestRow.lines,
            TestRow.segments.label("lines_count"),
            PairRow.source,
            PairRow.target,
            ModelRow.identity.label("model"),
            TestSetRow.identity.label("test_set"),
            PromptRow.identity.label("prompt"),
            DecodingRow.identity.label("decoding"),
        )
        .select_from(GridModelRow)
        .join(GridPairRow, GridPairRow.grid_id == GridModelRow.grid_id)
        .join(CellRow, is_member())
        # both conditions, as SQLite does not infer one from the other: for one pair it would scan all
        .join(PairRow, (PairRow.id == CellRow.pair_id) & (PairRow.id == GridPairRow.pair_id))
        .join(ModelRow, ModelRow.id == CellRow.model_id)
        .join(ConditionRow, ConditionRow.id == CellRow.condition_id)
        .join(TestSetRow, TestSetRow.id == ConditionRow.test_set_id)
        .join(PromptRow, PromptRow.id == ConditionRow.prompt_id)
        .join(DecodingRow, DecodingRow.id == ConditionRow.decoding_id)
        .join(
            TestRow,
            (TestRow.test_set_id == ConditionRow.test_set_id)
            & (TestRow.pair_id == CellRow.pair_id)
            & (TestRow.edition == ConditionRow.edition),
        )
        .where(GridModelRow.grid_id == grid_id)
        .order_by(GridModelRow.position, PairRow.source, PairRow.target, CellRow.condition_id)
    )


def _record(row: Any) -> CellRecord:
    return CellRecord(
        cell=Cell(
            model=row.model,
            test_set=row.test_set,
            content=row.content,
            pair=Pair(row.source, row.target),
            prompt=row.prompt,
            decoding=row.decoding,
        ),
        state=CellState(row.state),
        reason=row.reason,
        hypotheses=row.hypotheses,
        test=row.lines,
        segments=row.lines_count if row.segments is None else row.segments,
        engine=row.engine,
        seconds=row.seconds,
        tokens=row.tokens,
        cut=row.cut,
        too_long=row.too_long,
        attempts=row.attempts,
    )


def _find(connection: Connection, cell_id: str, to_change: bool = True) -> _Found:
    row = connection.execute(_TO_CHANGE if to_change else _TO_READ, {"identity": cell_id}).one_or_none()
    if row is None:
        raise StoreError(f"The store has no cell {cell_id}: add its grid first.")
    key = CellKey(row.model_id, row.condition_id, row.pair_id)
    return _Found(key, row.partition_id, CellState(row.state), row.worker)


def _change(connection: Connection, key: CellKey, **values: object) -> None:
    plain = {name: value.value if isinstance(value, CellState) else value for name, value in values.items()}
    connection.execute(_CHANGING, {**plain, "updated": now(), **scores.bound(key)})


def _count(connection: Connection, cell: _Found, state: CellState) -> None:
    aggregates.move(connection, {cell.key[:2]: 1}, cell.state, state)


# Made once: to make a statement takes several times as long as to run it.
_TO_READ = select(
    CellRow.model_id, CellRow.condition_id, CellRow.pair_id, CellRow.partition_id, CellRow.state, CellRow.worker
).where(CellRow.identity == bindparam("identity"))
_TO_CHANGE = _TO_READ.with_for_update()  # two drivers at the same cell take turns
_LINES = (
    select(TestRow.segments)
    .join(ConditionRow, (ConditionRow.test_set_id == TestRow.test_set_id) & (ConditionRow.edition == TestRow.edition))
    .where(ConditionRow.id == bindparam("condition"), TestRow.pair_id == bindparam("pair"))
)
_CHANGING = (
    update(CellRow)
    .where(CellRow.model_id == bindparam("of_model"))
    .where(CellRow.condition_id == bindparam("of_condition"), CellRow.pair_id == bindparam("of_pair"))
)
_STARTING = _CHANGING.values(
    state=CellState.RUNNING.value,
    attempts=CellRow.attempts + 1,
    worker=bindparam("worker_now"),
    reason=None,
    updated=bindparam("now"),
)
