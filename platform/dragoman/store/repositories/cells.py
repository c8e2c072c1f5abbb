"""Repository of cells: their states, translations and scores."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, exists, select, update

from dragoman.cell import Cell, CellState, Unscorable
from dragoman.pair import Pair
from dragoman.store.database.ids import grid_number
from dragoman.store.records import CellOutcome, CellRecord, ScoredCell, StoredScore, Untranslated, now
from dragoman.store.repositories import aggregates, scores
from dragoman.store.repositories.base import Repository
from dragoman.store.repositories.cell_updates import CellUpdates, missing_cell
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
            cells = [outcome.translation.cell_id for outcome in translated]
            cells += [found.cell for found in scored]
            cells += [ended.cell_id for ended in (*failed, *missing)]
            updates = CellUpdates(connection, [*cells, *started])
            for outcome in translated:
                updates.translate(outcome)
            for found in scored:
                updates.score(found.cell, found.scores, found.unscorable)
            for state, untranslated in ((CellState.FAILED, failed), (CellState.MISSING, missing)):
                for ended in untranslated:
                    updates.end_untranslated(ended, state, worker)
            refused = [cell_id for cell_id in started if not updates.start(cell_id, worker)]
            updates.write()
            return refused

    def add_scores(self, cell_id: str, scores: Sequence[StoredScore], unscorable: Sequence[Unscorable] = ()) -> None:
        """Score a translated cell again; a signature it already has a score of keeps it.

        Raises:
            StoreError: there is no such cell, or it is not translated.
        """

        def add(connection: Connection) -> None:
            updates = CellUpdates(connection, [cell_id])
            updates.score(cell_id, scores, unscorable)
            updates.write()

        self._database.write(add)

    def quote(self, found: Mapping[str, Sequence[StoredScore]]) -> None:
        """Write scores that are quoted from a source, by the ids of their cells; what is there stays.

        Raises:
            StoreError: there is no such cell, or it is translated.
        """
        with self._database.writing(alone=True) as connection:
            updates = CellUpdates(connection, found)
            for cell_id, quoted in found.items():
                updates.quote(cell_id, quoted)
            updates.write()

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
            key = connection.execute(_KEY, {"identity": cell_id}).one_or_none()
            if key is None:
                raise missing_cell(cell_id)
            return scores.read(connection, CellKey(*key))


def _plan_again(connection: Connection, grid_id: int, state: CellState, except_of: Collection[str] | None) -> int:
    again = update(CellRow).where(_is_in(grid_id, state))
    if except_of is not None:
        again = again.where(CellRow.worker.is_(None) | CellRow.worker.not_in(except_of))
    again = again.values(state=CellState.PLANNED.value, reason=None, worker=None, updated=now())
    changed: Counter[tuple[int, int]] = Counter()
    for model_id in _models_with(connection, grid_id, state):
        of_model = again.where(CellRow.model_id == model_id).returning(CellRow.model_id, CellRow.condition_id)
        changed.update((row.model_id, row.condition_id) for row in connection.execute(of_model))
    moved: Counter[tuple[int, int, CellState]] = Counter()
    for (model_id, condition_id), cells in changed.items():
        moved[model_id, condition_id, state] -= cells
        moved[model_id, condition_id, CellState.PLANNED] += cells
    aggregates.move(connection, moved)
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


# Made once: to make a statement takes several times as long as to run it.
_KEY = select(CellRow.model_id, CellRow.condition_id, CellRow.pair_id).where(CellRow.identity == bindparam("identity"))
