"""Campaigns and annotations of Pearmut (https://github.com/zouharvi/pearmut, 1.1).

A campaign is JSON with `info`, `campaign_id` and `data`; annotations are what its dashboard downloads, or the file
`data/annotations/CAMPAIGN.jsonl`. Errors are counted in UTF-16 units, the last one included; that something is missing
stands at the unit after the text.
"""

import json
from collections.abc import Iterator
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Any

from dragoman.judgement.base import JudgementError
from dragoman.judgement.campaign import Campaign, Task
from dragoman.judgement.formats.base import (
    Found,
    LeftOut,
    beyond,
    json_at,
    moment_of,
    number_at,
    numbered_lines,
    of_type,
    rating_at,
    severity_at,
    span_at,
)
from dragoman.judgement.formats.offsets import characters_of, length_in_units
from dragoman.judgement.matching import Matcher
from dragoman.judgement.texts import Judged
from dragoman.rating import Protocol, Side, Span

RESET = "__RESET__"
"""The annotation of an entry after which a user's earlier ones don't count."""

_PARTS = "#"
_PAUSE = 61.0
"""Seconds between two actions above which the rater is taken to have paused, as Pearmut counts."""


class Assignment(StrEnum):
    """How Pearmut gives documents to raters."""

    TASKS = "task-based"
    """Each rater has documents of their own, one system at a time."""
    DYNAMIC = "dynamic"
    """All draw from one pool, with all systems of a document, and more often of those that score best."""


def write_campaign(campaign: Campaign, assignment: Assignment = Assignment.TASKS) -> str:
    """The campaign as Pearmut loads it (`pearmut add FILE`)."""
    info: dict[str, Any] = {
        "assignment": assignment.value, "protocol": campaign.record.protocol.value.upper(), "seed": campaign.seed,
        "users": campaign.raters,
    }  # fmt: skip
    data: list[Any]
    if assignment is Assignment.TASKS:
        raters = range(len(campaign.dealt))
        data = [[_document(campaign, [task]) for task in campaign.tasks(rater)] for rater in raters]
    else:
        info["dynamic_models"] = len(campaign.record.systems)
        data = [
            _document(campaign, [campaign.task(code, document) for code in campaign.record.systems])
            for document in campaign.documents
        ]
    return (
        json.dumps({"info": info, "campaign_id": campaign.record.id, "data": data}, ensure_ascii=False, indent=1) + "\n"
    )


def _document(campaign: Campaign, tasks: list[Task]) -> list[dict[str, Any]]:
    """A document with the translations of one or more systems, a list of items."""
    return [
        {
            "src": judged[0].source,
            "tgt": {task.code: each.text for task, each in zip(tasks, judged, strict=True)},
            "item_id": f"{campaign.record.id}{_PARTS}{judged[0].line}",
        }
        for judged in zip(*(task.texts for task in tasks), strict=True)
    ]


def read(path: Path, matcher: Matcher, left_out: LeftOut) -> Iterator[Found]:
    """The judgements of annotations; of what a rater has annotated again, the last ones.

    Args:
        path: the file.
        matcher: finds the translations.
        left_out: counts what is none: forms, tutorials and checks of raters, and what was annotated again.

    Raises:
        JudgementError: an entry is none; the sentence names the line, or the entry.
    """
    last: dict[tuple[str, int, str], Found] = {}
    for place, entry in _entries(path):
        if entry.get("annotation") == RESET:
            for key in [key for key in last if key[2] == entry.get("user_id")]:
                left_out["reset"] += 1
                del last[key]
            continue
        if "item" not in entry or isinstance(entry.get("item_i"), str):
            left_out["forms, tutorials or checks"] += 1
            continue
        for found in _of_entry(place, entry, matcher, left_out):
            key = (found.judged.cell, found.judged.line, found.rating.rater)
            if key in last:
                left_out["annotated again"] += 1
            last[key] = found
    yield from last.values()


