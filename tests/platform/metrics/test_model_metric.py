"""Metrics that hold a model: segments by the model, everything else as of any metric; values computed anew beside."""

import math

import numpy as np
import pytest
from scipy.stats import bootstrap, permutation_test
from tests.fixtures.model_metric import Notes

from dragoman.cell import Unscorable
from dragoman.metrics.base import Metric, MetricError, MetricNeedError
from dragoman.metrics.loaded_metric import ConfiguredMetric, LoadedMetric
from dragoman.metrics.lookup import digits_of, installed_metric, metric_class, sentence_metric, terms_of_use
from dragoman.metrics.resampling import confidence_interval
from dragoman.metrics.scoring import ScoreRecord, require, text_metrics
from dragoman.metrics.significance import Correction, adjusted, paired_approximate_randomization, paired_bootstrap
from dragoman.pair import Pair

PAIR = Pair("de", "en")
SOURCES = ["eins", "zwei", "drei", "eins", "fünf"]
HYPOTHESES = ["one house", "  ", "three", "one house", "four four"]
REFERENCES = ["one house here", "two", "three", "one house here", "five"]


@pytest.fixture
def loaded(overlap: Notes, tmp_path):
    found = LoadedMetric(ConfiguredMetric("overlap", {}), home=tmp_path)
    yield found
    found.close()


def test_segments_are_scored_once_and_empty_hypotheses_by_rule(loaded: LoadedMetric, overlap: Notes) -> None:
    record = loaded.score(PAIR, SOURCES, HYPOTHESES, REFERENCES)
    assert isinstance(record, ScoreRecord)
    assert record.statistics.tolist() == [[2 / 3, 1], [0, 1], [1, 1], [2 / 3, 1], [0, 1]]
    assert record.value == pytest.approx((2 / 3 + 0 + 1 + 2 / 3 + 0) / 5)
    assert record.signature == "overlap|model:small|rev:1|empty:0"
    assert record.spans is None
    assert overlap.triples == [3]  # of five, one is empty and one is there twice


def test_a_metric_without_references_is_given_none_and_its_worst_is_its_highest(overlap: Notes, tmp_path) -> None:
    metric = LoadedMetric(ConfiguredMetric("distance", {}), home=tmp_path)
    record = metric.score(PAIR, ["one house", "b"], ["one house", ""], ["x", "y"])
    metric.close()
    assert isinstance(record, ScoreRecord) and record.statistics[:, 0].tolist() == [1, 1]
    assert record.signature.endswith("|empty:1")


def test_what_it_can_not_score_is_a_reason(loaded: LoadedMetric, overlap: Notes) -> None:
    assert loaded.score(Pair("en", "tlh"), ["a"], ["b"], ["c"]) == Unscorable(
        "overlap", "Its model has never seen Klingon."
    )
    assert loaded.score(PAIR, ["unreadable"], ["b"], ["c"]) == Unscorable("overlap", "Its model can't read that.")
    with pytest.raises(MetricError, match="1 sources, 2 hypotheses"):
        loaded.score(PAIR, ["a"], ["b", "c"], ["d", "e"])


def test_a_killed_model_is_no_reason_against_the_cell(loaded: LoadedMetric, overlap: Notes) -> None:
    loaded.close()
    with pytest.raises(MetricNeedError, match=r"The process of its model was killed\."):
        loaded.score(PAIR, SOURCES, HYPOTHESES, REFERENCES)


def test_scores_are_reused_from_cell_to_cell_only_where_they_hang_on_no_batch(
    loaded: LoadedMetric, overlap: Notes
) -> None:
    loaded.score(PAIR, SOURCES, HYPOTHESES, REFERENCES)
    loaded.score(PAIR, SOURCES, HYPOTHESES, REFERENCES)
    assert overlap.triples == [3, 3]
    loaded._scorer.batch_invariant = True
    for _ in range(2):
        loaded.score(PAIR, SOURCES, HYPOTHESES, REFERENCES)
    loaded.score(PAIR, SOURCES[2:3], ["something else"], REFERENCES[2:3])
    assert overlap.triples == [3, 3, 3, 1]


