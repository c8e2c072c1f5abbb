"""Records of the store: the frozen pydantic models that its repositories take and return."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from reprlib import Repr
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from dragoman.cell import Cell, CellState, Unscorable
from dragoman.contamination import SEARCH, Contamination
from dragoman.partition import Evidence, TrainingGraph
from dragoman.store.heartbeat import LOST_AFTER, has_ended_here

if TYPE_CHECKING:
    from dragoman.metrics.scoring import ScoreRecord

UNKNOWN_GRAPH = TrainingGraph(evidence=Evidence.UNKNOWN)
"""The graph of a model for which none has been recorded."""

Finite = Annotated[float, Field(allow_inf_nan=False)]
"""A number that can be summed and compared."""


def now() -> datetime:
    """The time that is stored: UTC, with its zone."""
    return datetime.now(UTC)


class Record(BaseModel):
    """One thing as the store keeps it."""

    model_config = ConfigDict(frozen=True)

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Its fields for `repr`, long ones shortened."""
        return ((name, _Shortened(value)) for name, value in super().__repr_args__())


class _Shortened:
    """A value whose `repr` is short."""

    def __init__(self, value: object) -> None:
        self._value = value

    def __repr__(self) -> str:
        return _REPR.repr(self._value)


_REPR = Repr()
_REPR.maxstring = _REPR.maxother = 80
_REPR.maxdict = _REPR.maxtuple = _REPR.maxlist = 3
_REPR.maxlevel = 2


class ModelRecord(Record):
    """A model, and where it comes from."""

    id: str
    """Its identity: the hash of the recipe."""
    name: str
    """Its name in tables."""
    parent: str | None = None
    """Id of the model it was finetuned from."""
    base: str | None = None
    """Id of the model its gains are measured against."""
    recipe: dict[str, Any] = Field(default_factory=dict)
    """What the identity is the hash of."""
    seed: int | None = None
    """Seed of its training."""
    graph: TrainingGraph = UNKNOWN_GRAPH
    """Every pair it has seen, its ancestors' included. Read from the store; `models.record_graph` writes it."""


class TestSetRecord(Record):
    """A test set: what is read from which corpus, for any pair."""

    id: str
    """Its identity: the hash of the rest."""
    corpus: str
    """Kind of corpus, with the options that choose text."""
    revision: str
    """Revision of the corpus."""
    split: str
    """The split that is read."""
    sentences: Annotated[int, Field(gt=0)] | None = None
    """So many sentences of each pair, the first ones or a sample; None is all."""
    seed: Annotated[int, Field(ge=0)] | None = None
    """Seed of the sample; None where the first sentences are meant."""


class PromptRecord(Record):
    """A prompt."""

    id: str
    """Its identity."""
    template: str
    """Its text with the places to fill."""


class DecodingRecord(Record):
    """The settings of a decoding."""

    id: str
    """Its identity."""
    settings: dict[str, Any]
    """Everything that changes the text."""


class GridRecord(Record):
    """A grid: models, and the pairs they are evaluated on."""

    name: str
    """Its name, unique in the store."""
    spec: dict[str, Any]
    """The specification it was made from."""
    spec_hash: str
    """Hash of the specification: the same name with another hash replaces the grid."""
    models: tuple[str, ...]
    """Ids of the evaluated models; the base first, where it is evaluated."""
    base: str
    """Id of the base model, evaluated or not."""
    metrics: tuple[str, ...]
    """Names of the requested metrics."""
    languages: tuple[str, ...]
    """Canonical tags of its languages."""
    names: Mapping[str, str] = Field(default_factory=dict)
    """Names of its models in this grid, by id; by default `base` for the base and else the model's own name."""
    test_sets: Mapping[str, str] = Field(default_factory=dict, exclude_if=lambda test_sets: not test_sets)
    """Names of its test sets by id, the first one first; none of a grid whose one test set has no name."""


class CellRecord(Record):
    """A cell with its state and outcome."""

    cell: Cell
    """The cell's semantic fields."""
    state: CellState = CellState.PLANNED
    """Its state."""
    reason: str | None = None
    """Why it is missing, failed or unscorable."""
    hypotheses: str | None = None
    """Blob of the translation."""
    test: str | None = None
    """Blob of the source and reference lines."""
    segments: int | None = None
    """Lines translated, or to translate."""
    engine: str | None = None
    """Engine that decoded."""
    seconds: float | None = None
    """Seconds of decoding."""
    tokens: int | None = None
    """Tokens generated."""
    cut: int | None = None
    """Segments cut at the longest length allowed."""
    too_long: int | None = None
    """Segments that the model had no room for: empty, or of a shortened source; None where nobody counted."""
    attempts: int = 0
    """How often a worker started on it."""


class Translation(Record):
    """The outcome of translating one cell."""

    cell_id: str
    """Id of the cell."""
    hypotheses: str
    """Blob of the hypotheses."""
    segments: int = Field(ge=0)
    """Lines translated."""
    tokens: int = Field(ge=0)
    """Tokens generated."""
    cut: int = Field(ge=0)
    """Segments cut at the longest length allowed."""
    too_long: int = Field(default=0, ge=0)
    """Segments that the model had no room for: empty, or of a shortened source."""
    engine: str
    """Engine that decoded."""
    seconds: float = Field(ge=0)
    """Seconds of decoding."""
    worker: str
    """Who did it."""


