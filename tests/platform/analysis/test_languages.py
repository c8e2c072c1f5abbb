"""Means as of a sample of languages: the jackknife by hand, and its coverage where languages have effects."""

import numpy as np
import pytest

from dragoman.analysis.languages import over_languages
from dragoman.pair import Pair, all_pairs

LANGUAGES = ["ar", "de", "en", "fi", "fr", "hi", "ja", "ko", "ru", "sw", "ta", "tr", "zh-Hans"]


def test_it_is_the_jackknife_over_languages() -> None:
    pairs = all_pairs(LANGUAGES[:4])
    values = {pair: float(number**2) for number, pair in enumerate(pairs)}
    left_out = [np.mean([values[pair] for pair in pairs if tag not in pair]) for tag in LANGUAGES[:4]]
    error = (3 / 4 * np.sum((left_out - np.mean(left_out)) ** 2)) ** 0.5
    found = over_languages(values, dict.fromkeys(pairs, 1.0))
    assert found is not None
    assert (found.value, found.error, found.degrees) == pytest.approx((np.mean(list(values.values())), error, 3))
    wider = over_languages(values, dict.fromkeys(pairs, 1.0), sentences=9.0, units=100)
    assert wider is not None and wider.error == pytest.approx((error**2 + 9) ** 0.5)


def test_a_language_in_all_pairs_stays_and_two_are_too_few() -> None:
    from_english = {Pair("en", tag): float(number) for number, tag in enumerate(("ar", "de", "fi", "fr"))}
    found = over_languages(from_english, dict.fromkeys(from_english, 1.0))
    assert found is not None and found.degrees == pytest.approx(3)
    # pairs without a common language are those of independent numbers
    assert found.error == pytest.approx(np.std([0, 1, 2, 3], ddof=1) / 2)
    assert over_languages({Pair("en", "de"): 1.0, Pair("de", "en"): 2.0}, {Pair("en", "de"): 1.0}) is None


@pytest.mark.parametrize("count", [4, 13])
def test_its_interval_holds_the_truth_as_often_as_it_says(count: int) -> None:
    """Languages that are easy as sources are easy as targets too, half as much as not, and pairs vary besides."""
    rng, pairs, held = np.random.default_rng(count), all_pairs(LANGUAGES[:count]), 0
    trials = 1000
    for _ in range(trials):
        effects = rng.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], size=count)
        of = dict(zip(LANGUAGES, effects.tolist(), strict=False))
        values = {pair: of[pair.source][0] + of[pair.target][1] + rng.normal(0, 0.5) for pair in pairs}
        found = over_languages(values, dict.fromkeys(pairs, 1.0))
        assert found is not None
        held += found.low <= 0 <= found.high
    # 95% within four standard errors of a share of so many trials, and some caution
    assert 0.92 < held / trials < 0.985
