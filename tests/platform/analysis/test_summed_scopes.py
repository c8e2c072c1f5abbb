"""Tables of large grids, which are summed in SQL, against those of small ones, which are read pair by pair."""

import pytest

from dragoman.analysis import segment_statistics
from dragoman.analysis.comparison import compare, scope_differences
from dragoman.analysis.pair_differences import differing_pairs
from dragoman.analysis.partition_table import partition_table
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.cell import CellState
from dragoman.metrics.significance import Correction, Test
from dragoman.pair import Pair, all_pairs
from dragoman.partition import TrainingGraph

PAIRS = all_pairs(["en", "de", "fr", "ru"])
GRAPH = TrainingGraph.of([Pair("en", "de"), Pair("en", "fr"), Pair("fr", "en")])
MADE_WITHOUT_RESAMPLING = {"low", "high", "gain_low", "gain_high", "languages_low", "languages_high", "note"}


@pytest.fixture
def filled(campaign):
    without = {
        ("tuned", Pair("de", "fr")): (CellState.FAILED, "out"),
        ("base", Pair("ru", "en")): (CellState.PLANNED, None),
    }
    segments = {pair: 400 + 20 * number for number, pair in enumerate(PAIRS)}
    quality = {"base": 0.5, "tuned": 0.51, ("tuned", Pair("en", "de")): 0.9}
    return campaign.fill(
        {"base": TrainingGraph(), "tuned": GRAPH}, PAIRS, metrics=("bleu", "off_target"), quality=quality,
        without=without, segments=segments,
    )  # fmt: skip


@pytest.mark.parametrize("micro", [False, True])
def test_the_sums_are_those_of_the_pairs(filled, monkeypatch, micro):
    question = ScoreQuestion("g", "bleu", micro=micro)

    def ask():
        table = partition_table(filled, question, model="tuned", resample=False)
        differences = scope_differences(filled, question, a="base", b="tuned", resample=False)
        kept = [
            {key: value for key, value in row.model_dump().items() if key not in MADE_WITHOUT_RESAMPLING}
            for row in (*table, *differences)
        ]
        # what the detector misses is not looked for in large grids
        return [
            {key: value for key, value in row.items() if "missed" not in key and "undecided" not in key} for row in kept
        ]

    small = ask()
    monkeypatch.setattr(segment_statistics, "MOST_PAIRS", 3)
    large = ask()
    assert len(small) == len(large)
    for one, other in zip(small, large, strict=True):
        assert one == pytest.approx(other)
    resampled = partition_table(filled, question, model="tuned")
    assert all("not resampled" in row.note for row in resampled if row.done)


@pytest.mark.parametrize("correction", list(Correction))
def test_pairs_that_differ_by_intervals_are_those_of_the_comparison(filled, correction):
    question = ScoreQuestion("g", "bleu")
    whole = compare(filled, question, a="base", b="tuned", test=Test.INTERVALS, correction=correction)
    expected = [each for each in whole.pairs if each.significant]
    found = differing_pairs(filled, question, a="base", b="tuned", correction=correction)
    assert [each.pair for each in found] == [each.pair for each in expected]
    assert 0 < len(found) < len(whole.pairs)
    for one, other in zip(found, expected, strict=True):
        assert (one.delta, one.low, one.high, one.p_value, one.test) == (
            other.delta, other.low, other.high, other.p_value, other.test,
        )  # fmt: skip
        assert correction is not Correction.HOLM or one.adjusted == pytest.approx(other.adjusted)
