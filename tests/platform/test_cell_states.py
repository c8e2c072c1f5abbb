"""A state is one member of `CellState`: what is said of it elsewhere, and the store's rules, follow from that."""

import re

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError

from dragoman.cell import CellState, DescribedState, Hatching, StateFacts, Tone
from dragoman.reports.results import ALARMING
from dragoman.store.repositories.cells import TRANSLATED
from dragoman.store.schema import CellRow, cell_rules

SKIPPED = StateFacts("skipped", "skip", "left out on purpose", Tone.NEUTRAL, Hatching.LEVEL, needs_reason=True)
WithOneMore = DescribedState(  # type: ignore[call-overload]
    "WithOneMore", {**{state.name: (state.value, state.facts) for state in CellState}, "SKIPPED": ("skipped", SKIPPED)}
)
"""The states and one more."""


def test_every_state_has_its_own_words_and_the_rest_is_consistent():
    for fact in ("mark", "tile", "meaning"):
        assert len({getattr(state.facts, fact) for state in CellState}) == len(CellState)
    assert len({state.facts.hatching for state in CellState}) == len(CellState)
    assert all(len(state.facts.tile) <= 4 for state in CellState)
    assert not any(state.is_open and (state.is_translated or state.needs_reason) for state in CellState)
    assert [state for state in CellState if state.facts.tone is Tone.REST] == [CellState.PLANNED]


def test_the_facts_of_the_states():
    assert [state for state in CellState if state.is_open] == [CellState.PLANNED, CellState.RUNNING]
    assert list(TRANSLATED) == [CellState.DONE, CellState.UNSCORABLE]
    assert [state for state in CellState if state.needs_reason] == [
        CellState.FAILED, CellState.MISSING, CellState.UNSCORABLE,
    ]  # fmt: skip
    assert [state.mark for state in CellState] == [
        "to do", "running", "unscored", "failed", "missing", "unscorable", "quoted",
    ]  # fmt: skip
    assert [state for state in CellState if state.has_scores] == [
        CellState.DONE,
        CellState.UNSCORABLE,
        CellState.QUOTED,
    ]
    assert [state for state in CellState if state.facts.is_quoted] == [CellState.QUOTED]
    assert ALARMING == ("failed",)


def test_the_rules_of_one_more_state_follow_from_its_facts():
    rules = {str(rule.name): str(rule.sqltext) for rule in cell_rules(WithOneMore)}
    assert re.findall(r"state = '(\w+)'", rules["state"]) == [*CellState, "skipped"]
    assert "skipped" not in rules["reason"], "it needs a reason"
    assert "skipped" not in rules["hypotheses"], "it needs no hypotheses"


@pytest.mark.parametrize("table", ["cell", "cell_count"])
def test_the_database_takes_every_state_and_no_other(store, table):
    """Where a state was added without a migration, this fails."""
    with store.database.reading() as connection:
        rules = inspect(connection).get_check_constraints(table)
    (rule,) = [rule["sqltext"] for rule in rules if f"{table}_state_check" in str(rule["name"])]
    assert set(re.findall(r"'(\w+)'", rule)) == {*CellState}


@pytest.mark.parametrize("state", CellState)
def test_the_database_holds_each_state_to_its_facts(small, state):
    change = text("UPDATE cell SET state = :state, reason = :reason, hypotheses = :hypotheses WHERE identity = :cell")

    def takes(**values):
        try:
            with small.store.database.writing() as connection:
                connection.execute(change, {"state": state.value, "cell": small.cells[0].cell.id, **values})
        except IntegrityError:
            return False
        return True

    assert takes(reason="why", hypotheses="blob")
    assert takes(reason=None, hypotheses="blob") is not state.needs_reason
    assert takes(reason="why", hypotheses=None) is not state.is_translated


def test_the_mapped_rules_are_those_of_the_database(store):
    mapped = {rule.name: str(rule.sqltext) for rule in CellRow.__table__.constraints if hasattr(rule, "sqltext")}
    assert {"cell_state_check", "cell_reason_check", "cell_hypotheses_check"} <= mapped.keys()
    with store.database.reading() as connection:
        there = {rule["name"] for rule in inspect(connection).get_check_constraints("cell")}
    assert {f"cell_{name}_check" for name in mapped} == there, "as the first migration called them"
