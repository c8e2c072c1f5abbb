"""Systems of a spec whose scores are quoted: planned, written without a cluster, and the same when they are added."""

from pathlib import Path
from typing import Any

import pytest
from tests.jobs.local_driver import plan_of

from dragoman import plugins
from dragoman.analysis.pair_scores import pair_scores
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.systems import model_names
from dragoman.cell import CellState
from dragoman.errors import SpecError
from dragoman.pair import Pair
from dragoman.planning.plan import Plan
from dragoman.planning.quoted_systems import add_scores, baseline_with_scores
from dragoman.quoted.table import QuotedScoreError
from dragoman.reports.plan import cells
from dragoman.settings import Settings
from dragoman_jobs.driver.resume_plan import plan_from_store
from dragoman_jobs.testing import EchoEngine, run_plan

TABLE = "lp\tBLEU\nde-en\t34.1\nen-de\t25\nen-fr\t30.5\n"
CITED = {"cite": "Doe 2026, table 5", "signature": "sacrebleu 13a"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "home").mkdir()
    return Settings(home=tmp_path / "home", workers=1)


@pytest.fixture(autouse=True)
def echo(monkeypatch: pytest.MonkeyPatch) -> None:
    real = plugins.load
    monkeypatch.setattr(plugins, "load", lambda group, name: EchoEngine if group == "engines" else real(group, name))


def planned(tmp_path: Path, *, content: str = TABLE, name: str = "paper", **changes: Any) -> Plan:
    (tmp_path / "scores.tsv").write_text(content)
    baseline = {"name": name, "scores": {"path": f"{tmp_path}/scores.tsv", **CITED}, **changes}
    return plan_of(tmp_path, models=[], baselines=[baseline])


def test_its_cells_are_quoted_and_the_others_as_without_it(tmp_path: Path, settings: Settings) -> None:
    plan = planned(tmp_path)
    store = run_plan(plan, settings)
    assert model_names(store, "grid") == ["base", "paper"]
    found = {str(each.pair): each for each in pair_scores(store, ScoreQuestion("grid", "bleu"), model="paper")}
    assert {pair: each.value for pair, each in found.items() if each.value} == {
        "de-en": 34.1, "en-de": 25.0, "en-fr": 30.5,
    }  # fmt: skip
    assert found["de-en"].state is CellState.QUOTED and found["fr-en"].state is CellState.MISSING
    assert found["fr-en"].reason == "Doe 2026, table 5 has no score of fr-en"
    base = {cell.state for cell in store.cells.of_grid("grid", model=plan.base.id)}
    assert base == {CellState.DONE}
    # all is done: the plan says so, and a run again changes nothing
    (row,) = (row for row in cells(plan, store).rows if row["model"] == "paper")
    assert (row["done"], row["missing"], row["to_do"], row["prompt"]) == (3, 3, 0, None)
    before = store.cells.of_grid("grid")
    assert run_plan(planned(tmp_path), settings).cells.of_grid("grid") == before


def test_a_spec_and_a_command_make_the_same_system_and_one_that_was_added_stays(
    tmp_path: Path, settings: Settings
) -> None:
    plan = planned(tmp_path)
    store = run_plan(plan_of(tmp_path, models=[], baselines=[]), settings)
    baseline = baseline_with_scores("paper", {"path": f"{tmp_path}/scores.tsv", **CITED}, "unknown")
    added = add_scores(store, "grid", baseline)
    assert added.read.identity.id == plan.baselines[0].identity.id
    own = {cell.id for cell in plan.cells() if cell.model == added.read.identity.id}
    assert {cell.cell.id for cell in store.cells.of_grid("grid", model=added.read.identity.id)} == own
    before = store.cells.of_grid("grid")
    again = run_plan(plan_of(tmp_path, models=[], baselines=[]), settings)
    assert again.cells.of_grid("grid") == before and model_names(again, "grid") == ["base", "paper"]


def test_the_plan_is_the_same_whatever_the_file_is_called_and_another_for_other_scores(
    tmp_path: Path, settings: Settings
) -> None:
    plan = planned(tmp_path)
    (tmp_path / "moved.tsv").write_text(TABLE)
    moved = {"name": "paper", "scores": {"path": f"{tmp_path}/moved.tsv", **CITED}}
    assert plan_of(tmp_path, models=[], baselines=[moved]).id == plan.id
    assert planned(tmp_path, content=TABLE.replace("25", "26")).id != plan.id


def test_a_table_that_changes_while_the_grid_runs_is_refused(tmp_path: Path, settings: Settings) -> None:
    store = run_plan(planned(tmp_path), settings)
    (tmp_path / "scores.tsv").write_text(TABLE.replace("25", "26"))
    with pytest.raises(SpecError, match="The scores of the system paper of the grid grid have changed"):
        plan_from_store(store, "grid")


def test_what_a_spec_says_wrongly_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has both translations and scores"):
        planned(tmp_path, translations="x.txt")
    for key, value in (("model", "facebook/x"), ("prompt", "mfti"), ("engine", "openai")):
        with pytest.raises(ValueError, match=f"has scores, so nothing is asked or decoded, and {key}"):
            planned(tmp_path, **{key: value})
    with pytest.raises(QuotedScoreError, match=r"scores.tsv, line 4, is of en-ja, which is no pair of the grid"):
        planned(tmp_path, content=TABLE.replace("en-fr", "en-ja"))
    baselines = [{"name": name, "scores": f"{tmp_path}/scores.tsv"} for name in ("one", "two")]
    (tmp_path / "scores.tsv").write_text(TABLE)
    with pytest.raises(SpecError, match=r"baselines.two: its scores are the same as those of the baseline one"):
        plan_of(tmp_path, models=[], baselines=baselines)


def test_its_training_graph_is_as_declared(tmp_path: Path, settings: Settings) -> None:
    store = run_plan(planned(tmp_path, trained_on=["de-en"]), settings)
    found = {each.pair: each.partition for each in pair_scores(store, ScoreQuestion("grid", "bleu"), model="paper")}
    assert found[Pair("de", "en")] == "seen" and found[Pair("en", "de")] == "reversed"