def test_the_part_before_the_colon_names_the_class(overlap: Notes) -> None:
    kind = installed_metric("overlap:mine")
    assert kind is installed_metric("overlap") and kind.name == "overlap"
    assert metric_class("gone:mine") is None
    assert (digits_of("overlap:mine"), digits_of("bleu"), digits_of("gone")) == (4, 1, 1)
    assert text_metrics(["bleu", "overlap:mine", "ter"]) == ["bleu", "ter"]
    assert sentence_metric(["bleu", "overlap:mine", "chrf"]) == "overlap:mine"
    assert sentence_metric(["bleu", "chrf++", "overlap"]) == "chrf++"
    assert sentence_metric(["bleu", "gone"]) == "bleu" and sentence_metric([]) is None
    require(["bleu", "overlap:mine"], [PAIR], [])  # needs no model


def test_terms_of_use_are_those_of_the_class_or_of_the_signature(overlap: Notes) -> None:
    assert terms_of_use("overlap:mine") == (
        "The checkpoint of overlap:mine is under CC-BY-NC-SA-4.0, not for commercial use; it is gated: whoever fetches "
        "it has to accept its terms first."
    )
    assert terms_of_use("bleu") is None
    assert terms_of_use("gone", "model:x|licence:Apache-2.0") is None
    assert terms_of_use("gone", "model:x|licence:CC-BY-NC-4.0 (gated)|rev:1") == (
        "The checkpoint of gone is under CC-BY-NC-4.0, not for commercial use; it is gated: whoever fetches it has to "
        "accept its terms first."
    )


def _segments(overlap: Notes) -> tuple[Metric, np.ndarray, np.ndarray]:
    """Scores of 60 segments under two systems, as the store keeps them."""
    rng = np.random.default_rng(3)
    one = rng.beta(5, 3, 60)
    other = np.clip(one - 0.03 + rng.normal(0, 0.1, 60), 0, 1)
    ones = np.ones(60)
    return installed_metric("overlap")(PAIR), np.stack([one, ones], 1), np.stack([other, ones], 1)


def test_intervals_are_those_of_an_independent_bootstrap_of_the_mean(overlap: Notes) -> None:
    metric, one, _ = _segments(overlap)
    low, high = confidence_interval(metric, one)
    theirs = bootstrap((one[:, 0],), np.mean, n_resamples=9999, method="percentile", rng=np.random.default_rng(1))
    width = theirs.confidence_interval.high - theirs.confidence_interval.low
    # percentile intervals, both by chance: their ends differ by a few hundredths of their width
    assert low == pytest.approx(theirs.confidence_interval.low, abs=0.1 * width)
    assert high == pytest.approx(theirs.confidence_interval.high, abs=0.1 * width)


def test_paired_tests_are_those_of_an_independent_permutation_test(overlap: Notes) -> None:
    metric, one, other = _segments(overlap)
    found = paired_approximate_randomization(metric, one, other, trials=10_000)
    theirs = permutation_test(
        (one[:, 0], other[:, 0]), lambda a, b, axis: np.mean(b - a, axis=axis), permutation_type="samples",
        n_resamples=9999, vectorized=True, rng=np.random.default_rng(1),
    )  # fmt: skip
    error = math.sqrt(theirs.pvalue * (1 - theirs.pvalue) / 10_000)
    assert found.delta == pytest.approx(np.mean(other[:, 0]) - np.mean(one[:, 0]))
    assert found.p_value == pytest.approx(theirs.pvalue, abs=5 * error + 1e-4)
    differences = other[:, 0] - one[:, 0]
    assert found.se == pytest.approx(differences.std(ddof=1) / math.sqrt(60))
    drawn = paired_bootstrap(metric, one, other, samples=10_000)
    assert (drawn.p_value <= 0.05) == (not drawn.low <= 0 <= drawn.high)


def test_holm_and_another_seed(overlap: Notes) -> None:
    metric, one, other = _segments(overlap)
    deals = [paired_approximate_randomization(metric, one, other, trials=2000, seed=seed).p_value for seed in (1, 1, 2)]
    assert deals[0] == deals[1] and deals[0] == pytest.approx(deals[2], abs=0.05)
    p_values = [0.01, 0.04, 0.03, 0.005]
    # by hand: 0.005 · 4, 0.01 · 3, 0.03 · 2, and 0.04 · 1 raised to the one before it
    assert adjusted(p_values, Correction.HOLM).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
