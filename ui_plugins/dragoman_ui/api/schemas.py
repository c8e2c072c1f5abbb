"""What the JSON API is asked and what it answers."""

from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, Field

from dragoman.analysis.pair_scores import PairScore
from dragoman.analysis.partition_table import Gap, PartitionRow
from dragoman.analysis.run_table import Run
from dragoman.cell import CellState
from dragoman.partition import Evidence
from dragoman.store.records import CellRecord, ContaminationRecord, GridRecord, JobLine, JobRecord
from dragoman_registry.promotion.roles import Role
from dragoman_ui.api.endpoint import Question
from dragoman_ui.viewmodels.error_labels import Label
from dragoman_ui.viewmodels.sentences import Arrangement
from dragoman_ui.viewmodels.view import Order, Show, View


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
    prompt: str | None = None
    """Name of the prompt, where the grid asks with several; by default the model's first."""


class OfPairs(OfModel):
    """What can be asked of a model's pairs."""

    offset: int = Field(default=0, ge=0, le=1_000_000)
    """How many are left out at the beginning."""
    limit: int = Field(default=1000, ge=1, le=100_000)
    """How many are told, at most."""


class OfRuns(OfGrid):
    """What can be asked of all runs of a grid, or of its campaign."""

    metric: str | None = None
    """Name of the metric; by default the grid's first."""
    signature: str | None = None
    """Text that signatures hold, where the metric has several."""
    prompt: str | None = None
    """Name of the prompt, where the grid asks with several; its first by default."""


class OfOneModel(OfGrid):
    """What can be asked of one model of a grid."""

    model: str
    """The model's name in the grid."""


class OfCells(OfGrid):
    """What can be asked of a pair's cells."""

    source: str
    """The source language, in any notation."""
    target: str
    """The target language, in any notation."""


class OfLog(OfGrid):
    """What can be asked of a grid's latest run."""

    after: int = Field(default=0, ge=0, le=1_000_000_000)
    """Only lines after this one."""
    limit: int = Field(default=200, ge=1, le=10_000)
    """At most so many."""


class OfMatrix(OfModel):
    """What can be asked of a heat map."""

    show: Show = Show.SCORE
    """What colours the tiles."""
    order: Order = Order.GRID
    """How languages are ordered."""
    against: str | None = None
    """What a difference is taken to: another model, `MODEL:PROMPT` or a baseline; the first finetuned by default."""


class OfTable(OfModel):
    """What can be asked of a table."""

    table: Literal["partitions", "gap", "matrix", "pairs"]
    """Which table."""
    form: Literal["json", "csv", "markdown", "latex"] = "csv"
    """How it is written."""


class OfComparison(OfModel):
    """What can be asked of two models of a grid."""

    against: str | None = None
    """What it is compared with: another model, `MODEL:PROMPT` or a baseline; by default the base."""


class OfComparisonTable(OfComparison):
    """What can be asked of a table of a comparison."""

    table: Literal["scopes", "losses", "gains", "pairs"]
    """Which table."""
    form: Literal["json", "csv", "markdown", "latex"] = "csv"
    """How it is written."""


class OfPair(OfGrid):
    """What can be asked of a pair's sentences."""

    source: str
    """The source language, in any notation."""
    target: str
    """The target language, in any notation."""
    beside: tuple[str, ...] = ()
    """What stands side by side: models, `MODEL:PROMPT` or baselines; by default all models of a few, of many the base
    and the first finetuned one."""
    prompt: str | None = None
    """Name of the prompt of those that name none, where the grid asks with several; the model's first by default."""
    by: str | None = None
    """The metric of the sentences' scores; by default one that can judge a single sentence, where the grid has it."""
    search: str = ""
    """Text that the source, the reference or a hypothesis must hold, in any case."""
    label: Label | None = None
    """A label that one of the hypotheses must bear."""
    sentences: Arrangement = Arrangement.FILE
    """The order of sentences."""
    page: int = Field(default=1, ge=1, le=1_000_000)
    """The page; one too high is the last."""


class OfSession(Question):
    """What can be asked about whoever asks."""

    name: str | None = None
    """A registered model that they may want to change."""
    grid: str | None = None
    """A grid that they may want to change."""


class RefusalRequest(Question):
    """A version that someone decided against."""

    name: str
    """Name of the registered model."""
    version: str = Field(pattern=r"^\d+$")
    """Number of the version."""
    alias: str = "champion"
    """The alias it was put forward for."""
    reason: str = Field(min_length=1)
    """Why, for the record."""
    actor: str | None = None
    """Who asks; believed only where nobody has to sign in."""


class Session(BaseModel):
    """Whoever asks."""

    user: str | None
    """Their name; none where nobody signs in."""
    token: str
    """What a browser's writes bring as `X-Dragoman-Token`, with the cookie that came with it."""
    model_role: Role | None
    """What they are for the registered model."""
    grid_role: Role | None
    """What they are for the grid."""


class Stopped(BaseModel):
    """A grid that was asked to stop."""

    job: JobRecord
    """Its job as it stands now."""


class Retried(BaseModel):
    """A grid whose failed cells are planned again."""

    cells: int
    """How many."""
    sentence: str
    """The same, and what has to be done for them to be tried."""


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
    """How what it has seen is known."""
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
    """One model of a grid, with all that is known of its making."""

    recipe: dict[str, Any]
    """What its identity is the hash of."""
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
    """What the driver of a grid's latest run said."""

    job: JobRecord | None
    """The run; none where the grid was never run."""
    lines: list[JobLine]
    """In order."""


class Contamination(BaseModel):
    """What a model's training text has of the test sets."""

    records: list[ContaminationRecord]
    """By pair and side; one that was looked at and is clean has zeros."""


class Pairs(BaseModel):
    """Every pair of a grid under one model."""

    view: View
    """What was asked for, with the defaults filled in."""
    pairs: list[PairScore]
    """Sorted; those that were asked for."""
    found: int
    """How many there are."""


class Partitions(BaseModel):
    """One model's scores by partition."""

    view: View
    """What was asked for, with the defaults filled in."""
    rows: list[PartitionRow]
    """The partitions that occur, then `unseen` and `all`."""
    gap: Gap | None
    """Seen minus recombined; none where the model lacks either."""


class Runs(BaseModel):
    """The runs of a grid, or of all grids of its campaign."""

    metric: str
    """The metric."""
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
    """Where the cell stands."""
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
    """What was asked for, with the defaults filled in."""
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
    """How far a grid has come."""

    models: dict[str, dict[CellState, int]]
    """The number of cells in each state that occurs, by model."""
    job: JobRecord | None
    """The latest run of the grid."""
