"""What the rules of a gate can tell, held against simulated decisions."""

import numpy as np
import pytest

from dragoman.analysis.power import HALF_DEVIATE, passes_margin, passes_test, smallest_excluded
from dragoman.metrics.significance import HALF_WIDTH

ERROR = 0.7


@pytest.mark.parametrize(("margin", "worse_by"), [(0.5, 0.0), (1.5, 0.0), (2.0, 1.15), (2.0, 2.0)])
def test_the_share_of_models_within_a_margin_is_that_of_simulated_ones(margin, worse_by):
    regressions = np.random.default_rng(1).normal(worse_by, ERROR, 40_000)
    passing = np.mean(regressions + HALF_WIDTH * ERROR <= margin)
    assert passes_margin(margin, ERROR, worse_by) == pytest.approx(passing, abs=0.01)


def test_the_smallest_regression_ruled_out_lets_four_equal_models_in_five_pass():
    assert passes_margin(smallest_excluded(ERROR), ERROR) == pytest.approx(0.8, abs=1e-6)
    assert smallest_excluded(1.0) == pytest.approx(1.959964 + 0.841621)


def test_a_model_worse_by_the_half_deviate_passes_a_one_sided_test_half_the_time():
    assert passes_test(HALF_DEVIATE, ERROR, HALF_DEVIATE * ERROR) == pytest.approx(0.5)
    assert passes_test(HALF_DEVIATE, ERROR, 0.0) == pytest.approx(0.95, abs=1e-6)
    # 1.15 BLEU worse where the standard error is 1: seven in ten pass
    assert passes_test(HALF_DEVIATE, 1.0, 1.15) == pytest.approx(0.69, abs=0.005)


def test_without_error_nothing_is_left_to_chance():
    assert (passes_margin(1.0, 0.0, 1.0), passes_margin(1.0, 0.0, 1.1)) == (1.0, 0.0)
    assert (passes_test(1.6, 0.0, 0.0), passes_test(1.6, 0.0, 0.1)) == (1.0, 0.0)
