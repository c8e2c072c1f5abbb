"""A grid with three test sets: each has the cells and numbers of a grid of its own, and nothing is taken together."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests.jobs.local_driver import plan_of

from dragoman import plugins
from dragoman.analysis.caption import caption_of
from dragoman.analysis.comparison import compare
from dragoman.analysis.pair_scores import pair_scores
from dragoman.analysis.partition_table import partition_table
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.system_ranking import rank
from dragoman.analysis.systems import model_names, systems
from dragoman.cell import CellState
from dragoman.errors import SpecError, StoreError
from dragoman.pair import Pair
from dragoman.planning.added_systems import add_system, baseline_of
from dragoman.planning.adoption import adopt
from dragoman.planning.plan import Plan
from dragoman.reports.results_by_test_set import answers_by_test_set
from dragoman.reports.slices import labels
from dragoman.settings import Settings
from dragoman.store.store import Store
from dragoman.store.transfer.exporter import export_grid
from dragoman.store.transfer.importer import import_grid
from dragoman.tables.render import Form, render
from dragoman.translations.base import TranslationError
from dragoman_jobs.driver.resume_plan import plan_from_store
from dragoman_jobs.engines.base import Hypothesis
from dragoman_jobs.testing import EchoEngine, LocalCluster, run_plan

NAMES = ["cldr", "dev", "talks"]
TALKS = [("Guten Morgen.", "Good morning."), ("Wie geht es dir?", "How are you?"), ("Bis bald!", "See you soon!")]
BOTH = [Pair("de", "en"), Pair("en", "de")]


class Forgetful(EchoEngine):
    """Leaves out letters of the sentence: which, depends on the model."""

    steps: ClassVar[dict[str, int]] = {}

    def translate(self, prompts: Sequence[str], batch_tokens: int | None = None) -> list[Hypothesis]:
        step = self.steps.setdefault(self.prepared.name, 5 - 3 * len(self.steps))
        answers = super().translate(prompts, batch_tokens)
        return [
            each._replace(text="".join(letter for place, letter in enumerate(each.text, 1) if place % step))
            for each in answers
        ]


class Mortal(LocalCluster):
    """A cluster that dies after so many calls."""

    def __init__(self, calls: int) -> None:
        super().__init__()
        self._left = calls

    def result(self, ref: Any) -> Any:
        self._left -= 1
        if self._left < 0:
            raise KeyboardInterrupt
        return super().result(ref)


class NoCluster(LocalCluster):
    """A cluster that nothing may be asked of."""

    def task(self, *arguments: Any, **options: Any) -> Any:
        raise AssertionError("a task was asked for")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "home").mkdir()
    return Settings(home=tmp_path / "home", workers=1)


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    real = plugins.load
    Forgetful.steps.clear()
    monkeypatch.setattr(plugins, "load", lambda group, name: Forgetful if group == "engines" else real(group, name))


def sets_of(tmp_path: Path) -> list[dict[str, Any]]:
    """CLDR's test and dev sentences, and a few of two languages in a table."""
    talks = tmp_path / "talks.tsv"
    talks.write_text("".join(f"{'	'.join(line)}\n" for line in [("de", "en"), *TALKS]))
    return [
        {"name": "cldr"},
        {"name": "dev", "split": "dev", "sentences": 4},
        {"name": "talks", "corpus": {"kind": "tsv", "path": {"test": str(talks)}}, "pairs": ["de-en", "en-de"]},
    ]


def planned(tmp_path: Path, *baselines: dict[str, Any], **changes: Any) -> Plan:
    folder = tmp_path / "other"
    folder.mkdir(exist_ok=True)
    (folder / "model.safetensors").write_bytes(b"other weights")
    evaluation = {
        "sentences": 6, "metrics": ["bleu", "chrf++"], "engine": "transformers", "test_sets": sets_of(tmp_path),
    }  # fmt: skip
    other = {"name": "other", "model": str(folder), "trained_on": ["de-en", "fr-en"]}
    return plan_of(tmp_path, models=[], baselines=[other, *baselines], **{"evaluation": evaluation, **changes})


def alone(tmp_path: Path, place: int) -> Plan:
    """The grid of one of the test sets, which has no name there."""
    test_set = {key: value for key, value in sets_of(tmp_path)[place].items() if key != "name"}
    evaluation = {"sentences": 6, "metrics": ["bleu", "chrf++"], "engine": "transformers", **test_set}
    return planned(tmp_path, name=f"alone-{place}", evaluation=evaluation)


def printed(store: Store, grid: str = "grid", **changes: Any) -> Any:
    question = ScoreQuestion(grid, "bleu", **changes)
    return json.loads(render(answers_by_test_set(store, question, models=model_names(store, grid)), Form.JSON))


