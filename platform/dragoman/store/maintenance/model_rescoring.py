"""Rescoring of stored translations with a metric that holds a model: it is loaded once a process, never once a cell."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from dragoman.metrics.base import MetricNeedError
from dragoman.metrics.loaded_metric import ConfiguredMetric
from dragoman.store.database.ids import chunks
from dragoman.store.maintenance.metric_worker import MetricWorker
from dragoman.store.maintenance.open_scores import OpenScore, open_score
from dragoman.store.maintenance.rescoring import Rescored, end_with_parent, signatures_of
from dragoman.store.records import CellRecord, ScoredCell
from dragoman.store.store import Store

_WORKER: list[MetricWorker] = []
"""The worker of a process of the pool."""


def rescore_with_model(
    store: Store,
    grid: str,
    metric: ConfiguredMetric,
    *,
    home: Path,
    device: str = "cpu",
    processes: int = 1,
    advance: Callable[[int, int], None] | None = None,
) -> Rescored:
    """Add a model metric to the stored translations of a grid; a score under its present signature stays as it is.

    Every cell is committed as it is done, so that breaking off loses nothing and the next run goes on from there.

    Args:
        store: the store.
        grid: name of the grid.
        metric: the metric.
        home: the folder of environments, converted checkpoints and caches.
        device: `cpu` or `cuda`.
        processes: how many load the model; with one, this process does.
        advance: called with the number of cells done, and of how many.

    Raises:
        StoreError: there is no such grid, or a translation is gone or damaged.
        MetricError: the checkpoint is not one of this metric's.
        MetricNeedError: an environment, the checkpoint or the device is not there, or a process died.
    """
    cells = store.cells.of_grid(grid)
    counts: Counter[str] = Counter()
    with closing(MetricWorker(metric, store.blobs.url, home, device)) as worker:
        signature = worker.ready()
        tasks = _tasks(store, grid, metric.name, signature, cells=cells, counts=counts)
        store.grids.add_metric(grid, metric.name)
        if processes == 1 or len(tasks) < 2:
            found: Iterator[ScoredCell] = map(worker.run, tasks)
            _commit(store, found, len(tasks), counts, advance)
            tasks = []
    if tasks:
        start = partial(MetricWorker, metric, store.blobs.url, home, device)
        _commit(store, _scored(tasks, start, min(processes, len(tasks))), len(tasks), counts, advance)
    return Rescored(metric.name, *(counts[what] for what in Rescored._fields[1:]))


def _tasks(
    store: Store, grid: str, metric: str, signature: str, *, cells: Sequence[CellRecord], counts: Counter[str]
) -> list[OpenScore]:
    """What is to be scored, cells of the same test lines together; what is not is counted."""
    present = signatures_of(store, grid)
    tasks = []
    for record in sorted(cells, key=lambda cell: cell.test or ""):
        if record.hypotheses is None:
            counts["untranslated"] += 1
        elif (task := open_score(record, metric)) is None:
            counts["without_text"] += 1
        elif signature in present[record.cell.id][metric]:
            counts["already"] += 1
        else:
            tasks.append(task)
    return tasks


def _commit(
    store: Store,
    found: Iterator[ScoredCell],
    total: int,
    counts: Counter[str],
    advance: Callable[[int, int], None] | None,
) -> None:
    for done, each in enumerate(found, 1):
        store.cells.add_scores(each.cell, each.scores, each.unscorable)
        counts["scored"] += len(each.scores)
        counts["unscorable"] += len(each.unscorable)
        if advance:
            advance(done, total)


def _scored(tasks: Sequence[OpenScore], start: Callable[[], MetricWorker], processes: int) -> Iterator[ScoredCell]:
    try:
        with ProcessPoolExecutor(
            processes, mp_context=get_context("spawn"), initializer=_begin, initargs=(start,)
        ) as pool:
            for part in chunks(tasks):  # a pool keeps everything submitted, with its results
                yield from pool.map(_run, part)
    except BrokenProcessPool as error:
        raise MetricNeedError(
            "A process that holds the model died (out of memory, perhaps): score with fewer (metric_workers); what was "
            "scored is kept."
        ) from error


def _begin(start: Callable[[], MetricWorker]) -> None:
    end_with_parent()
    _WORKER[:] = [start()]


def _run(task: OpenScore) -> ScoredCell:
    return _WORKER[0].run(task)
