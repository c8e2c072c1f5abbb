"""Partitions of evaluation pairs by the training graph of a model."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import cached_property
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from dragoman.pair import Pair, PairKey


class Partition(StrEnum):
    """The seven partitions, from most to least familiar; every ordered pair is in exactly one."""

    SEEN = "seen"
    """The pair itself was trained."""
    REVERSED = "reversed"
    """Only its opposite was trained."""
    RECOMBINED = "recombined"
    """Neither was, but its source was a source and its target a target: the classic zero-shot pair."""
    ONE_SIDED = "one_sided"
    """Both languages were trained, but the source never as a source or the target never as a target."""
    UNSEEN_SOURCE = "unseen_source"
    """Only the target language was trained."""
    UNSEEN_TARGET = "unseen_target"
    """Only the source language was trained."""
    UNSEEN_BOTH = "unseen_both"
    """Neither language was trained."""

    @property
    def is_unseen(self) -> bool:
        """Whether the pair itself was not trained."""
        return self is not Partition.SEEN


class Evidence(StrEnum):
    """Evidence of a training graph; what is unknown is shown as such, never counted as unseen."""

    RECORDED = "recorded"
    """Written down by the finetuning job from what it read."""
    DECLARED = "declared"
    """Declared in the description of a model trained elsewhere."""
    UNKNOWN = "unknown"
    """Nothing is known of the pairs this model saw."""


class TrainingGraph(BaseModel):
    """The directed pairs a model was trained on, with the number of examples of each."""

    model_config = ConfigDict(frozen=True)

    examples: Mapping[PairKey, int] = Field(default_factory=dict)
    """Examples read for each directed pair; pairs without examples are not in the graph."""
    evidence: Evidence = Evidence.RECORDED
    """The evidence for it."""

    @classmethod
    def of(cls, pairs: Iterable[Pair], examples: int = 1) -> Self:
        """A recorded graph of the given pairs, with the same number of examples each."""
        return cls(examples=dict.fromkeys(pairs, examples))

    @cached_property
    def pairs(self) -> frozenset[Pair]:
        """The pairs that were trained on at least one example."""
        return frozenset(pair for pair, count in self.examples.items() if count > 0)

    @cached_property
    def sources(self) -> frozenset[str]:
        """Every language that was a source."""
        return frozenset(pair.source for pair in self.pairs)

    @cached_property
    def targets(self) -> frozenset[str]:
        """Every language that was a target."""
        return frozenset(pair.target for pair in self.pairs)

    def partition(self, pair: Pair) -> Partition | None:
        """The partition of one pair under this graph; None where the graph is unknown."""
        if self.evidence is Evidence.UNKNOWN:
            return None
        if pair in self.pairs:
            return Partition.SEEN
        if pair.reverse in self.pairs:
            return Partition.REVERSED
        known = self.sources | self.targets
        match pair.source in known, pair.target in known:
            case True, True if pair.source in self.sources and pair.target in self.targets:
                return Partition.RECOMBINED
            case True, True:
                return Partition.ONE_SIDED
            case False, True:
                return Partition.UNSEEN_SOURCE
            case True, False:
                return Partition.UNSEEN_TARGET
        return Partition.UNSEEN_BOTH

    def inherit(self, parent: "TrainingGraph") -> "TrainingGraph":
        """The graph of a model finetuned on this graph from a parent with that one: the sum of both.

        A parent whose graph is unknown makes the child's unknown too: what it has seen can't be known.
        """
        if parent.evidence is Evidence.UNKNOWN:
            return TrainingGraph(examples=self.examples, evidence=Evidence.UNKNOWN)
        declared = self.evidence is Evidence.DECLARED or (parent.pairs and parent.evidence is Evidence.DECLARED)
        examples = {
            pair: self.examples.get(pair, 0) + parent.examples.get(pair, 0) for pair in self.pairs | parent.pairs
        }
        return TrainingGraph(examples=examples, evidence=Evidence.DECLARED if declared else Evidence.RECORDED)