def test_each_test_set_has_the_cells_and_numbers_of_a_grid_of_its_own(tmp_path: Path, settings: Settings) -> None:
    plan = planned(tmp_path)
    store = run_plan(plan, settings)
    cells = store.cells.of_grid("grid")
    assert {cell.state for cell in cells} == {CellState.DONE}
    assert Counter(cell.cell.test_set for cell in cells) == {
        test_set.id: 2 * pairs for test_set, pairs in zip(plan.test_sets, (6, 6, 2), strict=True)
    }
    assert list(store.grids.get("grid").test_sets.values()) == NAMES
    for place, name in enumerate(NAMES):
        own = alone(tmp_path, place)
        assert {cell.id for cell in own.cells()} < {cell.id for cell in plan.cells()}
        run_plan(own, settings, cluster=NoCluster())
        question, there = ScoreQuestion("grid", "chrf++", test_set=name), ScoreQuestion(own.spec.name, "chrf++")
        for model in ("base", "other"):
            for metric in ("bleu", "chrf++"):
                both = [pair_scores(store, replace(each, metric=metric), model=model) for each in (question, there)]
                assert both[0] == both[1]
        assert partition_table(store, question, model="base") == partition_table(store, there, model="base")
        assert rank(store, question, samples=200).systems == rank(store, there, samples=200).systems
        one, other = (compare(store, each, a="base", b="other", samples=200) for each in (question, there))
        assert (one.pairs, one.scopes, one.basis) == (other.pairs, other.scopes, other.basis)
        measured = caption_of(store, question, model="other")
        assert measured.test_set_name == name and measured.test_set.startswith(f"{name}, ")
        assert measured.model_copy(update={"test_set_name": None}) == caption_of(store, there, model="other")
        # the two grids are compared on the test set that both have, whatever it is called in each
        crossed = compare(store, question, a=f"{own.spec.name}/base", b="other", samples=200)
        assert crossed.pairs == one.pairs
    assert [system.model for system in systems(store, "grid")] == ["base", "other"]


def test_questions_are_about_the_first_unless_they_name_another(tmp_path: Path, settings: Settings) -> None:
    plan = planned(tmp_path)
    store = run_plan(plan, settings)
    question = ScoreQuestion("grid", "bleu")
    first, *others = (pair_scores(store, replace(question, test_set=name), model="base") for name in NAMES)
    assert pair_scores(store, question, model="base") == first and first not in others
    by_text = pair_scores(store, replace(question, test_set=plan.test_sets[2].id), model="base")
    assert by_text == others[1] and [score.pair for score in by_text] == BOTH
    with pytest.raises(StoreError, match=r"Grid 'grid' has no test set 'tals'; did you mean 'talks'\?"):
        pair_scores(store, replace(question, test_set="tals"), model="base")
    run_plan(alone(tmp_path, 0), settings)
    with pytest.raises(StoreError, match="no cells with test set 'talks'"):
        pair_scores(store, ScoreQuestion("alone-0", "bleu", test_set="talks"), model="base")
    with pytest.raises(StoreError, match="tested on different text"):
        compare(store, replace(question, test_set="talks"), a="alone-0/base", b="other")


def test_the_results_have_rows_of_each_test_set_and_none_of_two(tmp_path: Path, settings: Settings) -> None:
    store = run_plan(planned(tmp_path), settings)
    every = printed(store)
    for name, table in every.items():
        by_set = {test_set: printed(store, test_set=test_set)[name] for test_set in NAMES}
        rows = [{"test_set": test_set, **row} for test_set, found in by_set.items() for row in found]
        assert [{**row, "test_set": row.get("test_set")} for row in rows] == [
            {key: value for key, value in row.items() if key in (own := {**rows[at]}) or value is not None}
            for at, row in enumerate(table)
        ]
        if rows:
            assert own
    assert {row["test_set"] for row in every["partitions"]} == {*NAMES}
    assert {row["test_set"]: row["pairs"] for row in every["partitions"] if row["scope"] == "all"} == {
        "cldr": 6, "dev": 6, "talks": 2,
    }  # fmt: skip


