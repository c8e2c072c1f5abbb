"""Rescoring of stored translations with a new metric, or a new version of one, without translating again."""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import chain
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, exists, select

from dragoman.cell import Unscorable
from dragoman.metrics.base import Metric, MetricError
from dragoman.metrics.generation import Generation
from dragoman.metrics.lookup import installed_metric
from dragoman.metrics.scoring import ScoreRecord, require, score
from dragoman.pair import Pair
from dragoman.store.blobs import BlobStore
from dragoman.store.database.ids import chunks, grid_number
from dragoman.store.jobs.progress import progress
from dragoman.store.records import CellRecord, StoredScore
from dragoman.store.schema import (
    CellRow,
    GridMetricRow,
    GridModelRow,
    GridPairRow,
    MetricRow,
    PairRow,
    ScoreRow,
    SignatureRow,
    UnscorableRow,
)
from dragoman.store.store import Store


class Rescored(NamedTuple):
    """Result of rescoring a grid with one metric."""

    metric: str
    """Name of the metric."""
    scored: int
    """Cells scored now."""
    already: int
    """Cells that had a score under the metric's present signature."""
    unscorable: int
    """Cells this metric can't score; the reasons are in the store."""
    untranslated: int
    """Cells without a translation."""
    without_text: int
    """Translated cells whose source and reference lines the store does not have."""


class ScoringTask(NamedTuple):
    """A translated cell that is to be scored, with all that a process needs for it."""

    cell: str
    """Id of the cell."""
    pair: Pair
    """The direction."""
    languages: tuple[str, ...]
    """The grid's languages."""
    metrics: tuple[str, ...]
    """Names of the metrics."""
    test: str
    """Blob of the test lines."""
    hypotheses: str
    """Blob of the translation."""
    blobs: str
    """URL of the blob storage."""
    prompt: str | None = None
    """The prompt in use, as people are shown it; None where none is known."""


class ScoringOutcome(NamedTuple):
    """The scores of a cell."""

    cell: str
    """Id of the cell."""
    scores: list[StoredScore]
    """One for each metric that can score it."""
    unscorable: list[Unscorable]
    """The metrics that can't."""


def rescore(
    store: Store, grid: str, metrics: Sequence[str], workers: int = 1, advance: Callable[[int, int], None] | None = None
) -> list[Rescored]:
    """Add metrics to the stored translations of a grid; a score that is there stays as it is.

    Every cell is committed as it is done, so that breaking off loses nothing and the next run goes on from there.

    Args:
        store: the store.
        grid: name of the grid.
        metrics: names of metrics that hold no model.
        workers: processes that score; with one, this process does.
        advance: called with the number of cells done, and of how many.

    Raises:
        StoreError: there is no such grid, or a translation is gone or damaged.
        UnknownPluginError: a metric is not installed.
        MetricNeedError: a metric lacks something that it needs; nothing is written.
    """
    require(metrics, _pairs(store, grid), store.grids.get(grid).languages)
    counts = {metric: Counter[str]() for metric in metrics}
    for metric in metrics:
        store.grids.add_metric(grid, metric)
    whole = sum(count for states in progress(store, grid).values() for count in states.values())
    passed = _Passed()
    for done, outcome in enumerate(scored(_tasks(store, grid, metrics, counts, passed), workers), start=1):
        store.cells.add_scores(outcome.cell, outcome.scores, outcome.unscorable)
        for found in outcome.scores:
            counts[found.metric]["scored"] += 1
        for refused in outcome.unscorable:
            counts[refused.metric]["unscorable"] += 1
        if advance:
            advance(done + passed.cells, whole)
    return [Rescored(metric, *(counts[metric][what] for what in Rescored._fields[1:])) for metric in metrics]


class _Passed:
    """Counts the cells that are not scored."""

    cells = 0


def _pairs(store: Store, grid: str) -> set[Pair]:
    """The pairs of a grid."""
    with store.database.reading() as connection:
        query = select(PairRow.source, PairRow.target).join(GridPairRow, GridPairRow.pair_id == PairRow.id).distinct()
        rows = connection.execute(query.where(GridPairRow.grid_id == grid_number(connection, grid)))
        return {Pair(source, target) for source, target in rows}


def unscored_metrics(store: Store, grid: str) -> list[str]:
    """Metrics of a grid that a translated cell of it has neither a score of nor a reason against.

    Such a cell was translated for another grid with other metrics.
    """

    def known(row: type[ScoreRow | UnscorableRow]) -> ColumnElement[bool]:
        of_cell = (row.model_id == CellRow.model_id, row.condition_id == CellRow.condition_id)
        found = exists().where(*of_cell, row.pair_id == CellRow.pair_id, row.metric_id == GridMetricRow.metric_id)
        return found.correlate(CellRow, GridMetricRow)

    with store.database.reading() as connection:
        number = grid_number(connection, grid)
        lacking = (
            exists()
            .where(GridModelRow.grid_id == number, GridModelRow.model_id == CellRow.model_id)
            .where(GridPairRow.grid_id == number, GridPairRow.condition_id == CellRow.condition_id)
            .where(GridPairRow.pair_id == CellRow.pair_id, CellRow.hypotheses.is_not(None))
            .where(~known(ScoreRow), ~known(UnscorableRow))
        )
        query = (
            select(MetricRow.name)
            .join(GridMetricRow, GridMetricRow.metric_id == MetricRow.id)
            .where(GridMetricRow.grid_id == number, lacking)
            .order_by(GridMetricRow.position)
        )
        return list(connection.scalars(query))


