"""The backlog of a grid: the cells and finetunings that are still to do, and how many cells are in each state.

It is read from the store once for each run; the driver then moves cells from state to state as they end.
"""

import sys
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain
from typing import NamedTuple, Self

from dragoman.cell import Cell, CellState
from dragoman.pair import Pair
from dragoman.planning.plan import Plan, PlannedTraining
from dragoman.store.maintenance.open_scores import OpenScore, open_scores
from dragoman.store.records import CellRecord
from dragoman.store.store import Store
from dragoman_jobs.driver.retry import with_retries


class PendingCell(NamedTuple):
    """A cell that is still to do: what is needed of its record, in a fifth of the memory."""

    id: str
    """Its id."""
    model: str
    """Id of the model."""
    test_set: str
    """Id of the test set."""
    content: str
    """Content hash of the pair's lines."""
    pair: Pair
    """The direction."""
    prompt: str
    """Id of the prompt."""
    decoding: str
    """Id of the decoding."""
    test: str
    """Blob of the test lines; empty where there is none."""

    @classmethod
    def of(cls, record: CellRecord) -> Self:
        """What is kept of a record; ids that many cells share are held once."""
        cell = record.cell
        shared = (sys.intern(each) for each in (cell.model, cell.test_set, cell.prompt, cell.decoding))
        model, test_set, prompt, decoding = shared
        pair = Pair(sys.intern(cell.pair.source), sys.intern(cell.pair.target))
        return cls(cell.id, model, test_set, cell.content, pair, prompt, decoding, record.test or "")

    @property
    def cell(self) -> Cell:
        """What it means."""
        _, *fields, _ = self
        return Cell(**dict(zip(self._fields[1:-1], fields, strict=True)))


class Backlog:
    """What is left of a grid. Its length is the cells, scores and finetunings still to do, here or elsewhere."""

    def __init__(self, cells: Iterable[CellRecord], sizes: Mapping[str, int], *, failed_too: bool) -> None:
        """Count a grid's cells.

        Args:
            cells: all of them, in the order they are to be done.
            sizes: characters to translate, by the blob of the test lines.
            failed_too: whether those that failed are to be tried again.
        """
        self._sizes = sizes
        self._pending: dict[str, list[PendingCell]] = defaultdict(list)
        self._states: Counter[CellState] = Counter()
        self.untrained: Sequence[PlannedTraining] = ()
        """Finetunings that are still to do."""
        self.unscored: Sequence[OpenScore] = ()
        """Translated cells that metrics which hold a model have still to score."""
        self.given_up: set[str] = set()
        """Ids of models with cells that failed and are not tried again."""
        self.characters = 0
        """Characters still to translate."""
        wanted = (CellState.PLANNED, CellState.FAILED) if failed_too else (CellState.PLANNED,)
        for cell in cells:
            if cell.state in wanted:
                self._states[CellState.PLANNED] += 1
                pending = PendingCell.of(cell)
                self._pending[pending.model].append(pending)
                self.characters += self.size(pending)
                continue
            self._states[cell.state] += 1
            if cell.state is CellState.FAILED:
                self.given_up.add(cell.cell.model)

    def __len__(self) -> int:
        return self.planned + self.running_elsewhere + len(self.untrained) + len(self.unscored)

    @property
    def planned(self) -> int:
        """Cells that this driver has to do, those that its workers are at included."""
        return self._states[CellState.PLANNED]

    @property
    def running_elsewhere(self) -> int:
        """Cells that another grid's driver is at."""
        return self._states[CellState.RUNNING]

    @property
    def failed(self) -> int:
        """Cells that failed."""
        return self._states[CellState.FAILED]

    @property
    def missing(self) -> int:
        """Cells that can't be translated."""
        return self._states[CellState.MISSING]

    @property
    def total(self) -> int:
        """All cells of the grid."""
        return self._states.total()

    @property
    def ended(self) -> int:
        """Cells that nobody has to do any more."""
        return self.total - self.planned - self.running_elsewhere

    def size(self, cell: PendingCell) -> int:
        """Characters that a cell has to translate."""
        return self._sizes.get(cell.test, 0)

    def pending(self, model_id: str) -> Sequence[PendingCell]:
        """A model's cells that are not handed out yet."""
        return self._pending.get(model_id, ())

    def pending_by_model(self) -> Counter[str]:
        """How many cells of each model are not handed out yet."""
        return Counter({model: len(cells) for model, cells in self._pending.items()})

    def hand_out(self, model_id: str) -> list[PendingCell]:
        """Remove a model's pending cells, for workers to translate; they count as planned until they have ended."""
        return self._pending.pop(model_id, [])

    def drop(self, model_id: str, state: CellState, pairs: Collection[Pair] | None = None) -> list[PendingCell]:
        """Remove pending cells that nobody will translate, and count them in another state.

        Args:
            model_id: whose.
            state: what they are now.
            pairs: only those of these pairs; all of the model's by default.
        """
        pending = self.hand_out(model_id)
        dropped = [cell for cell in pending if pairs is None or cell.pair in pairs]
        if kept := [cell for cell in pending if pairs is not None and cell.pair not in pairs]:
            self._pending[model_id] = kept
        for cell in dropped:
            self.move(state, self.size(cell))
        return dropped

    def move(self, state: CellState, size: int) -> None:
        """Count a planned cell in another state: one that ended, or that another grid's driver is at.

        Args:
            state: what it is now.
            size: characters it had to translate.
        """
        self._states[CellState.PLANNED] -= 1
        self._states[state] += 1
        self.characters -= size


def read_backlog(
    plan: Plan,
    store: Store,
    sizes: Mapping[str, int],
    *,
    grids: Sequence[str],
    failed_too: bool,
    metrics: Sequence[str] = (),
) -> Backlog:
    """What the store lacks of a planned grid that is in it.

    Args:
        plan: the grid.
        store: where it is kept.
        sizes: characters to translate, by the blob of the test lines.
        grids: names of the grid, and of others whose cells are done with it.
        failed_too: whether what failed is to be tried again.
        metrics: names of the metrics that hold a model.
    """

    def read() -> Backlog:
        cells = chain.from_iterable(store.cells.iterate(grid) for grid in grids)
        return Backlog(cells, sizes, failed_too=failed_too)

    backlog = with_retries(read)
    backlog.untrained = [
        training
        for training in plan.trainings
        # a finetuning whose cells failed with it, and are not tried again, isn't tried again either
        if (backlog.pending(training.identity.id) or training.identity.id not in backlog.given_up)
        and with_retries(lambda: store.models.training(training.identity.id)) is None  # noqa: B023 (asked at once)
    ]
    backlog.unscored = with_retries(lambda: [each for grid in grids for each in open_scores(store, grid, metrics)])
    return backlog
