"""The partition page: seen and unseen in a filtered set of pairs, their distributions, and the pairs themselves."""

from collections.abc import Callable, Mapping

from flask import Response, render_template, request

from dragoman.analysis.caption import Caption, caption_line, caption_of
from dragoman.analysis.detector_check import misses_of
from dragoman.analysis.pair_differences import higher_is_better
from dragoman.analysis.pair_scores import OFF_TARGET, Numbers, PairColumns, pair_columns
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.cell import CellState
from dragoman.language import english_name
from dragoman.metrics.detector_misses import Misses
from dragoman.metrics.lookup import digits_of
from dragoman.partition import Partition
from dragoman.reports.quoted import legend
from dragoman.reports.results import partition_columns
from dragoman.script import likely_script
from dragoman.store.store import Store
from dragoman.tables.table import Decoration, Row, Table, interval, number, word
from dragoman_ui.charts.color_scale import Scale
from dragoman_ui.charts.distribution import spreads
from dragoman_ui.responses.downloads import taken
from dragoman_ui.responses.pagination import Part
from dragoman_ui.viewmodels.decorations import SCOPES, of_pairs, scope_class
from dragoman_ui.viewmodels.filters import Filters, family
from dragoman_ui.viewmodels.pair_summary import SORTS, Point, Summary, in_order, points, summaries
from dragoman_ui.viewmodels.store import open_store
from dragoman_ui.viewmodels.systems import Names, one_of
from dragoman_ui.viewmodels.view import View


def partitions() -> str | Response:
    """Answer `/dragoman/partitions?grid=...`: a page, or with `table` and `form` one of its tables as a file."""
    store = open_store()
    view = View.of(store, request.args)
    languages = store.grids.get(view.grid).languages
    filters = Filters.of(request.args, languages)
    order = one_of("Pairs can't be ordered by", request.args.get("sort") or "pair", SORTS)
    columns = pair_columns(store, view.question, model=view.model)
    rates, chosen, better = _rates(store, view), filters.holds(columns, view.only), higher_is_better(view.metric)
    misses = {} if rates is None else _misses(store, view)
    rows = summaries(columns, rates, chosen, misses, higher_is_better=better)
    found = in_order(points(columns, rates, chosen, higher_is_better=better), order, better)
    axis = Scale.of_scores(_numbers(columns), better)
    measured = caption_of(store, view.question, model=view.model)
    tables = {"scopes": lambda: _scopes(view, rows, measured), "pairs": lambda: _pairs(view, found, measured)}
    if (file := taken(f"{view.grid}-{view.model}-{view.metric}", tables, request.args)) is not None:
        return file
    part = Part.of(found, request.args.get("page", 1, type=int))
    return render_template(
        "dragoman/partition_page.html",
        view=view,
        names=Names.of(store, view.grid),
        every_partition=Partition,
        filters=filters,
        order=order,
        rows=rows,
        axis=axis,
        spreads=spreads(found, axis),
        found=len(found),
        part=part,
        scopes=_scopes(view, rows, measured),
        pairs=_pairs(view, list(part.rows), measured),
        caption=caption_line({view.model: measured}),
        arguments={**view.query(), **filters.query, "sort": order},
    )


def _rates(store: Store, view: View) -> Numbers | None:
    """The off-target rate of every pair, in the order of the columns; None where none was measured."""
    if view.metric == OFF_TARGET or OFF_TARGET not in Names.of(store, view.grid).metrics:
        return None
    return pair_columns(store, _off_target(view), model=view.model).own.values


def _misses(store: Store, view: View) -> Mapping[str, Misses]:
    return misses_of(store, _off_target(view), model=view.model)


def _off_target(view: View) -> ScoreQuestion:
    return ScoreQuestion(view.grid, OFF_TARGET, prompt=view.prompt, test_set=view.test_set, lines=view.lines)


def _numbers(columns: PairColumns) -> list[float]:
    values = (*columns.own.values.tolist(), *columns.other.values.tolist())
    return [value for value in values if value == value]


def _scopes(view: View, summed: list[Summary], measured: Caption) -> Table:
    rows = [{**row.model_dump(), **measured.facts} for row in summed]
    return Table(
        name="scopes", title=f"{view.grid}: {view.metric} of {view.model} by partition, each pair alike", content=rows,
        columns=partition_columns(rows, view.metric, resampled=False), caption=caption_line({view.model: measured}),
        notes=legend(each for each in Names.of(open_store(), view.grid).systems if each.model == view.model),
    ).decorated(SCOPES, scope_class)  # fmt: skip


def _state(row: Row) -> str:
    """The meaning of a pair's state, where it is the reason for a missing score."""
    return str(row["state"]) if row["value"] is not None else CellState(row["state"]).meaning


LANGUAGE_FACTS: dict[str, Callable[[str], str]] = {"family": family, "script": likely_script}
"""Columns on both languages of a pair: each line adds one, in every form of the table."""


def _pairs(view: View, found: list[Point], measured: Caption) -> Table:
    facts = {f"{side}_{fact}": (side, of) for fact, of in LANGUAGE_FACTS.items() for side in ("source", "target")}
    rows = [
        {"source": point.pair.source, "target": point.pair.target, "source_name": english_name(point.pair.source),
         "target_name": english_name(point.pair.target), **point._asdict(),
         "partition": point.partition or "unknown",
         **{key: of(getattr(point.pair, side)) for key, (side, of) in facts.items()}, **measured.facts}
        for point in found
    ]  # fmt: skip
    for row in rows:
        del row["pair"]
    digits = digits_of(view.metric)
    return Table(
        name="pairs", title=f"{view.grid}: {view.metric} of {view.model}", content=rows, stub=2,
        caption=caption_line({view.model: measured}),
        columns=[word("source"), word("target"), word("partition"),
                 *(word(key, key.replace("_", " ")) for key in facts), word("state"),
                 number("value", view.metric, digits),
                 interval("low", "high", digits=digits), number("base_value", "base", digits),
                 number("gain", digits=digits, sign=True),
                 number("off_target", "off-target %"), word("reason")],
    ).decorated({**of_pairs(view), "state": Decoration(html=_state)})  # fmt: skip
