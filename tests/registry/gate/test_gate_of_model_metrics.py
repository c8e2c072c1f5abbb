"""Rules about a metric that holds a model: verdicts worked out by hand, other revisions refused, its licence said."""

import numpy as np
import pytest
from tests.registry.promoting import promote
from tests.registry.promotion.test_promotion import NAME, policy_of

from dragoman.analysis.comparability import MixedSignaturesError
from dragoman.analysis.comparison import compare
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.metrics.serialization import pack
from dragoman.store.records import StoredScore
from dragoman_registry.gate.evidence import gate
from dragoman_registry.promotion.promotion import Promotions
from dragoman_registry.registry_client.versions import version_at

ENGLISH = {"en-de": 0.82, "de-en": 0.80, "en-fr": 0.84, "fr-en": 0.86, "de-fr": 0.60, "fr-de": 0.40}
"""Of these en-de, de-en, en-fr and fr-en were trained: their mean is 0.83, that of the others 0.5."""


@pytest.fixture
def promotions(world, overlap):
    return Promotions(world.store, world.settings.mlflow_url)


def score(world, model, means, revision="1"):
    """Give each of 60 sentences of a pair a score near a mean, alternately above it and below."""
    for cell in world.store.cells.of_grid(world.spec.name):
        if world.grid.names[cell.cell.model] == model:
            values = means[str(cell.cell.pair)] + np.tile([0.02, -0.02], 30)
            statistics = np.stack([values, np.ones(60)], axis=1)
            value = float(values.mean())
            found = StoredScore(
                metric="overlap", signature=f"overlap|rev:{revision}|empty:0", value=value, statistics=pack(statistics)
            )
            world.store.cells.add_scores(cell.cell.id, [found])


@pytest.mark.parametrize(
    ("rule", "value", "passed"),
    [
        ({"over": "seen", "at_least": 0.83}, 0.83, True),
        ({"over": "seen", "at_least": 0.8301}, 0.83, False),
        ({"over": "unseen", "at_least": 0.5}, 0.5, True),
        ({"over": "all", "at_least": 0.721}, 0.72, False),
        ({"over": "seen", "each": True, "at_least": 0.8}, 0.8, True),
        ({"over": "seen", "gain_at_least": 0.5}, 0.53, True),
    ],
)
def test_a_gate_decides_as_worked_out_by_hand(world, promotions, rule, value, passed):
    score(world, "english", ENGLISH)
    score(world, "base", dict.fromkeys(ENGLISH, 0.3))
    (finding,) = gate(world.store, world.grid, "english", policy_of({"metric": "overlap", **rule}), None).findings
    assert finding.value == pytest.approx(value) and finding.passed is passed
    assert finding.remark == (
        "The checkpoint of overlap is under CC-BY-NC-SA-4.0, not for commercial use; it is gated: whoever fetches it "
        "has to accept its terms first."
    )
    if not passed:  # five digits: one more than the metric's scores have
        assert f"{value:.5f}" in finding.sentence


def test_scores_of_another_revision_are_refused(world, promotions):
    score(world, "english", ENGLISH)
    policy = policy_of({"metric": "overlap", "regression_at_most": 1})
    promote(promotions, world.bare_version("english"), policy_of({"metric": "overlap", "at_least": 0}), "champion")
    score(world, "german", {pair: value + 0.1 for pair, value in ENGLISH.items()}, revision="2")
    (finding,) = gate(world.store, world.grid, "german", policy, version_at(promotions.uri, NAME, "champion")).findings
    assert not finding.passed and finding.scored == 0
    assert "the incumbent's score has another signature" in finding.sentence
    with pytest.raises(MixedSignaturesError, match=r"rev:1.*rev:2"):
        compare(world.store, ScoreQuestion(world.spec.name, "overlap"), a="english", b="german")


def test_a_significant_regression_is_found_in_the_segments(world, promotions):
    score(world, "english", ENGLISH)
    promote(promotions, world.bare_version("english"), policy_of({"metric": "overlap", "at_least": 0}), "champion")
    score(world, "german", {pair: value - 0.05 for pair, value in ENGLISH.items()})
    rule = {"metric": "overlap", "no_significant_regression": True, "seeds": "checkpoint"}
    champion = version_at(promotions.uri, NAME, "champion")
    (finding,) = gate(world.store, world.grid, "german", policy_of(rule), champion).findings
    assert not finding.passed and finding.value == pytest.approx(0.05) and finding.p_value < 0.001
    assert finding.error == pytest.approx(0, abs=1e-9)  # all sentences are worse by the same
