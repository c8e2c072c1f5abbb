"""Systems whose translations are in files: the same numbers as through an engine, without a cluster."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests.jobs.local_driver import plan_of

from dragoman import plugins
from dragoman.analysis.caption import NOT_KNOWN, caption_of
from dragoman.analysis.comparison import compare
from dragoman.analysis.pair_scores import pair_scores
from dragoman.analysis.partition_table import partition_table
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.systems import model_names
from dragoman.cell import CellState
from dragoman.errors import SpecError
from dragoman.pair import Pair
from dragoman.planning.added_systems import add_system, baseline_of
from dragoman.planning.plan import Plan
from dragoman.planning.planner import make_plan
from dragoman.reports.results import answers
from dragoman.settings import Settings
from dragoman.store.store import Store
from dragoman.tables.render import Form, render
from dragoman.translations.base import TranslationError
from dragoman_jobs.driver.resume_plan import named, plan_from_store
from dragoman_jobs.engines.base import Hypothesis
from dragoman_jobs.testing import EchoEngine, LocalCluster, run_plan

TRAINED_ON = ["de-en", "fr-en"]


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


class NoCluster(LocalCluster):
    """A cluster that nothing may be asked of."""

    def worker(self, *arguments: Any, **options: Any) -> Any:
        raise AssertionError("a worker was asked for")

    def task(self, *arguments: Any, **options: Any) -> Any:
        raise AssertionError("a task was asked for")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Those of a home that is there, in which one process scores."""
    (tmp_path / "home").mkdir()
    return Settings(home=tmp_path / "home", workers=1)


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    real = plugins.load
    Forgetful.steps.clear()
    monkeypatch.setattr(plugins, "load", lambda group, name: Forgetful if group == "engines" else real(group, name))


def planned(tmp_path: Path, *baselines: dict[str, Any], **changes: Any) -> Plan:
    folder = tmp_path / "other"
    folder.mkdir(exist_ok=True)
    (folder / "model.safetensors").write_bytes(b"other weights")
    evaluation = {"sentences": 12, "metrics": ["bleu", "chrf++"], "engine": "transformers"}
    engine = {"name": "engine", "model": str(folder), "trained_on": TRAINED_ON}
    return plan_of(tmp_path, models=[], baselines=[engine, *baselines], **{"evaluation": evaluation, **changes})


def written(store: Store, model: str, folder: Path) -> dict[Pair, list[str]]:
    """A model's hypotheses as text files, one a pair, named by FLORES codes."""
    codes = {"en": "eng_Latn", "de": "deu_Latn", "fr": "fra_Latn"}
    folder.mkdir(exist_ok=True)
    found = {}
    (identity,) = (each.id for each in store.models.of_grid("grid") if each.name == model)
    for cell in store.cells.of_grid("grid", model=identity):
        pair = cell.cell.pair
        found[pair] = [line.text for line in store.blobs.translation(str(cell.hypotheses))]
        name = f"{codes[pair.source]}-{codes[pair.target]}.txt"
        (folder / name).write_text("".join(f"{line}\n" for line in found[pair]))
    return found


def system(tmp_path: Path, name: str = "file", **changes: Any) -> dict[str, Any]:
    return {
        "name": name, "translations": f"{tmp_path}/out/{{source}}-{{target}}.txt", "trained_on": TRAINED_ON, **changes,
    }  # fmt: skip


def printed(store: Store) -> str:
    question = ScoreQuestion("grid", "bleu")
    return render(answers(store, question, models=model_names(store, "grid")), Form.JSON)


