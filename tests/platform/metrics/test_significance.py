from collections.abc import Callable
from math import erfc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER
from sacrebleu.significance import PairedTest
from scipy.stats import false_discovery_control

from dragoman.metrics.base import MetricError
from dragoman.metrics.difference import Difference
from dragoman.metrics.replicates import Sides, dealt
from dragoman.metrics.resampling import SEED, interval, resampled_scores
from dragoman.metrics.sacrebleu import Bleu, ChrfPlusPlus, SacreBleuMetric, Ter
from dragoman.metrics.significance import (
    Correction,
    benjamini_hochberg,
    holm,
    interval_tests,
    paired_approximate_randomization,
    paired_bootstrap,
    sacrebleu_bootstrap,
    samples_for,
)
from dragoman.pair import Pair

PAIR = Pair("en", "de")
Test = Callable[..., Difference]
P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=30)


def sacrebleus(kind: str, peer: Any, text: Any, samples: int) -> tuple[float, float]:
    """The p-value and the difference of scores by sacreBLEU itself."""
    systems = [("baseline", text.baseline), ("system", text.system)]
    _, table = PairedTest(systems, {"metric": peer}, [text.references], test_type=kind, n_samples=samples)()
    (column,) = (column for name, column in table.items() if name != "System")
    return column[1].p_value, column[1].score - column[0].score


def both_sides(metric: SacreBleuMetric, text: Any) -> tuple[Any, Any]:
    return tuple(metric.statistics(side, side, text.references) for side in (text.baseline, text.system))  # type: ignore[return-value]


PEERS = [(Bleu, BLEU()), (ChrfPlusPlus, CHRF(word_order=2)), (Ter, TER())]
TESTS = [paired_bootstrap, paired_approximate_randomization]


@pytest.mark.parametrize(("kind", "peer"), PEERS)
@pytest.mark.parametrize("segments", [2, 5, 40, 120])
def test_p_values_of_its_bootstrap_are_sacrebleus(
    make_up: Any, kind: type[SacreBleuMetric], peer: Any, segments: int
) -> None:
    for seed in range(2):
        text = make_up(segments, seed)
        baseline, system = both_sides(kind(PAIR), text)
        result = sacrebleu_bootstrap(kind(PAIR), baseline, system, 300)
        p_value, delta = sacrebleus("bs", peer, text, 300)
        assert result.p_value == (1 if np.array_equal(baseline, system) else p_value)
        assert result.delta == pytest.approx(delta, abs=1e-12)
        sums = resampled_scores(kind(PAIR), np.stack([baseline, system]), 300)
        assert (result.low, result.high) == pytest.approx(interval(sums[1] - sums[0]), abs=1e-4)


@pytest.mark.parametrize(("kind", "peer"), PEERS)
@pytest.mark.parametrize("segments", [2, 5, 40, 120])
def test_p_values_of_randomization_are_sacrebleus(
    make_up: Any, kind: type[SacreBleuMetric], peer: Any, segments: int
) -> None:
    # sacreBLEU's `ar` counts trials that differ by more than observed; of those that tie with it, half are counted here
    for seed in range(2):
        text = make_up(segments, seed)
        baseline, system = both_sides(kind(PAIR), text)
        result = paired_approximate_randomization(kind(PAIR), baseline, system, 300)
        p_value, delta = sacrebleus("ar", peer, text, 300)
        assert result.delta == pytest.approx(delta, abs=1e-12)
        if np.array_equal(baseline, system):
            assert result.p_value == 1
            continue
        distances = np.abs(dealt([Sides.of(kind(PAIR), baseline, system)], 300, SEED)[0])
        ties = np.count_nonzero(np.isclose(distances, abs(delta), rtol=0, atol=1e-9))
        above = np.count_nonzero((distances > abs(delta)) & np.isclose(distances, abs(delta), rtol=0, atol=1e-9))
        assert result.p_value == pytest.approx(p_value + (ties / 2 - above) / 301, abs=1e-12)
        assert segments < 40 or kind is Ter or ties == 0


@pytest.mark.parametrize("test", TESTS)
def test_swapping_the_systems_turns_the_sign(make_up: Any, test: Test) -> None:
    baseline, system = both_sides(Bleu(PAIR), make_up(50, errors=(0.5, 0.3)))
    there, back = (test(Bleu(PAIR), *sides, 200) for sides in ((baseline, system), (system, baseline)))
    assert there.p_value == back.p_value
    assert there.delta == -back.delta > 0
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))
    assert there.low < there.delta < there.high
    assert back.p_worse < 0.1 < 0.9 < there.p_worse


