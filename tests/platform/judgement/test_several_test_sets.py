"""Judgements of a grid with two test sets that share pairs: each is of one of them, and no mean is over both."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.two_test_sets import LINES, NEWS, TALKS, fill

from dragoman.errors import DragomanError, StoreError
from dragoman.judgement.base import JudgementError
from dragoman.judgement.campaign import Campaign, campaign
from dragoman.judgement.formats import esa, mqm
from dragoman.judgement.importing import Format, exported, import_judgements
from dragoman.judgement.raters import rater_agreement
from dragoman.judgement.scores import human_scores
from dragoman.judgement.selection import Method, choose
from dragoman.judgement.texts import GridTexts, PairTexts, chosen_systems
from dragoman.pair import Pair
from dragoman.rating import Protocol
from dragoman.reports import judgements as report
from dragoman.store.store import Store

EN_DE = Pair("en", "de")
SCORES = {NEWS: 80, TALKS: 30}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("asked")
    fill(home)
    return home


@pytest.fixture
def store(filled: Path, tmp_path: Path) -> Iterator[Store]:
    shutil.copytree(filled, tmp_path / "home")
    opened = Store.open_existing(f"sqlite:///{tmp_path}/home/store.db", f"file://{tmp_path}/home/blobs")
    yield opened
    opened.close()


def on(store: Store, test_set: str | None) -> PairTexts:
    return GridTexts(store, "asked", test_set).of(EN_DE)


def made(store: Store, test_set: str | None) -> Campaign:
    texts = on(store, test_set)
    chosen = choose(texts, ["base", "tuned"], method=Method.RANDOM, items=9, metric=None, seed=1)
    found = campaign(texts, ["base", "tuned"], chosen, protocol=Protocol.ESA, raters=1, each=1, seed=1)
    store.judgements.add_campaign(found.record)
    return found


def rated(found: Campaign, path: Path, **changed: Any) -> Path:
    """The campaign with the same score everywhere, as a rater fills it in."""
    rows = [json.loads(line) for line in esa.write_campaign(found).splitlines()]
    score = SCORES[found.texts.test_set or NEWS]
    rows = [{key: value for key, value in {**row, "esa_score": score, **changed}.items() if value is not None}
            for row in rows]  # fmt: skip
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_the_first_is_meant_unless_another_is_named(store: Store) -> None:
    assert GridTexts(store, "asked").test_set == NEWS and len(GridTexts(store, "asked").pairs) == 6
    assert GridTexts(store, "asked", TALKS).pairs == [Pair("de", "en"), EN_DE]
    assert on(store, None).sources == on(store, NEWS).sources == LINES[NEWS]
    assert on(store, TALKS).sources == LINES[TALKS]
    assert [text.split()[-1] for text in on(store, TALKS).hypotheses["base"]] == [TALKS]
    with pytest.raises(StoreError, match="Grid 'asked' has no test set 'talk'; did you mean 'talks'"):
        GridTexts(store, "asked", "talk")
    with pytest.raises(JudgementError, match="Grid 'asked' on talks has no pair 'en-fr'"):
        GridTexts(store, "asked", TALKS).pair("en-fr")


def test_a_campaign_remembers_its_test_set(store: Store, tmp_path: Path) -> None:
    news, talks = made(store, None), made(store, TALKS)
    assert news.record.id != talks.record.id
    for found in (news, talks):
        imported = import_judgements(store, "asked", rated(found, tmp_path / "r.jsonl"), Format.ESA)
        assert {each.judged.test_set for each in imported.found} == {found.texts.test_set}
        assert [row["test_set"] for row in report.imported("asked", imported).rows] == [found.texts.test_set] * 2
    for name, score in SCORES.items():
        texts = GridTexts(store, "asked", name)
        scores = human_scores(texts)
        assert {(each.system, each.score, each.sentences) for each in scores.scores} == {
            ("base", score, len(LINES[name])), ("tuned", score, len(LINES[name])),
        }  # fmt: skip
        table = report.results(texts, scores)
        assert {row["test_set"] for row in table.rows} == {name} and table.title.startswith(f"asked on {name}: ")
        (other,) = set(SCORES) - {name}
        assert f"Judgements on {other} are a table of their own: ask for that test set." in table.notes
        assert rater_agreement(texts) == []  # one rater


def test_a_rating_of_another_test_set_is_refused(store: Store, tmp_path: Path) -> None:
    talks = made(store, TALKS)
    asked = {"grid": "asked", "path": rated(talks, tmp_path / "r.jsonl"), "form": Format.ESA}
    with pytest.raises(JudgementError, match=r"campaign .* is of the test set talks, and --test-set is news"):
        import_judgements(store, test_set=NEWS, **asked)
    import_judgements(store, test_set=TALKS, **asked)
    code = next(iter(talks.record.systems))
    system = talks.texts.by_cell[talks.record.systems[code].cell]
    without = {"campaign": None, "system": system, "line_id": 0, "tgt": talks.texts.at(system, 1).text}
    path = rated(talks, tmp_path / "w.jsonl", **without, test_set=None)
    path.write_text(path.read_text().splitlines()[0] + "\n")
    refused = (
        r"w.jsonl, line 1: the translation by .* of line 1 of en-de on news is 'one.*another text, test set or run"
    )
    with pytest.raises(JudgementError, match=refused):
        import_judgements(store, "asked", path, Format.ESA)
    assert len(import_judgements(store, "asked", path, Format.ESA, test_set=TALKS, dry_run=True).found) == 1
    path = rated(talks, tmp_path / "n.jsonl", **without)
    path.write_text(path.read_text().splitlines()[0] + "\n")
    assert len(import_judgements(store, "asked", path, Format.ESA, dry_run=True).found) == 1  # the file names it
    with pytest.raises(JudgementError, match=r"line 1 is of the test set talks, and --test-set is news"):
        import_judgements(store, "asked", path, Format.ESA, test_set=NEWS)
    path.write_text(path.read_text().replace('"talks"', '"speech"'))
    with pytest.raises(JudgementError, match=r"is of the test set 'speech', which grid 'asked' has not: name the one"):
        import_judgements(store, "asked", path, Format.ESA)
    assert len(import_judgements(store, "asked", path, Format.ESA, test_set=TALKS, dry_run=True).found) == 1


@pytest.mark.parametrize("form", [Format.MQM, Format.ESA])
def test_an_export_is_of_one_and_comes_back_to_it(store: Store, tmp_path: Path, form: Format) -> None:
    for name in SCORES:
        import_judgements(store, "asked", rated(made(store, name), tmp_path / "r.jsonl"), Format.ESA)
    written = {name: exported(store, "asked", form, pair="en-de", test_set=name) for name in SCORES}
    assert written[NEWS] == exported(store, "asked", form, pair="en-de")
    for name, text in written.items():
        (tmp_path / "table").write_text(text)
        found = import_judgements(store, "asked", tmp_path / "table", form)
        assert {each.judged.test_set for each in found.found} == {name}
        assert found.recorded.same == len(found.found) == 2 * len(LINES[name])


def test_documents_are_called_by_their_names(store: Store) -> None:
    texts = on(store, None)
    assert [document.name for document in texts.documents] == ["doc1", "doc2"]
    key = (EN_DE, texts.cells["base"].cell.content)
    store.conditions.add_labels(f"t-{NEWS}", {key: {"document": ["art\u2028icle 7", ""]}})
    named = made(store, NEWS)
    assert [document.name for document in named.texts.documents] == ["art\u2028icle 7", "doc2"]
    assert [document.lines for document in named.texts.documents] == [(1,), (2,)]
    rows = [line.split("\t") for line in mqm.write_campaign(named).split("\n")[1:-1]]
    assert {row[1] for row in rows} == {"art\u2028icle 7", "doc2"}
    store.conditions.add_labels(f"t-{NEWS}", {key: {"document": ["a", "a"]}})
    assert [document.lines for document in on(store, NEWS).documents] == [(1, 2)]


def test_quoted_systems_are_never_judged(store: Store) -> None:
    texts = replace(on(store, TALKS), quoted=["paper"])
    assert chosen_systems(texts, []) == ["base", "tuned"]
    with pytest.raises(DragomanError, match="scores of 'paper' are quoted, so that there are no translations"):
        chosen_systems(texts, ["paper"])
