"""Scoring of translations from files, and their way into the store: as workers do it, without a cluster."""

from collections.abc import Callable, Sequence

from dragoman.cell import CellState
from dragoman.metrics.generation import FROM_FILE
from dragoman.pair import Pair
from dragoman.store.maintenance.rescoring import ScoringTask, scored
from dragoman.store.records import CellOutcome, CellRecord, Translation
from dragoman.store.store import Store

ENGINE = "files"
"""What stands in place of an engine, and of a worker, in cells whose translations are from files."""


def commit(
    store: Store,
    cells: Sequence[CellRecord],
    hypotheses: Callable[[Pair], Sequence[str]],
    *,
    languages: Sequence[str],
    metrics: Sequence[str],
    workers: int = 1,
    advance: Callable[[int, int], None] | None = None,
) -> None:
    """Score the translations of cells and write both; each cell is committed as it is done.

    Args:
        store: where they are written.
        cells: the cells, which have test lines and no translation.
        hypotheses: returns the translations of a pair.
        languages: the grid's languages.
        metrics: names of metric plugins.
        workers: processes that score; with one, this process does.
        advance: called with the number of cells done, and of how many.

    Raises:
        DragomanError: a file is gone or has been changed, or the store can't be written to.
    """
    tasks, sizes = [], {}
    for record in cells:
        pair, lines = record.cell.pair, hypotheses(record.cell.pair)
        address = store.blobs.put_translation([(line, FROM_FILE, 0) for line in lines])
        sizes[record.cell.id] = len(lines), address
        tasks.append(
            ScoringTask(
                record.cell.id, pair, tuple(languages), tuple(metrics), str(record.test), address, store.blobs.url
            )
        )
    for done, outcome in enumerate(scored(tasks, workers), 1):
        segments, address = sizes[outcome.cell]
        translation = Translation(
            cell_id=outcome.cell, hypotheses=address, segments=segments, tokens=0, cut=0, engine=ENGINE, seconds=0,
            worker=ENGINE,
        )  # fmt: skip
        scores, unscorable = tuple(outcome.scores), tuple(outcome.unscorable)
        store.cells.advance(translated=[CellOutcome(translation=translation, scores=scores, unscorable=unscorable)])
        if advance:
            advance(done, len(tasks))


def uncommitted(store: Store, grid: str, model: str) -> list[CellRecord]:
    """The cells of a system from files in a grid that are still to be committed."""
    return [cell for cell in store.cells.of_grid(grid, model=model) if cell.test and not _is_over(cell.state)]


def _is_over(state: CellState) -> bool:
    return state.is_translated or state is CellState.MISSING
