"""View model of human judgements: what raters said of a translation, with the errors that they marked in it."""

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from dragoman.judgement.metrics import metric_agreement
from dragoman.judgement.raters import rater_agreement
from dragoman.judgement.scores import human_scores
from dragoman.judgement.texts import GridTexts
from dragoman.pair import Pair
from dragoman.rating import Rating, Severity, Side, Span
from dragoman.reports import judgements as report
from dragoman.store.judgement_records import content_of
from dragoman.store.store import Store
from dragoman.tables.table import Table
from dragoman_ui.viewmodels.store import stamp

_WORST_FIRST = tuple(reversed(Severity))


class Stretch(NamedTuple):
    """A part of a text, marked or not."""

    text: str
    """The stretch."""
    severity: str
    """The worst severity of the errors that cover it, `undecided` without one; empty where none does."""
    title: str
    """Severity and category of each of them."""


class Judgement(BaseModel):
    """What one rater said of a translation."""

    model_config = ConfigDict(frozen=True)

    rating: Rating
    """The rating."""
    value: float
    """The score by which systems are compared."""
    target: tuple[Stretch, ...] = Field(exclude=True)
    """The translation in stretches; none where no error is marked in it."""
    source: tuple[Stretch, ...] = Field(exclude=True)
    """The source sentence likewise."""
    missing: tuple[str, ...] = Field(exclude=True)
    """Severity and category of each error that is nowhere in a text."""


def judgements_of(
    store: Store, cell: str, sources: Sequence[str], texts: Sequence[str]
) -> dict[int, tuple[Judgement, ...]]:
    """The judgements of a cell's translations as they are now, by line from 0."""
    found: defaultdict[int, list[Judgement]] = defaultdict(list)
    for each in store.judgements.of_cells([cell]):
        line = each.line - 1
        if line < len(texts) and content_of(texts[line]) == each.content:
            found[line].append(_judgement(each.rating, sources[line], texts[line]))
    return {line: tuple(given) for line, given in found.items()}


def _judgement(rating: Rating, source: str, text: str) -> Judgement:
    sides = {
        side: [span for span in rating.spans if span.side is side and span.start is not None]
        for side in (Side.TARGET, Side.SOURCE)
    }
    return Judgement(
        rating=rating,
        value=rating.value,
        target=tuple(stretches(text, sides[Side.TARGET])),
        source=tuple(stretches(source, sides[Side.SOURCE])),
        missing=tuple(described(span) for span in rating.spans if span.start is None),
    )


def stretches(text: str, spans: Sequence[Span]) -> list[Stretch]:
    """A text in stretches that the same errors cover; joined they are the text. None without errors.

    Args:
        text: the text.
        spans: errors in it, which may overlap.
    """
    if not spans:
        return []
    edges = {0, len(text), *(span.start or 0 for span in spans), *(span.end or 0 for span in spans)}
    found = []
    for start, end in pairwise(sorted(edge for edge in edges if edge <= len(text))):
        over = [span for span in spans if (span.start or 0) <= start and end <= (span.end or 0)]
        worst = next((each for each in _WORST_FIRST if any(span.severity is each for span in over)), None)
        severity = (worst or "undecided") if over else ""
        found.append(Stretch(text[start:end], str(severity), "; ".join(map(described, over))))
    return found


def tables_of_pair(store: Store, grid: str, pair: Pair, test_set: str | None = None) -> list[Table]:
    """The tables of what people say of a pair: scores, agreement of raters and of metrics; none without judgements."""
    return _tables(stamp(), store, grid, pair, test_set)


@lru_cache(maxsize=64)
def _tables(moment: str, store: Store, grid: str, pair: Pair, test_set: str | None) -> list[Table]:
    del moment
    if pair not in store.judgements.pairs_of_grid(grid):
        return []
    texts = GridTexts(store, grid, test_set)
    if pair not in texts.judged_pairs:
        return []
    found = [
        report.results(texts, human_scores(texts, [pair])),
        report.agreement(texts, rater_agreement(texts, [pair])),
        report.metrics(texts, metric_agreement(texts, [pair])),
    ]
    return [table for table in found if table.rows]


def described(span: Span) -> str:
    """Severity and category of an error, as words."""
    severity = span.severity or "undecided"
    return f"{severity}: {span.category}" if span.category else str(severity)
