"""The claims of a bundle: what its members say of a grid, as records that are checked when they are read."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from dragoman.cell import CellState
from dragoman.model import TRANSLATIONS, is_from_files
from dragoman.pair import Pair, PairKey
from dragoman.partition import Evidence, Partition, TrainingGraph
from dragoman.store.records import DecodingRecord, ModelRecord, PromptRecord, TestSetRecord

FORMAT = 1
"""Version of the layout."""

CONTENTS, CELLS, SCORES = "grid.json", "cells.jsonl", "scores.jsonl"
"""Members: the grid and its plan; its cells; the score of each."""
MEANS, DIFFERENCES = "means.jsonl", "differences.jsonl"
"""Members: means by partition; differences to the base with their p-values."""

Count = Annotated[int, Field(ge=0, le=2**53)]


class Claim(BaseModel):
    """Something that a bundle says."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class BundledModel(Claim):
    """A model with the pairs that it was trained on itself; what it inherits follows from its parent's."""

    id: str
    """Its identity."""
    name: str
    """Its name in the grid; its identity where it is only an ancestor."""
    parent: str | None
    """Id of the model it was finetuned from."""
    base: str | None
    """Id of the model its gains are measured against."""
    seed: Count | None
    """Seed of its training."""
    from_files: bool
    """Whether its translations were read from files."""
    evidence: Evidence
    """Evidence of the pairs it was trained on."""
    examples: dict[PairKey, Count]
    """Examples of each of these pairs."""

    @classmethod
    def of(cls, model: ModelRecord, name: str, own: TrainingGraph) -> Self:
        """A model of the store."""
        return cls(
            id=model.id, name=name, parent=model.parent, base=model.base, seed=model.seed,
            from_files=is_from_files(model.recipe), evidence=own.evidence, examples=dict(own.examples),
        )  # fmt: skip

    @property
    def record(self) -> ModelRecord:
        """The model as a store keeps it; its recipe is not in the bundle."""
        recipe: dict[str, Any] = {TRANSLATIONS: self.id} if self.from_files else {}
        return ModelRecord(
            id=self.id, name=self.name, parent=self.parent, base=self.base, seed=self.seed, recipe=recipe
        )

    @property
    def own_graph(self) -> TrainingGraph:
        """Its own training graph."""
        return TrainingGraph(examples=self.examples, evidence=self.evidence)


class BundledSystem(Claim):
    """A model with one of its prompts."""

    file: str
    """Its name in names of files."""
    name: str
    """Its name in the grid."""
    model: str
    """Id of the model."""
    prompt: str
    """Id of the prompt."""
    decoding: str
    """Id of the decoding."""


class LeftOut(Claim):
    """A system of the grid that is not in the bundle."""

    name: str
    """Its name in the grid."""
    scores: str
    """From where its scores are quoted, as a phrase."""


class BundledTestSet(Claim):
    """A test set with what is planned on it."""

    folder: str
    """The name of its folder: that of the grid's own, where it has one."""
    record: TestSetRecord
    """The test set."""
    pairs: tuple[PairKey, ...]
    """Every planned pair."""
    contents: dict[PairKey, str]
    """The content hashes that cells of some pairs know their lines by, where their corpus counts lines besides those
    that are tested (blank ones, and such as another language lacks), so that the hash does not follow from these."""
    systems: tuple[str, ...]
    """The file names of the systems that were run on it."""


