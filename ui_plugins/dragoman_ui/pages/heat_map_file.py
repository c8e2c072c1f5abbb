"""Files of a heat map: its pairs as a table, and a figure of them for a paper."""

from typing import Any

import numpy as np
from flask import Response, request
from numpy.typing import NDArray

from dragoman.analysis.pair_differences import higher_is_better
from dragoman.analysis.pair_scores import STATES, PairColumns, differing
from dragoman.figures import FigureForm, figure_bytes
from dragoman.figures.heat_map import heat_map
from dragoman.figures.pair_matrix import BANDED, PairMatrix
from dragoman.language import english_name
from dragoman.metrics.lookup import digits_of
from dragoman.pair import Pair
from dragoman.partition import Partition
from dragoman.store.schema import PARTITIONS
from dragoman.store.store import Store
from dragoman.tables.render import Form
from dragoman.tables.table import Column, Table, interval, number, word
from dragoman_ui.charts.heatmap import DIVERGING, falls, size_of
from dragoman_ui.charts.matrix_binary import sides_in_order
from dragoman_ui.responses.cache import kept
from dragoman_ui.responses.downloads import FORMS, kept_file
from dragoman_ui.viewmodels.captions import measured_of, title_of, unit_of
from dragoman_ui.viewmodels.comparison import (
    columns_beside,
    compared_with,
    differences,
    scores_beside,
    tested,
    version_of,
)
from dragoman_ui.viewmodels.store import open_store
from dragoman_ui.viewmodels.systems import one_of
from dragoman_ui.viewmodels.view import Order, Show, View, model_of


def heat_map_file() -> Response:
    """Answer `/dragoman/heat_map?grid=...&form=...`: what a heat map shows, as CSV, JSON, LaTeX, Markdown, or a figure.

    The pairs of the table are in the order of the map. The figure is drawn by `dragoman.figures`.
    """
    store = open_store()
    view = View.of(store, request.args)
    form = one_of("A heat map has no form", request.args.get("form") or "csv", [*FORMS, *FigureForm])
    name = f"{view.grid}-{view.model}-{view.metric}-{view.show}"
    if form in FORMS:
        return kept_file(version_of(store, view), name, lambda: _table(store, view), Form(form))
    drawn = FigureForm(form)
    response = kept(version_of(store, view), drawn.media_type, lambda: _figure(store, view, drawn))
    response.headers.set("Content-Disposition", "attachment", filename=f"{name}.{form}")
    return response


def _sides(store: Store, view: View, columns: PairColumns) -> tuple[list[str], list[str]]:
    """The sources and the targets in the order of the map."""
    grid = store.grids.get(view.grid)
    graph = model_of(store, grid, view.model).graph
    return sides_in_order(columns, grid.languages, graph, view.order, higher_is_better(view.metric))


def _shown(view: View, columns: PairColumns) -> NDArray[np.float64]:
    """The number of each tile: the score, or the difference."""
    if view.show not in DIVERGING:
        return columns.own.values
    return (-1 if falls(view.show, higher_is_better(view.metric)) else 1) * columns.gains


def _table(store: Store, view: View) -> Table:
    against, said = compared_with(store, view), measured_of(store, view)
    columns = columns_beside(store, view, against)
    sources, targets = _sides(store, view, columns)
    row, column = ({tag: place for place, tag in enumerate(side)} for side in (sources, targets))
    pairs = [Pair(*tags) for tags in zip(columns.sources.tolist(), columns.targets.tolist(), strict=True)]
    significant = _significant(store, view, against, columns, pairs) if view.show is Show.DIFFERENCE else None
    shown = _shown(view, columns)
    rows: list[dict[str, Any]] = [
        {
            "source": pair.source,
            "target": pair.target,
            "source_name": english_name(pair.source),
            "target_name": english_name(pair.target),
            "model": view.model,
            "partition": PARTITIONS[columns.partitions[place]] or "unknown",
            "state": STATES[columns.states[place]].value,
            "reason": columns.reasons.get(place),
            "shown": _known(shown[place]) if view.show is not Show.PARTITION else None,
            "value": _known(columns.own.values[place]),
            "low": _known(columns.own.lows[place]),
            "high": _known(columns.own.highs[place]),
            "other": against,
            "other_value": _known(columns.other.values[place]),
            **({} if significant is None else {"significant": pair in significant}),
            **said.facts,
        }
        for place, pair in sorted(enumerate(pairs), key=lambda each: (row[each[1].source], column[each[1].target]))
    ]
    digits = digits_of(view.metric)
    tests = [] if significant is None else [Column("significant", "significant", lambda row: str(row["significant"]))]
    return Table(
        name="heat_map", title=title_of(view, against, said.on), content=rows, caption=said.line, stub=2,
        columns=[word("source"), word("target"), word("partition"), word("state"),
                 number("shown", "shown", digits, sign=view.show in DIVERGING), number("value", view.metric, digits),
                 interval("low", "high", digits=digits), number("other_value", against, digits), *tests],
    )  # fmt: skip


def _significant(store: Store, view: View, against: str, columns: PairColumns, pairs: list[Pair]) -> set[Pair]:
    """The pairs that are marked: by paired tests, in large grids by intervals."""
    if size_of(len(store.grids.get(view.grid).languages)) == "small":
        return {pair for pair, is_so in zip(pairs, differing(columns.own, columns.other), strict=True) if is_so}
    scores, theirs = scores_beside(store, view, against)
    return {each.pair for each in tested(store, view, against, differences(scores, theirs)).pairs if each.significant}


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _figure(store: Store, view: View, form: FigureForm) -> bytes:
    against, said, better = compared_with(store, view), measured_of(store, view), higher_is_better(view.metric)
    columns = columns_beside(store, view, against)
    sources, targets = _sides(store, view, columns)
    partitions = [Partition(name) if (name := PARTITIONS[number]) else None for number in columns.partitions.tolist()]
    # the bands of many languages need those of a family side by side
    is_free = view.order is Order.FAMILY or max(len(sources), len(targets)) < BANDED
    matrix = PairMatrix.of(
        columns.sources.tolist(),
        columns.targets.tolist(),
        _shown(view, columns),
        partitions,
        order=sources if is_free and sources == targets else None,
    )
    title, diverges = title_of(view, against, said.on), view.show in DIVERGING
    return figure_bytes(
        lambda: heat_map(
            matrix,
            title=title,
            unit=unit_of(view.metric, Show.SCORE if view.show is Show.PARTITION else view.show, against),
            digits=digits_of(view.metric),
            diverging=diverges,
            higher_is_better=better or (falls(view.show, better) and diverges),
        ),
        form,
        title=title,
        about=said.line,
    )
