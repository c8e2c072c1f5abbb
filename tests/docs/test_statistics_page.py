"""docs/statistics.md says what the tests do: names, numbers, guarantees; methods are tested beside their code."""

import re
from pathlib import Path

import numpy as np

from dragoman.analysis.power import HALF_DEVIATE, passes_margin, passes_test, smallest_excluded
from dragoman.analysis.significance_plan import Plan
from dragoman.metrics import difference
from dragoman.metrics.difference import by_randomization
from dragoman.metrics.off_target import OffTarget
from dragoman.metrics.replicates import Sides
from dragoman.metrics.resampling import SAMPLES
from dragoman.metrics.significance import Test, paired_test, samples_for
from dragoman.pair import Pair

PAGE = (Path(__file__).parents[2] / "docs" / "statistics.md").read_text()
PAIR = Pair("en", "de")


def equal_systems(rng: np.random.Generator) -> Sides:
    """Two systems that are as often off target, on 150 sentences."""
    verdicts = np.zeros((2, 150, 5))
    verdicts[..., 4] = 1
    verdicts[..., 0] = rng.random((2, 150)) < 0.3
    return Sides.of(OffTarget(PAIR), *verdicts)


def test_every_test_has_a_row() -> None:
    assert re.findall(r"^\| `([a-z][a-z-]+)` \|", PAGE, re.MULTILINE) == [test.value for test in Test]
    assert Plan().test is Test.RANDOMIZATION


def test_the_numbers_are_those_of_the_code() -> None:
    assert "at least 10,000, and at least 20 m / alpha" in PAGE
    assert (samples_for(1), samples_for(156), samples_for(156, 0.01)) == (10_000, 62_400, 312_000)
    assert f"fitted to the largest {difference._TAIL}" in PAGE and f"in {SAMPLES:,} bootstrap resamples" in PAGE
    assert "fewer\n  than ten trials" in PAGE and difference._FEW == 10


def test_the_p_value_is_that_of_the_formula() -> None:
    dealt = np.concatenate([np.full(30, 5.0), np.full(10, -3.0), np.zeros(59)])
    # of 99 trials 30 differ by more than 3, and 10 tie with it: (1 + 30 + 10 / 2) / (1 + 99)
    assert by_randomization(3.0, dealt, se=1, units=99).p_value == 0.36


def test_sacrebleus_bootstrap_raises_more_false_alarms_than_it_says_and_the_others_do_not() -> None:
    rng = np.random.default_rng(4)
    sets = [equal_systems(rng) for _ in range(600)]
    rates = {
        test: np.mean([paired_test(test, sides, 300, seed).p_value <= 0.05 for seed, sides in enumerate(sets)])
        for test in (Test.RANDOMIZATION, Test.BOOTSTRAP, Test.SACREBLEU_BS)
    }
    # the standard error of a rate of 5% of 600 is 0.9%
    assert 0.025 < rates[Test.RANDOMIZATION] < 0.075 and 0.02 < rates[Test.BOOTSTRAP] < 0.075
    assert rates[Test.SACREBLEU_BS] > 0.08


def test_the_figures_of_power_are_those_of_the_code() -> None:
    assert "a margin of 2.8 standard errors is passed by four\nin five" in PAGE and "So 2.8 s is the smallest" in PAGE
    assert round(smallest_excluded(1.0), 1) == 2.8 and round(passes_margin(2.8, 1.0), 2) == 0.80
    assert "worse by 1.64 s one time in two" in PAGE
    assert round(HALF_DEVIATE, 2) == 1.64 and round(passes_test(HALF_DEVIATE, 1.0, HALF_DEVIATE), 6) == 0.5
