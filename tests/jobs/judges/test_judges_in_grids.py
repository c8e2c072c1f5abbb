"""A grid that a judge scores: what is paid for, where the money ends, and an endpoint that answers nonsense."""

from pathlib import Path
from typing import Any

from tests.jobs.judges.conftest import JudgeServer
from tests.jobs.local_driver import plan_of

from dragoman.analysis.partition_table import partition_table
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.cell import CellState
from dragoman.metrics.lookup import metric_class
from dragoman.metrics.serialization import unpack
from dragoman.metrics.span_serialization import unpack_spans
from dragoman.pair import Pair
from dragoman.planning.plan import Plan
from dragoman.settings import Settings
from dragoman.spec.promotion import Promotion, Rule
from dragoman.store.records import StoredScore
from dragoman.store.store import Store
from dragoman_jobs.testing import EchoEngine, run_plan
from dragoman_registry.gate.evidence import gate

JUDGE = {"metric": "gemba-mqm", "name": "one", "model": "judge-1"}


def planned(tmp_path: Path, **options: Any) -> Plan:
    evaluation = {"sentences": 4, "metrics": ["bleu", JUDGE | options], "engine": "transformers"}
    return plan_of(tmp_path, models=[], evaluation=evaluation)


def judged(store: Store) -> dict[str, StoredScore]:
    return {
        str(cell.cell.pair): score
        for cell in store.cells.of_grid("grid")
        for score in store.cells.scores(cell.cell.id)
        if score.metric == "gemba-mqm:one"
    }


def said(store: Store) -> list[str]:
    return [
        line.text for job in store.jobs.of_grid("grid") for line in store.jobs.lines(job.id) if "gemba" in line.text
    ]


def marking(asked: dict[str, Any]) -> str:
    """A major error in the first two characters into German; nothing that can be read into French."""
    turn = asked["messages"][-1]["content"]
    if "French translation" in turn:
        return "I'd rather not."
    if "German translation" not in turn:
        return "no-error"
    text = turn.split("German translation:\n```")[1]
    return f'Critical:\nno-error\nMajor:\nfluency/grammar - "{text[:2]}"\nMinor:\nno-error'


def test_scores_spans_and_what_cannot_be_read(
    server: JudgeServer, tmp_path: Path, settings: Settings, stub: type[EchoEngine]
) -> None:
    server.reply = marking
    store = run_plan(planned(tmp_path, retries=0), settings)
    found = judged(store)
    assert {pair: score.value for pair, score in found.items()} == {
        "en-de": 80, "fr-de": 80, "de-en": 100, "fr-en": 100,
    }  # fmt: skip
    score = found["en-de"]
    assert score.signature.startswith("judge:judge-1|revision:unknown|template:")
    assert score.signature.endswith("|retries:0|empty:0")
    assert unpack(score.statistics or b"").tolist() == [[80, 1]] * 4
    spans = unpack_spans(score.spans or b"", 4)
    assert [[(each.start, each.end, each.severity) for each in of_line] for of_line in spans] == [[(0, 2, "major")]] * 4
    assert unpack_spans(found["de-en"].spans or b"") == [()] * 4
    assert {row.note for row in partition_table(store, ScoreQuestion("grid", "gemba-mqm:one"), model="base")} == {None}
    cells = {str(cell.cell.pair): cell for cell in store.cells.of_grid("grid")}
    assert {cell.state for cell in cells.values()} == {CellState.DONE}
    paid = len(server.requests)
    assert judged(run_plan(planned(tmp_path, retries=0), settings)) == found
    assert len(server.requests) == paid


def test_unreadable_answers_are_said_beside_the_means(
    server: JudgeServer, tmp_path: Path, settings: Settings, stub: type[EchoEngine]
) -> None:
    seen: list[str] = []

    def every_fourth(asked: dict[str, Any]) -> str:
        seen.append(asked["messages"][-1]["content"])
        return "Well." if len(seen) % 4 == 0 else "no-error"

    server.reply = every_fourth
    store = run_plan(planned(tmp_path, retries=0), settings)
    rows = partition_table(store, ScoreQuestion("grid", "gemba-mqm:one"), model="base")
    asked, lost = len(seen), len(seen) // 4
    assert asked == 6 * 4 and rows[-1].mean == 100  # of those that could be read
    said = f"gemba-mqm:one has no score of {lost} of {asked} translations ({lost / asked:.1%}), as no answer could"
    assert said in (rows[-1].note or "")


def test_a_budget_ends_the_judging_and_the_grid_goes_on(
    server: JudgeServer, tmp_path: Path, settings: Settings, stub: type[EchoEngine]
) -> None:
    server.reply = lambda asked: "no-error"
    store = run_plan(planned(tmp_path, budget=10), settings)
    assert len(server.requests) == 10
    assert 0 < len(judged(store)) < 6
    assert {cell.state for cell in store.cells.of_grid("grid")} == {CellState.DONE}  # by bleu
    assert any("judge-1 has cost 10.00, and its budget is 10" in line for line in said(store))
    store = run_plan(planned(tmp_path, budget=1000), settings)
    assert len(judged(store)) == 6
    asked = [each["messages"][-1]["content"] for each in server.requests]
    assert len(asked) == len(set(asked))


def test_a_nonsense_endpoint_is_one_sentence_and_the_grid_goes_on(
    server: JudgeServer, tmp_path: Path, settings: Settings, stub: type[EchoEngine]
) -> None:
    server.whole = "<html>nothing to see</html>"
    store = run_plan(planned(tmp_path), settings)
    assert judged(store) == {}
    assert {cell.state for cell in store.cells.of_grid("grid")} == {CellState.DONE}
    (sentence,) = said(store)
    assert "does not speak OpenAI's protocol" in sentence and "\n" not in sentence and "sk-not" not in sentence
    server.whole, server.reply = None, lambda asked: "no-error"
    assert len(judged(run_plan(planned(tmp_path), settings))) == 6


def test_a_gate_with_a_rule_of_a_judge_decides_as_computed_by_hand(
    server: JudgeServer, tmp_path: Path, settings: Settings, stub: type[EchoEngine]
) -> None:
    server.reply = marking
    store = run_plan(planned(tmp_path, retries=0), settings)
    grid = store.grids.get("grid")
    # into German 80, into English 100: the mean of these four is 90, and into French nothing can be read
    for rule, value, passed in (
        (Rule(metric="gemba-mqm:one", over="en-de", at_least=80), 80, True),
        (Rule(metric="gemba-mqm:one", over="en-de", at_least=80.1), 80, False),
        (Rule(metric="gemba-mqm:one", over="all", at_least=90), 90, True),
        (Rule(metric="gemba-mqm:one", over="all", at_least=90.1), 90, False),
    ):
        policy = Promotion(model="m", rules=(rule,), coverage=0.5)
        (finding,) = gate(store, grid, "base", policy, None).findings
        assert (finding.value, finding.passed) == (value, passed)
    kind = metric_class("gemba-mqm:one")
    assert kind is not None and kind(Pair("en", "de")).higher_is_better
