"""How differences are tested: paired where that can be, else by intervals, and always said."""

from collections import Counter

import numpy as np
import pytest
from sqlalchemy import text

from dragoman.analysis import pair_tests, significance_plan
from dragoman.analysis.comparison import compare
from dragoman.analysis.pair_scores import differing, pair_columns
from dragoman.analysis.partition_gap import partition_gap
from dragoman.analysis.partition_table import partition_table
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.errors import StoreError
from dragoman.metrics.significance import Correction, Test
from dragoman.pair import Pair, all_pairs
from dragoman.partition import TrainingGraph

PAIRS = all_pairs(["en", "de", "fr", "ru"])
MODELS = {"base": TrainingGraph(), "tuned": TrainingGraph.of([Pair("en", "de"), Pair("en", "fr"), Pair("fr", "en")])}
QUALITY = {("tuned", pair): 0.5 + 0.02 * n for n, pair in enumerate(PAIRS)}


def of_cells(store, statement, model, pair):
    """Change something of one score in the database."""
    where = (
        " WHERE model_id = (SELECT id FROM model WHERE identity = :model)"
        " AND pair_id = (SELECT id FROM pair WHERE source = :source AND target = :target)"
    )
    with store.database.writing() as connection:
        facts = {"model": f"model-{model}", "source": pair.source, "target": pair.target}
        connection.execute(text(statement + where), facts)


def test_too_many_pairs_are_tested_by_intervals_as_on_the_pages(campaign, monkeypatch):
    close = {("tuned", pair): 0.5 + 0.004 * n for n, pair in enumerate(PAIRS)}
    store = campaign.fill(MODELS, PAIRS, quality=close, segments=400)
    monkeypatch.setattr(pair_tests, "MOST_PAIRS", 11)
    for correction in Correction:
        found = compare(store, ScoreQuestion("g", "bleu"), a="base", b="tuned", correction=correction)
        columns = pair_columns(store, ScoreQuestion("g", "bleu"), model="tuned")
        expected = differing(columns.own, columns.other, correction).tolist()
        assert [difference.significant for difference in found.pairs] == expected
        assert True in expected and False in expected
        assert (found.test, found.samples) == (Test.INTERVALS, None)
        assert found.note == (
            "All pairs are tested by the intervals of their scores: paired tests are made of up to 11 pairs, "
            "and these are 12."
        )
        scope = found.scopes[-1]
        assert scope.significant_wins + scope.significant_losses == sum(expected)
        for difference in found.pairs:
            # the made-up scores have intervals 2 wide
            assert (difference.low, difference.high) == pytest.approx(
                (difference.delta - 2**0.5, difference.delta + 2**0.5)
            )
            assert difference.test is Test.INTERVALS and difference.adjusted >= difference.p_value


def test_where_no_statistics_are_stored_intervals_are_used(campaign):
    store = campaign.fill(MODELS, PAIRS, quality=QUALITY, statistics=False)
    found = compare(store, ScoreQuestion("g", "bleu"), a="base", b="tuned")
    assert found.note == "All pairs are tested by the intervals of their scores, as no statistics are stored."
    assert found.how == "by the two scores' 95% intervals, adjusted after Holm; paired tests find more"
    assert any(difference.significant for difference in found.pairs)
    assert found.scopes[-1].significant_wins is not None and found.scopes[-1].p_value is None
    rows = partition_table(store, ScoreQuestion("g", "bleu"), model="tuned")
    assert {row.note for row in rows} == {"No interval where a pair has no statistics stored."}


def test_a_pair_without_statistics_is_tested_by_intervals_among_others_that_have_them(campaign):
    store = campaign.fill(MODELS, PAIRS, quality=QUALITY, segments=40)
    of_cells(store, "DELETE FROM score_statistics", "base", PAIRS[0])
    found = compare(store, ScoreQuestion("g", "bleu"), a="base", b="tuned", samples=400)
    tests = {difference.pair: difference.test for difference in found.pairs}
    assert tests == {pair: Test.INTERVALS if pair == PAIRS[0] else Test.RANDOMIZATION for pair in PAIRS}
    assert (found.test, found.samples) == (Test.RANDOMIZATION, 400)
    assert "1 of 12 pairs are tested by the intervals of their scores" in found.note


