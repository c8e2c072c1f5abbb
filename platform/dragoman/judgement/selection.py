"""Choice of the sentences that people are to read: those that tell systems apart best, or a random sample.

The utilities are those of subset2evaluate (Zouhar et al., 2025, "How to Select Datapoints for Efficient Human
Evaluation of NLG Models?", https://arxiv.org/abs/2501.18251; `methods.py` of
https://github.com/zouharvi/subset2evaluate).
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dragoman.judgement.base import JudgementError, draw
from dragoman.judgement.segment_scores import segment_scores
from dragoman.judgement.texts import Document, PairTexts
from dragoman.metrics.sacrebleu import Chrf

Utilities = NDArray[np.float64]
"""How much each test line tells about the systems, the higher the more."""


class Method(StrEnum):
    """What sentences are chosen by."""

    METRIC_VARIANCE = "metric-variance"
    """The variance between systems of a metric's score of the sentence."""
    DIVERSITY = "diversity"
    """How unlike the systems' translations are."""
    RANDOM = "random"
    """Chance: the sample stands for the test set."""


class Choice(NamedTuple):
    """The sentences chosen."""

    documents: tuple[Document, ...]
    """Their documents, the most telling first; whole, where documents are known."""
    utilities: Mapping[int, float]
    """The utility of each line chosen; none by chance."""
    chosen_by: str
    """How, such as `metric-variance (chrf)`."""

    @property
    def lines(self) -> tuple[int, ...]:
        """The test lines, in order."""
        return tuple(sorted(line for document in self.documents for line in document.lines))

    @property
    def warning(self) -> str | None:
        """What is to be said of means over these sentences; None of those of a random sample."""
        return None if self.chosen_by == Method.RANDOM else warning_of(self.chosen_by)


def warning_of(chosen_by: str) -> str:
    """What is to be said of means over sentences that were chosen so."""
    return (
        f"These sentences were chosen by {chosen_by}, because systems differ there: means over them are not means of "
        "the test set, and differences between systems are larger than there."
    )


def choose(
    texts: PairTexts, systems: Sequence[str], *, method: Method, items: int, metric: str | None, seed: int
) -> Choice:
    """Choose the sentences worth reading, whole documents where these are known.

    Documents are taken in the order of the mean utility of their lines, as long as they fit in what is left; one as the
    first in any case. Ties, and random samples, are ordered by a hash of the seed, the line and its source sentence.

    Args:
        texts: the texts of a pair.
        systems: the systems that are to be told apart.
        method: what to choose by.
        items: how many sentences, at most.
        metric: the metric of `metric-variance`.
        seed: of random samples and of ties.

    Raises:
        JudgementError: there are too few systems for that, or they lack scores.
        MetricError: a metric lacks something that it needs.
    """
    chosen_by = str(method)
    utilities = np.zeros(len(texts.sources))
    if method is not Method.RANDOM and len(systems) < 2:
        raise JudgementError(f"Sentences on which systems differ need two systems, and {texts} has {len(systems)}.")
    if method is Method.METRIC_VARIANCE:
        if metric is None:
            raise JudgementError("Sentences chosen by metric-variance need a metric: name it with --metric.")
        utilities = variances(np.stack(list(segment_scores(texts, systems, metric).values())))
        chosen_by = f"{method} ({metric})"
    elif method is Method.DIVERSITY:
        utilities = diversities(texts, systems)
        chosen_by = f"{method} (chrf)"

    def order(document: Document) -> tuple[float, bytes]:
        first = document.lines[0]
        mean = float(np.mean([utilities[line - 1] for line in document.lines]))
        return -mean, draw(seed, first, texts.sources[first - 1])

    taken: list[Document] = []
    left = items
    for document in sorted(texts.documents, key=order):
        if len(document.lines) <= left or not taken:
            taken.append(document)
            left -= len(document.lines)
        if left <= 0:
            break
    known = (
        {} if method is Method.RANDOM else {line: float(utilities[line - 1]) for each in taken for line in each.lines}
    )
    return Choice(tuple(taken), known, chosen_by)


def variances(scores: NDArray[np.float64]) -> Utilities:
    """The variance between systems of each segment's score (`metric_var` of subset2evaluate).

    A segment that some system has no score of has none, and is chosen last.

    Args:
        scores: systems × segments.
    """
    found: Utilities = np.nan_to_num(np.var(scores, axis=0), nan=0.0)
    return found


def diversities(texts: PairTexts, systems: Sequence[str]) -> Utilities:
    """100 minus the mean chrF of each two systems' translations, either being the reference of the other.

    It orders sentences as `diversity_chrf` of subset2evaluate does, which counts each output against itself too.

    Raises:
        MetricError: sacreBLEU is not installed.
    """
    metric = Chrf(texts.pair)
    alike = []
    for one, other in combinations(systems, 2):
        counts = metric.statistics(texts.sources, texts.hypotheses[one], texts.hypotheses[other])
        swapped = counts.reshape(len(counts), -1, 3)[..., [1, 0, 2]].reshape(counts.shape)
        alike += [metric.aggregate(counts), metric.aggregate(swapped)]
    found: Utilities = 100 - np.mean(alike, axis=0)
    return found
