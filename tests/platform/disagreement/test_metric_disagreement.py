"""Metrics against each other, held against SciPy and numbers worked out by hand."""

import json
from math import nan

import numpy as np
import pytest
from scipy.stats import kendalltau, zscore

from dragoman.analysis.score_question import ScoreQuestion
from dragoman.disagreement.metrics import metric_disagreement
from dragoman.errors import StoreError
from dragoman.metrics.serialization import pack
from dragoman.pair import Pair
from dragoman.segment import Segment
from dragoman.settings import settings
from dragoman.store.records import ModelRecord, StoredScore
from dragoman.store.store import Store
from dragoman.testing import GridBuilder

PAIRS = [Pair("de", "en"), Pair("en", "de"), Pair("en", "fr")]
LINES = 6
FIRST, SECOND, THIRD = "gemba-da:one", "gemba-da:two", "gemba-da:three"


def values(seed):
    """Scores of three systems on three pairs: the second is the best by far, the third the worst."""
    rng = np.random.default_rng(seed)
    means = np.array([[20.0], [50.0], [0.0]])
    return {pair: rng.integers(20, 40, (3, LINES)) + means for pair in PAIRS}


ONE = values(1)
TWO = {pair: 100 - scores for pair, scores in ONE.items()}  # thinks the opposite of everything
THREE = {pair: scores + 1 for pair, scores in ONE.items()}
THREE[PAIRS[1]][0, 2] = nan  # no answer could be read


def stored(metric, scores):
    known = ~np.isnan(scores)
    rows = np.column_stack([np.nan_to_num(scores), known]).astype(float)
    return StoredScore(
        metric=metric, signature="judge:a", value=rows[:, 0].sum() / rows[:, 1].sum(), statistics=pack(rows)
    )


@pytest.fixture
def grid(tmp_path, monkeypatch):
    monkeypatch.setenv("DRAGOMAN_HOME", str(tmp_path))
    settings.cache_clear()
    store = Store.open(settings().store_url, settings().blobs_url)
    base = ModelRecord(id="model1-base", name="base")
    models = [base, *(ModelRecord(id=f"model1-{name}", name=name, base=base.id) for name in ("a", "b"))]
    lines = {pair: [Segment(f"{pair} source {n}", f"{pair} reference {n}") for n in range(LINES)] for pair in PAIRS}
    made = GridBuilder(store, models, PAIRS, metrics=(FIRST, SECOND, THIRD), lines=lines).add()
    for place, model in enumerate(models):
        for pair in PAIRS:
            scores = [
                stored(FIRST, ONE[pair][place]),
                stored(SECOND, TWO[pair][place]),
                stored(THIRD, THREE[pair][place]),
            ]
            hypotheses = [(f"{model.name} {pair} {n}", "stop", 3) for n in range(LINES)]
            made.translate(made.cell(model.id, pair), scores, hypotheses=hypotheses)
    yield made
    store.close()
    settings.cache_clear()


def test_ranks_and_agreement(grid):
    found = metric_disagreement(grid.store, ScoreQuestion("small", ""))
    assert found.systems == ("base", "a", "b") and found.pairs == tuple(PAIRS)
    ranks = {(each.metric, each.system): each.rank for each in found.ranks}
    assert [ranks[FIRST, name] for name in found.systems] == [2, 1, 3]
    assert [ranks[SECOND, name] for name in found.systems] == [2, 3, 1]
    assert [ranks[THIRD, name] for name in found.systems] == [2, 1, 3]
    by_measure = {(each.first, each.second, each.measure): each for each in found.agreements}
    opposed = by_measure[FIRST, SECOND, "system_kendall"]
    assert (opposed.estimate, opposed.p, opposed.n) == (-1, kendalltau([1, 2, 3], [3, 2, 1]).pvalue, 3)
    assert by_measure[FIRST, THIRD, "system_kendall"].estimate == 1
    # every two systems are as far apart as can be: one metric's p-values are near 0 where the other's are near 1
    assert by_measure[FIRST, SECOND, "soft_accuracy"].estimate < 0.02
    assert by_measure[FIRST, THIRD, "soft_accuracy"].estimate > 0.99
    assert by_measure[FIRST, THIRD, "soft_accuracy"].n == 3


