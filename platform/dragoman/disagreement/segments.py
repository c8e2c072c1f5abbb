"""Scores of single sentences by two metrics: how far they agree, and on which translations least."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dragoman.analysis.entrants import Entrants
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.judgement.texts import GridTexts, PairTexts
from dragoman.line_filter import LineFilter
from dragoman.metrics.serialization import unpack
from dragoman.pair import Pair
from dragoman.store.store import Store

RESAMPLES = 1000
"""Resamples of language pairs for an interval."""

FEWEST_PAIRS = 3
"""Language pairs below which they are not resampled."""


class Segments(NamedTuple):
    """A metric's scores of single translations."""

    metric: str
    """The metric."""
    higher_is_better: bool
    """Its direction."""
    systems: tuple[str, ...]
    """The systems, which are the rows."""
    scores: Mapping[Pair, NDArray[np.float64]]
    """By pair, systems × lines; NaN of a line without a score."""

    def standardised(self, pair: Pair) -> NDArray[np.float64]:
        """The scores of a pair less their mean, by their standard deviation; the higher the better."""
        own = self.scores[pair] if self.higher_is_better else -self.scores[pair]
        spread = np.nanstd(own)
        centred = own - np.nanmean(own)
        found: NDArray[np.float64] = centred / spread if spread > 0 else centred
        return found


@dataclass(frozen=True)
class Apart:
    """A translation that two metrics see apart."""

    pair: Pair
    """The language pair."""
    system: str
    """The system."""
    line: int
    """The line of the test set, from 1."""
    first: float
    """Its score by the first metric."""
    second: float
    """That by the second."""
    first_z: float
    """The first in standard deviations from the mean of all translations of the pair, the higher the better."""
    second_z: float
    """The second likewise."""
    source: str
    """The source line."""
    hypothesis: str
    """The translation."""
    reference: str
    """The reference."""

    @property
    def difference(self) -> float:
        """The first minus the second, standardised: above 0 where the first metric thinks better of it."""
        return self.first_z - self.second_z


class PairwiseKendall(NamedTuple):
    """Kendall's tau-b of translations' scores, the mean over language pairs."""

    estimate: float | None
    """The mean; None where the scores of one metric don't vary on any pair."""
    low: float | None
    """Lower end of its 95% interval, from resampled language pairs; None of few."""
    high: float | None
    """Upper end of it."""
    n: int
    """Translations that both score."""


def segments_of(metric: str, found: Entrants, pairs: Sequence[Pair]) -> Segments:
    """A metric's scores of single translations on some pairs.

    Raises:
        MetricError: statistics are damaged.
    """
    scores = {
        pair: np.stack(
            [
                np.asarray(found.kind(pair).aggregate(unpack(each.scores[pair].stored.packed or b"")), np.float64)
                for each in found.systems
            ]
        )
        for pair in pairs
    }
    names = tuple(each.name for each in found.systems)
    return Segments(metric, found.kind.higher_is_better, names, scores)


def segment_kendall(first: Segments, second: Segments, seed: int) -> PairwiseKendall:
    """How far two metrics order translations of a pair alike."""
    from scipy.stats import kendalltau

    found, count = [], 0
    for pair in first.scores:
        own, other = first.standardised(pair).ravel(), second.standardised(pair).ravel()
        both = np.isfinite(own) & np.isfinite(other)
        count += int(both.sum())
        if both.sum() > 1 and np.isfinite(tau := kendalltau(own[both], other[both]).statistic):
            found.append(float(tau))
    if not found:
        return PairwiseKendall(None, None, None, count)
    estimate = float(np.mean(found))
    if len(found) < FEWEST_PAIRS:
        return PairwiseKendall(estimate, None, None, count)
    drawn = np.random.default_rng(seed).choice(found, size=(RESAMPLES, len(found))).mean(axis=1)
    low, high = np.percentile(drawn, [2.5, 97.5]).tolist()
    return PairwiseKendall(estimate, low, high, count)


def furthest_apart(
    store: Store, question: ScoreQuestion, first: Segments, second: Segments, limit: int
) -> tuple[Apart, ...]:
    """The translations whose standardised scores differ most, the furthest first, with their texts.

    Args:
        store: the store.
        question: the query, which names the test set and maybe a slice of it.
        first: scores by a metric.
        second: those by another, of the same systems and lines.
        limit: how many.
    """
    found = []
    for pair in first.scores:
        own, other = first.standardised(pair), second.standardised(pair)
        gaps = own - other
        gaps = np.where(np.isfinite(gaps), gaps, 0.0)
        order = np.argsort(-np.abs(gaps), axis=None, kind="stable")[:limit]
        for row, column in zip(*np.unravel_index(order, gaps.shape), strict=True):
            if gaps[row, column]:
                z_scores = float(own[row, column]), float(other[row, column])
                found.append((-abs(float(gaps[row, column])), pair, int(row), int(column), z_scores))
    texts = GridTexts(store, question.grid, question.test_set)
    read: dict[Pair, tuple[PairTexts, NDArray[np.int64]]] = {}
    rows = []
    for _, pair, row, column, (first_z, second_z) in sorted(found)[:limit]:
        if pair not in read:
            text = texts.of(pair)
            read[pair] = text, _lines(store, question, text)
        text, lines = read[pair]
        line, system = int(lines[column]), first.systems[row]
        rows.append(
            Apart(
                pair=pair, system=system, line=line + 1,
                first=float(first.scores[pair][row, column]), second=float(second.scores[pair][row, column]),
                first_z=first_z, second_z=second_z,
                source=text.sources[line], hypothesis=text.hypotheses[system][line], reference=text.references[line],
            )
        )  # fmt: skip
    return tuple(rows)


def _lines(store: Store, question: ScoreQuestion, texts: PairTexts) -> NDArray[np.int64]:
    """The places in the test set of the lines that scores are of."""
    every = np.arange(len(texts.sources))
    if question.lines is None:
        return every
    cell = next(iter(texts.cells.values())).cell
    labels = store.conditions.labels_of_grid(question.grid, texts.pair).get(
        (cell.test_set, cell.pair, cell.content), {}
    )
    return every[LineFilter.parse(question.lines).chosen(texts.pair, labels, len(every))]
