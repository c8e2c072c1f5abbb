"""The gap between partitions, taken within target languages, against a computation pair by pair."""

from statistics import fmean

import pytest

from dragoman.analysis.pair_scores import pair_scores
from dragoman.analysis.partition_gap import partition_gap
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.pair import Pair, all_pairs
from dragoman.partition import TrainingGraph

LANGUAGES = ["en", "de", "fr", "ru"]
SEEN = [Pair("en", "de"), Pair("en", "fr"), Pair("fr", "de"), Pair("de", "en")]
MODELS = {"base": TrainingGraph(), "tuned": TrainingGraph.of(SEEN)}


def gap_of(store, metric, worse="unseen"):
    return partition_gap(store, ScoreQuestion("g", metric), model="tuned", better="seen", worse=worse)


@pytest.mark.parametrize(("metric", "sign"), [("bleu", 1), ("ter", -1)])
def test_the_gap_is_taken_within_target_languages_and_an_error_rate_gains_by_falling(campaign, metric, sign):
    quality = {("tuned", pair): 0.9 if pair in SEEN else 0.5 for pair in all_pairs(LANGUAGES)}
    store = campaign.fill(MODELS, all_pairs(LANGUAGES), metrics=[metric], quality=quality)
    scores = {each.pair: each.value for each in pair_scores(store, ScoreQuestion("g", metric), model="tuned")}
    seen, unseen = SEEN, [pair for pair in scores if pair not in SEEN]
    within = [
        fmean(scores[pair] for pair in seen if pair.target == target)
        - fmean(scores[pair] for pair in unseen if pair.target == target)
        for target in ("de", "en", "fr")  # nothing seen is into Russian
    ]
    gap = gap_of(store, metric)
    assert gap.value == pytest.approx(sign * fmean(within))
    assert gap.targets == ("de", "en", "fr")
    raw = fmean(scores[pair] for pair in seen) - fmean(scores[pair] for pair in unseen)
    assert gap.raw == pytest.approx(sign * raw)
    assert gap.low <= gap.value <= gap.high and gap.raw_low <= gap.raw <= gap.raw_high


def test_where_no_target_language_has_both_there_is_the_raw_difference_alone(campaign):
    graph = TrainingGraph.of([Pair("en", "de"), Pair("fr", "de"), Pair("ru", "de")])
    store = campaign.fill({"base": TrainingGraph(), "tuned": graph}, all_pairs(LANGUAGES))
    gap = gap_of(store, "bleu")
    assert (gap.value, gap.low, gap.targets) == (None, None, ())
    assert gap.raw is not None and "No target language has pairs of both" in gap.note
