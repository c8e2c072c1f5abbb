"""Schemas of the JSON API: pydantic models of its requests and responses."""

from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, Field

from dragoman.analysis.caption import Caption
from dragoman.analysis.pair_scores import PairScore
from dragoman.analysis.partition_gap import Gap
from dragoman.analysis.partition_table import PartitionRow
from dragoman.analysis.run_table import Run
from dragoman.cell import CellState
from dragoman.metrics.errors.label import Label
from dragoman.partition import Evidence
from dragoman.store.records import CellRecord, ContaminationRecord, GridRecord, JobLine, JobRecord
from dragoman_registry.promotion.roles import Role
from dragoman_ui.api.endpoint import Question
from dragoman_ui.viewmodels.sentences import Arrangement
from dragoman_ui.viewmodels.view import Order, Show, View


class OfGrid(Question):
    """Parameters of endpoints about a grid."""

    grid: str
    """Name of the grid."""


class OfModel(OfGrid):
    """Parameters of endpoints about one model's scores in a grid."""

    model: str | None = None
    """The model's name in the grid; by default the first finetuned one."""
    metric: str | None = None
    """Name of the metric; by default the grid's first."""
    signature: str | None = None
    """Text that signatures hold, where the metric has several."""
    prompt: str | None = None
    """Name of the prompt, where the grid has several; by default the model's first."""
    test_set: str | None = None
    """Name of the test set, where the grid has several; its first by default."""
    lines: str | None = None
    """Only test lines with these labels, as in `domain=news`; all by default."""


class OfPairs(OfModel):
    """Parameters of the endpoint of a model's pairs."""

    offset: int = Field(default=0, ge=0, le=1_000_000)
    """Offset of the first."""
    limit: int = Field(default=1000, ge=1, le=100_000)
    """Most pairs in the response."""


class OfRuns(OfGrid):
    """Parameters of the endpoint of all runs of a grid, or of its campaign."""

    metric: str | None = None
    """Name of the metric; by default the grid's first."""
    signature: str | None = None
    """Text that signatures hold, where the metric has several."""
    prompt: str | None = None
    """Name of the prompt, where the grid has several; its first by default."""
    test_set: str | None = None
    """Name of the test set, where the grid has several; its first by default."""
    lines: str | None = None
    """Only test lines with these labels, as in `domain=news`; all by default."""


class OfOneModel(OfGrid):
    """Parameters of endpoints about one model of a grid."""

    model: str
    """The model's name in the grid."""


class OfCells(OfGrid):
    """Parameters of the endpoint of a pair's cells."""

    source: str
    """The source language, in any notation."""
    target: str
    """The target language, in any notation."""


class OfLog(OfGrid):
    """Parameters of the endpoint of a latest run's log."""

    after: int = Field(default=0, ge=0, le=1_000_000_000)
    """Only lines after this one."""
    limit: int = Field(default=200, ge=1, le=10_000)
    """At most so many."""


class OfMatrix(OfModel):
    """Parameters of the endpoint of a heat map."""

    show: Show = Show.SCORE
    """The quantity that colours the tiles."""
    order: Order = Order.GRID
    """How languages are ordered."""
    against: str | None = None
    """Reference of a difference: another model, `MODEL:PROMPT` or a baseline; the first finetuned by default."""


class OfTable(OfModel):
    """Parameters of the endpoint of a table."""

    table: Literal["partitions", "gap", "matrix", "pairs"]
    """Which table."""
    form: Literal["json", "csv", "markdown", "latex"] = "csv"
    """How it is written."""


class OfComparison(OfModel):
    """Parameters of the endpoint of a comparison of two models."""

    against: str | None = None
    """The baseline: another model, `MODEL:PROMPT` or a baseline; by default the base."""


class OfComparisonTable(OfComparison):
    """Parameters of the endpoint of a comparison's table."""

    table: Literal["scopes", "losses", "gains", "pairs"]
    """Which table."""
    form: Literal["json", "csv", "markdown", "latex"] = "csv"
    """How it is written."""


class OfPair(OfGrid):
    """Parameters of the endpoint of a pair's sentences."""

    source: str
    """The source language, in any notation."""
    target: str
    """The target language, in any notation."""
    beside: tuple[str, ...] = ()
    """The systems side by side: models, `MODEL:PROMPT` or baselines; by default all models of a few, of many the base
    and the first finetuned one."""
    prompt: str | None = None
    """Name of the prompt of those without one, where the grid has several; the model's first by default."""
    test_set: str | None = None
    """Name of the test set, where the grid has several; its first by default."""
    by: str | None = None
    """The metric of the sentences' scores; by default one that can score a single sentence, where the grid has it."""
    lines: str | None = None
    """Only test lines with these labels, as in `domain=news`; all by default."""
    search: str = ""
    """Text that the source, the reference or a hypothesis must hold, in any case."""
    label: Label | None = None
    """A label that one of the hypotheses must have."""
    sentences: Arrangement = Arrangement.FILE
    """The order of sentences."""
    page: int = Field(default=1, ge=1, le=1_000_000)
    """The page; one too high is the last."""


class OfSession(Question):
    """Parameters of the endpoint of the session."""

    name: str | None = None
    """A registered model, to get the user's role for it."""
    grid: str | None = None
    """A grid, to get the user's role for it."""


