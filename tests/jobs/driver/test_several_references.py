"""Test lines with several references: scored by all of them as sacreBLEU does, and one of them as a system."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER
from tests.jobs.local_driver import plan_of

from dragoman import plugins
from dragoman.analysis.partition_table import partition_table
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.cell import CellState
from dragoman.errors import DragomanError
from dragoman.pair import Pair
from dragoman.planning.plan import Plan
from dragoman.settings import Settings
from dragoman.store.maintenance.rescoring import rescore
from dragoman.store.records import StoredScore
from dragoman.store.store import Store
from dragoman.store.transfer.exporter import export_grid
from dragoman.store.transfer.importer import import_grid
from dragoman.translations.base import TranslationError
from dragoman_jobs.testing import EchoEngine, run_plan

EN_DE, EN_FR = Pair("en", "de"), Pair("en", "fr")
METRICS = {"bleu": BLEU(), "chrf++": CHRF(word_order=2), "ter": TER()}
ENGLISH = [f"The {noun} is here ." for noun in ("cat", "dog", "horse", "bird")]
GERMAN = [f"Die {noun} ist hier ." for noun in ("Katze", "Hunde", "Pferde", "Vögel")]
SECOND = ["Da ist die Katze .", "Hier steht der Hund .", "", "Der Vogel ist hier ."]
THIRD = ["Hier ist eine Katze .", "", "", "Da sitzt ein Vogel ."]
FRENCH = [f"Le {noun} est ici ." for noun in ("chat", "chien", "cheval", "oiseau")]
SYSTEM = ["Da ist eine Katze .", "Der Hund ist da .", "Das Pferd ist hier .", "Der Vogel ist hier ."]


@pytest.fixture(autouse=True)
def echoes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models answer with their prompts."""
    real = plugins.load
    monkeypatch.setattr(plugins, "load", lambda group, name: EchoEngine if group == "engines" else real(group, name))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "home").mkdir()
    return Settings(home=tmp_path / "home", workers=1)


def planned(tmp_path: Path, *baselines: Mapping[str, Any], references: int, second: list[str] = SECOND) -> Plan:
    """A grid from English whose German has three columns and whose French has one."""
    rows = zip(["en", *ENGLISH], ["de", *GERMAN], ["b", *second], ["c", *THIRD], ["fr", *FRENCH], strict=True)
    (tmp_path / "test.tsv").write_text("".join("\t".join(row) + "\n" for row in rows))
    (tmp_path / "out").mkdir(exist_ok=True)
    for code in ("de", "fr"):
        (tmp_path / "out" / f"en-{code}.txt").write_text("".join(f"{line}\n" for line in SYSTEM))
    corpus = {
        "kind": "tsv", "path": {"test": str(tmp_path / "test.tsv")}, "references": references,
        "columns": {"en": "en", "de": ["de", "b", "c"], "fr": "fr"},
    }  # fmt: skip
    system = {"name": "system", "translations": f"{tmp_path}/out/{{source}}-{{target}}.txt"}
    evaluation = {
        "corpus": corpus, "metrics": [*METRICS, "off_target"], "engine": "transformers", "pairs": ["en-de", "en-fr"],
    }  # fmt: skip
    return plan_of(tmp_path, models=[], baselines=[system, *baselines], evaluation=evaluation)


def scores_of(store: Store, name: str, pair: Pair = EN_DE) -> dict[str, StoredScore]:
    (identity,) = (model.id for model in store.models.of_grid("grid") if model.name == name)
    (cell,) = (cell for cell in store.cells.of_grid("grid", model=identity) if cell.cell.pair == pair)
    return {score.metric: score for score in store.cells.scores(cell.cell.id)}


def assert_scores(found: Mapping[str, StoredScore], hypotheses: list[str], *columns: list[str]) -> None:
    """Scores and signatures are sacreBLEU's own, where an empty reference is one that is not there."""
    references = [[text or None for text in column] for column in columns]
    for name, metric in METRICS.items():
        expected = metric.corpus_score(hypotheses, references)
        assert found[name].value == expected.score
        assert found[name].signature == str(metric.get_signature())


@pytest.mark.parametrize(("count", "signature"), [(1, "nrefs:1"), (2, "nrefs:var"), (3, "nrefs:var")])
def test_scores_are_sacrebleus_by_all_references(
    tmp_path: Path, settings: Settings, count: int, signature: str
) -> None:
    store = run_plan(planned(tmp_path, references=count), settings)
    found = scores_of(store, "system")
    assert_scores(found, SYSTEM, *[GERMAN, SECOND, THIRD][:count])
    assert found["bleu"].signature.startswith(signature)
    assert scores_of(store, "base")["bleu"].signature == found["bleu"].signature
    assert_scores(scores_of(store, "system", EN_FR), SYSTEM, FRENCH)  # French has one whatever is chosen
    assert (
        found["off_target"].value
        == scores_of(run_plan(planned(tmp_path, references=1), settings), "system")["off_target"].value
    )  # it looks at one reference
    (row,) = (
        row for row in partition_table(store, ScoreQuestion("grid", "bleu"), model="system") if row.scope == "all"
    )
    assert row.pairs == 2


