"""The MQM table: tab-separated, a row for each error, which stands between `<v>` and `</v>` in its text.

The columns are those of https://github.com/google/wmt-mqm-human-evaluation (`system doc doc_id seg_id rater source
target category severity`) and the tenth of Marot (https://github.com/google-research/google-research/tree/master/marot),
an object of JSON. There `dragoman` holds what the others can't: a score, times, and an error's place, which decides
where a text has such marks itself. Nothing is quoted; a tab or a line break in a text is written as a space.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from dragoman.judgement.base import JudgementError
from dragoman.judgement.campaign import Campaign
from dragoman.judgement.formats.base import (
    UNDECIDED,
    Found,
    LeftOut,
    json_at,
    moment_at,
    number_at,
    numbered_lines,
    of_type,
    rating_at,
    severity_at,
    span_at,
)
from dragoman.judgement.matching import PLAIN, Matcher
from dragoman.judgement.texts import Judged, PairTexts
from dragoman.rating import Protocol, Rating, Side, Span
from dragoman.store.judgement_records import JudgementRecord

COLUMNS = ("system", "doc", "doc_id", "seg_id", "rater", "source", "target", "category", "severity", "metadata")
"""The columns, of which the last may be missing in a file that is read."""

OPENED, CLOSED = "<v>", "</v>"
"""Marks around an error."""

NO_ERROR = "No-error"
"""Category and severity of a translation without errors."""

_NONE = ("no-error", "no error", "noerror")
_TESTS_OF_RATERS = "hotw"
"""How severities begin of errors that were made to test the rater (Marot, "hands-on-the-wheel tests")."""

_OWN = "dragoman"
_MOST_MARKS = 64
"""Marks of one text that are tried as the error's."""


class _Row(NamedTuple):
    """A row of a file."""

    place: str
    cells: dict[str, str]
    own: dict[str, Any]
    """What `dragoman` holds in its tenth column."""


def write(texts: PairTexts, judgements: Iterable[JudgementRecord]) -> str:
    """The table of the judgements of a pair."""
    rows: list[tuple[str, ...]] = [COLUMNS]
    for each in judgements:
        rating = each.rating
        judged = texts.at(texts.by_cell[each.cell], each.line)
        about = {
            "pair": str(texts.pair),
            **({} if texts.test_set is None else {"test_set": texts.test_set}),
            **rating.model_dump(mode="json", exclude={"spans", "rater"}, exclude_none=True),
        }
        for span in rating.spans or (None,):
            rows.append(_row(texts, judged, texts.by_cell[each.cell], rating.rater, span, about, NO_ERROR))
    return _text(rows)


def write_campaign(campaign: Campaign) -> str:
    """The table that raters fill in: copy a row for each further error."""
    rows: list[tuple[str, ...]] = [COLUMNS]
    about = {"campaign": campaign.record.id}
    for rater, task in campaign.items():
        rows += [_row(campaign.texts, judged, task.code, rater, None, about, "") for judged in task.texts]
    return _text(rows)


def _row(
    texts: PairTexts, judged: Judged, system: str, rater: str, span: Span | None, about: dict[str, Any], nothing: str
) -> tuple[str, ...]:
    document = texts.document_of(judged.line)
    source, target = judged.source.translate(PLAIN), judged.text.translate(PLAIN)
    category = severity = nothing
    own = dict(about)
    if span is not None:
        category, severity = span.category or "", (span.severity or UNDECIDED).capitalize()
        own |= {"side": span.side.value, "start": span.start, "end": span.end}
        if span.side is Side.SOURCE:
            source = _marked(source, span)
        else:
            target = _marked(target, span)
    place = str(document.lines.index(judged.line) + 1)
    metadata = json.dumps({_OWN: own}, ensure_ascii=False)
    name = document.name.translate(PLAIN)
    return system, name, place, str(judged.line), rater, source, target, category, severity, metadata


def _marked(text: str, span: Span) -> str:
    if span.start is None:
        return text
    return f"{text[: span.start]}{OPENED}{text[span.start : span.end]}{CLOSED}{text[span.end :]}"


def _text(rows: list[tuple[str, ...]]) -> str:
    return "".join("\t".join(row) + "\n" for row in rows)


def read(path: Path, matcher: Matcher, left_out: LeftOut) -> Iterator[Found]:
    """The judgements of a table: the rows of one rater and one translation are one.

    Args:
        path: the file.
        matcher: finds the translations.
        left_out: counts rows that are none.

    Raises:
        JudgementError: a row is none; the sentence names the line.
    """
    grouped: dict[tuple[str, int, str], tuple[str, Judged, str | None, dict[str, Any], list[Span], bool]] = {}
    for row in _rows(path):
        cells, place, own = row.cells, row.place, row.own
        if not cells["category"] and not cells["severity"]:
            left_out["not rated"] += 1
            continue
        if cells["severity"].casefold().startswith(_TESTS_OF_RATERS):
            left_out["tests of raters"] += 1
            continue
        campaign = own.get("campaign")
        written = {side: _ways(cells[side]) for side in ("source", "target")}
        judged = matcher.judged(
            place,
            system=cells["system"],
            line=_line(place, cells["seg_id"]),
            campaign=campaign if campaign is None else of_type(str, campaign, place, "the campaign"),
            pair=own.get("pair"),
            test_set=own.get("test_set"),
            targets=[text for each in written["target"] for text in (each, *_without_marks(each))],
        )
        is_clean = cells["severity"].casefold() in _NONE
        spans = [] if is_clean else [_span(row, judged, written)]
        key = (judged.cell, judged.line, cells["rater"])
        if key not in grouped:
            grouped[key] = place, judged, campaign, own, spans, is_clean
            continue
        first, *_, known, was_clean = grouped[key]
        if is_clean or was_clean:
            raise JudgementError(
                f"{place}: {cells['rater']} found no error here, and {'rated it before' if was_clean else 'found one'} "
                f"({first}): keep one of the two."
            )
        if spans[0] in known:
            raise JudgementError(f"{place}: the same error stands in the file before ({first}): keep one of the two.")
        known += spans
    for (_, _, rater), (place, judged, campaign, own, spans, _) in grouped.items():
        yield Found(place, judged, _rating(place, matcher, campaign, rater, own, spans), campaign or matcher.campaign)