def _entries(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The entries of a log: a line each, or in one object by campaign, or in one list."""
    lines = list(numbered_lines(path))
    try:
        whole = json_at("\n".join(line for _, line in lines), str(path)) if lines else []
    except JudgementError:
        whole = None
    if isinstance(whole, dict) and "annotation" not in whole:
        parts = whole.items()
    elif isinstance(whole, list):
        parts = {"": whole}.items()
    else:
        for number, line in lines:
            place = f"{path}, line {number}"
            yield place, of_type(dict, json_at(line, place), place, "the entry")
        return
    for name, entries in parts:
        for number, entry in enumerate(of_type(list, entries, str(path), f"the log {name}"), 1):
            place = f"{path}, {name + ', ' if name else ''}entry {number}"
            yield place, of_type(dict, entry, place, "the entry")


def _of_entry(place: str, entry: dict[str, Any], matcher: Matcher, left_out: LeftOut) -> Iterator[Found]:
    items = of_type(list, entry["item"], place, "the list of items")
    answers = of_type(list, entry.get("annotation"), place, "the list of annotations")
    if len(items) != len(answers):
        raise JudgementError(
            f"{place}: there are {len(items)} items and {len(answers)} annotations; download it again."
        )
    times = [
        number_at(place, "the time of an action", of_type(dict, action, place, "an action").get("time")) or 0.0
        for action in of_type(list, entry.get("actions", []), place, "the list of actions")
    ]
    texts = sum(len(each) for each in answers if isinstance(each, dict))
    spent = sum(min(after - before, _PAUSE) for before, after in pairwise(times)) / texts if times and texts else None
    for item, answer in zip(items, answers, strict=True):
        if answer is None:
            left_out["forms, tutorials or checks"] += 1
            continue
        for system, given in of_type(dict, answer, place, "an annotation").items():
            of_type(dict, item, place, "an item")
            of_type(dict, given, place, "an annotation")
            campaign, line = _named(item.get("item_id"), matcher)
            target = of_type(dict, item.get("tgt"), place, "the translations").get(system)
            source = item.get("src")
            judged = matcher.judged(
                place,
                system=system,
                line=line,
                campaign=campaign,
                source=None if source is None else of_type(str, source, place, "the source"),
                targets=[of_type(str, target, place, f"the translation of {system}")],
            )
            protocol = matcher.protocol(campaign, Protocol.ESA)
            spans = of_type(list, given.get("error_spans") or [], place, "the list of errors")
            rating = rating_at(
                place,
                rater=entry.get("user_id"),
                protocol=protocol,
                score=number_at(place, "the score", given.get("score")),
                spans=tuple(_span(place, judged, of_type(dict, span, place, "an error")) for span in spans),
                seconds=None if spent is None else max(spent, 0.0),
                rated=moment_of(place, max(times)) if times else None,
            )
            yield Found(place, judged, rating, campaign or matcher.campaign)


def _named(item: Any, matcher: Matcher) -> tuple[str | None, int | None]:
    """The campaign and the line of an item, where it is one of a campaign that was written here."""
    campaign, _, line = str(item).rpartition(_PARTS)
    if line.isascii() and line.isdigit() and matcher.knows(campaign):
        return campaign, int(line[:12])
    return None, None


def _span(place: str, judged: Judged, written: dict[str, Any]) -> Span:
    first = of_type(int, written.get("start_i"), place, "start_i")
    last = of_type(int, written.get("end_i"), place, "end_i")
    where = {}
    if not first == last == length_in_units(judged.text):
        marked = characters_of(judged.text, first, last)
        if marked is None:
            raise beyond(place, judged.text, Side.TARGET, first, last)
        where = {"start": marked[0], "end": marked[1]}
    category = written.get("category") or None
    return span_at(place, judged.text, severity=severity_at(place, written.get("severity")), category=category, **where)