def test_equal_means_share_a_rank(grid):
    for place, model in enumerate(grid.models):
        for pair in PAIRS:
            flat = np.full((1, LINES), 70.0 if place else 50.0)[0]
            grid.store.cells.add_scores(grid.cell(model.id, pair).id, [stored("gemba-esa", flat)])
    grid.store.grids.add_metric("small", "gemba-esa")
    found = metric_disagreement(grid.store, ScoreQuestion("small", ""), metrics=[FIRST, "gemba-esa"])
    ranks = {each.system: each.rank for each in found.ranks if each.metric == "gemba-esa"}
    assert ranks == {"base": 3, "a": 1, "b": 1}


def test_translations_are_ordered_within_their_pair(grid):
    found = metric_disagreement(grid.store, ScoreQuestion("small", ""))
    (within,) = (
        each
        for each in found.agreements
        if (each.first, each.second, each.measure) == (FIRST, THIRD, "segment_kendall")
    )
    taus = []
    for pair in PAIRS:
        own, other = ONE[pair].ravel(), THREE[pair].ravel()
        both = ~np.isnan(other)
        taus.append(kendalltau(own[both], other[both]).statistic)
    assert within.estimate == pytest.approx(np.mean(taus)) and within.n == 3 * 3 * LINES - 1
    (opposed,) = (
        each
        for each in found.agreements
        if (each.first, each.second, each.measure) == (FIRST, SECOND, "segment_kendall")
    )
    assert opposed.estimate == pytest.approx(-1) and opposed.low == pytest.approx(-1)


def test_the_sentences_furthest_apart(grid):
    found = metric_disagreement(grid.store, ScoreQuestion("small", ""), between=(FIRST, SECOND), limit=5)
    every = []
    for pair in PAIRS:
        gaps = zscore(ONE[pair], axis=None) - zscore(TWO[pair], axis=None)
        every += [(abs(gap), pair, row, line) for (row, line), gap in np.ndenumerate(gaps)]
    expected = sorted(every, key=lambda each: (-each[0], each[1:]))[:5]
    assert [(each.pair, ("base", "a", "b").index(each.system), each.line - 1) for each in found.apart] == [
        each[1:] for each in expected
    ]
    first = found.apart[0]
    assert abs(first.difference) == pytest.approx(expected[0][0])
    assert first.hypothesis == f"{first.system} {first.pair} {first.line - 1}"
    assert first.source == f"{first.pair} source {first.line - 1}"


def test_the_default_is_the_two_that_agree_least_on_sentences(grid):
    assert metric_disagreement(grid.store, ScoreQuestion("small", "")).between == (FIRST, SECOND)


def test_a_metric_without_scores_is_left_out_with_the_reason(grid):
    grid.store.grids.add_metric("small", "ter")
    found = metric_disagreement(grid.store, ScoreQuestion("small", ""))
    assert found.metrics == (FIRST, SECOND, THIRD)
    assert any(note.startswith("Left out: ter.") for note in found.notes)
    with pytest.raises(StoreError, match="has no scores of 'tre'; did you mean 'ter'"):
        metric_disagreement(grid.store, ScoreQuestion("small", ""), metrics=["tre"])
    with pytest.raises(StoreError, match="Two metrics are compared"):
        metric_disagreement(grid.store, ScoreQuestion("small", ""), metrics=[FIRST])


def test_the_command_prints_the_same_numbers_in_every_form(grid, dragoman, tmp_path):
    outcome = dragoman("metrics", "small", "--json")
    assert outcome.code == 0, outcome.err
    tables = json.loads(outcome.out)
    found = metric_disagreement(grid.store, ScoreQuestion("small", ""))
    assert [row["estimate"] for row in tables["agreement"]] == [
        pytest.approx(each.estimate, rel=1e-5) for each in found.agreements
    ]
    assert [row["system"] for row in tables["ranks"]] == ["a", "base", "b"]  # mean ranks 5/3, 2 and 7/3
    text = dragoman("metrics", "small", "--between", FIRST, "--between", THIRD, "--figure", str(tmp_path / "r.svg"))
    assert text.code == 0, text.err
    level = next(each.level for each in found.ranks if (each.metric, each.system) == (FIRST, "a"))
    assert f"{level.value:.1f} [{level.low:.1f}, {level.high:.1f}]" in text.out
    assert "gemba-da:two" in (tmp_path / "r.svg").read_text()
    refused = dragoman("metrics", "small", "--between", FIRST)
    assert refused.code == 2 and "--between takes two metrics" in refused.err
