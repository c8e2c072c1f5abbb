"""Agreement of a grid's metrics with people, by pair and on average."""

from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from dragoman.analysis.systems import metric_names
from dragoman.errors import StoreError, nearest
from dragoman.judgement.base import JudgementError
from dragoman.judgement.raters import kendall, pearson
from dragoman.judgement.ratings import Panel, panels
from dragoman.judgement.segment_scores import segment_scores
from dragoman.judgement.texts import GridTexts, PairTexts, judged_pairs
from dragoman.metrics.lookup import metric_class
from dragoman.metrics.meta_evaluation import (
    PERMUTATIONS,
    Values,
    calibrated_accuracy,
    one_sided_p_values,
    soft_pairwise_accuracy,
)
from dragoman.pair import Pair
from dragoman.rating import Protocol


class MetricAgreement(BaseModel):
    """How a metric agrees with people."""

    model_config = ConfigDict(frozen=True)

    pair: Pair | None
    """The pair; None for the mean over the pairs."""
    protocol: Protocol
    """What raters were asked for."""
    metric: str
    """The metric."""
    systems: int
    """Systems that were judged."""
    sentences: int
    """Sentences that were judged of all of them and have a score of the metric."""
    soft_accuracy: float
    """Soft pairwise accuracy of systems, 0 to 1."""
    tie_accuracy: float
    """Pairwise accuracy of translations of a sentence, with calibrated ties, 0 to 1."""
    epsilon: float | None
    """Differences of the metric up to this are ties there; None for the mean."""
    kendall: float | None
    """Kendall's tau-b of all translations' values; None where they don't vary."""
    pearson: float | None
    """Pearson's correlation of them; None likewise."""


class MetricAgreements(BaseModel):
    """The agreement of metrics with people on a grid."""

    model_config = ConfigDict(frozen=True)

    metrics: tuple[MetricAgreement, ...]
    """By protocol and pair, the best first by soft pairwise accuracy; last the means over several pairs."""
    notes: tuple[str, ...]
    """What is to be said of them."""


def metric_agreement(
    texts: GridTexts,
    pairs: Sequence[Pair] = (),
    *,
    metrics: Sequence[str] = (),
    by_rater: bool = False,
    permutations: int = PERMUTATIONS,
) -> MetricAgreements:
    """How each metric agrees with people, on the sentences that were judged of every system.

    Args:
        texts: the texts of a grid.
        pairs: only these pairs.
        metrics: only these metrics; by default all of the grid.
        by_rater: take people's values on each rater's own scale.
        permutations: of each test of two systems.

    Raises:
        StoreError: the grid has no such metric.
    """
    known = metric_names(texts.store, texts.grid)
    for name in metrics:
        if name not in known:
            raise StoreError(f"Grid '{texts.grid}' has no scores of '{name}'; {nearest(name, known)}")
    found: list[MetricAgreement] = []
    notes: list[str] = []
    for pair in judged_pairs(texts, pairs):
        own = texts.of(pair)
        for panel in panels(own):
            shared = panel.shared
            if len(panel.systems) < 2 or not shared:
                notes.append(
                    f"Of {own} ({panel.protocol}) no sentence was judged of two systems, so nothing is to be said "
                    "of metrics there."
                )
                continue
            notes += panel.notes
            rows, lacking = _of_panel(own, panel, metrics or known, by_rater, permutations)
            found += sorted(rows, key=_place)
            notes += lacking
    return MetricAgreements(metrics=(*found, *_means(found)), notes=tuple(dict.fromkeys(notes)))


def _of_panel(
    texts: PairTexts, panel: Panel, metrics: Sequence[str], by_rater: bool, permutations: int
) -> tuple[list[MetricAgreement], list[str]]:
    people = panel.values(panel.shared, on_own_scales=by_rater)
    rows, notes = [], []
    for metric in metrics:
        try:
            own = _values(texts, panel, metric)
        except (JudgementError, StoreError) as error:
            notes.append(str(error))
            continue
        known = np.isfinite(own).all(axis=0)  # a judge may leave segments without a score
        if not known.any():
            notes.append(f"No sentence of {texts} that was judged has a {metric} score of every system.")
            continue
        own, theirs = own[:, known], people[:, known]
        p_of_people = one_sided_p_values(theirs, permutations)
        calibrated = calibrated_accuracy(own, theirs)
        flat, judged = own.ravel().tolist(), theirs.ravel().tolist()
        rows.append(
            MetricAgreement(
                pair=texts.pair, protocol=panel.protocol, metric=metric, systems=len(panel.systems),
                sentences=int(known.sum()),
                soft_accuracy=soft_pairwise_accuracy(one_sided_p_values(own, permutations), p_of_people),
                tie_accuracy=calibrated.accuracy, epsilon=calibrated.epsilon, kendall=kendall(flat, judged),
                pearson=pearson(flat, judged),
            )
        )  # fmt: skip
    return rows, notes


def _values(texts: PairTexts, panel: Panel, metric: str) -> Values:
    """The metric's values of the shared sentences, the higher the better."""
    kind = metric_class(metric)
    places = [line - 1 for line in panel.shared]
    scores = segment_scores(texts, panel.systems, metric)
    sign = 1.0 if kind is None or kind.higher_is_better else -1.0
    return sign * np.stack([scores[name][places] for name in panel.systems])


def _means(found: Sequence[MetricAgreement]) -> list[MetricAgreement]:
    """The means over pairs of metrics that have values on all of them, under each protocol with several."""
    means = []
    for protocol in dict.fromkeys(each.protocol for each in found):
        of_protocol = [each for each in found if each.protocol is protocol]
        pairs = {each.pair for each in of_protocol}
        for metric in dict.fromkeys(each.metric for each in of_protocol) if len(pairs) > 1 else ():
            own = [each for each in of_protocol if each.metric == metric]
            if len(own) == len(pairs):
                means.append(_mean(protocol, metric, own))
    return sorted(means, key=_place)


def _mean(protocol: Protocol, metric: str, own: Sequence[MetricAgreement]) -> MetricAgreement:
    def mean(name: str) -> float | None:
        values = [getattr(each, name) for each in own]
        return None if None in values else float(np.mean(values))

    return MetricAgreement(
        pair=None, protocol=protocol, metric=metric, systems=max(each.systems for each in own),
        sentences=sum(each.sentences for each in own), soft_accuracy=mean("soft_accuracy") or 0.0,
        tie_accuracy=mean("tie_accuracy") or 0.0, epsilon=None, kendall=mean("kendall"), pearson=mean("pearson"),
    )  # fmt: skip


def _place(agreement: MetricAgreement) -> tuple[str, float, str]:
    return agreement.protocol, -agreement.soft_accuracy, agreement.metric