@pytest.mark.parametrize("test", TESTS)
def test_a_clear_difference_is_found_and_none_is_not(make_up: Any, test: Test) -> None:
    clear = test(Bleu(PAIR), *both_sides(Bleu(PAIR), make_up(100, errors=(0.6, 0.2))), 999)
    # of 999 replicates none is beyond it: 1/1000, and of the bootstrap as much at either end, of few units a bit more
    assert clear.p_is_floor and 0.001 <= clear.p_value < 0.003
    chance = test(Bleu(PAIR), *both_sides(Bleu(PAIR), make_up(100, errors=(0.4, 0.4))), 999)
    assert chance.p_value > 0.1 and not chance.p_is_floor


@pytest.mark.parametrize("test", [*TESTS, sacrebleu_bootstrap])
def test_a_system_does_not_differ_from_itself(make_up: Any, test: Test) -> None:
    baseline, _ = both_sides(Bleu(PAIR), make_up(20))
    assert test(Bleu(PAIR), baseline, baseline.copy(), 100) == Difference(0, 0, 0, 1, 1, 1, units=20)


@pytest.mark.parametrize("test", TESTS)
def test_only_the_same_segments_are_compared(make_up: Any, test: Test) -> None:
    baseline, system = both_sides(Bleu(PAIR), make_up(20))
    with pytest.raises(MetricError, match="19 and of 20 segments"):
        test(Bleu(PAIR), baseline[1:], system)
    with pytest.raises(MetricError, match="0 and of 0 segments"):
        test(Bleu(PAIR), baseline[:0], system[:0])


def test_adjustment_by_hand() -> None:
    # golden: worked out by hand, 0.01 × 5, 0.02 × 4, 0.03 × 3 and so on; 0.04 × 2 and 0.05 may not be less than 0.09
    p_values = [0.04, 0.01, 0.03, 0.02, 0.05]
    np.testing.assert_allclose(holm(p_values), [0.09, 0.05, 0.09, 0.08, 0.09])
    np.testing.assert_allclose(benjamini_hochberg(p_values), [0.05, 0.05, 0.05, 0.05, 0.05])


@given(P_VALUES)
def test_benjamini_hochberg_is_scipys(p_values: list[float]) -> None:
    np.testing.assert_allclose(benjamini_hochberg(p_values), false_discovery_control(p_values), rtol=1e-12)


@given(P_VALUES, st.floats(0.001, 0.999))
def test_holm_rejects_what_the_step_down_procedure_rejects(p_values: list[float], level: float) -> None:
    adjusted = holm(p_values)
    rejected = set[int]()
    for step, index in enumerate(np.argsort(p_values, kind="stable")):
        if p_values[index] * (len(p_values) - step) > level:
            break
        rejected.add(int(index))
    assert set(np.flatnonzero(adjusted <= level).tolist()) == rejected
    assert (adjusted >= p_values).all()
    assert (adjusted <= np.minimum(np.array(p_values) * len(p_values), 1)).all()


def test_p_values_are_checked() -> None:
    for adjust in (holm, benjamini_hochberg):
        assert adjust([]).tolist() == []
        for wrong in ([0.1, float("nan")], [1.1], [-0.1]):
            with pytest.raises(MetricError, match="between 0 and 1"):
                adjust(wrong)


@pytest.mark.parametrize("tests", [1, 30, 156, 10_302])
def test_chance_in_making_replicates_seldom_decides(tests: int) -> None:
    # beyond a difference that just passes Holm's smallest threshold at least twenty replicates are expected
    assert samples_for(tests) >= 10_000
    assert samples_for(tests) * 0.05 / tests >= 20


def test_intervals_alone_tell_scores_apart_by_their_widths() -> None:
    nan = np.nan
    found = interval_tests(
        np.array([0.0, 1.0, -2.0, 3.0, 5.0, 0.0]),
        np.array([2.0, 2.0, 2.0, 0.0, nan, 0.0]),
        np.array([2.0, 2.0, 0.0, 0.0, 1.0, 0.0]),
    )
    # halves of the intervals of the differences: √2, √2, 1, 0
    expected = [1, erfc(1.959964 / 2), erfc(2 * 1.959964 / 2**0.5), 0, nan, 1]
    np.testing.assert_allclose(found.p_values, expected)
    np.testing.assert_allclose(found.lows, [-(2**0.5), 1 - 2**0.5, -3, 3, nan, 0])
    np.testing.assert_allclose(found.highs, [2**0.5, 1 + 2**0.5, -1, 3, nan, 0])
    # what has no test is not among those that are adjusted
    np.testing.assert_allclose(found.adjusted(Correction.HOLM)[[3, 4]], [0, nan])
    assert found.adjusted(Correction.HOLM)[2] == pytest.approx(4 * expected[2])