def _tasks(
    store: Store, grid: str, metrics: Sequence[str], counts: Mapping[str, Counter[str]], passed: "_Passed"
) -> Iterator[ScoringTask]:
    """What is to be scored, page by page; what is not is counted."""
    kinds = {metric: installed_metric(metric) for metric in metrics}
    languages = store.grids.get(grid).languages
    for page in store.cells.pages(grid):
        present = _signatures(store, [record.cell.id for record in page])
        prompts = store.conditions.prompts({record.cell.prompt for record in page})
        for record in page:
            cell, needed = record.cell, []
            for metric, kind in kinds.items():
                if record.hypotheses is None:
                    counts[metric]["untranslated"] += 1
                elif record.test is None:
                    counts[metric]["without_text"] += 1
                elif _is_scored(store, record, kind, languages=languages, present=present[cell.id][metric]):
                    counts[metric]["already"] += 1
                else:
                    needed.append(metric)
            if needed and record.hypotheses and record.test:
                yield ScoringTask(
                    cell.id,
                    cell.pair,
                    languages,
                    tuple(needed),
                    record.test,
                    record.hypotheses,
                    store.blobs.url,
                    prompts.get(cell.prompt),
                )
            else:
                passed.cells += 1


Signatures = defaultdict[str, defaultdict[str, set[str]]]
"""Signatures of scores by cell and metric."""


def signatures_of(store: Store, grid: str) -> Signatures:
    """The signatures of every score of a grid's models."""
    with store.database.reading() as connection:
        number = grid_number(connection, grid)
        query = _SIGNATURES.join(GridModelRow, GridModelRow.model_id == CellRow.model_id)
        return _by_cell(connection.execute(query.where(GridModelRow.grid_id == number)))


def _signatures(store: Store, cells: Sequence[str]) -> Signatures:
    """The signatures of every score of some cells."""
    with store.database.reading() as connection:
        return _by_cell(connection.execute(_SIGNATURES.where(CellRow.identity.in_(cells))))


def _by_cell(rows: Iterable[Any]) -> Signatures:
    found: Signatures = defaultdict(lambda: defaultdict(set))
    for cell, metric, signature in rows:
        found[cell][metric].add(signature)
    return found


_SIGNATURES = (
    select(CellRow.identity, MetricRow.name, SignatureRow.text)
    .join(
        ScoreRow,
        (ScoreRow.model_id == CellRow.model_id)
        & (ScoreRow.condition_id == CellRow.condition_id)
        & (ScoreRow.pair_id == CellRow.pair_id),
    )
    .join(SignatureRow, SignatureRow.id == ScoreRow.signature_id)
    .join(MetricRow, MetricRow.id == SignatureRow.metric_id)
)


def _is_scored(
    store: Store, record: CellRecord, kind: type[Metric], *, languages: Collection[str], present: Collection[str]
) -> bool:
    """Whether a cell has a score under a metric's present signature, given those under which it has one."""
    signature = _signature(kind, record.cell.pair, languages)
    if not present or signature in present:
        return bool(present)
    # of several references the signature says how many they are
    text = store.blobs.test_text(str(record.test))
    return any(text.further) and _signature(kind, record.cell.pair, languages, text.all_references) in present


def _signature(
    kind: type[Metric], pair: Pair, languages: Collection[str], references: Sequence[Sequence[str]] | None = None
) -> str | None:
    try:
        metric = kind(pair, languages)
        return metric.signature if references is None else metric.signature_of_several(references)
    except MetricError:
        return None  # the reason is found, and recorded, when the cell is scored


def scored(tasks: Iterable[ScoringTask], workers: int = 1) -> Iterator[ScoringOutcome]:
    """Score cells, in their order; of many, some thousands are held at once.

    Args:
        tasks: the cells.
        workers: processes that score; with one, this process does.

    Raises:
        StoreError: a translation or its test lines are gone, or damaged.
    """
    if workers == 1:
        yield from map(_run, tasks)
        return
    parts = chunks(tasks)
    first = next(parts, [])
    if len(first) < 2:
        yield from map(_run, first)
        return
    size = min(workers, len(first))
    with ProcessPoolExecutor(size, mp_context=get_context("spawn"), initializer=end_with_parent) as pool:
        for part in chain([first], parts):  # a pool keeps everything submitted, with its results
            yield from pool.map(_run, part)


def end_with_parent() -> None:
    """End this process when the one that started it is killed, in which case the pool leaves it waiting for ever."""

    def watch() -> None:
        if (parent := parent_process()) is not None:
            parent.join()
            os._exit(1)

    Thread(target=watch, daemon=True).start()


def _run(task: ScoringTask) -> ScoringOutcome:
    blobs = BlobStore(task.blobs)
    text = blobs.test_text(task.test)
    lines = blobs.translation(task.hypotheses)
    results = score(
        task.metrics,
        task.pair,
        task.languages,
        text.sources,
        [line.text for line in lines],
        text.references,
        further=text.further,
        generation=Generation.of(task.prompt, [line.finish_reason for line in lines]),
    )
    scores = [StoredScore.of(found) for found in results if isinstance(found, ScoreRecord)]
    unscorable = [found for found in results if isinstance(found, Unscorable)]
    return ScoringOutcome(task.cell, scores, unscorable)
