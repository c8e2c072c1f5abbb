"""The page of a pair whose lines have several references: all of them are shown, searched and in the tables."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from dragoman.metrics.scoring import ScoreRecord, score
from dragoman.pair import Pair
from dragoman.segment import Segment
from dragoman.store.records import ModelRecord, StoredScore
from dragoman.store.store import Store
from dragoman.testing import GridBuilder

EN_DE = Pair("en", "de")
LINES = [Segment("The cat.", "Die Katze."), Segment("The dog.", "Der Hund.")]
FURTHER = [("Eine Mieze.", "Der Kater."), ()]


@pytest.fixture
def client(tmp_path: Path, browse: Callable[..., FlaskClient], use_home: Callable[[Path], None]) -> FlaskClient:
    store = Store.open(f"sqlite:///{tmp_path}/store.db", f"file://{tmp_path}/blobs")
    builder = GridBuilder(
        store, [ModelRecord(id="model1-base", name="base")], [EN_DE], name="grid", metrics=["chrf"],
        names={"model1-base": "base"}, lines={EN_DE: LINES}, further={EN_DE: FURTHER},
    ).add()  # fmt: skip
    (record,) = builder.cells
    texts, sources, references = ["Eine Mieze.", "Der Hund."], ["The cat.", "The dog."], ["Die Katze.", "Der Hund."]
    found = score(["chrf"], EN_DE, ["en", "de"], sources, texts, references, further=FURTHER)
    scores = [StoredScore.of(each) for each in found if isinstance(each, ScoreRecord)]
    builder.translate(record.cell, scores, hypotheses=[(text, "stop", 3) for text in texts])
    store.close()
    use_home(tmp_path)
    return browse()


def test_all_references_are_shown(client: FlaskClient) -> None:
    page = client.get("/dragoman/cell?grid=grid&source=en&target=de&model=base").text
    assert page.count("<dt>Reference</dt>") == 2
    for number, text in ((2, "Eine Mieze."), (3, "Der Kater.")):
        assert f'<dt>Reference {number}</dt><dd lang="de" dir="ltr">{text}</dd>' in page
    assert "nrefs:var" in page
    assert page.count('<span class="score">100.0</span>') == 2  # the first is its second reference, word for word
    found = client.get("/dragoman/cell?grid=grid&source=en&target=de&model=base&search=kater").text
    assert "1 sentence with" in found and "Der Kater." in found and "Der Hund." not in found


def test_the_table_has_a_column_for_each(client: FlaskClient) -> None:
    answer = client.get("/dragoman/cell?grid=grid&source=en&target=de&model=base&table=sentences&form=csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["reference"], row["reference_2"], row["reference_3"]) for row in rows] == [
        ("Die Katze.", "Eine Mieze.", "Der Kater."), ("Der Hund.", "", ""),
    ]  # fmt: skip