class RefusalRequest(Question):
    """Request to record a refusal of a version."""

    name: str
    """Name of the registered model."""
    version: str = Field(pattern=r"^\d+$")
    """Number of the version."""
    alias: str = "champion"
    """The alias it was proposed for."""
    reason: str = Field(min_length=1)
    """Why, for the record."""
    actor: str | None = None
    """Name of the user; used only where nobody has to sign in."""


class Session(BaseModel):
    """The user of a request."""

    user: str | None
    """Their name; none where nobody signs in."""
    token: str
    """The header `X-Dragoman-Token` of a browser's writes, valid with the cookie set with it."""
    model_role: Role | None
    """Their role for the registered model."""
    grid_role: Role | None
    """Their role for the grid."""


class Stopped(BaseModel):
    """Response to a stop request."""

    job: JobRecord
    """Its job, in its present state."""


class Retried(BaseModel):
    """A grid whose failed cells are planned again."""

    cells: int
    """How many."""
    sentence: str
    """A sentence with the number, and what has to be done for them to be tried."""


class Grids(BaseModel):
    """Every grid of the store."""

    grids: list[GridRecord]
    """The latest first."""


class Grid(BaseModel):
    """One grid."""

    grid: GridRecord
    """The grid."""
    models: list[str]
    """Names of its models, the base first where it is evaluated."""
    metrics: list[str]
    """Names of its metrics."""


class ModelSummary(BaseModel):
    """One model of a grid."""

    id: str
    """Its identity."""
    name: str
    """Its name in the grid."""
    base: bool
    """Whether the others' gains are measured against it."""
    parent: str | None
    """Id of the model it was finetuned from."""
    seed: int | None
    """Seed of its training."""
    evidence: Evidence
    """Evidence of its training graph."""
    pairs: int
    """Directed pairs it has seen, its ancestors' included."""
    examples: int
    """Examples of them."""


class Trained(NamedTuple):
    """A pair that a model has seen."""

    source: str
    """The source language."""
    target: str
    """The target language."""
    examples: int
    """Examples of it."""


class Model(ModelSummary):
    """One model of a grid, with its recipe and training graph."""

    recipe: dict[str, Any]
    """The recipe, whose hash is its identity."""
    seen: list[Trained]
    """Every pair it has seen, its ancestors' included, sorted."""


class Models(BaseModel):
    """The models of a grid."""

    models: list[ModelSummary]
    """The base first."""


class Cells(BaseModel):
    """One pair under every model of a grid."""

    cells: list[CellRecord]
    """In the order of the models."""


class Campaigns(BaseModel):
    """Grids that came from one sweep."""

    campaigns: dict[str, list[str]]
    """Names of grids, by campaign; the latest first."""


class Log(BaseModel):
    """Log of a grid's latest run."""

    job: JobRecord | None
    """The run; none where the grid was never run."""
    lines: list[JobLine]
    """In order."""


class Contamination(BaseModel):
    """Contamination of a model's training text with the test sets."""

    records: list[ContaminationRecord]
    """By pair and side; one that was searched and is clean has zeros."""


class Pairs(BaseModel):
    """Every pair of a grid under one model."""

    view: View
    """The request, with the defaults filled in."""
    pairs: list[PairScore]
    """The requested ones, sorted."""
    found: int
    """How many there are."""


class Partitions(BaseModel):
    """One model's scores by partition."""

    view: View
    """The request, with the defaults filled in."""
    caption: Caption
    """What the scores were measured on, and how."""
    rows: list[PartitionRow]
    """The partitions that occur, then `unseen` and `all`."""
    gap: Gap | None
    """Seen minus recombined; none where the model lacks either."""


class Runs(BaseModel):
    """The runs of a grid, or of all grids of its campaign."""

    metric: str
    """The metric."""
    captions: dict[str, Caption]
    """What the scores of each grid were measured on, and how."""
    runs: list[Run]
    """Each run with what it was trained on and its partition table."""
    complaints: list[str]
    """Why the runs of some grids are not among them."""


class Tile(NamedTuple):
    """One pair of a heat map, short, as there may be tens of thousands."""

    look: str
    """A step of the scale (`q0` to `q20`; `d0` to `d20` for differences), `p-` and a partition, or `s-` and a state."""
    partition: str
    """The partition; `unknown` where the model's training graph is."""
    state: str
    """State of the cell."""
    value: float | None
    """The score."""
    low: float | None
    """Lower end of its 95% interval."""
    high: float | None
    """Upper end of it."""
    base: float | None
    """The score that gains and differences are taken to: the base's, or the other row's."""
    reason: str | None
    """Why there is no score."""


class Matrix(BaseModel):
    """The pair matrix of one model as a heat map."""

    view: View
    """The request, with the defaults filled in."""
    caption: Caption
    """What the scores were measured on, and how."""
    sources: list[str]
    """Languages from top to bottom."""
    targets: list[str]
    """Languages from left to right."""
    names: dict[str, str]
    """Their English names."""
    worst: float
    """The number at the first step of the scale."""
    best: float
    """The number at the last."""
    tiles: list[list[Tile | None]]
    """A row for each source; none where the grid has no such pair."""


class Progress(BaseModel):
    """Progress of a grid."""

    models: dict[str, dict[CellState, int]]
    """The number of cells in each state that occurs, by model."""
    job: JobRecord | None
    """The latest run of the grid."""