class StoredScore(Record):
    """A cell's value under one signature."""

    metric: str
    """Name of the metric."""
    signature: str
    """Everything the value depends on besides the text."""
    value: Finite
    """The corpus score."""
    low: Finite | None = None
    """Lower end of its confidence interval."""
    high: Finite | None = None
    """Upper end of its confidence interval."""
    statistics: bytes | None = None
    """Packed sufficient statistics of the segments (`dragoman.metrics.serialization`)."""
    spans: bytes | None = None
    """Packed error spans of the segments (`dragoman.metrics.span_serialization`); None of a metric that marks none."""

    @classmethod
    def of(cls, score: "ScoreRecord") -> Self:
        """A score as the store keeps it."""
        from dragoman.metrics.serialization import pack
        from dragoman.metrics.span_serialization import pack_spans

        return cls(
            metric=score.metric,
            signature=score.signature,
            value=score.value,
            low=score.low,
            high=score.high,
            statistics=pack(score.statistics),
            spans=None if score.spans is None else pack_spans(score.spans),
        )


class CellOutcome(Record):
    """A translated cell with its scores."""

    translation: Translation
    """The hypotheses' blob, and how they were decoded."""
    scores: tuple[StoredScore, ...] = ()
    """The scores, with their statistics."""
    unscorable: tuple[Unscorable, ...] = ()
    """The metrics that can't score it."""
    busy: float = 0.0
    """Seconds the worker spent on it, scoring included; of what it did for several cells at once, a share. Not kept."""
    began: float = 0.0
    """When the worker began with it, and with those it decoded together with, in seconds since 1970; not kept."""
    ended: float = 0.0
    """When it was done, in seconds since 1970; not kept."""


class ScoredCell(NamedTuple):
    """What became of a cell under a model metric."""

    cell: str
    """Id of the cell."""
    scores: tuple[StoredScore, ...] = ()
    """The score; none where it can't be scored."""
    unscorable: tuple[Unscorable, ...] = ()
    """Why it can't."""
    began: float = 0.0
    """When the worker began with it: seconds since 1970."""
    ended: float = 0.0
    """When it was done."""


class Untranslated(NamedTuple):
    """A cell that ended without a translation."""

    cell_id: str
    """Id of the cell."""
    reason: str
    """Why."""


class ContaminationRecord(Contamination):
    """Test sentences that were found in one side of a pair's training text."""

    model: str
    """Id of the model that is trained on it."""
    test_set: str
    """Id of the test set."""
    similarity: float
    """How alike two sentences had to be to count as nearly the same, from 0 to 1."""
    search: int = SEARCH
    """Version of the search (`dragoman.contamination.SEARCH`); what an earlier one found is a lower bound."""

    @property
    def is_lower_bound(self) -> bool:
        """Whether an earlier version searched, which could miss copies."""
        return self.search < SEARCH


class JobState(StrEnum):
    """State of a run of a grid."""

    QUEUED = "queued"
    """Submitted to a cluster; its driver has not begun."""
    RUNNING = "running"
    """Its driver works, or was killed (`JobRecord.is_lost`)."""
    DONE = "done"
    """It came to its end; single cells may have failed."""
    FAILED = "failed"
    """It broke off; the reason is recorded."""
    STOPPED = "stopped"
    """Somebody stopped it."""


class JobRecord(Record):
    """One run of a grid's driver."""

    id: int
    """Its number in the store."""
    grid: str
    """Name of the grid."""
    worker: str | None = None
    """Host and process of the driver (`driver_name`); None until it has begun."""
    state: JobState
    """Its state."""
    reason: str | None = None
    """Why it failed or was stopped."""
    started: AwareDatetime
    """When it was queued or began (UTC)."""
    ended: AwareDatetime | None = None
    """When it ended (UTC)."""
    seen: AwareDatetime
    """Last heartbeat of its driver (UTC)."""
    address: str | None = None
    """Address of the Ray cluster it was submitted to; None where Ray was embedded."""
    submission: str | None = None
    """Its submission id there."""
    stop_asked: AwareDatetime | None = None
    """When it was asked to stop (UTC)."""
    stop_asked_by: str | None = None
    """Who requested it."""
    progress: Mapping[str, Any] | None = None
    """Its driver's last progress report: cells, throughput, workers, time left."""

    @property
    def is_lost(self) -> bool:
        """Whether it counts as running though its driver seems gone: no heartbeat in time, or no process on this host.

        A heartbeat that is yet to come is none: the clock was set back. What takes a driver's place asks
        `JobRepository`, which does not go by clocks.
        """
        return self.state is JobState.RUNNING and (abs(now() - self.seen) > LOST_AFTER or self.has_ended)

    @property
    def has_ended(self) -> bool:
        """Whether its driver was a process of this host and is no more."""
        return has_ended_here(self.worker or "")

    @property
    def is_alive(self) -> bool:
        """Whether its driver works at the grid."""
        return self.state is JobState.RUNNING and not self.is_lost


class LineKind(StrEnum):
    """Kind of a line of a job's log."""

    SAID = "said"
    """What happened."""
    FAILURE = "failure"
    """Something failed."""


class JobLine(Record):
    """A line of a job's log."""

    number: int = 0
    """Its place in the job's log, from 1; the store gives it."""
    at: AwareDatetime = Field(default_factory=now)
    """When (UTC)."""
    kind: LineKind = LineKind.SAID
    """What it is about."""
    text: str
    """The sentence."""
    detail: str | None = None
    """Details, such as a traceback."""
