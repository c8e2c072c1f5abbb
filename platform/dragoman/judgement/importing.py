"""Import of judgements from files of annotation tools into the store, and their export: all of a file, or nothing."""

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from dragoman.judgement.base import JudgementError
from dragoman.judgement.formats import appraise, esa, mqm, pearmut
from dragoman.judgement.formats.base import Found, LeftOut
from dragoman.judgement.matching import Matcher
from dragoman.judgement.texts import GridTexts
from dragoman.rating import Protocol
from dragoman.store.judgement_records import JudgementRecord, Recorded, content_of
from dragoman.store.store import Store


class Format(StrEnum):
    """A format of judgements and campaigns."""

    PEARMUT = "pearmut"
    """JSON of Pearmut."""
    APPRAISE = "appraise"
    """Batches and scores of Appraise."""
    MQM = "mqm"
    """The tab-separated table of MQM."""
    ESA = "esa"
    """The JSON lines of error span annotation."""


READERS: Mapping[Format, Callable[[Path, Matcher, LeftOut], Iterator[Found]]] = {
    Format.PEARMUT: pearmut.read,
    Format.APPRAISE: appraise.read,
    Format.MQM: mqm.read,
    Format.ESA: esa.read,
}
"""Readers of judgements."""

WRITERS = {Format.MQM: mqm.write, Format.ESA: esa.write}
"""Writers of judgements."""


class Imported(NamedTuple):
    """What became of a file."""

    found: tuple[Found, ...]
    """Its judgements."""
    recorded: Recorded
    """What became of them; all new where nothing was written."""
    left_out: LeftOut
    """Entries that are no judgements."""


def import_judgements(
    store: Store,
    grid: str,
    path: Path,
    form: Format,
    *,
    pair: str | None = None,
    test_set: str | None = None,
    campaign: str | None = None,
    protocol: Protocol | None = None,
    replace: bool = False,
    dry_run: bool = False,
) -> Imported:
    """Read judgements of a grid's translations from a file, and record them; the same again changes nothing.

    Args:
        store: where the grid is.
        grid: its name.
        path: the file.
        form: its format.
        pair: the pair that it is of, where the file doesn't say.
        test_set: name of the test set that it is of, where neither the file nor its campaign says; by default the
            first.
        campaign: the campaign that it is of, where the file doesn't say.
        protocol: what raters were asked for, where neither the file nor the campaign says.
        replace: whether a judgement takes the place of another one by the same rater.
        dry_run: only check.

    Raises:
        JudgementError: something in it is no judgement of these translations; nothing is written.
        StoreError: there is no such grid or campaign, or a rater has judged otherwise before.
    """
    matcher = Matcher(GridTexts(store, grid, test_set), pair=pair, campaign=campaign, protocol=protocol)
    left_out = LeftOut()
    found: dict[tuple[object, ...], Found] = {}
    records = []
    for each in READERS[form](path, matcher, left_out):
        record = JudgementRecord(
            cell=each.judged.cell, line=each.judged.line, content=content_of(each.judged.text), rating=each.rating,
            campaign=each.campaign,
        )  # fmt: skip
        if (first := found.setdefault(record.key, each)) is not each:
            raise JudgementError(
                f"{each.place}: {each.rating.rater} has judged this translation before ({first.place}): keep one of "
                "the two."
            )
        records.append(record)
    recorded = Recorded(len(records), 0, 0) if dry_run else store.judgements.add(records, replace=replace)
    return Imported(tuple(found.values()), recorded, left_out)


def exported(store: Store, grid: str, form: Format, *, pair: str | None = None, test_set: str | None = None) -> str:
    """The judgements of a pair's translations as they are now, as a table.

    Raises:
        JudgementError: there is no writer of that format, or no such pair.
        StoreError: there is no such grid or test set.
    """
    if form not in WRITERS:
        raise JudgementError(f"Judgements are written as {' or '.join(WRITERS)}, and not as {form}.")
    texts = GridTexts(store, grid, test_set)
    own = texts.of(texts.pair(pair))
    current = [
        each
        for each in store.judgements.of_cells([cell.cell.id for cell in own.cells.values()])
        if each.content == content_of(own.at(own.by_cell[each.cell], each.line).text)
    ]
    return WRITERS[form](own, current)