@pytest.mark.parametrize("calls", [1, 4, 9, 20])
def test_a_run_that_is_killed_goes_on_where_it_was(tmp_path: Path, settings: Settings, calls: int) -> None:
    plan = planned(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        run_plan(plan, settings, cluster=Mortal(calls))
    store = Store.open(settings.store_url, settings.blobs_url)
    done = {cell.cell.id for cell in store.cells.of_grid("grid", state=CellState.DONE)}
    again = plan_from_store(store, "grid")
    assert again == plan and again.id == plan.id
    run_plan(again, settings)
    cells = store.cells.of_grid("grid")
    assert {cell.state for cell in cells} == {CellState.DONE} and len(cells) == 28
    assert all(cell.attempts == 1 for cell in cells if cell.cell.id in done)
    run_plan(planned(tmp_path), settings, cluster=NoCluster())


def test_an_exported_grid_comes_back_with_its_test_sets(tmp_path: Path, settings: Settings) -> None:
    store = run_plan(planned(tmp_path), settings)
    export_grid(store, "grid", tmp_path / "grid.dragoman")
    elsewhere = Store.open(f"sqlite:///{tmp_path}/elsewhere.db", f"file://{tmp_path}/blobs")
    import_grid(elsewhere, tmp_path / "grid.dragoman")
    assert elsewhere.grids.get("grid").test_sets == store.grids.get("grid").test_sets
    there, here = printed(elsewhere), printed(store)
    # the day of a run stays where it ran
    days = {row.pop("evaluated", None) for rows in here.values() for row in rows}
    assert len(days - {None}) == 1
    assert {row.pop("evaluated", None) for rows in there.values() for row in rows} == {None}
    assert there == here


def test_translations_from_files_are_of_one_test_set(tmp_path: Path, settings: Settings) -> None:
    store = run_plan(planned(tmp_path), settings)
    out = tmp_path / "out"
    out.mkdir()
    for name, side in (("de-en", 1), ("en-de", 0)):
        (out / f"{name}.txt").write_text("".join(f"{line[side]}\n" for line in TALKS))
    files = {"path": f"{out}/{{source}}-{{target}}.txt", "test_set": "talks"}
    add_system(store, "grid", baseline_of("file", files, "all"))
    by_command = printed(store)
    run_plan(planned(tmp_path), settings, cluster=NoCluster())  # what a command added stays
    assert "file" in model_names(store, "grid") and printed(store) == by_command
    export_grid(store, "grid", tmp_path / "grid.dragoman")
    exported = {"path": str(tmp_path / "grid.dragoman"), "format": "dragoman", "system": "other", "test_set": "talks"}
    assert add_system(store, "grid", baseline_of("copy", exported, "all"), dry_run=True).read.contents.keys() == {*BOTH}
    plan = planned(tmp_path, {"name": "file", "translations": files, "trained_on": "all"})
    run_plan(plan, settings, cluster=NoCluster())
    assert printed(store) == by_command
    rows = {(row["test_set"], row["model"]): row for row in by_command["partitions"] if row["scope"] == "all"}
    assert (rows["talks", "file"]["mean"], rows["talks", "file"]["done"]) == (100.0, 2)
    assert {name: rows[name, "file"]["done"] for name in ("cldr", "dev")} == {"cldr": 0, "dev": 0}
    reasons = {row["test_set"]: row["reason"] for row in by_command["reasons"] if row["model"] == "file"}
    assert reasons == dict.fromkeys(("cldr", "dev"), "its translations are of the test set talks")
    assert rank(store, ScoreQuestion("grid", "bleu", test_set="talks")).systems[0].system == "file"
    assert "file" in rank(store, ScoreQuestion("grid", "bleu")).notes[0]
    with pytest.raises(TranslationError, match=r"has no test set 'talk'; did you mean 'talks'\?"):
        add_system(store, "grid", baseline_of("file2", {**files, "test_set": "talk"}, "all"))
    with pytest.raises(SpecError, match="the lines of de-en are the same"):
        twice = [*sets_of(tmp_path), {**sets_of(tmp_path)[2], "name": "again"}]
        planned(tmp_path, evaluation={"sentences": 6, "test_sets": twice})


def test_files_of_one_name_in_two_folders_are_two_test_sets(tmp_path: Path, settings: Settings) -> None:
    sets = []
    for name in ("news", "chat"):
        (tmp_path / name).mkdir()
        lines = [("de", "en"), *((f"{one} {name}", f"{name} {two}") for one, two in TALKS)]
        (tmp_path / name / "test.tsv").write_text("".join(f"{one}\t{two}\n" for one, two in lines))
        sets.append({"name": name, "corpus": {"kind": "tsv", "path": {"test": str(tmp_path / name / "test.tsv")}}})
    languages = {"languages": ["de", "en"]}
    both = planned(tmp_path, evaluation={"test_sets": sets, "metrics": ["bleu"]}, **languages)
    store = run_plan(both, settings)
    assert len({test_set.id for test_set in both.test_sets}) == 2
    assert {cell.state for cell in store.cells.of_grid("grid")} == {CellState.DONE}
    for name, test_set in zip(("news", "chat"), both.test_sets, strict=True):
        scores = pair_scores(store, ScoreQuestion("grid", "bleu", test_set=name), model="base")
        cells = store.cells.of_grid("grid", Pair("de", "en"), both.base.id)
        (cell,) = (each for each in cells if each.cell.test_set == test_set.id)
        (own,) = (score.value for score in scores if score.pair == cell.cell.pair)
        assert own == store.cells.scores(cell.cell.id)[0].value
        assert store.blobs.test(str(cell.test))[1][0] == f"{name} {TALKS[0][1]}"
    # what is done under one name is found when the test set is the only one, and has none
    one = planned(tmp_path, name="one", evaluation={"corpus": sets[1]["corpus"], "metrics": ["bleu"]}, **languages)
    assert {cell.id for cell in adopt(one, store).cells()} < {cell.id for cell in both.cells()}


def test_a_plan_has_the_labels_of_every_test_set(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    table = labels(plan)
    for test_set in plan.test_sets:
        located = [line for pair in test_set.contents for line in test_set.lines.located(pair)]
        domains = Counter(value for line in located for name, value in line.labels if name == "domain")
        rows = [row for row in table.rows if row["test_set"] == test_set.name and row["label"] == "domain"]
        assert {row["value"]: row["lines"] for row in rows} == dict(domains)
        assert {row["of_lines"] for row in rows} <= {len(located)}
    assert {row["test_set"] for row in table.rows} == {"cldr", "dev"}