def assert_equal_numbers(store: Store, one: str, other: str) -> None:
    """Scores, intervals, statistics, partitions and p-values of two systems, to the last digit."""
    ids = {model.name: model.id for model in store.models.of_grid("grid")}
    for a, b in zip(*(store.cells.of_grid("grid", model=ids[name]) for name in (one, other)), strict=True):
        assert (a.cell.pair, a.state, a.segments) == (b.cell.pair, b.state, b.segments)
        assert store.cells.scores(a.cell.id) == store.cells.scores(b.cell.id)
        assert all(score.statistics for score in store.cells.scores(b.cell.id))
    for metric in ("bleu", "chrf++"):
        question = ScoreQuestion("grid", metric)
        assert caption_of(store, question, model=other).decoding == NOT_KNOWN
        rows = [partition_table(store, question, model=name) for name in (one, other)]
        assert rows[0] == rows[1] and {row.scope for row in rows[0]} >= {"seen", "reversed", "all"}
        assert pair_scores(store, question, model=one) == pair_scores(store, question, model=other)
        found = [compare(store, question, a="base", b=name) for name in (one, other)]
        assert metric == "bleu" or all(0 < (pair.p_value or 0) < 1 for pair in found[0].pairs)
        # all but what is said of how they were made: of what is in files nobody knows
        said = {"b": other, "note": found[1].note, "caption_b": found[1].caption_b}
        assert found[0].model_copy(update=said) == found[1]
        made, read = found[0].caption_b, found[1].caption_b
        assert made is not None and read is not None and read.decoding == read.prompt == NOT_KNOWN
        assert made.model_copy(update={"decoding": NOT_KNOWN, "prompt": NOT_KNOWN}) == read


@pytest.mark.parametrize("way", ["spec", "command"])
def test_a_file_has_the_numbers_of_the_engine_that_wrote_it(tmp_path: Path, settings: Settings, way: str) -> None:
    store = run_plan(planned(tmp_path), settings)
    written(store, "engine", tmp_path / "out")
    if way == "spec":
        plan = planned(tmp_path, system(tmp_path))
        # all else is done: nothing is asked of a cluster
        store = run_plan(plan, settings, cluster=NoCluster())
        again = planned(tmp_path, system(tmp_path))
        assert (again.id, list(again.cells())) == (plan.id, list(plan.cells()))
    else:
        baseline = baseline_of("file", {"path": f"{tmp_path}/out/{{source}}-{{target}}.txt"}, TRAINED_ON)
        assert add_system(store, "grid", baseline).is_new
    assert model_names(store, "grid") == ["base", "engine", "file"]
    assert_equal_numbers(store, "engine", "file")
    (identity,) = (model.id for model in store.models.of_grid("grid") if model.name == "file")
    cells = store.cells.of_grid("grid", model=identity)
    assert {(cell.engine, cell.tokens, cell.attempts) for cell in cells} == {("files", 0, 0)}


def test_added_in_another_store_it_is_the_same_system(tmp_path: Path, settings: Settings) -> None:
    store = run_plan(planned(tmp_path), settings)
    written(store, "engine", tmp_path / "out")
    plan = planned(tmp_path, system(tmp_path))
    (tmp_path / "elsewhere").mkdir()
    other = run_plan(plan, Settings(home=tmp_path / "elsewhere", workers=1))
    baseline = baseline_of("file", {"path": f"{tmp_path}/out/{{source}}-{{target}}.txt"}, TRAINED_ON)
    added = add_system(store, "grid", baseline)
    assert added.read.identity.id == plan.baselines[1].identity.id
    assert [cell.cell.id for cell in added.cells] == [
        cell.cell.id for cell in other.cells.of_grid("grid", model=added.read.identity.id)
    ]
    assert printed(store) == printed(other)


def test_adding_it_again_changes_nothing(tmp_path: Path, settings: Settings) -> None:
    store = run_plan(planned(tmp_path), settings)
    written(store, "engine", tmp_path / "out")
    baseline = baseline_of("file", {"path": f"{tmp_path}/out/{{source}}-{{target}}.txt"}, TRAINED_ON)
    first = add_system(store, "grid", baseline)
    before, blobs = printed(store), {blob.address for blob in store.blobs.stored()}
    cells = store.cells.of_grid("grid")
    again = add_system(store, "grid", baseline)
    assert (again.read, again.is_new) == (first.read, False)
    assert printed(store) == before
    assert store.cells.of_grid("grid") == cells
    assert {blob.address for blob in store.blobs.stored()} == blobs


