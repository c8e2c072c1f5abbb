"""Rules about a slice of the test lines: both models are held to these lines alone, in values and in tests."""

import numpy as np
import pytest
from pydantic import ValidationError
from sqlalchemy import delete
from tests.registry.promoting import promote
from tests.registry.promotion.test_promotion import NAME, policy_of

from dragoman.errors import StoreError
from dragoman.metrics.sacrebleu import ChrfPlusPlus
from dragoman.metrics.serialization import pack
from dragoman.metrics.significance import paired_approximate_randomization
from dragoman.pair import Pair
from dragoman.spec.promotion import Rule
from dragoman.store import schema
from dragoman.store.records import StoredScore
from dragoman_registry.gate.evidence import gate, policy_id
from dragoman_registry.promotion.promotion import Promotions
from dragoman_registry.registry_client.versions import version_at
from dragoman_registry.tables import gate_table

LINES = 60
NEWS = [row % 3 == 0 for row in range(LINES)]
WITHOUT = "fr-de"
"""A pair that has no news."""
REFERENCES = [f"sentence number {number} says this and that" for number in range(LINES)]


@pytest.fixture
def promotions(world):
    return Promotions(world.store, world.settings.mlflow_url)


def rows_of(pair, right):
    hypotheses = [REFERENCES[row] if right(row) else "nothing of the kind at all" for row in range(LINES)]
    return ChrfPlusPlus(pair).statistics(REFERENCES, hypotheses, REFERENCES)


def score_lines(world, model, right):
    """Score a model as if it had got those lines of each pair right that `right` is true of."""
    for cell in world.store.cells.of_grid(world.spec.name):
        if world.grid.names[cell.cell.model] == model:
            metric, rows = ChrfPlusPlus(cell.cell.pair), rows_of(cell.cell.pair, right)
            score = StoredScore(
                metric="chrf++",
                signature="chrF2++|v1",
                value=metric.score(rows),
                low=0,
                high=100,
                statistics=pack(rows),
            )
            world.store.cells.add_scores(cell.cell.id, [score])


def label_lines(world):
    store = world.store
    with store.database.writing() as connection:  # those of the three lines that the cells were planned with
        connection.execute(delete(schema.TestKeysRow))
    cells = [record.cell for record in store.cells.of_grid(world.spec.name)]
    news = ["news" if is_news else "chat" for is_news in NEWS]
    labels = {(cell.pair, cell.content): news if str(cell.pair) != WITHOUT else ["chat"] * LINES for cell in cells}
    test_set = cells[0].test_set
    store.conditions.add_labels(test_set, {text: {"domain": its} for text, its in labels.items()})


def found(world, promotions, model, **rule):
    champion = version_at(promotions.uri, NAME, "champion")
    policy = policy_of({"metric": "chrf++", "over": "all", "seeds": "checkpoint", **rule})
    return gate(world.store, world.grid, model, policy, champion)


def test_a_regression_on_a_slice_is_found_there_alone(world, promotions):
    """The champion has half of all lines right; the other lost a few of the news and won many of the rest."""
    score_lines(world, "english", lambda row: row % 2 == 0)
    score_lines(world, "german", lambda row: (row % 2 == 0 and row % 12 != 0) if NEWS[row] else row % 4 != 1)
    label_lines(world)
    promote(promotions, world.bare_version("english"), policy_of({"metric": "chrf++", "at_least": 0}), "champion")
    whole, news, chat = (
        found(world, promotions, "german", no_significant_regression=True, **lines).findings[0]
        for lines in ({}, {"lines": "domain=news"}, {"lines": "domain=chat"})
    )
    assert (whole.passed, news.passed, chat.passed) == (True, False, True)
    assert (whole.pairs, news.pairs, chat.pairs) == (6, 5, 6)
    assert news.claim == ("chrf++ regression over all on lines with domain=news not significant at 0.05, one-sided")
    pair, held = Pair("en", "de"), np.array(NEWS)
    metric = ChrfPlusPlus(pair)
    ours = rows_of(pair, lambda row: (row % 2 == 0 and row % 12 != 0) if NEWS[row] else row % 4 != 1)[held]
    theirs = rows_of(pair, lambda row: row % 2 == 0)[held]
    assert news.value == pytest.approx(metric.score(theirs) - metric.score(ours))
    one = found(
        world, promotions, "german", no_significant_regression=True, lines="domain=news", each=False, over="en-de"
    )
    expected = paired_approximate_randomization(metric, theirs, ours)
    assert one.findings[0].p_value == pytest.approx(expected.p_worse, abs=3 * (2 * expected.p_worse / 10_000) ** 0.5)
    assert one.findings[0].error == pytest.approx(expected.se)


def test_floors_and_gains_are_of_the_slice_and_are_said_so(world, promotions):
    score_lines(world, "english", lambda row: NEWS[row])
    score_lines(world, "base", lambda row: not NEWS[row])
    label_lines(world)
    report = gate(
        world.store,
        world.grid,
        "english",
        policy_of(
            {"metric": "chrf++", "lines": "domain=news", "at_least": 99.99},
            {"metric": "chrf++", "lines": "domain=chat", "at_most": 30},
            {"metric": "chrf++", "lines": "domain=news", "gain_at_least": 50},
            {"metric": "chrf++", "at_least": 99.99},
        ),
        None,
    )
    assert [(finding.passed, finding.pairs) for finding in report.findings] == [
        (True, 5), (True, 6), (True, 5), (False, 6),
    ]  # fmt: skip
    assert report.captions["chrf++ of lines with domain=news"].lines == "domain=news"
    rows = gate_table([report]).rows
    assert [row["lines"] for row in rows] == ["domain=news", "domain=chat", "domain=news", None]
    assert "only lines with domain=news" in str(report.caption)


def test_policies_without_slices_keep_their_hash_and_wrong_slices_are_sentences(world):
    assert "lines" not in Rule(at_least=1).model_dump(exclude_defaults=True)
    plain, sliced = policy_of({"at_least": 1}), policy_of({"at_least": 1, "lines": " domain = news"})
    assert policy_id(plain) != policy_id(sliced) == policy_id(policy_of({"at_least": 1, "lines": "domain=news"}))
    with pytest.raises(ValidationError, match="'news' chooses no lines: write LABEL=VALUE"):
        Rule(at_least=1, lines="news")
    with pytest.raises(ValidationError, match="contamination, which is of all test lines"):
        Rule(metric="contamination", at_most=1, lines="domain=news")
    score_lines(world, "english", lambda row: True)
    label_lines(world)
    with pytest.raises(StoreError, match="no label 'domian'; did you mean 'domain'"):
        gate(
            world.store,
            world.grid,
            "english",
            policy_of({"metric": "chrf++", "at_least": 1, "lines": "domian=a"}),
            None,
        )
