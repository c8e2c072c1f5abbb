"""The regression of gains on the training graph, against ridge regression with a dummy for each pair."""

import numpy as np
import pytest

from dragoman.pair import Pair
from dragoman.suggestion.gain_model import GainModel
from dragoman.suggestion.graph_features import FEATURES, graph_features, graph_of


@pytest.mark.parametrize("penalty", [0.01, 0.5])
def test_coefficients_are_those_of_ridge_regression_with_pair_dummies(penalty):
    rng = np.random.default_rng(1)
    models, pairs, count = 6, 9, 3
    features, values = rng.normal(2, 3, (models, pairs, count)), rng.normal(20, 4, (models, pairs))
    values[rng.random(values.shape) < 0.2] = np.nan
    draws = [0, 0, 1, 2, 3, 4]
    found = GainModel(features, values, draws).slopes(penalty, [3])
    held = ~np.isnan(values)
    scale = features[held].std(axis=0)
    held[4] = False
    rows, columns = np.nonzero(held)
    dummies = np.eye(pairs)[columns]
    design = np.hstack([dummies, features[rows, columns] / scale])
    held_back = np.diag([0.0] * pairs + [penalty * len(rows)] * count)
    expected = np.linalg.lstsq(design.T @ design + held_back, design.T @ values[rows, columns], rcond=None)[0]
    assert found == pytest.approx(expected[pairs:] / scale)


def test_features_count_what_is_near_a_pair_and_never_the_pair_itself():
    languages = ("de", "en", "fr")
    graph = graph_of({Pair("de", "en"): 7, Pair("en", "fr"): 3, Pair("fr", "de"): 1, Pair("sw", "en"): 9}, languages)
    of = dict(zip(FEATURES, graph_features(graph)[0, 1].tolist(), strict=True))  # de-en, trained itself
    assert of == pytest.approx({
        "pairs_from_source": 0, "pairs_into_target": 0, "examples_from_source": 0, "examples_into_target": 0,
        "pivots": 0, "is_reached": 0, "reversed": 0, "source_occurs": 1, "target_occurs": 1, "pairs": np.log2(3),
    })  # fmt: skip
    of = dict(zip(FEATURES, graph_features(graph)[0, 2].tolist(), strict=True))  # de-fr, by en
    assert of == pytest.approx({
        "pairs_from_source": 1, "pairs_into_target": 1, "examples_from_source": 3, "examples_into_target": 2,
        "pivots": 1, "is_reached": 1, "reversed": 1, "source_occurs": 1, "target_occurs": 1, "pairs": 2,
    })  # fmt: skip
