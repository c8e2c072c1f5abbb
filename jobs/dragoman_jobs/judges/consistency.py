"""Consistency of a judge: a sample of a grid's segments judged a second time, with another seed."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dragoman.errors import StoreError
from dragoman.judgement.base import draw
from dragoman.judgement.raters import kendall, pearson
from dragoman.metrics.error_span import ErrorSpan
from dragoman.metrics.loaded_metric import ConfiguredMetric
from dragoman.metrics.model_metric import SegmentScore, Triple
from dragoman.pair import Pair
from dragoman.store.records import CellRecord
from dragoman.store.store import Store
from dragoman_jobs.judges.metrics import Judge

RESAMPLES = 1000
"""Resamples of an interval."""


class Measure(NamedTuple):
    """A figure of how two judgements of the same segments agree."""

    measure: str
    """What is measured."""
    estimate: float | None
    """The figure; None where it can't be computed, as a correlation of values that don't vary."""
    low: float | None
    """Lower end of its 95% interval, from resampled segments."""
    high: float | None
    """Upper end of it."""
    n: int
    """Segments that it is of."""


class Twice(NamedTuple):
    """Segments that were judged twice."""

    first: Sequence[SegmentScore]
    """The first judgements."""
    second: Sequence[SegmentScore]
    """The second ones of the same segments."""


def judged_twice(
    store: Store, grid: str, metric: ConfiguredMetric, *, sample: int, seed: int, home: Path, pairs: Sequence[Pair] = ()
) -> Twice:
    """Judge a sample of a grid's segments a first time, where that was not done before, and a second time.

    Both are paid for where they are not in the store of answers; nothing is written to the results store.

    Args:
        store: the store.
        grid: name of the grid.
        metric: the judge.
        sample: so many segments, or all that there are.
        seed: of the sample.
        home: the folder of the answers and the usage logs.
        pairs: only these pairs.

    Raises:
        StoreError: there is nothing to judge, or the metric is no judge.
        MetricError: no answer can be read.
        MetricNeedError: the endpoint refuses, or the budget is spent.
    """
    kind = metric.kind
    if not issubclass(kind, Judge):
        raise StoreError(f"{metric.name} is no judge, and scores the same each time: name one, such as gemba-mqm.")
    triples = sampled(store, grid, sample=sample, seed=seed, pairs=pairs, with_reference=kind.needs_reference)
    found = []
    for round_ in (1, 2):
        scorer = kind.judge(metric.options, home=home, round_=round_)
        found.append(scorer.score(triples))
        scorer.close()
    return Twice(*found)


def sampled(
    store: Store, grid: str, *, sample: int, seed: int, pairs: Sequence[Pair] = (), with_reference: bool = False
) -> list[Triple]:
    """A sample of the different segments of a grid, drawn from all its translations.

    Raises:
        StoreError: there is no such grid, or it has no translations with their test lines.
    """
    cells = {
        cell.cell.id: cell
        for cell in store.cells.of_grid(grid)
        if cell.hypotheses and cell.test and cell.state.is_translated and (not pairs or cell.cell.pair in pairs)
    }
    places = [(cell, line) for cell, record in cells.items() for line in range(record.segments or 0)]
    triples: dict[Triple, None] = {}
    texts: dict[str, list[Triple]] = {}
    for cell, line in sorted(places, key=lambda place: draw(seed, *place)):
        if cell not in texts:
            texts[cell] = _triples(store, cells[cell], with_reference)
        if texts[cell][line].hypothesis.strip():
            triples.setdefault(texts[cell][line])
        if len(triples) == sample:
            break
    if not triples:
        raise StoreError(f"Grid '{grid}' has no translations that could be judged: run it first.")
    return list(triples)


def consistency(twice: Twice, *, seed: int) -> list[Measure]:
    """How the two judgements agree, each figure with an interval from resampled segments.

    Args:
        twice: the judgements.
        seed: of the resamples.
    """
    values = np.array([[score.value for score in each] for each in twice], dtype=np.float64)
    both: NDArray[np.bool_] = np.asarray(np.isfinite(values).all(axis=0))
    own: NDArray[np.float64] = values[0][both]
    other: NDArray[np.float64] = values[1][both]
    spans = [_overlap(one.spans, two.spans) for one, two in zip(*twice, strict=True)]
    overlaps: NDArray[np.float64] = np.array(spans, dtype=np.float64).reshape(-1, 2)[both]
    rng = np.random.default_rng(seed)
    resamples = rng.integers(0, max(1, len(own)), size=(RESAMPLES, len(own)))

    def measured(name: str, figure: Callable[[NDArray[np.int64]], float | None]) -> Measure:
        estimate = figure(np.arange(len(own)))
        if estimate is None or len(own) < 2:
            return Measure(name, estimate, None, None, len(own))
        drawn = [value for value in map(figure, resamples) if value is not None]
        low, high = np.percentile(drawn, [2.5, 97.5]).tolist() if drawn else (None, None)
        return Measure(name, estimate, low, high, len(own))

    def f1(places: NDArray[np.int64]) -> float | None:
        shared, marked = overlaps[places].sum(axis=0)
        return float(2 * shared / marked) if marked else None

    readable = both.astype(np.float64)
    measures = [
        Measure("readable_twice", float(readable.mean()), None, None, len(readable)),
        measured("equal_scores", lambda at: float((own[at] == other[at]).mean()) if len(at) else None),
        measured("mean_difference", lambda at: float((other[at] - own[at]).mean()) if len(at) else None),
        measured("mean_absolute_difference", lambda at: float(np.abs(other[at] - own[at]).mean()) if len(at) else None),
        measured("pearson", lambda at: pearson(own[at].tolist(), other[at].tolist())),
        measured("kendall", lambda at: kendall(own[at].tolist(), other[at].tolist())),
    ]
    if overlaps.any():
        measures.append(measured("character_f1", f1))
    return measures


def _triples(store: Store, record: CellRecord, with_reference: bool) -> list[Triple]:
    text = store.blobs.test_text(str(record.test))
    references: Sequence[str | None] = text.references if with_reference else [None] * len(text.sources)
    lines = [line.text for line in store.blobs.translation(str(record.hypotheses))]
    return [Triple(record.cell.pair, *each) for each in zip(text.sources, lines, references, strict=True)]


def _overlap(one: Sequence[ErrorSpan], other: Sequence[ErrorSpan]) -> tuple[int, int]:
    """Characters that both mark, and how many each marks, together; whatever the severity, in both texts."""
    first, second = (
        {(span.on_source, place) for span in spans if span.is_placed for place in range(span.start, span.end)}
        for spans in (one, other)
    )
    return len(first & second), len(first) + len(second)
