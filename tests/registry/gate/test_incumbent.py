"""A model's pairs tested against the incumbent's."""

import pytest

from dragoman.analysis import joint_tests, significance_plan
from dragoman.analysis.joint_tests import Contrast
from dragoman.analysis.segment_statistics import Stored
from dragoman.metrics.sacrebleu import Bleu
from dragoman.metrics.serialization import pack
from dragoman.pair import Pair
from dragoman.spec.promotion import Promotion, Rule
from dragoman_registry.gate import incumbent

GOOD = [f"the house number {number} stands there" for number in range(30)]
BAD = [f"a home {number} is" for number in range(30)]


def scored(pair, hypotheses):
    metric = Bleu(pair)
    statistics = metric.statistics(hypotheses, hypotheses, GOOD)
    return Stored(metric.score(statistics), pack(statistics))


@pytest.mark.parametrize(("replicates", "worse"), [(2**24, 6), (6 * 1000, 6), (6 * 100, 0)])
def test_more_pairs_than_the_trials_can_tell_apart_are_untested_and_not_equal(replicates, worse, monkeypatch):
    """Of 100 trials no p-value is below 1 in 101, and none to fit a tail: times six that is more than 0.05."""
    monkeypatch.setattr(significance_plan, "_MOST_REPLICATES", replicates)
    monkeypatch.setattr(significance_plan, "FURTHEST", 1 if replicates < 2**10 else 100)
    joint_tests._tests.cache_clear()
    pairs = [Pair("en", each) for each in ("de", "fr", "fi", "ru", "ar", "hi")]
    both = {pair: Contrast(scored(pair, GOOD), scored(pair, BAD)) for pair in pairs}
    policy = Promotion(model="m", rules=(Rule(significant_losses_at_most=0),))
    found = incumbent._worse(incumbent._tests(Bleu, both, policy, {}), policy)
    assert len(found) == worse and all(found.values())


def test_a_model_that_is_better_is_not_worse():
    both = {Pair("en", "de"): Contrast(scored(Pair("en", "de"), BAD), scored(Pair("en", "de"), GOOD))}
    policy = Promotion(model="m", rules=(Rule(significant_losses_at_most=0),))
    assert incumbent._worse(incumbent._tests(Bleu, both, policy, {}), policy) == {Pair("en", "de"): False}
