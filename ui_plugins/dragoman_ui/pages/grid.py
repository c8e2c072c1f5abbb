"""The grid page: the pair matrix as a heat map, and the partition table."""

from collections import Counter
from typing import Any

from flask import Response, render_template, request

from dragoman.analysis.pair_differences import higher_is_better
from dragoman.analysis.pair_scores import pair_scores
from dragoman.family import family_name
from dragoman.metrics.lookup import digits_of
from dragoman.partition import Partition
from dragoman.reports.results import captioned, gap_rows, partition_rows
from dragoman.store.store import Store
from dragoman.tables.table import Table
from dragoman_ui.charts.color_scale import Scale
from dragoman_ui.charts.distribution import spreads
from dragoman_ui.charts.family_map import MANY, FamilyMap, family_map, family_table
from dragoman_ui.charts.heatmap import heat_map, size_of
from dragoman_ui.charts.matrix_binary import drawing
from dragoman_ui.responses.cache import kept
from dragoman_ui.responses.downloads import taken
from dragoman_ui.viewmodels.analyses import analyses_of
from dragoman_ui.viewmodels.captions import measured_of, unit_of
from dragoman_ui.viewmodels.comparison import (
    columns_beside,
    compared_with,
    differences,
    scores_beside,
    tested,
    version_of,
)
from dragoman_ui.viewmodels.decorations import SCOPES, scope_class
from dragoman_ui.viewmodels.filters import family
from dragoman_ui.viewmodels.mlflow_links import experiment_link
from dragoman_ui.viewmodels.store import open_store
from dragoman_ui.viewmodels.systems import Names
from dragoman_ui.viewmodels.view import Show, View, model_of

HTML = "text/html; charset=utf-8"


def grid() -> Response:
    """Answer `/dragoman/grid?grid=...`: cached until the store changes."""
    store = open_store()
    view = View.of(store, request.args)
    experiment = experiment_link(view.grid)
    version = f"{version_of(store, view)} {experiment} {' '.join(analyses_of('grid'))}"
    return kept(version, HTML, lambda: _page(store, view, experiment).encode())


def heat_map_with_tests() -> Response:
    """Answer `/dragoman/map?...`: the heat map; one of a difference with the pairs that differ significantly."""
    store = open_store()
    view = View.of(store, request.args)
    return kept(version_of(store, view), HTML, lambda: _map(store, view, is_tested=True).encode())


def seen_and_unseen() -> Response:
    """Answer `/dragoman/seen?...`: the partition table, for whose intervals the page doesn't wait."""
    store = open_store()
    view = View.of(store, request.args)

    def make() -> bytes:
        return render_template("dragoman/seen.html", view=view, **_partitions(store, view)).encode()

    return kept(version_of(store, view), HTML, make)


def families() -> Response:
    """Answer `/dragoman/families?...`: the matrix summed up by family; or with `form` what it shows as a file."""
    store = open_store()
    view = View.of(store, request.args)
    if (file := taken(f"{view.grid}-{view.model}-{view.metric}", {"families": lambda: _by_family(store, view)[1]},
                      request.args)) is not None:  # fmt: skip
        return file

    def make() -> bytes:
        found, table = _by_family(store, view)
        against = compared_with(store, view)
        names = {family_name(tag): family(tag) for tag in store.grids.get(view.grid).languages}
        return render_template(
            "dragoman/families.html", view=view, map=found, against=against, family_of=names, caption=table.caption
        ).encode()

    return kept(version_of(store, view), HTML, make)


def _by_family(store: Store, view: View) -> tuple[FamilyMap, Table]:
    against, said = compared_with(store, view), measured_of(store, view)
    columns, languages = columns_beside(store, view, against), store.grids.get(view.grid).languages
    found = family_map(columns, languages, view.show, higher_is_better(view.metric))
    what = unit_of(view.metric, view.show, against)
    return found, family_table(view.grid, what, found, said.facts, said.line, digits_of(view.metric))


def drawn() -> Response:
    """Answer `/dragoman/drawing?...`: the pairs of a large grid as bytes (`dragoman_ui.charts.matrix_binary`)."""
    store = open_store()
    view = View.of(store, request.args)

    def make() -> bytes:
        record = store.grids.get(view.grid)
        found = columns_beside(store, view, compared_with(store, view))
        graph, better = model_of(store, record, view.model).graph, higher_is_better(view.metric)
        return drawing(found, record.languages, graph, view.show, view.order, better)

    return kept(version_of(store, view), "application/octet-stream", make)


def _page(store: Store, view: View, experiment: str | None) -> str:
    record = store.grids.get(view.grid)
    model = model_of(store, record, view.model)
    names, said = Names.of(store, view.grid), measured_of(store, view)
    size = size_of(len(record.languages))
    # tens of thousands of pairs are drawn by the browser, which fetches them once the page is there
    is_drawn = size == "small"
    scores = [] if is_drawn else pair_scores(store, view.question, model=view.model)
    return render_template(
        "dragoman/grid.html",
        view=view,
        grid=record,
        model=model,
        size=size,
        against=compared_with(store, view),
        names=names,
        rivals=names.rivals(view.system),
        map="" if is_drawn else _map(store, view),
        caption=said.line,
        measured=said.on,
        reasons=Counter((score.state, score.reason) for score in scores if score.value is None and score.reason),
        signatures=sorted({score.signature for score in scores if score.signature}),
        every_partition=Partition,
        experiment=experiment,
        has_families=len(record.languages) >= MANY,
    )


def _map(store: Store, view: View, is_tested: bool = False) -> str:
    record = store.grids.get(view.grid)
    against, better = compared_with(store, view), higher_is_better(view.metric)
    significant: set[Any] = set()
    found = None
    if view.show is Show.DIFFERENCE:
        scores, theirs = scores_beside(store, view, against)
        if is_tested:
            found = tested(store, view, against, differences(scores, theirs))
            significant = {each.pair for each in found.pairs if each.significant}
    else:
        scores = pair_scores(store, view.question, model=view.model)
    graph = model_of(store, record, view.model).graph
    return render_template(
        "dragoman/map.html",
        view=view,
        size=size_of(len(record.languages)),
        against=against,
        map=heat_map(scores, record.languages, graph, view.show, view.order, better),
        tested=found,
        significant=significant,
    )


def _partitions(store: Store, view: View) -> dict[str, Any]:
    is_drawn = size_of(len(store.grids.get(view.grid).languages)) == "small"
    scores = [] if is_drawn else pair_scores(store, view.question, model=view.model)
    captions = captioned(store, view.question, [view.model])
    numbers = [number for score in scores for number in (score.value, score.base_value) if number is not None]
    axis = Scale.of_scores(numbers, higher_is_better(view.metric))
    return {
        "axis": axis,
        "spreads": spreads(scores, axis),
        "table": partition_rows(store, view.question, captions).decorated(SCOPES, scope_class),
        "gap": gap_rows(store, view.question, captions),
    }
