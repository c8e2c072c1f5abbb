"""What people said of translations, on the page of a pair and in the API: errors underlined where they were marked."""

import re
import shutil
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from tests.ui_plugins.test_ui_prompts import API

from dragoman.judgement.texts import GridTexts
from dragoman.pair import Pair
from dragoman.rating import Protocol, Rating, Severity, Side, Span
from dragoman.store.judgement_records import JudgementRecord, content_of
from dragoman.store.store import Store
from dragoman_ui.viewmodels.judgements import stretches

EN_AR = Pair("en", "ar")
Do = Callable[..., Any]
RATER = "<b>ann</b>"


@pytest.fixture
def judged(filled: Path, tmp_path: Path, use_home: Callable[[Path], None]) -> Iterator[GridTexts]:
    """A copy of the filled store in which two raters have judged three systems from English to Arabic."""
    home = tmp_path / "home"
    shutil.copytree(filled, home)
    store = Store.open(f"sqlite:///{home}/store.db", f"file://{home}/blobs")
    texts = GridTexts(store, "demo")
    own = texts.of(EN_AR)
    made = []
    for number, system in enumerate(own.cells):
        for line in (1, 2):
            found = own.at(system, line)
            spans = (
                Span(start=0, end=4, severity=Severity.MINOR),
                Span(start=2, end=6, severity=Severity.MAJOR, category="Accuracy/Mistranslation"),
                Span(side=Side.SOURCE, start=0, end=3, severity=Severity.MINOR),
                Span(severity=Severity.MAJOR, category="Accuracy/Omission"),
            )
            for rater, score in ((RATER, 70), ("bob", 60 + number)):
                rating = Rating(
                    rater=rater, protocol=Protocol.ESA, score=score - 10 * number,
                    spans=spans if line == 1 and len(found.text) > 5 else (),
                )  # fmt: skip
                made.append(JudgementRecord(cell=found.cell, line=line, content=content_of(found.text), rating=rating))
    store.judgements.add(made)
    use_home(home)
    yield texts
    store.close()


@pytest.mark.parametrize("text", ["plain text", "שָׁלוֹם עולם", "今天下雨𠮷。", "a🙂b👩‍👧", "e\u0301te\u0301"])
def test_stretches_are_the_text_with_every_error(text: str) -> None:
    spans = [
        Span(start=0, end=3, severity=Severity.MINOR),
        Span(start=1, end=len(text), severity=Severity.CRITICAL, category="Style"),
        Span(start=2, end=4),
    ]
    found = stretches(text, spans)
    assert "".join(each.text for each in found) == text
    for each in spans:
        name = str(each.severity or "undecided")
        assert "".join(part.text for part in found if name in part.title) == text[each.start : each.end]
    assert [part.severity for part in found][:2] == ["minor", "critical"]
    assert stretches(text, []) == []


def test_the_page_shows_errors_where_they_were_marked(judged: GridTexts, browse: Callable[..., FlaskClient]) -> None:
    page = browse().get("/dragoman/cell?grid=demo&source=en&target=ar").text
    own = judged.of(EN_AR)
    text = next(found for system in own.cells if len(found := own.at(system, 1).text) > 5)
    found = re.findall(r'<span class="error is-(\w+)" title="([^"]*)">(.*?)</span>', page)
    assert [(severity, title, unescape(part)) for severity, title, part in found[:4]] == [
        ("minor", "minor", text[:2]),
        ("major", "minor; major: Accuracy/Mistranslation", text[2:4]),
        ("major", "major: Accuracy/Mistranslation", text[4:6]),
        ("minor", "minor", own.sources[0][:3]),
    ]
    assert "major: Accuracy/Omission, not in the text" in page
    assert "&lt;b&gt;ann&lt;/b&gt; (ESA)" in page and RATER not in page
    assert all(f'data-table="{name}"' in page for name in ("scores", "agreement", "metrics"))


def test_a_page_without_judgements_says_nothing_of_people(client: FlaskClient) -> None:
    page = client.get("/dragoman/cell?grid=demo&source=en&target=de").text
    assert "people say" not in page and 'class="judged"' not in page


def test_the_tables_are_files_too(judged: GridTexts, browse: Callable[..., FlaskClient]) -> None:
    answer = browse().get("/dragoman/cell?grid=demo&source=en&target=ar&table=scores&form=json")
    rows = answer.json["scores"] if isinstance(answer.json, dict) else answer.json
    assert {row["system"] for row in rows} == set(judged.of(EN_AR).cells)


def test_the_api_has_the_ratings(judged: GridTexts, browse: Callable[..., FlaskClient]) -> None:
    answer = browse().get(f"{API}/sentences?grid=demo&source=en&target=ar")
    assert answer.status_code == 200, answer.text
    ratings = [
        judgement["rating"]
        for segment in answer.json["segments"]
        for hypothesis in segment["hypotheses"]
        for judgement in hypothesis["judgements"]
    ]
    assert len(ratings) == 2 * 2 * len(judged.of(EN_AR).cells)
    assert {"side": "target", "start": 2, "end": 6, "severity": "major", "category": "Accuracy/Mistranslation"} in [
        span for rating in ratings for span in rating["spans"]
    ]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 360)])
def test_the_page_is_legible(
    judged: GridTexts, open_page: Do, hard_to_use: Do, picture: Do, scheme: str,
    width: int,
) -> None:  # fmt: skip
    page = open_page(
        "/cell?grid=demo&source=en&target=ar", viewport={"width": width, "height": 900}, color_scheme=scheme
    )
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator(".judged .error").count() > 0
    assert hard_to_use(page) == []
    picture(page, f"judgements-{scheme}-{width}")
