"""Sentences of a grid with their translations, chosen by score or label, as a table, a frame and text files."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sacrebleu.metrics import CHRF

from dragoman.analysis.score_question import ScoreQuestion
from dragoman.errors import StoreError
from dragoman.judgement.base import JudgementError
from dragoman.metrics.errors.label import Label
from dragoman.metrics.lookup import installed_metric
from dragoman.metrics.serialization import pack
from dragoman.pair import Pair
from dragoman.partition import TrainingGraph
from dragoman.segment import Segment
from dragoman.sentences.query import Choice, label_named, sentences
from dragoman.sentences.sentences import Sentences
from dragoman.sentences.text_files import write_text_files
from dragoman.settings import settings
from dragoman.store.records import ModelRecord, StoredScore
from dragoman.store.store import Store
from dragoman.testing import GridBuilder

PAIR, BACK = Pair("en", "de"), Pair("de", "en")
LINES = [
    ("The house is red.", "Das Haus ist rot."),
    ("It rains in 1999.", "Es regnet im Jahr 1999."),
    ("Where is the train?", "Wo ist der Zug?"),
    ("We read books.", "Wir lesen Bücher."),
]
TRANSLATIONS = {
    "tuned/de": ["Das Haus ist rot.", "Es regnet im Jahr 1999.", "Wo ist\nder Zug?", "Wir lesen viele Bücher."],
    "base": ["Das Haus ist grün.", "It rains in 1999.", "Wo\r\nist Zug?\rJa", "Wir lesen Bücher."],
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The store of the settings, with a grid of two models on two pairs, scored by chrF++ from real statistics."""
    monkeypatch.setenv("DRAGOMAN_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    store = Store.open(settings().store_url, settings().blobs_url)
    base = ModelRecord(id="base", name="base", graph=TrainingGraph())
    tuned = ModelRecord(id="tuned", name="tuned/de", parent="base", base="base", graph=TrainingGraph.of([PAIR]))
    lines = {PAIR: [Segment(*each) for each in LINES], BACK: [Segment(*each[::-1]) for each in LINES]}
    grid = GridBuilder(
        store, [base, tuned], [PAIR, BACK], name="g", metrics=("bleu", "chrf++"), lines=lines,
        names={"base": "base", "tuned": "tuned/de"},
    ).add()  # fmt: skip
    for record in grid.cells:
        cell = record.cell
        sources, references = zip(*lines[cell.pair], strict=True)
        own = TRANSLATIONS["tuned/de" if cell.model == "tuned" else "base"] if cell.pair == PAIR else references
        metric = installed_metric("chrf++")(cell.pair)
        rows = metric.statistics(sources, own, references)
        score = StoredScore(
            metric="chrf++", signature=metric.signature, value=metric.score(rows), statistics=pack(rows)
        )
        grid.translate(cell, [score], hypotheses=[(text, "stop", 4) for text in own])
    yield store
    store.close()
    settings.cache_clear()


def asked(store: Store, *, choice: Choice | None = None, **options: Any) -> Sentences:
    return sentences(store, ScoreQuestion("g", "chrf++"), choice=choice, **options)


def test_scores_of_sentences_are_sacrebleus(home: Store) -> None:
    found = asked(home, pairs=["en-de"])
    assert [(each.number, each.source, each.reference) for each in found] == [
        (number, *line) for number, line in enumerate(LINES, 1)
    ]
    chrf = CHRF(word_order=2)
    for system, texts in TRANSLATIONS.items():
        for sentence, text in zip(found, texts, strict=True):
            own = sentence.by(system)
            assert own is not None and own.text == text
            assert own.score == pytest.approx(chrf.sentence_score(text, [sentence.reference]).score)
    assert found.signature == installed_metric("chrf++")(PAIR).signature


def test_worst_and_labelled_and_flipped_sentences(home: Store) -> None:
    worst = asked(home, pairs=[PAIR], choice=Choice(worst=2))
    lowest = [min(own.score or 0 for own in each.translations) for each in asked(home, pairs=[PAIR])]
    assert [each.number for each in worst] == sorted(range(1, 5), key=lambda number: lowest[number - 1])[:2]

    copied = asked(home, choice=Choice(labels=(Label.COPY,)))
    assert [(each.pair, each.number) for each in copied] == [(PAIR, 2)]
    own = copied[0].by("base")
    assert own is not None and Label.COPY in own.labels

    ahead = asked(home, pairs=[PAIR], choice=Choice(flipped=("base", "tuned/de")))
    assert [each.number for each in ahead] == [4], "the one that the base has right"
    assert ahead.systems == ("base", "tuned/de")
    other = asked(home, pairs=[PAIR], choice=Choice(flipped=("tuned/de", "base")))
    gaps = [(each.by("tuned/de").score or 0) - (each.by("base").score or 0) for each in other]  # type: ignore[union-attr]
    assert {each.number for each in other} == {1, 2, 3} and gaps == sorted(gaps, reverse=True)
    assert "tuned/de with a better chrf++ than base; the largest difference first" in other.how

    by_label = Choice(labels=(Label.COPY,), flipped=("tuned/de", "base"))
    assert [each.number for each in asked(home, choice=by_label)] == [2]
    turned = Choice(labels=(Label.COPY,), flipped=("base", "tuned/de"))
    assert not asked(home, choice=turned)


def test_pairs_that_are_still_to_do_are_left_out_unless_they_are_named(home: Store) -> None:
    model = ModelRecord(id="base", name="base", graph=TrainingGraph())
    lines = {pair: [Segment(*LINES[0])] for pair in (PAIR, BACK)}
    grid = GridBuilder(home, [model], [PAIR, BACK], name="begun", lines=lines, names={"base": "base"}).add()
    done = next(record.cell for record in grid.cells if record.cell.pair == PAIR)
    grid.translate(done, [], hypotheses=[("Das Haus ist rot.", "stop", 4)])
    question = ScoreQuestion("begun", "bleu")
    assert [each.pair for each in sentences(home, question)] == [PAIR]
    with pytest.raises(JudgementError, match="has translated de-en: run it first"):
        sentences(home, question, pairs=["de-en"])


def test_what_is_misspelt_is_named(home: Store) -> None:
    with pytest.raises(StoreError, match=r"no system 'tuned'; did you mean 'tuned/de'\?"):
        asked(home, systems=["tuned"])
    with pytest.raises(StoreError, match="did you mean 'copy'"):
        label_named("copi")
    with pytest.raises(StoreError, match="No test line of en-de has domain=news"):
        sentences(home, ScoreQuestion("g", "chrf++", lines="domain=news"), pairs=[PAIR])
    with pytest.raises(StoreError, match="no scores of single sentences by bleu"):
        sentences(home, ScoreQuestion("g", "bleu"), choice=Choice(worst=1))


def test_text_files_have_a_line_for_each_sentence(home: Store, tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    found = asked(home, pairs=[PAIR])
    written = write_text_files(found, folder)
    assert {path.name for path in written} == {"source.txt", "reference.txt", "base.txt", "tuned_de.txt"}
    for path in written:
        text = path.read_bytes().decode()
        assert text.count("\n") == 4 and text.endswith("\n") and "\r" not in text
    assert (folder / "en-de" / "base.txt").read_text().splitlines()[2] == "Wo ist Zug? Ja"
    chosen = asked(home, pairs=[PAIR], choice=Choice(worst=1))
    write_text_files(chosen, tmp_path / "one")
    assert (tmp_path / "one" / "en-de" / "source.txt").read_text() == f"{chosen[0].source}\n"
    with pytest.raises(StoreError, match="not empty"):
        write_text_files(found, folder)


def test_table_frame_json_and_csv_say_the_same(home: Store, dragoman: Callable[..., Any], tmp_path: Path) -> None:
    done = dragoman("sentences", "g", "--pair", "en-de", "--json")
    (rows,) = json.loads(done.out).values()
    frame = asked(home, pairs=[PAIR]).frame()
    assert len(rows) == len(frame) == 8
    for row, (_, own) in zip(rows, frame.iterrows(), strict=True):
        assert row["score"] == round(own["score"], 6)
        assert row["labels"] == " ".join(own["labels"])
        same = ["pair", "number", "source", "reference", "system", "translation", "metric", "finish_reason"]
        assert [row[name] for name in same] == [own[name] for name in same]
    printed = dragoman("sentences", "g", "--pair", "en-de", "--csv").out
    assert [float(row["score"]) for row in csv.DictReader(io.StringIO(printed))] == [row["score"] for row in rows]
    done = dragoman("sentences", "g", "--flipped", "tuned/de", "base", "--worst", "1", "--files", str(tmp_path / "out"))
    assert "1 of 8 sentences" in done.out and (tmp_path / "out" / "en-de" / "tuned_de.txt").exists()
    assert "Wir lesen" in asked(home)._repr_html_()
    refused = dragoman("sentences", "g", "--metric", "chrf+")
    assert refused.code == 2 and "did you mean 'chrf++'" in refused.err
