"""Campaigns and scores of Appraise (https://github.com/AppraiseDev/Appraise), in its views for ESA and MQM.

A campaign is a list of batches of a hundred items (`Examples/MQM+ESA/batches_esa.json`), given to `StartNewCampaign`
with a manifest; scores are what `ExportSystemScoresToCSV` prints: rows without a header of user, system, item, type,
languages, score, document, whether that is complete, errors, and the seconds since 1970 at which the rater began and
ended. Errors are counted in UTF-16 units of the translation as JavaScript trims it, the last one included.
"""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import langcodes

from dragoman.judgement.base import JudgementError
from dragoman.judgement.campaign import Campaign, Task
from dragoman.judgement.formats.base import (
    Found,
    LeftOut,
    json_at,
    moment_of,
    number_at,
    numbered_lines,
    of_type,
    rating_at,
)
from dragoman.judgement.formats.esa import span_of
from dragoman.judgement.formats.offsets import trimmed
from dragoman.judgement.matching import Matcher
from dragoman.rating import Protocol

BATCH = 100
"""Items of a batch: Appraise takes batches of exactly as many."""

REPEATED = "CHK"
"""The type of an item that is there again."""

_COLUMNS = 12
_PARTS = "#"


def write_campaign(campaign: Campaign) -> str:
    """The batches of a campaign as Appraise loads them."""
    return json.dumps(_batches(campaign), ensure_ascii=False, indent=1) + "\n"


def _batches(campaign: Campaign) -> list[dict[str, Any]]:
    """Those of the first rater first; the last of each is filled up with repeated items."""
    batches: list[dict[str, Any]] = []
    for rater in range(len(campaign.dealt)):
        tasks = campaign.tasks(rater)
        items = [item for task in tasks for item in _items(campaign, task)]
        again = [{**item, "itemType": REPEATED, "documentID": f"{item['documentID']}{_PARTS}dup"} for item in items]
        for start in range(0, len(items), BATCH):
            batch = items[start : start + BATCH]
            filled = [*batch, *(again[number % len(again)] for number in range(BATCH - len(batch)))]
            batches.append({"items": filled, "task": _task(campaign, len(batches) + 1)})
    return batches


def manifest(campaign: Campaign) -> dict[str, Any]:
    """The manifest of a campaign, in which each rater has the batches of their own."""
    _, source, target = _languages(campaign)
    return {
        "CAMPAIGN_URL": "http://127.0.0.1:8000/dashboard/sso/", "CAMPAIGN_NAME": campaign.record.id,
        "CAMPAIGN_KEY": campaign.record.id, "CAMPAIGN_NO": 1, "REDUNDANCY": 1,
        "TASKS_TO_ANNOTATORS": [[source, target, "uniform", len(campaign.dealt), len(_batches(campaign))]],
        "TASK_TYPE": "Document", "TASK_OPTIONS": "MQM" if campaign.record.protocol is Protocol.MQM else "ESA",
    }  # fmt: skip


def _languages(campaign: Campaign) -> tuple[str, str, str]:
    pair = campaign.texts.pair
    return str(pair), langcodes.Language.get(pair.source).to_alpha3(), langcodes.Language.get(pair.target).to_alpha3()


def _task(campaign: Campaign, number: int) -> dict[str, Any]:
    _, source, target = _languages(campaign)
    return {
        "batchNo": number, "randomSeed": campaign.seed, "requiredAnnotations": 1, "sourceLanguage": source,
        "targetLanguage": target,
    }  # fmt: skip


def _items(campaign: Campaign, task: Task) -> Iterator[dict[str, Any]]:
    document = f"{campaign.record.id}{_PARTS}{task.document.name}"
    for judged in task.texts:
        yield {
            "mqm": [], "documentID": document, "sourceID": str(campaign.texts.pair), "targetID": task.code,
            "itemType": "TGT", "sourceText": judged.source, "targetText": judged.text, "itemID": judged.line,
            "_item": "", "isCompleteDocument": False,
        }  # fmt: skip


def read(path: Path, matcher: Matcher, left_out: LeftOut) -> Iterator[Found]:
    """The judgements of exported scores, which are of a campaign that was written here: they hold no text.

    Args:
        path: the file.
        matcher: finds the translations.
        left_out: counts items that are none: repeated ones, and those that check raters.

    Raises:
        JudgementError: a row is none; the sentence names the line.
    """
    for number, line in numbered_lines(path):
        place = f"{path}, line {number}"
        row = next(csv.reader([line]), [])
        if len(row) < _COLUMNS:
            raise JudgementError(
                f"{place}, has {len(row)} columns, and what `ExportSystemScoresToCSV` prints has {_COLUMNS}: export "
                "the scores again."
            )
        user, system, item, kind, _, _, score, document, _, errors, began, ended = row[:_COLUMNS]
        if kind != "TGT":
            left_out["repeated or checking items"] += 1
            continue
        campaign = document.split(_PARTS)[0]
        if not matcher.knows(campaign):
            campaign = matcher.campaign or ""
        if not campaign:
            raise JudgementError(
                f"{place}: '{document:.60}' is of no campaign that was written here, and without texts nothing tells "
                "what was judged: name the campaign with --campaign, or import a table of ESA."
            )
        judged = matcher.judged(place, system=system, line=_line(place, item), campaign=campaign)
        protocol = matcher.protocol(campaign, Protocol.ESA)
        start, end = number_at(place, "the beginning", began), number_at(place, "the end", ended)
        text, skipped = trimmed(judged.text)
        spans = of_type(list, json_at(errors or "[]", f"{place}, errors,"), place, "the list of errors")
        rating = rating_at(
            place,
            rater=user,
            protocol=protocol,
            score=None if protocol is Protocol.MQM else number_at(place, "the score", score),
            spans=tuple(
                span_of(place, judged, of_type(dict, each, place, "an error"), skipped=skipped, text=text)
                for each in spans
            ),
            seconds=None if start is None or end is None else end - start,
            rated=moment_of(place, end),
        )
        yield Found(place, judged, rating, campaign)


def _line(place: str, item: str) -> int:
    if not (item.isascii() and item.isdigit()):
        raise JudgementError(f"{place}: the item is '{item:.40}', which is no number; export the scores again.")
    return int(item[:12])
