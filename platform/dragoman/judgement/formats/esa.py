"""The table of error span annotation as WMT24 released it: JSON lines, an object for each rating.

Keys as in `jsonl/wmt24_esa.jsonl` of https://github.com/wmt-conference/wmt24-news-systems (`langs line_id src tgt
doc_id esa_spans esa_score system annotator times`): lines are numbered from 0, and `start_i` and `end_i` are the first
and the last UTF-16 unit of an error, or `missing`, as Appraise counts them. `side`, `protocol`, `seconds`, `rated` and
`campaign` are added where the others can't hold it.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from dragoman.judgement.campaign import Campaign
from dragoman.judgement.formats.base import (
    UNDECIDED,
    Found,
    LeftOut,
    beyond,
    json_at,
    moment_at,
    moment_of,
    number_at,
    numbered_lines,
    of_type,
    rating_at,
    severity_at,
    span_at,
)
from dragoman.judgement.formats.offsets import characters_of, units_of
from dragoman.judgement.matching import Matcher
from dragoman.judgement.texts import Judged, PairTexts
from dragoman.rating import Protocol, Side, Span
from dragoman.store.judgement_records import JudgementRecord

MISSING = "missing"
"""The place of an error that is nowhere in the text."""


def write(texts: PairTexts, judgements: Iterable[JudgementRecord]) -> str:
    """The table of the judgements of a pair."""
    rows = []
    for each in judgements:
        system, rating = texts.by_cell[each.cell], each.rating
        judged = texts.at(system, each.line)
        row = _row(texts, judged, system, rating.rater)
        row |= {"esa_spans": [_written(judged, span) for span in rating.spans], "esa_score": rating.score}
        added = rating.model_dump(mode="json", include={"protocol", "seconds", "rated"}, exclude_none=True)
        rows.append(row | added)
    return _text(rows)


def write_campaign(campaign: Campaign) -> str:
    """The table that raters fill in: `esa_spans`, and `esa_score` from 0 to 100."""
    return _text(
        _row(campaign.texts, judged, task.code, rater) | {"campaign": campaign.record.id}
        for rater, task in campaign.items()
        for judged in task.texts
    )


def _row(texts: PairTexts, judged: Judged, system: str, rater: str) -> dict[str, Any]:
    return {
        "langs": str(texts.pair), "line_id": judged.line - 1, "src": judged.source, "tgt": judged.text,
        "doc_id": texts.document_of(judged.line).name, "esa_spans": [], "esa_score": None, "system": system,
        "annotator": rater, **({} if texts.test_set is None else {"test_set": texts.test_set}),
    }  # fmt: skip


def _written(judged: Judged, span: Span) -> dict[str, Any]:
    text = judged.source if span.side is Side.SOURCE else judged.text
    first, last = (MISSING, MISSING)
    if span.start is not None and span.end is not None:
        first, last = units_of(text, span.start, span.end)  # type: ignore[assignment]  # a place, or that there is none
    category = None if span.category is None else span.category.split("/")
    row = {"start_i": first, "end_i": last, "severity": span.severity or UNDECIDED, "error_type": category}
    return row | ({"side": "source"} if span.side is Side.SOURCE else {})


def _text(rows: Iterable[dict[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def read(path: Path, matcher: Matcher, left_out: LeftOut) -> Iterator[Found]:
    """The judgements of a table.

    Args:
        path: the file.
        matcher: finds the translations.
        left_out: counts rows that are none.

    Raises:
        JudgementError: a row is none; the sentence names the line.
    """
    for number, line in numbered_lines(path):
        place = f"{path}, line {number}"
        row = of_type(dict, json_at(line, place), place, "the row")
        spans = of_type(list, row.get("esa_spans", []), place, "esa_spans")
        protocol = row.get("protocol")
        if row.get("esa_score") is None and not spans and protocol is None:
            left_out["not rated"] += 1
            continue
        campaign = row.get("campaign")
        judged = matcher.judged(
            place,
            system=of_type(str, row.get("system"), place, "the system"),
            line=of_type(int, row["line_id"], place, "line_id") + 1 if "line_id" in row else None,
            campaign=None if campaign is None else of_type(str, campaign, place, "the campaign"),
            test_set=None if row.get("test_set") is None else of_type(str, row["test_set"], place, "the test set"),
            pair=None if row.get("langs") is None else of_type(str, row["langs"], place, "langs"),
            source=None if row.get("src") is None else of_type(str, row["src"], place, "src"),
            targets=[of_type(str, row.get("tgt"), place, "tgt")],
        )
        began, ended = _times(place, row.get("times"))
        seconds = number_at(place, "seconds", row.get("seconds"))
        rating = rating_at(
            place,
            rater=row.get("annotator"),
            protocol=protocol or matcher.protocol(campaign, Protocol.ESA),
            score=number_at(place, "esa_score", row.get("esa_score")),
            spans=tuple(span_of(place, judged, of_type(dict, span, place, "an error")) for span in spans),
            seconds=ended - began if seconds is None and began is not None and ended is not None else seconds,
            rated=moment_at(place, row.get("rated")) or moment_of(place, ended),
        )
        yield Found(place, judged, rating, campaign or matcher.campaign)


def span_of(place: str, judged: Judged, written: dict[str, Any], *, skipped: int = 0, text: str | None = None) -> Span:
    """An error as Appraise writes it.

    Args:
        place: where it stands, for errors.
        judged: the translation.
        written: the error.
        skipped: characters before the text that the rater saw.
        text: that text, where it is not the whole translation.

    Raises:
        JudgementError: it is none, or goes beyond the text.
    """
    side = Side.SOURCE if written.get("side") == "source" else Side.TARGET
    shown = (judged.source if side is Side.SOURCE else judged.text) if text is None else text
    first, last = written.get("start_i"), written.get("end_i")
    where = {}
    if (first, last) != (MISSING, MISSING):
        marked = characters_of(shown, of_type(int, first, place, "start_i"), of_type(int, last, place, "end_i"))
        if marked is None:
            raise beyond(place, shown, side, first, last)
        where = {"start": marked[0] + skipped, "end": marked[1] + skipped}
    severity = severity_at(place, written.get("severity"))
    return span_at(
        place,
        f"{' ' * skipped}{shown}",
        side=side,
        severity=severity,
        category=category_of(place, written.get("error_type")),
        **where,
    )


def category_of(place: str, written: Any) -> str | None:
    """A category with its subcategories, which Appraise writes as a list."""
    if isinstance(written, list):
        written = "/".join(of_type(str, each, place, "a category") for each in written)
    return None if not written else str(of_type(str, written, place, "a category"))


def _times(place: str, times: Any) -> tuple[float | None, float | None]:
    if times is None:
        return None, None
    began, ended = (
        number_at(place, "a time", each) for each in [*of_type(list, times, place, "times"), None, None][:2]
    )
    return began, ended