def test_pairs_with_neither_statistics_nor_intervals_are_not_tested(campaign):
    store = campaign.fill(MODELS, PAIRS[:3], statistics=False)
    of_cells(store, "UPDATE score SET low = NULL, high = NULL", "base", PAIRS[0])
    found = compare(store, ScoreQuestion("g", "bleu"), a="base", b="tuned")
    assert (found.pairs[0].test, found.pairs[0].p_value, found.pairs[0].significant) == (None, None, None)
    assert "1 of 3 pairs have neither statistics nor intervals stored: not tested." in found.note


def test_statistics_that_do_not_give_the_stored_score_are_used_for_nothing(campaign):
    store = campaign.fill(MODELS, PAIRS, quality=QUALITY)
    odd = Pair("en", "de")
    of_cells(store, "UPDATE score SET value = value + 1e-4", "tuned", odd)
    found = {
        difference.pair: difference
        for difference in compare(store, ScoreQuestion("g", "bleu"), a="base", b="tuned").pairs
    }
    assert found[odd].p_value is None and found[odd].test is None
    assert all(difference.test is Test.RANDOMIZATION for pair, difference in found.items() if pair != odd)
    said = "The stored statistics of en-de don't give the stored scores by the bleu that is installed here"
    assert f"{said}: not tested." in compare(store, ScoreQuestion("g", "bleu"), a="base", b="tuned", samples=100).note
    rows = {row.scope: row for row in partition_table(store, ScoreQuestion("g", "bleu"), model="tuned")}
    assert (rows["seen"].low, rows["seen"].gain_low, rows["seen"].note) == (None, None, f"No interval: {said}.")
    assert rows["unseen"].low is not None and rows["unseen"].note is None
    gap = partition_gap(store, ScoreQuestion("g", "bleu"), model="tuned", better="seen", worse="unseen")
    assert (gap.low, gap.note) == (None, f"No interval: {said}.")


def test_paired_tests_that_could_find_nothing_are_not_made_unless_asked_for(campaign, monkeypatch):
    store = campaign.fill(MODELS, PAIRS, quality=QUALITY)
    monkeypatch.setattr(significance_plan, "_MOST_REPLICATES", 200 * len(PAIRS))
    question, sides = ScoreQuestion("g", "bleu"), {"a": "base", "b": "tuned", "test": Test.BOOTSTRAP}
    found = compare(store, question, **sides)
    assert found.test is Test.INTERVALS
    assert "can find none of 12 pairs significant at 0.05 after Holm; ask for 10000 samples or random" in found.note
    assert compare(store, question, **sides, samples=1000).test is Test.BOOTSTRAP
    assert compare(store, question, **sides, correction=Correction.BH).test is Test.BOOTSTRAP
    few = compare(store, question, **sides, samples=200)
    assert few.test is Test.BOOTSTRAP and not any(difference.significant for difference in few.pairs)
    assert few.note == "With 200 samples no p-value can be small enough for one of so many pairs after Holm."


def test_trials_that_are_too_few_for_so_many_pairs_have_a_fitted_tail_and_it_is_said(campaign, monkeypatch):
    store = campaign.fill(MODELS, PAIRS, quality=QUALITY, segments=60)
    question, sides = ScoreQuestion("g", "bleu"), {"a": "base", "b": "tuned"}
    whole = compare(store, question, **sides)
    monkeypatch.setattr(significance_plan, "_MOST_REPLICATES", 1000 * len(PAIRS))
    found = compare(store, question, **sides, seed=1)
    assert (whole.samples, whole.note, found.samples, found.test) == (10_000, None, 1000, Test.RANDOMIZATION)
    assert "12 pairs need 10,000 trials, and these are 1,000" in found.note and "generalised Pareto" in found.note
    # by counting none could be below 12/1001; by the tail differences are that are clear with more trials
    assert min(pair.adjusted for pair in found.pairs) < 12 / 1001
    assert all(few.significant for few, many in zip(found.pairs, whole.pairs, strict=True) if many.adjusted < 0.01)


