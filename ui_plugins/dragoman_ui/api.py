"""The JSON API below the pages: reads only."""

from typing import Literal

from flask import Blueprint, Response, jsonify, request
from pydantic import BaseModel, Field

from dragoman import __version__
from dragoman.cli.results import matrix, pairs, partition_rows
from dragoman.cli.tables import Form, render
from dragoman.language import Language
from dragoman.pair import Pair
from dragoman.partition import Partition
from dragoman.store.queries import (
    Gap,
    PairScore,
    PartitionRow,
    metric_names,
    model_names,
    pair_scores,
    partition_gap,
    partition_table,
)
from dragoman.store.records import GridRecord
from dragoman_ui.endpoint import Endpoint, Question, openapi
from dragoman_ui.pages.index import GridSummary, summaries
from dragoman_ui.reading import open_store
from dragoman_ui.security import protect
from dragoman_ui.segments import Arrangement, PairView, pair_view, sentence_metric
from dragoman_ui.view import View


class OfGrid(Question):
    """What can be asked of a grid."""

    grid: str
    """Name of the grid."""


class OfModel(OfGrid):
    """What can be asked of one model's scores in a grid."""

    model: str | None = None
    """The model's name in the grid; by default the first finetuned one."""
    metric: str | None = None
    """Name of the metric; by default the grid's first."""
    signature: str | None = None
    """Text that signatures hold, where the metric has several."""

    def view(self) -> View:
        """What it asks for, with the defaults filled in."""
        return View.of(open_store(), {name: value for name, value in self if value is not None})


class OfTable(OfModel):
    """What can be asked of a table."""

    table: Literal["partitions", "matrix", "pairs"]
    """Which table."""
    form: Literal["json", "csv", "markdown", "latex"] = "csv"
    """How it is written."""


class OfPair(OfGrid):
    """What can be asked of a pair's sentences."""

    source: Language
    """The source language, in any notation."""
    target: Language
    """The target language, in any notation."""
    by: str | None = None
    """The metric of the sentences' scores; by default one that can judge a single sentence, where the grid has it."""
    search: str = ""
    """Text that the source, the reference or a hypothesis must hold, in any case."""
    sentences: Arrangement = Arrangement.FILE
    """The order of sentences."""
    page: int = Field(default=1, ge=1, le=1_000_000)
    """The page; one too high is the last."""


class Grids(BaseModel):
    """Every grid of the store."""

    grids: list[GridSummary]
    """The latest first."""


class Grid(BaseModel):
    """One grid."""

    grid: GridRecord
    """The grid."""
    models: list[str]
    """Names of its models, the base first where it is evaluated."""
    metrics: list[str]
    """Names of its metrics."""


class Pairs(BaseModel):
    """Every pair of a grid under one model."""

    view: View
    """What was asked for, with the defaults filled in."""
    pairs: list[PairScore]
    """Sorted."""


class Partitions(BaseModel):
    """One model's scores by partition."""

    view: View
    """What was asked for, with the defaults filled in."""
    rows: list[PartitionRow]
    """The partitions that occur, then `unseen` and `all`."""
    gap: Gap | None
    """Seen minus recombined; none where the model lacks either."""


def grids(question: Question) -> Grids:
    """Every grid, and how far it has come."""
    del question
    return Grids(grids=summaries())


def grid(question: OfGrid) -> Grid:
    """One grid, with the names of its models and metrics."""
    store = open_store()
    return Grid(
        grid=store.grid(question.grid),
        models=model_names(store, question.grid),
        metrics=metric_names(store, question.grid),
    )


def scores(question: OfModel) -> Pairs:
    """Every planned pair of a grid under one model: its partition, its score or why there is none, and the base's."""
    view = question.view()
    return Pairs(view=view, pairs=pair_scores(open_store(), view.grid, view.model, view.metric, view.signature))


def partitions(question: OfModel) -> Partitions:
    """One model's mean scores on the pairs it has seen and on each kind it has not."""
    view = question.view()
    asked = (open_store(), view.grid, view.model, view.metric)
    return Partitions(
        view=view,
        rows=partition_table(*asked, signature=view.signature),
        gap=partition_gap(*asked, Partition.SEEN, Partition.RECOMBINED, signature=view.signature),
    )


def sentences(question: OfPair) -> PairView:
    """A page of a pair's sentences: source, reference, and what each model of the grid made of them."""
    store = open_store()
    by = question.by or sentence_metric(metric_names(store, question.grid))
    names = {model.id: model.name for model in store.models(question.grid)}
    pair = Pair.of(question.source, question.target)
    record = store.grid(question.grid)
    return pair_view(store, record, names, pair, by, question.search, question.sentences, question.page)


def table(question: OfTable) -> Response:
    """A table to take away, as a file."""
    store, view, form = open_store(), question.view(), Form(question.form)

    def values() -> dict[str, list[PairScore]]:
        return {view.model: pair_scores(store, view.grid, view.model, view.metric, view.signature)}

    match question.table:
        case "partitions":
            found = partition_rows(store, view.grid, [view.model], view.metric, signature=view.signature)
        case "matrix":
            found = matrix(view.grid, view.metric, store.grid(view.grid).languages, values)
        case "pairs":
            found = pairs(view.grid, view.metric, values)
    suffix = {Form.LATEX: "tex", Form.MARKDOWN: "md"}.get(form, form.value)
    name = f"{view.grid}-{view.model}-{view.metric}-{question.table}.{suffix}"
    response = Response(render([found], form, question.table), mimetype=_MIME[form])
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


_MIME = {Form.JSON: "application/json", Form.CSV: "text/csv", Form.MARKDOWN: "text/markdown", Form.LATEX: "text/x-tex"}

ENDPOINTS = (
    Endpoint("grids", Question, Grids, grids),
    Endpoint("grid", OfGrid, Grid, grid),
    Endpoint("pairs", OfModel, Pairs, scores),
    Endpoint("partitions", OfModel, Partitions, partitions),
    Endpoint("sentences", OfPair, PairView, sentences),
    Endpoint("table", OfTable, None, table),
)
"""Every address of the API."""

api = Blueprint("dragoman_api", "dragoman_ui")
"""What stands at `/ajax-api/3.0/dragoman/`."""


def describe() -> Response:
    """Answer `openapi.json`: what the API can be asked."""
    return jsonify(openapi(ENDPOINTS, request.path.rpartition("/")[0], __version__))


api.add_url_rule("/openapi.json", view_func=describe)
for endpoint in ENDPOINTS:
    api.add_url_rule(f"/{endpoint.path}", endpoint.path, endpoint.view)
api.after_request(protect)
