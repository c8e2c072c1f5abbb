"""What a suggestion learns from: the unseen cells of finished models, with the features of their training graphs."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dragoman.analysis.pair_scores import Numbers
from dragoman.effects.campaign_scores import CampaignScores
from dragoman.pair import Pair
from dragoman.store.schema import UNSEEN_IDS
from dragoman.suggestion.gain_model import GainModel, Mask
from dragoman.suggestion.graph_features import FEATURES, graph_features, graph_of

NOTHING, LANGUAGES, GRAPH, BOTH = "nothing", "languages", "training graph", "training graph and languages"
"""The sets of features that may be chosen."""


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
        place = {tag: number for number, tag in enumerate(self.languages)}
        sides = np.array([(place[pair.source], place[pair.target]) for pair in self.scores.pairs], np.intp)
        return sides[:, 0], sides[:, 1]

    @cached_property
    def sign(self) -> int:
        """1 where a higher score is better, -1 where a lower one is."""
        from dragoman.analysis.pair_differences import higher_is_better

        return 1 if higher_is_better(self.scores.question.metric) else -1

    @cached_property
    def values(self) -> Numbers:
        """The values, models × pairs, so that more is better; NaN where a pair was trained or has none."""
        unseen = np.isin(self.scores.partitions, UNSEEN_IDS)
        return np.where(unseen, self.sign * self.scores.values, np.nan)

    @cached_property
    def graphs(self) -> list[NDArray[np.float64]]:
        """The examples that each model has seen of each pair, sources × targets."""
        return [graph_of(model.record.graph.examples, self.languages) for model in self.scores.models]

    @cached_property
    def features(self) -> Numbers:
        """The features of each cell, models × pairs × features: of the training graph, then of the languages."""
        return np.stack([self.of_graph(graph) for graph in self.graphs])

    @cached_property
    def model(self) -> GainModel:
        """The regression of the values on the features."""
        held = ~np.isnan(self.values)
        draws = np.broadcast_to(np.array(self.scores.draws)[:, None], held.shape)
        return GainModel(self.features[held], self.values[held], draws[held], self._sets)

    def of_graph(self, graph: NDArray[np.float64]) -> Numbers:
        """The features of each evaluated pair under a training graph, pairs × features."""
        sources, targets = self.places
        one = np.eye(len(self.languages))
        return np.concatenate([graph_features(graph)[sources, targets], one[sources], one[targets]], axis=1)

    @property
    def candidates(self) -> list[Pair]:
        """Pairs that may be trained: of the languages of the campaign."""
        return [Pair(one, two) for one in self.languages for two in self.languages if one != two]

    @property
    def _sets(self) -> dict[str, Mask]:
        is_graph = np.arange(len(FEATURES) + 2 * len(self.languages)) < len(FEATURES)
        return {NOTHING: is_graph & False, LANGUAGES: ~is_graph, GRAPH: is_graph, BOTH: is_graph | True}
