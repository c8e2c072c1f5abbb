"""The model of pairs: least squares as by hand, planted effects found, and p-values that languages decide."""

from itertools import permutations

import numpy as np
import pytest
from scipy.stats import kstest

from dragoman.analysis.mantel import Matrix
from dragoman.explanation.pairs_model import PairsModel, Term, pairs_model


def made(
    rng: np.random.Generator, languages: int, *, source: float = 0.0, target: float = 0.0, pair: float = 0.0
) -> tuple[Matrix, list[Term], dict[str, float]]:
    """Scores with planted effects and with levels of each language that nothing explains, and the planted β."""
    tokens, points = rng.normal(size=languages), rng.normal(size=(languages, 2))
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    across = np.repeat(tokens[:, None], languages, axis=1)
    terms = [Term("tokens", "source", across), Term("tokens", "target", across.T), Term("near", "pair", distances)]
    levels = 0.5 * (rng.normal(size=(languages, 1)) + rng.normal(size=languages))
    effects = {"source": source, "target": target, "pair": pair}
    scores = sum(effects[term.name] * term.values for term in terms) + levels
    scores = scores + 0.3 * rng.normal(size=scores.shape)
    cells = ~np.eye(languages, dtype=bool)
    spread = scores[cells].std()
    return scores, terms, {term.name: effects[term.name] * term.values[cells].std() / spread for term in terms}


def by_name(found: PairsModel | None) -> dict[str, object]:
    assert found is not None
    return {each.name: each for each in found.coefficients}


def test_it_is_least_squares_of_standardised_values() -> None:
    rng = np.random.default_rng(1)
    scores, terms, _ = made(rng, 9, source=0.5, pair=-0.4)
    scores[0, 1] = scores[4, 2] = np.nan
    groups = rng.integers(3, size=(9, 9))
    found = pairs_model(scores, terms, groups, permutations=19)
    assert found is not None
    held = ~np.isnan(scores) & ~np.eye(9, dtype=bool)

    def columns(cells: Matrix, chosen: list[Term]) -> Matrix:
        standard = [(term.values[cells] - term.values[held].mean()) / term.values[held].std() for term in chosen]
        return np.column_stack([*standard, *((groups[cells] == group).astype(float) for group in range(3))])

    y = (scores - scores[held].mean()) / scores[held].std()

    def fit(cells: Matrix, chosen: list[Term]) -> Matrix:
        return np.linalg.lstsq(columns(cells, chosen), y[cells], rcond=None)[0]

    def r2(chosen: list[Term]) -> tuple[float, float]:
        errors = y[held] - columns(held, chosen) @ fit(held, chosen)
        missed = total = 0.0
        for language in range(9):
            touched = np.zeros((9, 9), bool)
            touched[language] = touched[:, language] = True
            new, rest = held & touched, held & ~touched
            missed += ((y[new] - columns(new, chosen) @ fit(rest, chosen)) ** 2).sum()
            total += ((y[new] - y[rest].mean()) ** 2).sum()
        return 1 - errors @ errors / (y[held] @ y[held]), 1 - missed / total

    assert [each.estimate for each in found.coefficients] == pytest.approx(fit(held, terms)[:3])
    assert [each.points for each in found.coefficients] == pytest.approx(fit(held, terms)[:3] * scores[held].std())
    assert (found.r2, found.held_out) == pytest.approx(r2(terms))
    (tokens, near, _) = found.shares
    without = r2([terms[2]])
    assert (tokens.estimate, tokens.held_out) == pytest.approx((found.r2 - without[0], found.held_out - without[1]))
    assert (near.factor, near.terms, found.n, found.pairs) == ("near", 1, 9, 70)


def test_of_few_languages_p_counts_every_order_as_a_loop_does() -> None:
    rng = np.random.default_rng(2)
    scores, terms, _ = made(rng, 5, target=0.3)
    found = by_name(pairs_model(scores, terms[:2]))
    held = ~np.eye(5, dtype=bool)
    others = np.column_stack([np.ones(20), terms[0].values[held]])
    line = np.linalg.lstsq(others, terms[1].values[held], rcond=None)[0]
    beyond = terms[1].values - line[0] - line[1] * terms[0].values

    def partial(order: tuple[int, ...]) -> float:
        dealt = beyond[np.ix_(order, order)][held]
        rest = [each - others @ np.linalg.lstsq(others, each, rcond=None)[0] for each in (dealt, scores[held])]
        return abs(np.corrcoef(*rest)[0, 1])

    every = np.array([partial(order) for order in permutations(range(5))])
    assert found["target"].p == pytest.approx(np.mean(every >= partial((0, 1, 2, 3, 4)) - 1e-9))


def test_planted_effects_are_found_and_their_intervals_hold_them() -> None:
    rng = np.random.default_rng(3)
    covered, found = [], None
    for draw in range(60):
        scores, terms, planted = made(rng, 12, source=0.8, pair=-0.5)
        found = pairs_model(scores, terms, permutations=19, seed=draw)
        covered += [each.low <= planted[name] <= each.high for name, each in by_name(found).items()]
    assert np.mean(covered) > 0.9
    scores, terms, planted = made(rng, 30, source=0.8, pair=-0.5)
    found = pairs_model(scores, terms, permutations=499)
    named = by_name(found)
    assert named["source"].p == named["pair"].p == 0.002 and named["source"].p_is_floor
    assert named["target"].p > 0.02
    assert found is not None and found.shares[0].p == 0.002 and found.held_out > 0.4
    again = pairs_model(scores, terms, permutations=499)
    assert again is not None and again.coefficients == found.coefficients and again.shares == found.shares


def test_under_the_null_p_values_are_uniform_although_languages_have_levels() -> None:
    rng = np.random.default_rng(4)
    found = [
        by_name(pairs_model(*made(rng, 8, target=0.4)[:2], permutations=199, seed=draw))["source"].p
        for draw in range(200)
    ]
    assert kstest(found, "uniform").pvalue > 0.01
    assert np.mean(np.array(found) <= 0.05) <= 0.1


def test_what_the_others_tell_already_is_left_out() -> None:
    scores, terms, _ = made(np.random.default_rng(5), 8)
    again = Term("copy", "source", 3 * terms[0].values + 1)
    constant = Term("flat", "pair", np.ones((8, 8)))
    found = pairs_model(scores, [*terms, again, constant], permutations=19)
    assert found is not None
    assert found.left_out == ("copy of the source", "flat of the pair")
    assert len(found.coefficients) == 3


def test_of_too_few_languages_or_equal_scores_there_is_none() -> None:
    scores, terms, _ = made(np.random.default_rng(6), 4)
    assert pairs_model(scores, terms) is None
    scores, terms, _ = made(np.random.default_rng(6), 6)
    assert pairs_model(np.ones((6, 6)), terms) is None