def test_verdicts_do_not_hang_on_the_seed(campaign):
    # differences that are clear, that are none, and some in between: 30 seeds, of which at most one may say otherwise
    close = {("tuned", pair): 0.5 + 0.02 * n for n, pair in enumerate(PAIRS)}
    store = campaign.fill(MODELS, PAIRS, quality=close, segments=60)
    verdicts = [
        tuple(
            each.significant
            for each in compare(store, ScoreQuestion("g", "bleu"), a="base", b="tuned", seed=seed).pairs
        )
        for seed in range(30)
    ]
    assert Counter(verdicts).most_common(1)[0][1] >= 29
    assert 0 < sum(verdicts[0]) < len(PAIRS)


def test_a_metric_that_is_not_installed_is_tested_by_intervals(campaign, monkeypatch):
    store = campaign.fill(MODELS, PAIRS, quality=QUALITY)
    monkeypatch.setattr(pair_tests, "metric_class", lambda name: None)
    found = compare(store, ScoreQuestion("g", "bleu"), a="base", b="tuned")
    assert found.test is Test.INTERVALS and "needs" not in found.note
    assert "paired tests need the metric bleu, which is not installed here" in found.note


def test_intervals_may_be_asked_for(campaign):
    store = campaign.fill(MODELS, PAIRS, quality=QUALITY)
    found = compare(store, ScoreQuestion("g", "bleu"), a="base", b="tuned", test=Test.INTERVALS)
    assert (found.test, found.samples, found.note) == (Test.INTERVALS, None, None)
    assert found.scope_test is Test.RANDOMIZATION and found.scopes[-1].p_value is not None
    assert all(difference.p_value is not None for difference in found.pairs)


def test_randomization_has_sacrebleus_number_of_trials(campaign):
    store = campaign.fill(MODELS, PAIRS[:2])
    assert compare(store, ScoreQuestion("g", "bleu"), a="base", b="tuned", test=Test.RANDOMIZATION).samples == 10_000
    assert (
        compare(store, ScoreQuestion("g", "bleu"), a="base", b="tuned", test=Test.RANDOMIZATION, samples=150).samples
        == 150
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"alpha": 0}, "An alpha of 0 says nothing: choose one between 0 and 1"),
        ({"alpha": 1}, "An alpha of 1 says nothing"),
        ({"alpha": np.nan}, "An alpha of nan says nothing"),
        ({"samples": 99}, "99 samples are not between 100 and 100,000"),
        ({"samples": 10**9}, "1000000000 samples are not between"),
    ],
)
def test_what_is_out_of_range_is_refused(campaign, options, said):
    campaign.fill(MODELS, PAIRS[:2])
    with pytest.raises(StoreError, match=said):
        compare(campaign.store, ScoreQuestion("g", "bleu"), a="base", b="tuned", **options)


def test_a_base_with_more_pairs_elsewhere_keeps_the_intervals_of_gains(campaign, monkeypatch):
    from dragoman.analysis import segment_statistics

    campaign.fill({"base": TrainingGraph()}, PAIRS, grid="large")
    store = campaign.fill(MODELS, PAIRS[:4])
    monkeypatch.setattr(segment_statistics, "MOST_PAIRS", 5)
    monkeypatch.setattr(pair_tests, "MOST_PAIRS", 5)
    assert partition_table(store, ScoreQuestion("g", "bleu"), model="tuned")[-1].gain_low is not None
    assert compare(store, ScoreQuestion("g", "bleu"), a="base", b="tuned", samples=100).test is Test.RANDOMIZATION