def test_the_same_number_of_references_on_every_line(tmp_path: Path, settings: Settings) -> None:
    full = ["Da ist die Katze .", "Hier steht der Hund .", "Das Ross ist hier .", "Der Vogel ist hier ."]
    store = run_plan(planned(tmp_path, references=2, second=full), settings)
    assert_scores(scores_of(store, "system"), SYSTEM, GERMAN, full)
    assert scores_of(store, "system")["chrf++"].signature.startswith("nrefs:2|")


def test_cells_without_further_references_are_those_of_before(tmp_path: Path) -> None:
    one, two = (planned(tmp_path, references=count) for count in (1, 2))
    cells = [{(cell.model, cell.pair): cell.id for cell in plan.cells()} for plan in (one, two)]
    assert {key for key in cells[0] if cells[0][key] == cells[1][key]} == {key for key in cells[0] if key[1] == EN_FR}


def test_what_was_scored_is_found_when_it_is_scored_again(tmp_path: Path, settings: Settings) -> None:
    store = run_plan(planned(tmp_path, references=2), settings)
    (again, new) = rescore(store, "grid", ["bleu", "chrf"])
    assert (again.scored, again.already) == (0, 4) and (new.scored, new.already) == (4, 0)
    expected = CHRF().corpus_score(SYSTEM, [GERMAN, [text or None for text in SECOND]])
    assert scores_of(store, "system")["chrf"].value == expected.score


def test_further_references_go_through_export_and_import(tmp_path: Path, settings: Settings) -> None:
    store = run_plan(planned(tmp_path, references=3), settings)
    export_grid(store, "grid", tmp_path / "grid.zip")
    other = Store.open(f"sqlite:///{tmp_path}/other.db", f"file://{tmp_path}/other-blobs")
    import_grid(other, tmp_path / "grid.zip")
    assert scores_of(other, "system") == scores_of(store, "system")
    (cell,) = (each for each in other.cells.of_grid("grid")[:2] if each.cell.pair == EN_DE)
    assert other.blobs.test_text(str(cell.test)).further == [
        (SECOND[0], THIRD[0]), (SECOND[1],), (), (SECOND[3], THIRD[3]),
    ]  # fmt: skip
    # and a system can be read from it
    again = {"name": "again", "translations": {"path": str(tmp_path / "grid.zip"), "system": "system"}}
    with pytest.raises(DragomanError, match="its translations are the same as those of the baseline system"):
        planned(tmp_path, again, references=3)


HUMAN = {"name": "human", "translations": {"reference": 2}, "trained_on": "unknown"}


def test_a_reference_is_a_system_that_is_scored_against_the_others(tmp_path: Path, settings: Settings) -> None:
    full = ["Da ist die Katze .", "Hier steht der Hund .", "Das Ross ist hier .", "Der Vogel ist hier ."]
    plan = planned(tmp_path, HUMAN, references=1, second=full)
    store = run_plan(plan, settings)
    assert_scores(scores_of(store, "human"), full, GERMAN)
    assert_scores(scores_of(store, "system"), SYSTEM, GERMAN)  # under the same signature, so they can be compared
    (identity,) = (model.id for model in store.models.of_grid("grid") if model.name == "human")
    states = {cell.cell.pair: (cell.state, cell.reason) for cell in store.cells.of_grid("grid", model=identity)}
    assert states[EN_FR] == (CellState.MISSING, "the corpus has no reference 2 of en-fr")
    again = planned(tmp_path, HUMAN, references=1, second=full)
    assert (again.id, list(again.cells())) == (plan.id, list(plan.cells()))


def test_a_reference_is_not_scored_against_itself(tmp_path: Path) -> None:
    with pytest.raises(
        TranslationError,
        match=r"baselines.human.translations.reference is 2, and systems are scored against 2 references: none is",
    ):
        planned(tmp_path, HUMAN, references=2)
    with pytest.raises(TranslationError, match=r"the corpus has no reference 2 of line 3"):
        planned(tmp_path, HUMAN, references=1)  # of one line it is not there
    with pytest.raises(TranslationError, match=r"the corpus has no reference 4 of en-de"):
        planned(tmp_path, {**HUMAN, "translations": {"reference": 4}}, references=1)


@pytest.mark.parametrize(
    ("translations", "words"),
    [
        ({"reference": 1}, "greater than or equal to 2"),
        ({"reference": 2, "path": "x.txt"}, "has a reference of the test set, which is in no file"),
        ({"format": "text"}, "has neither a path nor a reference"),
    ],
)
def test_a_reference_stands_alone(tmp_path: Path, translations: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        planned(tmp_path, {**HUMAN, "translations": translations}, references=1)


def test_a_corpus_of_one_reference_has_no_second(tmp_path: Path) -> None:
    with pytest.raises(DragomanError, match="this kind of corpus has one of each"):
        plan_of(tmp_path, models=[], baselines=[HUMAN])
