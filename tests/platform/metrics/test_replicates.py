"""Replicates: against deals and draws made one by one, and shared by pairs of the same sentences."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.metrics.off_target import OffTarget
from dragoman.metrics.replicates import CHUNK, Lines, Sides, deals, dealt, draws, resampled, standard_error
from dragoman.metrics.sacrebleu import Bleu, ChrfPlusPlus
from dragoman.pair import Pair

PAIR = Pair("en", "de")


def sides_of(metric: Any, text: Any, lines: Lines | None = None) -> Sides:
    baseline, system = (metric.statistics(side, side, text.references) for side in (text.baseline, text.system))
    return Sides.of(metric, baseline, system, lines)


@settings(max_examples=20, deadline=None)
@given(units=st.integers(1, 80), trials=st.integers(1, 2 * CHUNK + 50), seed=st.integers(0, 2**32))
def test_deals_and_draws_in_chunks_are_those_of_one_call_by_sacrebleu(units: int, trials: int, seed: int) -> None:
    # sacreBLEU: `rng.integers(2, size=(n_samples, len(hypotheses)), dtype=bool)`, `rng.choice(len(stats), size=...)`
    expected = np.random.default_rng(seed).integers(2, size=(trials, units), dtype=bool)
    np.testing.assert_array_equal(np.concatenate(list(deals(units, trials, seed))), expected)
    drawn = np.random.default_rng(seed).choice(units, size=(trials, units), replace=True)
    counts = np.concatenate(list(draws(units, trials, seed)))
    for row in {0, trials // 2, trials - 1}:
        np.testing.assert_array_equal(counts[row], np.bincount(drawn[row], minlength=units))


@pytest.mark.parametrize("metric", [Bleu(PAIR), ChrfPlusPlus(PAIR)])
def test_replicates_of_several_pairs_are_those_made_one_by_one(make_up: Any, metric: Any) -> None:
    sides = [sides_of(metric, make_up(40, seed)) for seed in range(3)]
    swapped = np.random.default_rng(7).integers(2, size=(50, 40), dtype=bool)
    drawn = np.random.default_rng(7).choice(40, size=(50, 40), replace=True)
    for side, shuffled, redrawn in zip(sides, dealt(sides, 50, 7), resampled(sides, 50, 7), strict=True):
        for deal, rows, a, b in zip(swapped, drawn, shuffled, redrawn, strict=True):
            first = np.where(deal[:, None], side.baseline, side.system).sum(axis=0)
            second = np.where(deal[:, None], side.system, side.baseline).sum(axis=0)
            assert a == pytest.approx(metric.score(first[None]) - metric.score(second[None]), abs=1e-9)
            expected = metric.score(side.system[rows]) - metric.score(side.baseline[rows])
            assert b == pytest.approx(expected, abs=1e-9)


def test_the_order_of_lines_and_holes_change_nothing_but_what_is_there(make_up: Any) -> None:
    metric, text = Bleu(PAIR), make_up(30)
    whole = sides_of(metric, text)
    order = np.random.default_rng(1).permutation(30)
    turned = Sides.of(metric, whole.baseline[order], whole.system[order], Lines(30, order))
    np.testing.assert_allclose(dealt([whole, turned], 99, 1)[0], dealt([whole, turned], 99, 1)[1], atol=1e-9)
    np.testing.assert_array_equal(*resampled([whole, turned], 99, 1))
    some = order[:20]
    holed = Sides.of(metric, whole.baseline[some], whole.system[some], Lines(30, some))
    assert holed.held.sum() == 20 and holed.delta == pytest.approx(
        Sides.of(metric, whole.baseline[some], whole.system[some]).delta
    )


def test_lines_of_one_unit_are_dealt_and_drawn_together(make_up: Any) -> None:
    metric, text = ChrfPlusPlus(PAIR), make_up(12)
    twice = Lines(6, np.repeat(np.arange(6), 2))
    joined = sides_of(metric, text, twice)
    alone = sides_of(metric, text)
    deal = np.repeat(np.concatenate(list(deals(6, 40, 3))), 2, axis=1)
    first = np.where(deal[:, :, None], alone.baseline, alone.system).sum(axis=1)
    second = np.where(deal[:, :, None], alone.system, alone.baseline).sum(axis=1)
    np.testing.assert_allclose(dealt([joined], 40, 3)[0], metric.aggregate(first) - metric.aggregate(second), atol=1e-9)


def test_a_draw_without_a_line_of_a_pair_has_no_score_of_it() -> None:
    verdicts = np.array([[1.0, 0, 0, 0, 1]]), np.array([[0.0, 0, 0, 0, 1]])
    rare = Sides.of(OffTarget(PAIR), *verdicts, Lines(4, np.array([2])))
    counts = np.concatenate(list(draws(4, 200, 1)))
    found = resampled([rare], 200, 1)[0]
    np.testing.assert_array_equal(np.isnan(found), counts[:, 2] == 0)
    assert set(found[~np.isnan(found)]) == {-100.0}


def test_blocks_are_dealt_apart(make_up: Any) -> None:
    side = sides_of(Bleu(PAIR), make_up(30))
    first, second = (dealt([side], 500, 1, block)[0] for block in (0, 1))
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.2
    np.testing.assert_array_equal(second, dealt([side], 500, 1, 1)[0])


def test_sums_are_exact_beyond_single_precision() -> None:
    # three numbers near 2^24, whose sums single precision rounds
    big = np.array([[16777213.0, 1, 0, 0, 16777213], [16777211, 0, 0, 0, 16777211], [3, 0, 0, 0, 7]])
    side = Sides.of(OffTarget(PAIR), big, big[:, [1, 0, 2, 3, 4]])
    swapped = np.concatenate(list(deals(3, 8, 1)))
    for deal, found in zip(swapped, dealt([side], 8, 1)[0], strict=True):
        first, second = (np.where(each[:, None], side.baseline, side.system).sum(axis=0) for each in (deal, ~deal))
        assert found == 100 * first[0] / first[4] - 100 * second[0] / second[4]


def test_the_standard_error_of_a_mean_is_the_textbooks() -> None:
    # golden: of a mean of n numbers the jackknife's is their standard deviation (n - 1) over √n (Efron and Stein, 1981)
    off = np.zeros((50, 5))
    off[:, 4], off[:13, 0] = 1, 1
    side = Sides.of(OffTarget(PAIR), off * [0, 0, 0, 0, 1], off)
    expected = 100 * off[:, 0].std(ddof=1) / 50**0.5
    assert standard_error(side.left_out) == pytest.approx(expected, rel=1e-12)
