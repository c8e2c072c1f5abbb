"""Pivot systems: two legs by one model, the first one re-used where it is a cell; the pivot chosen on dev."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml
from tests.jobs.local_driver import plan_of, trained

from dragoman import plugins
from dragoman.analysis.comparison import compare
from dragoman.analysis.partition_table import partition_table
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.systems import model_names
from dragoman.cell import CellState
from dragoman.corpora.factory import open_corpus
from dragoman.errors import ModelError, SpecError
from dragoman.model import Former
from dragoman.pair import Pair
from dragoman.planning.adoption import adopt
from dragoman.planning.plan import Plan
from dragoman.reports import plan as plan_tables
from dragoman.reports.results import answers
from dragoman.segment import Split
from dragoman.settings import Settings
from dragoman.spec.loading import load_spec
from dragoman.store.records import ModelRecord
from dragoman.store.store import Store
from dragoman_jobs.driver import trainings
from dragoman_jobs.engines.base import Hypothesis
from dragoman_jobs.evaluation.worker import Worker
from dragoman_jobs.testing import EchoEngine, LocalCluster, run_plan

LANGUAGES = ["en", "de", "fr", "ru"]


class Marking(EchoEngine):
    """Writes the pair it was asked for behind the sentence, and remembers every request."""

    asked: ClassVar[list[tuple[Pair, tuple[str, ...]]]] = []
    refuses: ClassVar[Pair | None] = None
    loses: ClassVar[str] = ""

    def translate_pair(self, pair: Pair, sources: Sequence[str], prompts: Sequence[str]) -> list[Hypothesis]:
        del prompts
        self.asked.append((pair, tuple(sources)))
        if pair == self.refuses:
            raise ModelError(f"there is no room for {pair}.")
        if self.loses in pair:
            return [Hypothesis(f"lost {pair}", "stop", 3) for _ in sources]
        return [Hypothesis(f"{source} {pair}", "stop", 3) for source in sources]


@pytest.fixture(autouse=True)
def marking(monkeypatch: pytest.MonkeyPatch) -> type[Marking]:
    real = plugins.load
    Marking.asked.clear()
    monkeypatch.setattr(Marking, "refuses", None)
    monkeypatch.setattr(Marking, "loses", "")
    monkeypatch.setattr(plugins, "load", lambda group, name: Marking if group == "engines" else real(group, name))
    monkeypatch.setattr(trainings, "train", trained)
    return Marking


def planned(tmp_path: Path, *pivots: dict[str, Any], **changes: Any) -> Plan:
    baselines = [{"name": f"pivot-{place}", "pivot": {"model": "base", **pivot}} for place, pivot in enumerate(pivots)]
    return plan_of(tmp_path, **{"models": [], "languages": LANGUAGES, "baselines": baselines, **changes})


def texts(store: Store, model: str) -> dict[str, list[str]]:
    return {
        str(cell.cell.pair): [line.text for line in store.blobs.translation(cell.hypotheses)]
        for cell in store.cells.of_grid("grid", model=model)
        if cell.hypotheses is not None
    }


def test_two_legs_are_what_the_engine_writes_one_after_the_other(tmp_path: Path, settings: Settings) -> None:
    plan = planned(tmp_path, {"through": "en"})
    (system,) = plan.pivots.values()
    found = texts(run_plan(plan, settings), system.identity.id)
    assert set(found) == {"de-fr", "de-ru", "fr-de", "fr-ru", "ru-de", "ru-fr"}
    sources = [segment.source for segment in open_corpus("cldr", {}).segments(Pair("de", "fr"), Split.TEST)][:3]
    assert found["de-fr"] == [f"{source} de-en en-fr" for source in sources]


def test_the_first_leg_is_decoded_once_where_it_is_a_cell(
    tmp_path: Path, settings: Settings, marking: type[Marking]
) -> None:
    run_plan(planned(tmp_path, {"through": "en"}), settings)
    # 12 cells of the base, and a second leg for each of the six pairs without English
    assert len(marking.asked) == 12 + 6
    assert sum(pair == Pair("de", "en") for pair, _ in marking.asked) == 1


def test_without_such_a_cell_a_worker_decodes_the_leg_once_for_all_pairs_from_a_language(
    tmp_path: Path, settings: Settings, marking: type[Marking]
) -> None:
    pairs = ["de-fr", "de-ru"]
    evaluation = {"sentences": 3, "metrics": ["bleu"], "engine": "transformers", "pairs": pairs}
    plan = planned(tmp_path, {"through": "en"}, evaluation=evaluation)
    alone = texts(run_plan(plan, settings, cluster=LocalCluster(cpus=1)), next(iter(plan.pivots)))
    assert [pair for pair, _ in marking.asked].count(Pair("de", "en")) == 1
    whole = planned(tmp_path, {"through": "en"})
    other = Settings(home=tmp_path / "other")
    assert alone.items() <= texts(run_plan(whole, other), next(iter(whole.pivots))).items()


def test_pairs_of_the_pivot_are_left_out_with_the_reason(tmp_path: Path, settings: Settings) -> None:
    plan = planned(tmp_path, {"through": "en"})
    (identity,) = plan.pivots
    cells = {str(cell.cell.pair): cell for cell in run_plan(plan, settings).cells.of_grid("grid", model=identity)}
    assert {pair for pair, cell in cells.items() if cell.state is CellState.MISSING} == {
        "de-en", "en-de", "en-fr", "en-ru", "fr-en", "ru-en",
    }  # fmt: skip
    assert cells["de-en"].reason == "en is a side of it: the pair itself is the direct translation"


def test_the_system_stands_beside_the_model_with_its_partitions_and_a_paired_test(
    tmp_path: Path, settings: Settings
) -> None:
    method = {"kind": "full", "learning_rate": 0.1, "steps": 2}
    models = [{"name": "one", "pairs": ["de-en", "fr-en", "en-fr"], "examples": 2, "method": method}]
    plan = planned(tmp_path, {"through": "en", "model": "one"}, models=models)
    (identity,) = plan.pivots
    store = run_plan(plan, settings)
    assert store.models.get(identity).graph.pairs == store.models.get(plan.trainings[0].identity.id).graph.pairs
    table = {row.scope: row for row in partition_table(store, ScoreQuestion("grid", "bleu"), model="pivot-0")}
    assert table["unseen"].done == 6 and table["all"].done == 6
    compared = compare(store, ScoreQuestion("grid", "bleu"), a="one", b="pivot-0")
    assert {str(each.pair) for each in compared.pairs} == {"de-fr", "de-ru", "fr-de", "fr-ru", "ru-de", "ru-fr"}


def test_the_best_pivot_of_each_pair_is_chosen_on_dev_once_and_kept(
    tmp_path: Path, settings: Settings, marking: type[Marking], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marking, "loses", "en")
    plan = planned(tmp_path, {"through": "best", "sentences": 4, "metric": "chrf"})
    (identity,) = plan.pivots
    store = run_plan(plan, settings)
    record = store.models.training(identity)
    assert record is not None
    assert record["through"]["de-fr"] == "ru" and record["dev"]["de-fr"].keys() == {"en", "ru"}
    assert record["through"]["en-de"] in {"fr", "ru"} and record["sentences"] == 4
    assert texts(store, identity)["de-fr"][0].endswith("de-ru ru-fr")
    tables = {
        each.name: each for each in answers(store, ScoreQuestion("grid", "bleu"), models=model_names(store, "grid"))
    }
    assert [row["pivot"] for row in tables["pivots"].content if row["pair"] == "de-fr"] == ["ru"]
    assert (
        "pivot-0: both legs by base, through the language that is best for the pair by chrf on 4 dev sentences"
        in " ".join(tables["partitions"].notes)
    )
    asked = len(marking.asked)
    run_plan(plan, settings)
    assert len(marking.asked) == asked


def test_killed_between_the_legs_the_rest_is_done_with_the_same_texts(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = planned(tmp_path, {"through": "best", "sentences": 2}, {"through": "fr"})
    whole = run_plan(plan, Settings(home=tmp_path / "whole"))
    real, left = Worker.run, 17

    def run(self: Worker, task: Any) -> Any:
        nonlocal left
        if (left := left - 1) < 0:
            raise KeyboardInterrupt
        return real(self, task)

    with monkeypatch.context() as patched:
        patched.setattr(Worker, "run", run)
        with pytest.raises(KeyboardInterrupt):
            run_plan(plan, settings)
    again = run_plan(plan, settings)
    for identity in (plan.base.id, *plan.pivots):
        assert {
            str(cell.cell.pair): (cell.hypotheses, cell.tokens) for cell in again.cells.of_grid("grid", model=identity)
        } == {
            str(cell.cell.pair): (cell.hypotheses, cell.tokens) for cell in whole.cells.of_grid("grid", model=identity)
        }


def test_a_leg_that_cannot_be_done_fails_its_pairs_in_a_sentence(
    tmp_path: Path, settings: Settings, marking: type[Marking], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marking, "refuses", Pair("en", "fr"))
    plan = planned(tmp_path, {"through": "en"})
    cells = {
        str(cell.cell.pair): cell
        for cell in run_plan(plan, settings).cells.of_grid("grid", model=next(iter(plan.pivots)))
    }
    assert cells["de-fr"].state is CellState.FAILED and cells["de-ru"].state is CellState.DONE
    assert cells["de-fr"].reason == "The second leg, en-fr, can't be translated: there is no room for en-fr."


def test_a_model_that_is_not_trained_fails_its_pivot_systems_too(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(task: Any) -> Any:
        raise ModelError("the base is an encoder-decoder.")
        yield

    monkeypatch.setattr(trainings, "train", broken)
    method = {"kind": "full", "learning_rate": 0.1, "steps": 2}
    models = [{"name": "one", "pairs": ["de-en"], "examples": 2, "method": method}]
    plan = planned(tmp_path, {"through": "en", "model": "one"}, models=models)
    cells = run_plan(plan, settings).cells.of_grid("grid", model=next(iter(plan.pivots)))
    assert {cell.reason for cell in cells if cell.state is CellState.FAILED} == {
        "its model one is not there: finetuning failed: the base is an encoder-decoder."
    }


def test_the_identity_is_of_model_pivot_and_choice(tmp_path: Path) -> None:
    ids = [*planned(tmp_path, {"through": "en"}, {"through": "fr"}, {"through": "best"}).pivots]
    ids += planned(tmp_path, {"through": "best", "sentences": 7}).pivots
    assert len(set(ids)) == 4
    assert [*planned(tmp_path, {"through": "en"}).pivots] == ids[:1]


@pytest.mark.parametrize(
    ("baseline", "said"),
    [
        (
            {"pivot": {"model": "base", "through": "fi"}},
            "baselines.0.pivot, which is not among its languages",
        ),
        ({"pivot": {"model": "basis", "through": "en"}}, "which it does not run; did you mean 'base'?"),
        ({"pivot": {"model": "base", "through": "best", "candidates": ["fi"]}}, "names fi in baselines.0.pivot"),
        (
            {"pivot": {"model": "base", "through": "en", "metric": "bleu"}},
            "has metric but goes through en",
        ),
        ({"pivot": {"model": "base", "through": "best", "candidates": ["en", "en"]}}, "must name each candidate once"),
        (
            {"pivot": {"model": "base", "through": "en"}, "shots": 2},
            "whose model says how it is asked, and shots",
        ),
        ({"pivot": {"model": "base", "through": "en"}, "trained_on": "all"}, "and trained_on; leave one out"),
        ({"pivot": {"model": "base"}}, "through"),
    ],
)
def test_a_pivot_that_can_not_be_is_refused_in_a_sentence(tmp_path: Path, baseline: dict[str, Any], said: str) -> None:
    spec = {
        "name": "grid", "base": "facebook/xglm-564M", "languages": LANGUAGES, "corpus": "cldr",
        "baselines": [{"name": "b", **baseline}],
    }  # fmt: skip
    file = tmp_path / "grid.yaml"
    file.write_text(yaml.safe_dump(spec))
    with pytest.raises(SpecError) as refused:
        load_spec(file)
    assert said in str(refused.value)


def test_a_pivot_without_pairs_and_two_that_are_the_same_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"baselines\.pivot-0: no pair is left .* is a side of it"):
        planned(tmp_path, {"through": "en"}, languages=["en", "de"])
    with pytest.raises(SpecError, match=r"baselines\.pivot-1 is the same system as pivot-0: leave one of them out"):
        planned(tmp_path, {"through": "en"}, {"through": "en"})


def test_the_plan_counts_what_is_left_out(tmp_path: Path) -> None:
    plan = planned(tmp_path, {"through": "en"})
    row = next(row for row in plan_tables.cells(plan, None).content if row["model"] == "pivot-0")
    assert (row["cells"], row["missing"], row["to_do"], row["prompt"]) == (12, 6, 6, "mfti")


def test_under_an_adopted_model_the_pivot_is_of_that_one(tmp_path: Path, settings: Settings) -> None:
    plan = planned(tmp_path, {"through": "en"})
    store = Store.open(settings.store_url, settings.blobs_url)
    former = plan.base.model_copy(update={"recipe": {**plan.base.recipe, "former": True}, "former": None})
    store.models.add(ModelRecord(id=former.id, name="base", recipe=former.recipe))
    base = plan.base.model_copy(update={"former": Former(recipe=former.recipe, unseen=0.0)})
    adopted = adopt(plan.model_copy(update={"base": base}), store)
    assert adopted.base.id == former.id
    (system,) = adopted.pivots.values()
    assert system.identity.parent == former.id and system.identity.id not in plan.pivots
