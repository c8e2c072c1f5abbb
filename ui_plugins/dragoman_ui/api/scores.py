"""Endpoints about scores and grids, and the blueprint of the whole JSON API."""

import json
from dataclasses import replace
from functools import lru_cache
from typing import Any

from flask import Blueprint, Response, request

from dragoman.analysis.campaigns import campaigns as store_campaigns
from dragoman.analysis.caption import caption_of
from dragoman.analysis.comparison import Comparison
from dragoman.analysis.pair_differences import higher_is_better
from dragoman.analysis.pair_scores import PairScore, pair_scores
from dragoman.analysis.partition_gap import partition_gap
from dragoman.analysis.partition_table import partition_table
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.systems import System, metric_names, model_names
from dragoman.language import english_name
from dragoman.metrics.lookup import sentence_metric
from dragoman.pair import Pair
from dragoman.partition import Partition
from dragoman.reports import comparison as comparison_report
from dragoman.reports.results import captioned, gap_rows, matrix, pairs, partition_rows
from dragoman.store.jobs.progress import progress
from dragoman.store.records import GridRecord, ModelRecord
from dragoman.tables.render import Form
from dragoman.tables.table import Table
from dragoman.version import __version__
from dragoman_ui.api import ranking, registry, writes
from dragoman_ui.api.endpoint import Endpoint, Question, of_store, openapi
from dragoman_ui.api.schemas import (
    Campaigns,
    Cells,
    Contamination,
    Grid,
    Grids,
    Log,
    Matrix,
    Model,
    Models,
    ModelSummary,
    OfCells,
    OfComparison,
    OfComparisonTable,
    OfGrid,
    OfLog,
    OfMatrix,
    OfModel,
    OfOneModel,
    OfPair,
    OfPairs,
    OfRuns,
    OfTable,
    Pairs,
    Partitions,
    Progress,
    Runs,
    Tile,
    Trained,
)
from dragoman_ui.auth.headers import protect
from dragoman_ui.charts import heatmap
from dragoman_ui.charts.heatmap import heat_map
from dragoman_ui.responses.cache import kept
from dragoman_ui.responses.downloads import FILES, kept_file
from dragoman_ui.viewmodels.candidates import rows_beside
from dragoman_ui.viewmodels.comparison import SHOWN, compared_with, differences, scores_beside, tested, version_of
from dragoman_ui.viewmodels.runs import AskedRuns
from dragoman_ui.viewmodels.sentences import PairView, pair_view
from dragoman_ui.viewmodels.store import open_store, read_snapshots, stamp
from dragoman_ui.viewmodels.systems import Names, one_of
from dragoman_ui.viewmodels.view import Show, View, model_of, rival


def grids(question: Question) -> Grids:
    """Every grid of the store."""
    del question
    return Grids(grids=open_store().grids.all())


def grid(question: OfGrid) -> Grid:
    """One grid, with the names of its models and metrics."""
    store = open_store()
    return Grid(
        grid=store.grids.get(question.grid),
        models=model_names(store, question.grid),
        metrics=metric_names(store, question.grid),
    )


def campaigns(question: Question) -> Campaigns:
    """The campaigns of the store: grids that came from one sweep."""
    del question
    return Campaigns(campaigns=store_campaigns(open_store()))


def models(question: OfGrid) -> Models:
    """The models of a grid, and how much each has seen."""
    store = open_store()
    grid = store.grids.get(question.grid)
    return Models(models=[ModelSummary(**_about(grid, each)) for each in store.models.of_grid(question.grid)])


def model(question: OfOneModel) -> Model:
    """One model of a grid: its recipe, and every pair it has seen."""
    store = open_store()
    found = store.models.get(_identity(question))
    seen = [Trained(*pair, examples) for pair, examples in sorted(found.graph.examples.items())]
    return Model(**_about(store.grids.get(question.grid), found), recipe=found.recipe, seen=seen)


def _about(grid: GridRecord, record: ModelRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "name": grid.names[record.id],
        "base": record.id == grid.base,
        "parent": record.parent,
        "seed": record.seed,
        "evidence": record.graph.evidence,
        "pairs": len(record.graph.examples),
        "examples": sum(record.graph.examples.values()),
    }


def contamination(question: OfOneModel) -> Contamination:
    """What a model's training text has of the grid's test sets."""
    return Contamination(records=open_store().contamination.of_grid(question.grid, _identity(question)))


