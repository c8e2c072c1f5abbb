"""View model of the errors that metrics and judges mark: each text in stretches, and what has no place in it."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from dragoman.metrics.error_span import ErrorSpan
from dragoman.metrics.span_serialization import unpack_spans
from dragoman.rating import Severity, Side, Span
from dragoman.store.records import StoredScore
from dragoman_ui.viewmodels.judgements import Stretch, described, stretches


class MetricErrors(BaseModel):
    """What one metric marks in a translation."""

    model_config = ConfigDict(frozen=True)

    metric: str
    """The metric."""
    spans: tuple[ErrorSpan, ...]
    """The errors, in its order."""
    listed: tuple[str, ...]
    """Each in words: severity, category, and what it covers."""
    target: tuple[Stretch, ...] = Field(exclude=True)
    """The translation in stretches; none where no error is marked in it."""
    source: tuple[Stretch, ...] = Field(exclude=True)
    """The source sentence likewise."""

    @property
    def written(self) -> str:
        """The errors as a cell of a table: severity, category, and places that count code points from 0."""
        return "; ".join(_written(span) for span in self.spans)


Marked = dict[str, list[tuple[ErrorSpan, ...]]]
"""The errors that metrics mark in a cell's translations: by metric those of each line."""


def marked_errors(scores: Sequence[StoredScore], lines: int) -> Marked:
    """The errors that the scores of a cell mark; of each metric by its last signature.

    Args:
        scores: the scores of the cell.
        lines: how many it has.

    Raises:
        StoreError: stored errors are damaged, or of other lines.
    """
    packed = {score.metric: score.spans for score in scores if score.spans}
    return {metric: unpack_spans(spans, lines) for metric, spans in packed.items()}


def errors_of(marked: Marked, line: int, source: str, text: str) -> tuple[MetricErrors, ...]:
    """What each metric marks in one translation, if it marks something.

    Args:
        marked: the errors of the cell.
        line: the place of the line, from 0.
        source: the source line.
        text: its translation.
    """
    return tuple(_errors(metric, spans[line], source, text) for metric, spans in marked.items() if spans[line])


def _errors(metric: str, spans: tuple[ErrorSpan, ...], source: str, text: str) -> MetricErrors:
    sides = {Side.TARGET: text, Side.SOURCE: source}
    covered = {
        side: [_span(span) for span in spans if _side(span) is side and _covers(span, whole)]
        for side, whole in sides.items()
    }
    return MetricErrors(
        metric=metric,
        spans=spans,
        listed=tuple(_listed(span, sides[_side(span)]) for span in spans),
        target=tuple(stretches(text, covered[Side.TARGET])),
        source=tuple(stretches(source, covered[Side.SOURCE])),
    )


def _side(span: ErrorSpan) -> Side:
    return Side.SOURCE if span.on_source else Side.TARGET


def _covers(span: ErrorSpan, text: str) -> bool:
    return span.is_placed and span.start < span.end <= len(text)


def _span(span: ErrorSpan, is_placed: bool = True) -> Span:
    """The same as a rater would mark it."""
    category = "".join(each for each in span.category if each.isprintable()) or None
    places = {"start": span.start, "end": span.end} if is_placed else {}
    return Span(side=_side(span), severity=Severity(span.severity), category=category, **places)


def _listed(span: ErrorSpan, text: str) -> str:
    said = described(_span(span, is_placed=False))
    sure = "" if span.confidence is None else f" ({span.confidence:.0%} sure)"
    if not _covers(span, text):
        return f"{said}{sure}, at no place in the text"
    where = " in the source" if span.on_source else ""
    return f"{said}{sure}: “{text[span.start : span.end]}”{where}"


def _written(span: ErrorSpan) -> str:
    place = f"{'source ' if span.on_source else ''}{span.start}:{span.end}" if span.is_placed else "nowhere"
    return " ".join(filter(None, (span.severity, span.category, place)))
