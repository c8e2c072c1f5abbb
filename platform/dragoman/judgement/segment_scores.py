"""Scores of single segments by a grid's metrics, from the statistics that are stored with its scores."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dragoman.errors import StoreError
from dragoman.judgement.base import JudgementError
from dragoman.judgement.texts import PairTexts
from dragoman.metrics.lookup import metric_class
from dragoman.metrics.serialization import unpack


def segment_scores(texts: PairTexts, systems: Sequence[str], metric: str) -> dict[str, NDArray[np.float64]]:
    """The score of each segment alone, by system, under a signature that all have; corpus scores are no means of these.

    Args:
        texts: the texts of a pair.
        systems: the systems.
        metric: the metric.

    Raises:
        JudgementError: a system lacks scores with statistics of it, or they have no signature in common.
        StoreError: the metric is not installed.
    """
    kind = metric_class(metric)
    if kind is None:
        raise StoreError(f"Scores of single sentences need the metric {metric}, which is not installed here.")
    packed = {
        name: {
            score.signature: score.statistics
            for score in texts.store.cells.scores(texts.cells[name].cell.id)
            if score.metric == metric and score.statistics is not None
        }
        for name in systems
    }
    if lacking := [name for name, found in packed.items() if not found]:
        raise JudgementError(
            f"{', '.join(lacking)} of {texts} has no {metric} score with statistics: `dragoman score` adds it, or "
            "name other systems."
        )
    shared = set.intersection(*(set(found) for found in packed.values()))
    if not shared:
        raise JudgementError(f"The {metric} scores of {', '.join(systems)} of {texts} have no signature in common.")
    signature = max(shared)
    rule = kind(texts.pair)
    return {
        name: np.asarray(rule.aggregate(unpack(found[signature] or b"")), np.float64) for name, found in packed.items()
    }