def _identity(question: OfOneModel) -> str:
    names = open_store().grids.get(question.grid).names
    name = one_of(f"Grid '{question.grid}' has no model", question.model, names.values())
    return next(identity for identity, called in names.items() if called == name)


def cells(question: OfCells) -> Cells:
    """One pair under every model and prompt of a grid: its cell's state, engine, time, tokens and attempts."""
    store = open_store()
    pair = Pair.among(question.source, question.target, store.grids.get(question.grid).languages)
    return Cells(cells=store.cells.of_grid(question.grid, pair))


def log(question: OfLog) -> Log:
    """The log of a grid's latest run: events, and failures with their tracebacks."""
    store = open_store()
    job = next(iter(store.jobs.of_grid(question.grid)), None)
    lines = store.jobs.lines(job.id, question.after, most=question.limit) if job else []
    return Log(job=job, lines=lines)


def scores(question: OfPairs) -> Pairs:
    """The planned pairs of a grid under one model: the partition, the score or why there is none, and the base's."""
    view = _view(question)
    found = _scores(stamp(), view.question, view.model)
    return Pairs(view=view, pairs=found[question.offset :][: question.limit], found=len(found))


@lru_cache(maxsize=8)
def _scores(version: str, question: ScoreQuestion, model: str) -> list[PairScore]:
    """All pairs, cached while the store is unchanged, as responses are paginated."""
    del version
    return pair_scores(open_store(), question, model=model)


def partitions(question: OfModel) -> Partitions:
    """One model's mean scores on the pairs it has seen and on each kind it has not."""
    view = _view(question)
    store = open_store()
    return Partitions(
        view=view,
        caption=caption_of(store, view.question, model=view.model),
        rows=partition_table(store, view.question, model=view.model),
        gap=partition_gap(store, view.question, model=view.model, better=Partition.SEEN, worse=Partition.RECOMBINED),
    )


def sentences(question: OfPair) -> PairView:
    """A page of a pair's sentences: source, reference, and each model's hypotheses."""
    store, view = open_store(), _view(question)
    names, record = Names.of(store, view.grid), store.grids.get(view.grid)
    by = question.by or sentence_metric(names.metrics) or names.metrics[0]
    rows = rows_beside(store, names, view, question.beside)
    pair = Pair.among(question.source, question.target, record.languages)
    return pair_view(
        store,
        record,
        rows,
        pair,
        by,
        question.search,
        question.sentences,
        question.page,
        question.label,
        lines=view.lines,
    )


def _view(question: OfModel | OfPair) -> View:
    """The requested view.

    Raises:
        StoreError: something named is not there, or the model is not run with the prompt.
    """
    asked = {name: value for name, value in question if value is not None and name in View.model_fields}
    view = View.of(open_store(), asked)
    if question.prompt not in (None, view.prompt) and view.prompt is not None:
        prompts = Names.of(open_store(), view.grid).prompts_of(view.model)
        one_of(f"'{view.model}' is not asked with the prompt", str(question.prompt), prompts)
    return view


def runs(question: OfRuns) -> Runs:
    """All runs of a grid, or of its campaign: what each was trained on, and its partition table."""
    asked = AskedRuns({name: value for name, value in question if value is not None})
    found = asked.runs()
    return Runs(metric=asked.metric, captions=found.captions, runs=found.runs, complaints=found.complaints)


def heat_map_of(question: OfMatrix) -> Matrix:
    """The pair matrix as the grid page draws it: languages in order, and each pair's place on the scale."""
    store, view = open_store(), _view(question)
    record = store.grids.get(view.grid)
    if view.show is Show.DIFFERENCE:
        view = view.model_copy(update={"against": compared_with(store, view)})
        values, _ = scores_beside(store, view, str(view.against))
    else:
        values = pair_scores(store, view.question, model=view.model)
    graph, better = model_of(store, record, view.model).graph, higher_is_better(view.metric)
    found = heat_map(values, record.languages, graph, view.show, view.order, better)
    return Matrix(
        view=view,
        caption=caption_of(store, view.question, model=view.model),
        sources=list(found.sources),
        targets=list(found.targets),
        names={tag: english_name(tag) for tag in {*found.sources, *found.targets}},
        worst=found.scale.worst,
        best=found.scale.best,
        tiles=[[tile and _short(tile) for tile in row] for row in found.rows],
    )


