"""What a suggestion learns from: the unseen cells of finished models, with the features of their training graphs."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dragoman.analysis.pair_differences import higher_is_better
from dragoman.analysis.pair_scores import Numbers
from dragoman.effects.campaign_scores import CampaignScores
from dragoman.pair import Pair
from dragoman.store.schema import UNSEEN_IDS
from dragoman.suggestion.gain_model import GainModel
from dragoman.suggestion.graph_features import graph_features, graph_of

Graph = NDArray[np.float64]
"""Examples of each pair, sources × targets."""


@dataclass(frozen=True)
class ObservedModels:
    """The models of a campaign, their training graphs, and their values on pairs not trained themselves."""

    scores: CampaignScores
    """The scores."""

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """All languages of evaluated and trained pairs."""
        trained = (pair for model in self.scores.models for pair in model.record.graph.pairs)
        return tuple(sorted({tag for pair in (*self.scores.pairs, *trained) for tag in pair}))

    @cached_property
    def places(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Places of the languages of each evaluated pair: sources, targets."""
        sides = np.array([self.place(pair) for pair in self.scores.pairs], np.intp)
        return sides[:, 0], sides[:, 1]

    @cached_property
    def values(self) -> Numbers:
        """The values, models × pairs, so that more is better; NaN where a pair was trained or has none."""
        sign = 1 if higher_is_better(self.scores.question.metric) else -1
        return np.where(np.isin(self.scores.partitions, UNSEEN_IDS), sign * self.scores.values, np.nan)

    @cached_property
    def graphs(self) -> list[Graph]:
        """The examples that each model has seen of each pair."""
        return [graph_of(model.record.graph.examples, self.languages) for model in self.scores.models]

    @cached_property
    def features(self) -> Numbers:
        """The features of each cell, models × pairs × features."""
        return np.stack([self.of_graph(graph) for graph in self.graphs])

    @cached_property
    def model(self) -> GainModel:
        """The regression of the values on the features."""
        return GainModel(self.features, self.values, self.scores.draws)

    def of_graph(self, graph: Graph) -> Numbers:
        """The features of each evaluated pair under a training graph, pairs × features."""
        return graph_features(graph)[self.places]

    def place(self, pair: Pair) -> tuple[int, int]:
        """The place of a pair in a training graph."""
        return self.languages.index(pair.source), self.languages.index(pair.target)

    @property
    def candidates(self) -> list[Pair]:
        """Pairs that may be trained: of the languages of the campaign."""
        return [Pair(one, two) for one in self.languages for two in self.languages if one != two]