def test_it_stays_when_the_spec_is_run_again_as_long_as_it_is_comparable(tmp_path: Path, settings: Settings) -> None:
    store = run_plan(planned(tmp_path), settings)
    written(store, "engine", tmp_path / "out")
    baseline = baseline_of("file", {"path": f"{tmp_path}/out/{{source}}-{{target}}.txt"}, TRAINED_ON)
    add_system(store, "grid", baseline)
    before = printed(store)
    store = run_plan(planned(tmp_path), settings)
    assert printed(store) == before
    # a grid of other test sentences, or whose spec names another system so, has it no more
    fewer = {"sentences": 5, "metrics": ["bleu", "chrf++"], "engine": "transformers"}
    assert model_names(run_plan(planned(tmp_path, evaluation=fewer), settings), "grid") == ["base", "engine"]
    store = run_plan(planned(tmp_path), settings)
    assert model_names(store, "grid") == ["base", "engine"]
    add_system(store, "grid", baseline)
    assert printed(store) == before
    # one that a spec named and names no more is dropped
    run_plan(planned(tmp_path, system(tmp_path)), settings)
    assert model_names(run_plan(planned(tmp_path), settings), "grid") == ["base", "engine"]


def test_what_was_broken_off_is_done_by_the_same_command(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = run_plan(planned(tmp_path), settings)
    written(store, "engine", tmp_path / "out")
    baseline = baseline_of("file", {"path": f"{tmp_path}/out/{{source}}-{{target}}.txt"}, TRAINED_ON)

    def break_off(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        add_system(store, "grid", baseline, advance=break_off)
    states = [cell.state for cell in store.cells.of_grid("grid")]
    assert (states.count(CellState.DONE), states.count(CellState.PLANNED)) == (14, 4)
    # a run of the grid leaves what is half-done aside, and is not kept waiting by it
    add_system(store, "grid", baseline)
    assert_equal_numbers(store, "engine", "file")


def test_pairs_without_a_file_are_missing_with_the_reason(tmp_path: Path, settings: Settings) -> None:
    store = run_plan(planned(tmp_path), settings)
    written(store, "engine", tmp_path / "out")
    (tmp_path / "out" / "deu_Latn-eng_Latn.txt").unlink()
    plan = planned(tmp_path, system(tmp_path, trained_on="unknown"))
    store = run_plan(plan, settings)
    cells = {str(cell.cell.pair): cell for cell in store.cells.of_grid("grid", model=plan.baselines[1].identity.id)}
    assert cells["de-en"].state is CellState.MISSING
    assert cells["de-en"].reason == f"{tmp_path}/out has no file of translations of de-en"
    assert {cell.state for name, cell in cells.items() if name != "de-en"} == {CellState.DONE}
    # what it was trained on is unknown, and shown so
    rows = partition_table(store, ScoreQuestion("grid", "bleu"), model="file")
    assert [(row.scope, row.done, row.pairs) for row in rows] == [("unknown", 5, 6), ("all", 5, 6)]


def test_a_second_reference_is_a_system_too(tmp_path: Path, settings: Settings) -> None:
    store = run_plan(planned(tmp_path), settings)
    (tmp_path / "out").mkdir()
    for cell in store.cells.of_grid("grid", model=planned(tmp_path).base.id):
        _, references = store.blobs.test(str(cell.test))
        (tmp_path / "out" / f"{cell.cell.pair}.txt").write_text("".join(f"{line}\n" for line in references))
    baseline = baseline_of("human-b", {"path": f"{tmp_path}/out/{{source}}-{{target}}.txt"}, "unknown")
    add_system(store, "grid", baseline)
    found = pair_scores(store, ScoreQuestion("grid", "bleu"), model="human-b")
    assert [score.value for score in found] == pytest.approx([100.0] * 6)


def test_few_shot_prompts_do_not_keep_it_from_its_pairs(tmp_path: Path, settings: Settings) -> None:
    """Pairs without examples are missing for what is asked with a prompt, and for nothing else."""
    for split, rows in (("dev", ["eins\tone\t"]), ("test", ["Haus\thouse\tmaison", "Hund\tdog\tchien"])):
        (tmp_path / f"{split}.tsv").write_text("".join(f"{row}\n" for row in ["de\ten\tfr", *rows]))
    corpus = {"kind": "tsv", "path": {split: f"{tmp_path}/{split}.tsv" for split in ("dev", "test")}}
    (tmp_path / "out").mkdir()
    for pair, lines in (("de-fr", "une maison\nun chien\n"), ("de-en", "a house\na dog\n")):
        (tmp_path / "out" / f"{pair}.txt").write_text(lines)
    evaluation = {"metrics": ["bleu"], "engine": "transformers", "pairs": ["de-fr", "de-en"]}
    prompt = {"template": "[X]: {source}", "shots": 1}
    plan = planned(tmp_path, system(tmp_path), corpus=corpus, evaluation=evaluation, prompt=prompt)
    store = run_plan(plan, settings)
    states = {(cell.cell.model, str(cell.cell.pair)): cell.state for cell in store.cells.of_grid("grid")}
    assert states[plan.base.id, "de-fr"] is CellState.MISSING
    assert states[plan.baselines[1].identity.id, "de-fr"] is CellState.DONE


def test_files_that_change_between_plan_and_run_are_refused(tmp_path: Path, settings: Settings) -> None:
    store = run_plan(planned(tmp_path), settings)
    written(store, "engine", tmp_path / "out")
    plan = planned(tmp_path, system(tmp_path))
    (tmp_path / "out" / "deu_Latn-eng_Latn.txt").write_text("other\n" * 12)
    with pytest.raises(TranslationError, match=r"deu_Latn-eng_Latn.txt has been changed since it was read"):
        run_plan(plan, settings)


def test_a_grid_is_resumed_with_the_files_that_it_was_begun_with(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(run_plan(planned(tmp_path), settings), "engine", tmp_path / "out")
    spec = planned(tmp_path, system(tmp_path)).spec
    placed = spec.baselines[1].translations
    assert placed is not None
    relative = placed.model_copy(update={"path": "out/{source}-{target}.txt"}).found_in([tmp_path])
    baselines = (spec.baselines[0], spec.baselines[1].model_copy(update={"translations": relative}))
    plan = make_plan(spec.model_copy(update={"baselines": baselines}))
    store = run_plan(plan, settings)
    monkeypatch.chdir("/")
    again = plan_from_store(store, "grid")
    assert (again.id, [cell.id for cell in again.cells()]) == (plan.id, [cell.id for cell in plan.cells()])
    # from another folder it is the same spec
    file = tmp_path / "grid.yaml"
    content = spec.model_dump(mode="json", exclude_defaults=True)
    content["baselines"][1]["translations"] = "out/{source}-{target}.txt"
    file.write_text(json.dumps(content))
    assert named(store, str(file)) == "grid"
    (tmp_path / "out" / "deu_Latn-eng_Latn.txt").write_text("other\n" * 12)
    with pytest.raises(SpecError, match="The translations of the system file of the grid grid have changed"):
        plan_from_store(store, "grid")


def test_names_and_contents_that_are_there_already(tmp_path: Path, settings: Settings) -> None:
    store = run_plan(planned(tmp_path), settings)
    written(store, "engine", tmp_path / "out")
    path = {"path": f"{tmp_path}/out/{{source}}-{{target}}.txt"}
    with pytest.raises(TranslationError, match="has another system called 'engine'"):
        add_system(store, "grid", baseline_of("engine", path, "unknown"))
    add_system(store, "grid", baseline_of("file", path, "unknown"))
    with pytest.raises(TranslationError, match="has these translations already: they are its system 'file'"):
        add_system(store, "grid", baseline_of("other", path, "unknown"))
    with pytest.raises(SpecError, match="its translations are the same as those of the baseline file"):
        planned(tmp_path, system(tmp_path), system(tmp_path, "twice"))
    with pytest.raises(SpecError, match=r"The system can't be added: name .*no/name"):
        baseline_of("no/name", path, "unknown")


def test_what_the_store_holds_of_it(tmp_path: Path, settings: Settings) -> None:
    """The recipe is the content alone: neither folder, nor name, nor format."""
    store = run_plan(planned(tmp_path), settings)
    lines = written(store, "engine", tmp_path / "out")
    rows = [
        {"pair": str(pair), "hypothesis": line, "line": number}
        for pair, texts in reversed(lines.items())
        for number, line in enumerate(texts)
    ]
    path = f"{tmp_path}/out/{{source}}-{{target}}.txt"
    table = tmp_path / "table.jsonl"
    table.write_text("".join(f"{json.dumps(row)}\n" for row in reversed(rows)))
    one = add_system(store, "grid", baseline_of("one", {"path": path}, "unknown"), dry_run=True)
    other = add_system(store, "grid", baseline_of("other", {"path": str(table)}, "unknown"), dry_run=True)
    assert one.read.identity.id == other.read.identity.id
    assert list(one.read.identity.recipe) == ["translations"]
    assert model_names(store, "grid") == ["base", "engine"]
