"""A model's pairs tested against the incumbent's."""

import pytest

from dragoman.metrics.sacrebleu import Bleu
from dragoman.metrics.serialization import pack
from dragoman.pair import Pair
from dragoman.spec.promotion import Promotion, Rule
from dragoman_registry.gate import incumbent

GOOD = [f"the house number {number} stands there" for number in range(30)]
BAD = [f"a home {number} is" for number in range(30)]


def scored(pair, hypotheses):
    return pack(Bleu(pair).statistics(hypotheses, hypotheses, GOOD))


@pytest.mark.parametrize(("pairs", "differing"), [(4, 4), (6, 0)])
def test_more_pairs_than_the_samples_can_tell_apart_are_untested_and_not_equal(pairs, differing, monkeypatch):
    """Of 100 samples no p-value is below 1 in 101: times six that is more than 0.05, however large the difference."""
    monkeypatch.setattr(incumbent, "MOST_SAMPLES", 100)
    languages = ["de", "fr", "fi", "ru", "ar", "hi"][:pairs]
    both = {pair: (scored(pair, GOOD), scored(pair, BAD)) for pair in (Pair("en", each) for each in languages)}
    found = incumbent._significant(Bleu, both, Promotion(model="m", rules=(Rule(significant_losses_at_most=0),)))
    assert len(found) == differing and all(found.values())