def of_numbers(question: OfModel) -> str:
    """The version of a response that only changes with the scores in it."""
    store, view = open_store(), _view(question)
    against = rival(store, view, question.against) if isinstance(question, OfComparison) else None
    return f"{view.prompt} {view.test_set} {version_of(store, view, against)}"


def _short(tile: heatmap.Tile) -> Tile:
    score = tile.score
    partition = score.partition or "unknown"
    numbers = (score.value, score.low, score.high, score.base_value)
    return Tile(tile.look, partition, score.state, *numbers, score.reason)


def progress_of(question: OfGrid) -> Progress:
    """The number of cells of a grid in each state, by model, and the state of its latest run."""
    store = open_store()
    return Progress(models=progress(store, question.grid), job=next(iter(store.jobs.of_grid(question.grid)), None))


def table(question: OfTable) -> Response:
    """Download a table as a file."""
    store, view, form = open_store(), _view(question), Form(question.form)

    def make() -> Table:
        asked = view.question
        captions = captioned(store, asked, [view.model])

        def values() -> dict[System, list[PairScore]]:
            return {each: pair_scores(store, replace(asked, prompt=each.prompt), model=each.model) for each in captions}

        match question.table:
            case "partitions":
                return partition_rows(store, asked, captions)
            case "gap":
                return gap_rows(store, asked, captions)
            case "matrix":
                return matrix(asked, captions, languages=store.grids.get(view.grid).languages, scores=values)
            case "pairs":
                return pairs(asked, captions, scores=values)

    name = f"{view.grid}-{view.model}-{view.metric}-{question.table}"
    return kept_file(of_numbers(question), name, make, form)


def comparison(question: OfComparison) -> Comparison:
    """One model against another on the pairs both have: by partition, and pair by pair with paired tests."""
    store, view = open_store(), _view(question)
    against = rival(store, view, question.against)
    scores, theirs = scores_beside(store, view, against)
    return tested(store, view, against, differences(scores, theirs)).model_copy(update={"a": against})


def comparison_table(question: OfComparisonTable) -> Response:
    """Download a table of a comparison as a file."""
    view = _view(question)
    against = rival(open_store(), view, question.against)

    def make() -> Table:
        found = comparison_report.tables(question.grid, comparison(question), SHOWN)
        return next(each for each in found if each.name == question.table)

    name = f"{question.grid}-{view.model}-against-{against}-{view.metric}-{question.table}"
    return kept_file(of_numbers(question), name, make, Form(question.form))


ENDPOINTS = (
    *(
        Endpoint(path, question, answer, respond, version=of_store)
        for path, question, answer, respond in (
            ("grids", Question, Grids, grids),
            ("grid", OfGrid, Grid, grid),
            ("campaigns", Question, Campaigns, campaigns),
            ("models", OfGrid, Models, models),
            ("model", OfOneModel, Model, model),
            ("contamination", OfOneModel, Contamination, contamination),
            ("runs", OfRuns, Runs, runs),
            ("cells", OfCells, Cells, cells),
            ("progress", OfGrid, Progress, progress_of),
            ("log", OfLog, Log, log),
            ("sentences", OfPair, PairView, sentences),
        )
    ),
    *(
        Endpoint(path, question, answer, respond, version=of_numbers)
        for path, question, answer, respond in (
            ("pairs", OfPairs, Pairs, scores),
            ("matrix", OfMatrix, Matrix, heat_map_of),
            ("partitions", OfModel, Partitions, partitions),
            ("comparison", OfComparison, Comparison, comparison),
        )
    ),
    Endpoint("table", OfTable, None, table, files=FILES),
    Endpoint("comparison_table", OfComparisonTable, None, comparison_table, files=FILES),
    *ranking.ENDPOINTS,
    *registry.ENDPOINTS,
    *writes.ENDPOINTS,
)
"""Every endpoint of the API."""

api = Blueprint("dragoman_api", "dragoman_ui")
"""Blueprint of `/ajax-api/3.0/dragoman/`."""


def describe() -> Response:
    """Answer `openapi.json`: the OpenAPI description."""
    return kept("", "application/json", _description)


def _description() -> bytes:
    return json.dumps(openapi(ENDPOINTS, request.path.rpartition("/")[0], __version__)).encode()


api.add_url_rule("/openapi.json", view_func=describe)
for endpoint in ENDPOINTS:
    api.add_url_rule(f"/{endpoint.path}", endpoint.path, endpoint.view, methods=[endpoint.method])
api.after_request(protect)
read_snapshots(api)
