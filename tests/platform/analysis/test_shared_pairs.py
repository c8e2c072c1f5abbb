"""Pairs behind one partition's name under several models."""

import json

import numpy as np
import pytest

from dragoman.analysis.comparison import compare
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.shared_pairs import Shared, note_on_pairs, pairs_by_scope, shared_pairs
from dragoman.analysis.systems import System
from dragoman.cell import CellState
from dragoman.pair import Pair, all_pairs
from dragoman.partition import TrainingGraph

PAIRS = all_pairs(["en", "de", "fr"])
TO = TrainingGraph.of([Pair("en", "de"), Pair("en", "fr")])
FROM = TrainingGraph.of([Pair("en", "de"), Pair("de", "en"), Pair("fr", "en")])
FAILED = ("from", Pair("fr", "de"))


@pytest.fixture
def store(campaign):
    return campaign.fill(
        {"base": TrainingGraph(), "to": TO, "from": FROM}, PAIRS,
        without={FAILED: (CellState.FAILED, "out of memory")},
    )  # fmt: skip


def scored(graph, scope, model):
    """The pairs of a scope that have a score, from the graph itself."""
    parts = {pair: graph.partition(pair) for pair in PAIRS if (model, pair) != FAILED}
    return {pair for pair, part in parts.items() if part == scope or (scope == "unseen" and part.is_unseen)}


def test_pairs_in_common_are_those_that_are_in_the_scope_for_all(store):
    systems = [System("g", "to"), System("g", "from")]
    found = shared_pairs(pairs_by_scope(store, ScoreQuestion("g", "bleu"), systems).values())
    for scope in ("seen", "unseen"):
        sets = [scored(TO, scope, "to"), scored(FROM, scope, "from")]
        assert found[scope] == Shared(len(set.intersection(*sets)), len(set.union(*sets)))
    assert found["all"] == Shared(5, 6)
    note = note_on_pairs(found, ["seen", "all"])
    assert note.startswith("Not the same pairs for every model: seen (1 of 4 pairs in common), all (5 of 6 pairs in")


def test_one_model_and_equal_models_have_nothing_to_say(store):
    alone = pairs_by_scope(store, ScoreQuestion("g", "bleu"), [System("g", "to")])
    assert note_on_pairs(shared_pairs(alone.values())) is None
    twice = [*alone.values(), *alone.values()]
    assert note_on_pairs(shared_pairs(twice)) is None
    assert shared_pairs([{"seen": np.array([1, 2])}, {"all": np.array([1])}]) == {
        "seen": Shared(2, 2), "all": Shared(1, 1)
    }  # fmt: skip


def test_results_say_so_and_how_many_pairs_are_in_common(store, dragoman):
    out = dragoman("results", "g", "--model", "to", "--model", "from").out
    assert "Not the same pairs for every model: seen (1 of 4 pairs in common)" in out and "in common" in out
    rows = json.loads(dragoman("results", "g", "--model", "to", "--model", "from", "--json").out)["partitions"]
    assert {(row["model"], row["scope"]): row["shared_pairs"] for row in rows}["to", "seen"] == 1
    alone = dragoman("results", "g", "--model", "to").out
    assert "Not the same pairs" not in alone and "in common" not in alone


def test_a_campaign_says_so_over_all_its_grids(campaign, store, dragoman):
    campaign.fill({"base": TrainingGraph(), "other": FROM}, PAIRS, grid="h")
    from sqlalchemy import text

    with store.database.writing() as connection:
        connection.execute(text("UPDATE grid SET spec = json_set(spec, '$.campaign', 'both')"))
    out = dragoman("results", "both", "--model", "to", "--model", "from", "--model", "other").out
    assert "no model" in out or out == ""
    found = dragoman("results", "both", "--table", "partitions").out
    note = next(line for line in found.splitlines() if "Over all grids" in line)
    # what `to` has seen, against `from` and `other`
    assert "seen (1 of 4 pairs in common)" in note and "unseen (" in note
    assert "g: Not the same pairs for every model" in found and "h: Not the same pairs for every model" in found
    assert found.count("Test set: made test, revision r1; 20 sentences a pair") == 1


def test_a_comparison_counts_the_pairs_that_are_in_the_scope_for_both(store, dragoman):
    found = compare(store, ScoreQuestion("g", "bleu"), a="to", b="from", samples=200)
    scopes = {scope.scope: scope for scope in found.scopes}
    for scope in ("seen", "unseen"):
        # the pairs are b's, and both models need a score of them
        own = scored(FROM, scope, "from")
        assert (scopes[scope].done, scopes[scope].shared) == (len(own), len(own & scored(TO, scope, "from")))
    out = dragoman("compare", "g", "to", "from", "--table", "scopes").out
    assert "Scopes are from's own: of their pairs fewer are so for to too, seen (1 of 3 pairs)" in out
    same = dragoman("compare", "g", "base", "base", "--table", "scopes")
    assert same.code == 2
