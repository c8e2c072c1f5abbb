"""Updates of many cells in one transaction: read together, changed in memory, written by one statement of each kind.

What a statement costs is mostly Python's part of it: for each cell its own, they are most of what a driver does.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, exists, select, update

from dragoman.cell import CellState, Unscorable
from dragoman.errors import StoreError
from dragoman.store.database.ids import chunks
from dragoman.store.records import CellOutcome, StoredScore, Untranslated, now
from dragoman.store.repositories import aggregates, scores
from dragoman.store.repositories.scores import CellKey, CellScores
from dragoman.store.schema import CellRow, ConditionRow, TestRow, UnscorableRow


@dataclass(eq=False)
class _Cell:
    """A cell, as it is after the updates so far."""

    scores: CellScores
    state: CellState
    worker: str | None
    before: CellState
    """Its state in the store."""
    changes: dict[str, Any] = field(default_factory=dict)
    """Columns to write."""
    starts: bool = False
    """Whether a worker begins with it, after all other changes."""

    @property
    def key(self) -> CellKey:
        """Its primary key."""
        return self.scores.key

    def become(self, state: CellState, **columns: object) -> None:
        """Change its state and other columns."""
        self.state = state
        self.changes |= {"state": state.value, **columns}


class CellUpdates:
    """Updates of some cells, which are locked; nothing is written before `write`."""

    def __init__(self, connection: Connection, cells: Iterable[str]) -> None:
        """Read the cells.

        Args:
            connection: a writing transaction.
            cells: their ids.
        """
        self._connection = connection
        self._cells: dict[str, _Cell] = {}
        for chunk in chunks(sorted(set(cells))):
            for row in connection.execute(_TO_CHANGE, {"identities": chunk}):
                key = CellKey(row.model_id, row.condition_id, row.pair_id)
                state = CellState(row.state)
                found = CellScores(row.identity, key, row.partition_id, has_reasons=row.has_reasons)
                self._cells[row.identity] = _Cell(found, state, row.worker, state)

    def translate(self, outcome: CellOutcome) -> None:
        """A cell was translated; one that is translated already stays as it is.

        Raises:
            StoreError: there is no such cell; so do all of these.
        """
        cell = self._cell(outcome.translation.cell_id)
        if cell.state.is_translated:
            return
        is_done = bool(outcome.scores) or not outcome.unscorable
        reason = None if is_done else "; ".join(f"{each.metric}: {each.reason}" for each in outcome.unscorable)
        translation = outcome.translation.model_dump(exclude={"cell_id"})
        cell.become(CellState.DONE if is_done else CellState.UNSCORABLE, reason=reason, **translation)
        cell.scores.add(outcome.scores, outcome.unscorable)

    def score(self, cell_id: str, found: Sequence[StoredScore], unscorable: Sequence[Unscorable]) -> None:
        """A translated cell was scored again; a signature it already has a score of keeps it.

        Raises:
            StoreError: it is not translated.
        """
        cell = self._cell(cell_id)
        if not cell.state.is_translated:
            raise StoreError(f"Cell {cell_id} is {cell.state} and has no translation to score: run its grid first.")
        cell.scores.add(found, unscorable)
        if cell.state is CellState.UNSCORABLE and found:
            cell.become(CellState.DONE, reason=None)

    def quote(self, cell_id: str, quoted: Sequence[StoredScore]) -> None:
        """The scores of a cell are quoted from a source.

        Raises:
            StoreError: it is translated.
        """
        cell = self._cell(cell_id)
        if cell.state.is_translated:
            raise StoreError(f"Cell {cell_id} is translated: its scores are computed, and can't be quoted.")
        # a mean that weighs pairs by their segments takes those of the test set for all systems
        of_cell = {"condition": cell.key.condition_id, "pair": cell.key.pair_id}
        cell.become(CellState.QUOTED, reason=None, segments=self._connection.execute(_LINES, of_cell).scalar())
        cell.scores.add(quoted, ())

    def end_untranslated(self, ended: Untranslated, state: CellState, worker: str) -> None:
        """A cell failed or is missing; one that is translated, or that another worker is at, stays as it is."""
        cell = self._cell(ended.cell_id)
        is_anothers = cell.state is CellState.RUNNING and bool(worker) and cell.worker != worker
        if not (cell.state.is_translated or is_anothers):
            cell.become(state, reason=ended.reason)

    def start(self, cell_id: str, worker: str) -> bool:
        """A worker begins; a cell that is translated, or that another one works at, stays as it is: returns False."""
        cell = self._cell(cell_id)
        if cell.state.is_translated or (cell.state is CellState.RUNNING and cell.worker != worker):
            return False
        cell.state, cell.worker, cell.starts = CellState.RUNNING, worker, True
        return True

    def write(self) -> None:
        """Write all of it.

        Scores come before sums, and counts last: writers who wait for each other's rows hold none that others want.
        """
        kinds: defaultdict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
        for cell in self._cells.values():
            if cell.changes:
                row = {**cell.changes, "updated": now(), **scores.bound(cell.key)}
                kinds[tuple(row)].append(row)
        for rows in kinds.values():
            self._connection.execute(_CHANGING, rows)
        starting = [
            {"worker_now": cell.worker, "now": now(), **scores.bound(cell.key)}
            for cell in self._cells.values()
            if cell.starts
        ]
        if starting:
            self._connection.execute(_STARTING, starting)
        scores.write(self._connection, [cell.scores for cell in self._cells.values()])
        moved: Counter[tuple[int, int, CellState]] = Counter()
        for cell in self._cells.values():
            moved[(*cell.key[:2], cell.before)] -= 1
            moved[(*cell.key[:2], cell.state)] += 1
        aggregates.move(self._connection, moved)

    def _cell(self, cell_id: str) -> _Cell:
        if cell_id not in self._cells:
            raise missing_cell(cell_id)
        return self._cells[cell_id]


def missing_cell(cell_id: str) -> StoreError:
    """The refusal of a cell that is not in the store."""
    return StoreError(f"The store has no cell {cell_id}: add its grid first.")


# Made once: to make a statement takes several times as long as to run it.
_HAS_REASONS = exists().where(
    UnscorableRow.model_id == CellRow.model_id,
    UnscorableRow.condition_id == CellRow.condition_id,
    UnscorableRow.pair_id == CellRow.pair_id,
)
_TO_CHANGE = (
    select(CellRow.identity, CellRow.model_id, CellRow.condition_id, CellRow.pair_id, CellRow.partition_id)
    .add_columns(CellRow.state, CellRow.worker, _HAS_REASONS.label("has_reasons"))
    .where(CellRow.identity.in_(bindparam("identities", expanding=True)))
    .order_by(CellRow.identity)  # two drivers at the same cells take turns, and lock them in the same order
    .with_for_update()
)
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
