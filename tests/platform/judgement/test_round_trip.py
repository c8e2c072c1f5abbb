"""The tables of MQM and of error span annotation keep every score and error, whatever the texts are."""

import tempfile
import unicodedata
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dragoman.cell import Cell, CellState
from dragoman.judgement.formats.base import LeftOut
from dragoman.judgement.importing import READERS, WRITERS, Format
from dragoman.judgement.matching import Matcher
from dragoman.judgement.texts import Document, PairTexts
from dragoman.pair import Pair
from dragoman.rating import Protocol, Rating, Severity, Side, Span
from dragoman.store.judgement_records import JudgementRecord, content_of
from dragoman.store.records import CellRecord

PAIR = Pair("en", "ar")
SYSTEMS = ("one", "two")


class OnePair:
    """The texts of a grid with a single pair."""

    def __init__(self, sources: list[str], hypotheses: dict[str, list[str]]) -> None:
        cells = {
            name: CellRecord(
                cell=Cell(model=name, test_set="t", content="c", pair=PAIR, prompt="p", decoding="d"),
                state=CellState.DONE,
                hypotheses=name,
            )
            for name in hypotheses
        }
        documents = [Document("doc1", tuple(range(1, len(sources) + 1)))]
        store: Any = None
        self.texts = PairTexts(PAIR, sources, sources, documents, cells, store)
        self.texts.__dict__["hypotheses"] = hypotheses

    def pair(self, wanted: str | None) -> Pair:
        assert wanted in (None, str(PAIR))
        return PAIR

    def of(self, pair: Pair) -> PairTexts:
        assert pair == PAIR
        return self.texts


TEXT = st.text(max_size=25) | st.text("a<v>/\t\r\n \"'é̈🙂👩‍👧中שׁ", max_size=25)
NAME = st.text(min_size=1, max_size=8).filter(
    lambda text: not any(unicodedata.category(each) in ("Cc", "Cs") for each in text)
)


def spans_of(source: str, target: str, needs_severity: bool) -> st.SearchStrategy[Span]:
    severity = st.sampled_from(Severity) if needs_severity else st.none() | st.sampled_from(Severity)
    places = [st.just((Side.TARGET, None, None)), st.just((Side.SOURCE, None, None))]
    for side, text in ((Side.SOURCE, source), (Side.TARGET, target)):
        if text:
            start = st.integers(0, len(text) - 1)
            places.append(
                start.flatmap(
                    lambda at, side=side, text=text: st.tuples(
                        st.just(side), st.just(at), st.integers(at + 1, len(text))
                    )
                )
            )

    def span(place: tuple[Side, int | None, int | None], severity: Severity | None, category: str | None) -> Span:
        return Span(side=place[0], start=place[1], end=place[2], severity=severity, category=category)

    return st.builds(span, st.one_of(places), severity, st.none() | NAME | st.just("Accuracy/Omission"))


@st.composite
def judged(draw: st.DrawFn) -> tuple[OnePair, list[JudgementRecord]]:
    count = draw(st.integers(1, 3))
    sources = draw(st.lists(TEXT, min_size=count, max_size=count))
    hypotheses = {name: draw(st.lists(TEXT, min_size=count, max_size=count)) for name in SYSTEMS}
    grid = OnePair(sources, hypotheses)
    keys = st.tuples(st.sampled_from(SYSTEMS), st.integers(1, count), NAME)
    judgements = []
    protocol = draw(st.sampled_from(Protocol))
    for system, line, rater in draw(st.lists(keys, max_size=4, unique=True)):
        found = grid.texts.at(system, line)
        marked = spans_of(found.source, found.text, protocol is Protocol.MQM)
        score = st.floats(0, 100)
        rating = Rating(
            rater=rater,
            protocol=protocol,
            score=draw(st.none() | score if protocol is Protocol.MQM else score),
            spans=tuple(draw(st.lists(marked, max_size=4, unique=True))),
            seconds=draw(st.none() | st.floats(0, 1e6)),
            rated=draw(st.none() | st.datetimes(timezones=st.just(UTC))),
        )
        judgements.append(JudgementRecord(cell=found.cell, line=line, content=content_of(found.text), rating=rating))
    return grid, judgements


def there_and_back(form: Format, grid: Any, judgements: list[JudgementRecord]) -> list[JudgementRecord]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table"
        path.write_text(WRITERS[form](grid.texts, judgements), encoding="utf-8", newline="\n")
        return [
            JudgementRecord(
                cell=each.judged.cell, line=each.judged.line, content=content_of(each.judged.text), rating=each.rating
            )
            for each in READERS[form](path, Matcher(grid), LeftOut())
        ]


def marked_itself() -> tuple[OnePair, list[JudgementRecord]]:
    """A translation that holds the marks of errors, with an error at the second place that they could mean."""
    grid = OnePair(["<v>a</v>"], {"one": ["<v>a</v>b<v>"]})
    found = grid.texts.at("one", 1)
    spans = (Span(start=3, end=4, severity=Severity.MAJOR), Span(start=0, end=4, severity=Severity.MAJOR))
    rating = Rating(rater="ann", protocol=Protocol.MQM, spans=spans, rated=datetime(2026, 1, 1, tzinfo=UTC))
    return grid, [JudgementRecord(cell=found.cell, line=1, content=content_of(found.text), rating=rating)]


@pytest.mark.parametrize("form", WRITERS)
@given(made=judged())
@example(made=marked_itself())
def test_what_comes_back_is_what_was_written(form: Format, made: tuple[OnePair, list[JudgementRecord]]) -> None:
    grid, judgements = made
    assert there_and_back(form, grid, judgements) == judgements