class Contents(Claim):
    """What is in a bundle: the grid, and its plan."""

    format: int
    """Version of the layout."""
    grid: str
    """Name of the grid."""
    languages: tuple[str, ...]
    """Its languages."""
    metrics: tuple[str, ...]
    """Its metrics."""
    base: str
    """Id of its base."""
    models: tuple[BundledModel, ...]
    """Its models with all their ancestors, each after those it refers to."""
    prompts: tuple[PromptRecord, ...]
    """The prompts."""
    decodings: tuple[DecodingRecord, ...]
    """The decodings."""
    systems: tuple[BundledSystem, ...]
    """The systems."""
    left_out: tuple[LeftOut, ...]
    """Systems whose scores are quoted, so that nothing of them can be computed."""
    test_sets: tuple[BundledTestSet, ...]
    """The test sets."""

    @model_validator(mode="after")
    def _refers_to_itself(self) -> Self:
        """All that it refers to is there, and once."""
        models: set[str] = set()
        for model in self.models:
            _require({model.parent, model.base} - {None, model.id} <= models, f"{model.id} comes before its parent")
            models.add(model.id)
        prompts, decodings = {each.id for each in self.prompts}, {each.id for each in self.decodings}
        systems = {each.file for each in self.systems}
        _require(self.base in models, "the base is not among the models")
        _require(len(models) == len(self.models) and len(systems) == len(self.systems), "a name is there twice")
        for system in self.systems:
            is_known = system.model in models and system.prompt in prompts and system.decoding in decodings
            _require(is_known, f"the model, prompt or decoding of {system.file} is not there")
        for test_set in self.test_sets:
            _require(systems >= set(test_set.systems), f"a system of {test_set.folder} is not there")
            _require(len(set(test_set.pairs)) == len(test_set.pairs), f"a pair of {test_set.folder} is there twice")
        folders = {each.folder for each in self.test_sets}
        _require(len(folders) == len(self.test_sets), "a test set is there twice")
        _require(len({each.record.id for each in self.test_sets}) == len(folders), "two test sets are the same one")
        return self

    @property
    def cells(self) -> int:
        """How many cells are planned."""
        return sum(len(each.pairs) * len(each.systems) for each in self.test_sets)

    @property
    def names(self) -> Mapping[str, str]:
        """The names of the models by id."""
        return {model.id: model.name for model in self.models}


class CellClaim(Claim):
    """A cell: one system on one pair of a test set."""

    test_set: str
    """Folder of the test set."""
    system: str
    """File name of the system."""
    pair: PairKey
    """The direction."""
    id: str
    """Identity of the cell: the hash of what it means, its test sentences among it."""
    state: CellState
    """Its state."""
    partition: Partition | None
    """Its partition by the training graph; None where that is unknown."""
    segments: Count | None
    """Sentences; None where there are none."""
    unscorable: tuple[str, ...] = ()
    """Metrics that can't score it."""

    @property
    def place(self) -> tuple[str, str, Pair]:
        """Test set, system and pair."""
        return self.test_set, self.system, self.pair


class ScoreClaim(Claim):
    """A score of a cell."""

    test_set: str
    """Folder of the test set."""
    system: str
    """File name of the system."""
    pair: PairKey
    """The direction."""
    metric: str
    """The metric."""
    signature: str
    """Everything the value depends on besides the text."""
    value: float
    """The score."""
    low: float | None
    """Lower end of its 95% interval."""
    high: float | None
    """Upper end of it."""


class MeanClaim(Claim):
    """A mean of a system over the pairs of a partition, or of `unseen`, `unknown` or `all`."""

    test_set: str
    """Folder of the test set."""
    system: str
    """File name of the system."""
    metric: str
    """The metric."""
    scope: str
    """The partition, or the other scope."""
    pairs: Count
    """Planned pairs."""
    done: Count
    """Those that have a score."""
    mean: float | None
    """Mean over these."""
    low: float | None
    """Lower end of its 95% interval; None where it has none."""
    high: float | None
    """Upper end of it."""


class DifferenceClaim(Claim):
    """The difference of a system to the base on a pair, or as a mean over a scope."""

    test_set: str
    """Folder of the test set."""
    system: str
    """File name of the system."""
    metric: str
    """The metric."""
    over: str
    """The pair, or the scope."""
    pairs: Count
    """Pairs that both have a score for."""
    base: float | None
    """The base's score, or mean."""
    value: float | None
    """The system's."""
    delta: float | None
    """The difference."""
    low: float | None
    """Lower end of its 95% interval."""
    high: float | None
    """Upper end of it."""
    p_value: float | None
    """Two-sided p-value."""
    adjusted: float | None
    """The same, adjusted for all pairs, or for all scopes."""


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)
