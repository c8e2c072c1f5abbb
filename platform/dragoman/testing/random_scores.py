"""Random but valid sufficient statistics and scores, reproducible from their arguments on every machine."""

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dragoman.metrics.lookup import installed_metric
from dragoman.metrics.model_metric import ModelMetric
from dragoman.metrics.serialization import pack
from dragoman.pair import Pair
from dragoman.store.records import StoredScore


def random_score(
    metric: str, model: str, pair: Pair, *, segments: int, quality: float, signature: str, statistics: bool = True
) -> StoredScore:
    """A score of made-up segments, with an interval of one point on each side.

    Args:
        metric: `off_target`, `ter`, a metric that holds a model, or one with BLEU's statistics.
        model: with the metric and the pair, what the numbers are drawn by.
        pair: the direction.
        segments: how many.
        quality: the probability that a word is right, from 0 to 1.
        signature: what follows the metric's name in the signature.
        statistics: whether the segments' statistics are kept.
    """
    rows: NDArray[Any]
    kind = installed_metric(metric)
    rng = np.random.default_rng(zlib.crc32(f"{metric} {model} {pair}".encode()))
    if metric == "off_target":
        off = rng.random(segments) > quality
        rows = np.stack([off, ~off & False, rng.random(segments) < 0.05, ~off & False, off | True], axis=1)
    elif issubclass(kind, ModelMetric):
        least, greatest = kind.bounds[0] or 0.0, kind.bounds[1] or 1.0
        share = rng.beta(8 * quality + 1, 8 * (1 - quality) + 1, segments)
        rows = np.stack([least + (greatest - least) * share, np.ones(segments)], axis=1)
    elif metric == "ter":
        words = np.full(segments, 10)
        rows = np.stack([rng.binomial(words, 1 - quality), words], axis=1)
    else:
        totals = np.tile([10, 9, 8, 7], (segments, 1))
        matches = np.minimum.accumulate(rng.binomial(totals, quality ** np.arange(1, 5)), axis=1)
        rows = np.concatenate([np.full((segments, 2), 10), matches, totals], axis=1)
    rows = np.asarray(rows, np.float64)
    value = float(kind(pair).aggregate(rows.sum(axis=0)))
    return StoredScore(
        metric=metric,
        signature=f"{metric}|{signature}",
        value=value,
        low=value - 1,
        high=value + 1,
        statistics=pack(rows) if statistics else None,
    )