def _rows(path: Path) -> Iterator[_Row]:
    lines = numbered_lines(path)
    names = tuple(next(lines, (0, ""))[1].split("\t"))
    needed = COLUMNS[:9]
    if lacking := [name for name in needed if name not in names]:
        raise JudgementError(
            f"{path}, line 1, has no column '{lacking[0]}': an MQM table begins with the names of its columns, "
            f"{' '.join(needed)}."
        )
    for number, line in lines:
        place = f"{path}, line {number}"
        values = line.split("\t")
        if not len(needed) <= len(values) <= len(names):
            raise JudgementError(f"{place}, has {len(values)} columns, and the first line {len(names)}: correct it.")
        cells = dict(zip(names, values, strict=False))
        yield _Row(place, cells, _own(place, cells.get("metadata", "")))


def _own(place: str, metadata: str) -> dict[str, Any]:
    if not metadata.startswith("{"):  # a note, as in older files
        return {}
    found = json_at(metadata, f"{place}, metadata,").get(_OWN, {})
    return dict(of_type(dict, found, place, f"'{_OWN}' of the metadata"))


def _line(place: str, number: str) -> int | None:
    if not number:
        return None
    if not (number.isascii() and number.isdigit()):
        raise JudgementError(f"{place}: seg_id is '{number:.40}', which is no number of a line; correct it.")
    return int(number[:12])


def _ways(text: str) -> list[str]:
    """What a cell may mean: itself, and where it stands in quotes, as in some files, what is in them."""
    is_quoted = len(text) > 1 and text.startswith('"') and text.endswith('"')
    return [text, text[1:-1].replace('""', '"')] if is_quoted else [text]


def _marks(text: str) -> Iterator[tuple[int, int]]:
    """The places of an error in a text without its marks, for each mark that may be the error's."""
    opened = [place for place in range(len(text)) if text.startswith(OPENED, place)][:_MOST_MARKS]
    closed = [place for place in range(len(text)) if text.startswith(CLOSED, place)][:_MOST_MARKS]
    for start in opened:
        yield from ((start, end - len(OPENED)) for end in closed if end >= start + len(OPENED))


def _unmarked(text: str, start: int, end: int) -> str:
    rest = text[start + len(OPENED) :]
    size = end - start
    return text[:start] + rest[:size] + rest[size + len(CLOSED) :]


def _without_marks(text: str) -> list[str]:
    return [_unmarked(text, start, end) for start, end in _marks(text)]


def _span(row: _Row, judged: Judged, written: dict[str, list[str]]) -> Span:
    """The error of a row: where its marks are, and of several places that they may mean, the one in the metadata."""
    texts = {"source": judged.source, "target": judged.text}
    found = []
    for side, text in texts.items():
        plain = text.translate(PLAIN)
        if any(each.translate(PLAIN) == plain for each in written[side]):
            continue
        places = [
            (side, *place)
            for each in written[side]
            for place in _marks(each)
            if _unmarked(each, *place).translate(PLAIN) == plain
        ]
        if not places:
            raise JudgementError(
                f"{row.place}: the {side} is '{written[side][0]:.60}', and that of line {judged.line} is '{text:.60}': "
                f"it is of another text, or the error is not between {OPENED} and {CLOSED}."
            )
        found.append(places)
    if len(found) > 1:
        raise JudgementError(f"{row.place}: an error is marked in both texts: give each a row of its own.")
    noted = (row.own.get("side"), row.own.get("start"), row.own.get("end"))
    if found:
        side, start, end = noted if noted in found[0] else found[0][0]
    else:
        side, start, end = noted[0] or "target", None, None
    severity = severity_at(row.place, row.cells["severity"])
    where = {} if start is None or start == end else {"start": start, "end": end}
    return span_at(
        row.place,
        texts.get(str(side), ""),
        side=side,
        severity=severity,
        category=row.cells["category"] or None,
        **where,
    )


def _rating(
    place: str, matcher: Matcher, campaign: str | None, rater: str, own: dict[str, Any], spans: list[Span]
) -> Rating:
    return rating_at(
        place,
        rater=rater,
        protocol=own.get("protocol") or matcher.protocol(campaign, Protocol.MQM),
        score=number_at(place, "the score", own.get("score")),
        spans=tuple(spans),
        seconds=number_at(place, "the time taken", own.get("seconds")),
        rated=moment_at(place, own.get("rated")),
    )
