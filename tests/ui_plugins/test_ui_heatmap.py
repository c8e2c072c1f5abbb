from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.analysis.pair_scores import PairScore
from dragoman.cell import CellState
from dragoman.pair import Pair, all_pairs
from dragoman.partition import TrainingGraph
from dragoman.spec.pairs import Roles
from dragoman_ui.charts.color_scale import STEPS, Scale
from dragoman_ui.charts.distribution import spreads
from dragoman_ui.charts.heatmap import HeatMap, heat_map, size_of
from dragoman_ui.viewmodels.view import Order, Show

# The design of the mFTI paper: 22 seen, 16 reversed, 4 one-sided, 42, 42 and 30 pairs of 13 languages.
LANGUAGES = ("en", "ko", "sw", "zh-Hans", "fi", "de", "hi", "fr", "ca", "bg", "ru", "ar", "ta")
SIZES = ("large", "medium", "small")
GRAPH = TrainingGraph.of(Roles(both=("en", "ko", "sw"), source=("zh-Hans", "fi"), target=("de", "hi")).pairs())


def scored(value: float | None, pair: Pair, state: CellState = CellState.DONE, base: float | None = None) -> PairScore:
    return PairScore(
        pair=pair, partition=GRAPH.partition(pair), state=state, reason=None, value=value, low=None, high=None,
        signature="s", base_value=base,
    )  # fmt: skip


SCORES = [scored(float(number), pair, base=float(number) / 2) for number, pair in enumerate(all_pairs(LANGUAGES))]


def drawn(scores: list[PairScore], show: Show = Show.SCORE, order: Order = Order.GRID, higher: bool = True) -> HeatMap:
    return heat_map(scores, LANGUAGES, GRAPH, show, order, higher)


def look(score: PairScore, show: Show = Show.SCORE) -> str:
    (row,) = drawn([score], show).rows
    (tile,) = row
    assert tile is not None
    return tile.look


def test_orders() -> None:
    assert drawn(SCORES).sources == drawn(SCORES).targets == LANGUAGES
    by_name = drawn(SCORES, order=Order.NAME).sources
    assert by_name[:4] == ("ar", "bg", "ca", "zh-Hans")  # Arabic, Bulgarian, Catalan, Chinese
    assert drawn(SCORES, order=Order.SCRIPT).sources[:3] == ("ar", "bg", "ru")  # Arab, Cyrl, Cyrl
    families = drawn(SCORES, order=Order.FAMILY).sources
    indo_european = [families.index(language) for language in ("bg", "ca", "de", "en", "fr", "hi", "ru")]
    assert max(indo_european) - min(indo_european) == 6  # side by side, by name: Bulgarian, Catalan, English, ...
    assert indo_european[:2] == [min(indo_european), min(indo_european) + 1]
    roles = drawn(SCORES, order=Order.TRAINING).sources
    assert (set(roles[:3]), set(roles[3:5]), set(roles[5:7])) == ({"en", "ko", "sw"}, {"zh-Hans", "fi"}, {"de", "hi"})
    # numbers rise with the pair, so the last source by tag has the highest mean, and for an error rate the worst
    assert drawn(SCORES, order=Order.SCORE).sources[0] == max(LANGUAGES)
    assert drawn(SCORES, order=Order.SCORE, higher=False).sources[-1] == max(LANGUAGES)


def test_a_tile_for_every_pair_and_a_gap_elsewhere() -> None:
    found = drawn(SCORES)
    for source, row in zip(found.sources, found.rows, strict=True):
        for target, tile in zip(found.targets, row, strict=True):
            assert (tile is None) == (source == target)
            if tile is not None:
                assert tile.score.pair == (source, target)


def test_lines_part_exactly_the_partitions() -> None:
    found = drawn(SCORES, order=Order.TRAINING)
    for row in found.rows:
        for left, right in pairwise(row):
            if left and right:
                differs = left.score.partition != right.score.partition
                assert ("er" in left.edges.split()) == ("el" in right.edges.split()) == differs
    for above, below in pairwise(found.rows):
        for upper, lower in zip(above, below, strict=True):
            if upper and lower:
                differs = upper.score.partition != lower.score.partition
                assert ("eb" in upper.edges.split()) == ("et" in lower.edges.split()) == differs


def test_states_look_like_no_score() -> None:
    pair = Pair("en", "de")
    looks = {state: look(scored(None, pair, state)) for state in CellState}
    assert len(set(looks.values())) == len(CellState)
    assert all(found.startswith("s-") for found in looks.values())
    assert look(scored(0.0, pair)) == "q0"
    assert look(scored(3.0, pair), Show.GAIN) == "s-no-base"
    assert look(scored(None, pair, CellState.MISSING), Show.PARTITION) == "p-seen"


def test_an_unknown_partition_is_not_unseen() -> None:
    score = replace(scored(1.0, Pair("en", "de")), partition=None)
    assert look(score, Show.PARTITION) == "p-unknown"


def test_many_languages_are_drawn_by_the_browser() -> None:
    assert [size_of(count) for count in (2, 16, 17, 60, 61, 200)] == ["large", "large", "medium", "medium"] + [
        "small"
    ] * 2


@given(st.lists(st.floats(-200, 200), max_size=20), st.booleans())
def test_scales_hold_every_number_and_the_last_step_is_best(values: list[float], higher: bool) -> None:
    for scale in (Scale.of_scores(values, higher), Scale.of_differences(values, higher)):
        low, high = sorted((scale.worst, scale.best))
        assert low <= 0 <= high
        assert all(low <= value <= high for value in values)
        steps = [scale.step(value) for value in sorted(values, reverse=not higher)]
        assert steps == sorted(steps)
        assert (scale.step(scale.worst), scale.step(scale.best)) == (0, STEPS)


def test_the_middle_of_a_difference_is_zero() -> None:
    assert Scale.of_differences([-3, 40]).step(0) == STEPS / 2
    assert Scale.of_differences([]).step(0) == STEPS / 2
    assert Scale.of_scores([34.2]) == Scale(0, 40)
    assert Scale.of_scores([12.0], higher_is_better=False) == Scale(15, 0)


def test_spreads_are_of_what_is_scored() -> None:
    scores = [*SCORES[:-1], scored(None, SCORES[-1].pair, CellState.FAILED)]
    found = spreads(scores, Scale(0, 200))
    assert set(found) == {*(str(score.partition) for score in scores), "unseen", "all"}
    assert len(found["all"].dots) == len(SCORES) - 1
    assert len(found["seen"].dots) == 22
    every = found["all"].box
    assert every.low <= every.lower <= every.median <= every.upper <= every.high
    assert every.median == pytest.approx(100 * 77 / 200)  # the middle of 0 to 154
    assert found["all"].base is not None
    assert found["all"].base.median == pytest.approx(50 * 77 / 200)
