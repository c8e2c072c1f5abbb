from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.significance import _bootstrap_resample

from dragoman.metrics.base import Metric
from dragoman.metrics.resampling import (
    confidence_interval,
    interval,
    resampled_scores,
    resampled_sums,
    resampling_counts,
)
from dragoman.metrics.sacrebleu import Bleu, ChrfPlusPlus
from dragoman.pair import Pair

PAIR = Pair("en", "de")


@settings(max_examples=30)
@given(segments=st.integers(1, 3000), samples=st.integers(1, 400), seed=st.integers(0, 2**32))
def test_counts_are_those_of_sacrebleus_draws(segments: int, samples: int, seed: int) -> None:
    draws = np.random.default_rng(seed).choice(segments, size=(samples, segments), replace=True)
    counts = resampling_counts(segments, samples, seed)
    assert counts.shape == (samples, segments)
    for row in {0, samples // 2, samples - 1}:
        np.testing.assert_array_equal(counts[row], np.bincount(draws[row], minlength=segments))


def test_counts_are_shared_and_safe() -> None:
    assert resampling_counts(50) is resampling_counts(50)
    with pytest.raises(ValueError, match="read-only"):
        resampling_counts(50)[0, 0] = 3


@pytest.mark.parametrize(("metric", "peer"), [(Bleu(PAIR), BLEU()), (ChrfPlusPlus(PAIR), CHRF(word_order=2))])
def test_resampled_scores_are_sacrebleus(make_up: Any, metric: Metric, peer: Any) -> None:
    text = make_up(60)
    statistics = metric.statistics(text.system, text.system, text.references)
    _, resamples = _bootstrap_resample(statistics.astype(int).tolist(), peer, 200)
    expected = [resample.score for resample in resamples]
    # to the last digit in its single precision, and as exact as that in double precision
    np.testing.assert_allclose(metric.aggregate(resampled_sums(statistics, 200)), expected, rtol=1e-15)
    np.testing.assert_allclose(resampled_scores(metric, statistics, 200), expected, rtol=1e-6)


def test_pairs_of_the_same_length_are_resampled_jointly(make_up: Any) -> None:
    metric = ChrfPlusPlus(PAIR)
    texts = [make_up(30, seed) for seed in (1, 2)]
    several = np.stack([metric.statistics(text.system, text.system, text.references) for text in texts])
    together = resampled_scores(metric, several, 100)
    assert together.shape == (2, 100)
    np.testing.assert_array_equal(together, [resampled_scores(metric, one, 100) for one in several])
    twins = resampled_scores(metric, several[[0, 0]], 100)
    np.testing.assert_array_equal(twins[0], twins[1])
    low, high = interval(together.mean(axis=0))
    assert low < metric.aggregate(several.sum(axis=1)).mean() < high


def test_interval_cuts_the_same_number_at_both_ends() -> None:
    values = np.random.default_rng(1).permutation(1000).astype(float)
    # sacreBLEU leaves out 1000 // 40 at either end
    assert interval(values) == (25, 974)
    assert interval(values, 0.9) == (50, 949)
    assert interval(values, 0.99) == (5, 994)
    assert interval(values[:1]) == (values[0], values[0])


def test_interval_of_equal_segments_is_the_score(make_up: Any) -> None:
    text = make_up(1)
    metric = Bleu(PAIR)
    statistics = np.repeat(metric.statistics(text.system, text.system, text.references), 20, axis=0)
    score = pytest.approx(metric.score(statistics), abs=1e-12)
    assert confidence_interval(metric, statistics, 50) == (score, score)


def test_a_wider_level_is_a_wider_interval(make_up: Any) -> None:
    text = make_up(40)
    metric = Bleu(PAIR)
    statistics = metric.statistics(text.system, text.system, text.references)
    narrow = confidence_interval(metric, statistics, level=0.5)
    wide = confidence_interval(metric, statistics, level=0.99)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]
    assert confidence_interval(metric, statistics, seed=1) != confidence_interval(metric, statistics, seed=2)
