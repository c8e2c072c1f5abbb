"""Plans of several test sets: training text is held against each, and the tables of a plan tell them apart."""

from pathlib import Path
from typing import Any

import pytest

from dragoman.pair import Pair
from dragoman.planning.manifest import manifest_path, prepare
from dragoman.planning.plan import Plan
from dragoman.planning.planner import make_plan
from dragoman.planning.training_data import (
    ContaminationError,
    check_contamination,
    contamination_records,
    draw_examples,
)
from dragoman.reports import plan as report
from dragoman.reports import planned_test_sets
from dragoman.spec.grid import GridSpec

NEWS = [
    "Der Bürgermeister eröffnet die neue Brücke.\tThe mayor opens the new bridge.",
    "Die Preise für Kaffee steigen weiter.\tCoffee prices keep rising.",
    "Im Norden wird morgen Schnee erwartet.\tSnow is expected up north tomorrow.",
]
TALKS = [
    "Meine Großmutter kannte jeden Vogel im Wald.\tMy grandmother knew every bird in the forest.",
    "Wir haben drei Jahre lang gar nichts gefunden.\tFor three years we found nothing at all.",
    "Stellen Sie sich eine Stadt ohne Autos vor.\tImagine a city without cars.",
    "Danke, das war meine Geschichte.\tThank you, that was my story.",
    "Niemand lacht, wenn der Lehrer Witze erzählt.\tNobody laughs when teachers tell jokes.",
    "Ein Computer kann nicht traurig sein.\tComputers can not be sad.",
]
OWN = [
    "Bitte schließen Sie die Tür leise.\tPlease close the door quietly.",
    "Sieben Katzen schlafen auf dem Dach.\tSeven cats sleep on the roof.",
    "Das Rezept verlangt zwei Eier und Mehl.\tThe recipe asks for two eggs and flour.",
    "Gestern verpasste ich den letzten Zug.\tYesterday I missed the last train.",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Training text with two sentences of the talks, and none of the news."""
    for name, lines in (("train", [*OWN, *TALKS[:2]]), ("news", NEWS), ("talks", TALKS)):
        (tmp_path / f"{name}.tsv").write_text("de\ten\n" + "".join(f"{line}\n" for line in lines))
    return tmp_path


def planned(folder: Path, **changes: Any) -> Plan:
    sets = [
        {"name": name, "corpus": {"kind": "tsv", "path": {"test": f"{folder}/{name}.tsv"}}}
        for name in ("news", "talks")
    ]
    content = {
        "name": "g", "base": "facebook/xglm-564M", "languages": ["de", "en"],
        "corpus": {"kind": "tsv", "path": {"train": f"{folder}/train.tsv"}},
        "models": [{"name": "m", "pairs": ["de-en"], "examples": 100,
                    "method": {"kind": "full", "learning_rate": 0.1, "steps": 2}}],
        "evaluation": {"test_sets": sets},
    }  # fmt: skip
    return prepare(make_plan(GridSpec.model_validate({**content, **changes})), folder / "home")


def test_training_text_is_searched_for_the_sentences_of_every_test_set(folder: Path) -> None:
    plan = planned(folder)
    (training,) = plan.trainings
    rates = {
        test_set.name: {record.side: record.exact for record in contamination_records(training, test_set)}
        for test_set in plan.test_sets
    }
    assert rates == {"news": {"source": 0, "target": 0}, "talks": {"source": 2, "target": 2}}
    for test_set in plan.test_sets:
        records = contamination_records(training, test_set)
        assert {record.test_set for record in records} == {test_set.id}
        assert {record.sentences for record in records} == {len(NEWS if test_set.name == "news" else TALKS)}
    check_contamination(planned(folder, contamination={"at_most": 0.34}))
    with pytest.raises(ContaminationError, match=r"33.3% of the 6 \w+ test sentences of talks are in"):
        check_contamination(planned(folder, contamination={"at_most": 0.3}))


def test_a_filter_leaves_out_the_sentences_of_every_test_set(folder: Path) -> None:
    plan = planned(folder, filters={"test_overlap": True})
    (training,) = plan.trainings
    assert training.text is not None and training.text.removed["test_overlap"] == 2
    drawn = draw_examples(training)[Pair("de", "en")].segments
    assert len(drawn) == len(OWN)
    assert not any(found.rate for found in training.text.found)


def test_text_is_searched_again_when_a_test_set_comes_and_not_when_nothing_changes(folder: Path) -> None:
    plan = planned(folder)
    looked: list[str] = []

    def looks(plan: Plan) -> list[str]:
        looked.clear()
        prepare(plan, folder / "home", lambda training: looked.append(training.identity.name))
        return [*looked]

    assert looks(plan) == []
    fewer = make_plan(plan.spec.model_copy(update={"evaluation": plan.spec.evaluation.model_copy(
        update={"test_sets": plan.spec.evaluation.test_sets[:1]}
    )}))  # fmt: skip
    assert looks(fewer) == ["m"] and looks(fewer) == []
    # what an earlier version wrote into its manifest is read, though its plans had one test set
    manifest = manifest_path(folder / "home", "g")
    text = manifest.read_text()
    assert '"test_sets":[' in text and f'"tested":"{fewer.first.tested.id}","examples"' in text
    manifest.write_text(
        text.replace(f'"tested":"{fewer.first.tested.id}","examples"', '"examples"').replace(
            '"test_sets":[', '"before":['
        )
    )
    assert looks(fewer) == []


def test_the_tables_of_a_plan_tell_test_sets_apart(folder: Path) -> None:
    plan = planned(folder)
    rows = list(planned_test_sets.test_sets(plan).rows)
    assert [(row["test_set"], row["pairs"], row["cells"], row["contaminated"]) for row in rows] == [
        ("news", 2, 4, 0.0), ("talks", 2, 4, pytest.approx(100 / 3))
    ]  # fmt: skip
    assert "2 test sets, 2 pairs: 8 cells" in report.models(plan).title
    assert {row["test_set"] for row in report.contamination(plan).rows} == {"talks"}
    cells = report.cells(plan, None)
    assert [(row["model"], row["test_set"], row["to_do"]) for row in cells.rows] == [
        (model, name, 2) for model in ("base", "m") for name in ("news", "talks")
    ]
    assert any(column.key == "test_set" for column in cells.columns)
    alone = planned(folder, evaluation={"corpus": {"kind": "tsv", "path": {"test": f"{folder}/news.tsv"}}})
    assert not list(planned_test_sets.test_sets(alone).rows)
    assert not any(column.key == "test_set" for column in report.cells(alone, None).columns)
