"""The question of the transfer ratio: gain on unseen pairs as a share of that on seen ones."""

from dataclasses import replace
from typing import ClassVar

from dragoman.analysis.aggregation import UNSEEN
from dragoman.analysis.finding import Finding
from dragoman.claims.question import Asked, Question, QuestionOptions
from dragoman.effects.jackknife import DRAWS
from dragoman.effects.resamples import Resamples
from dragoman.effects.transfer_ratio import shared_pairs_of, transfer_ratios
from dragoman.store.store import Store


class TransferRatioQuestion(Question):
    """How much of the gain on seen pairs is there on unseen ones?"""

    title: ClassVar = "gain on unseen pairs, divided by that on seen ones"

    class Options(QuestionOptions):
        """What the ratio is of."""

        partition: str = UNSEEN
        """The unseen partition; all of them by default."""

    def find(self, store: Store, asked: Asked) -> Finding:
        """The ratio."""
        scores = asked.scores(store, "gain")
        shared = shared_pairs_of(scores)
        resamples = Resamples.read(store, scores, shared) if shared else None
        for each in transfer_ratios(scores, resamples, asked.value):
            if each.partition == self.options.partition:
                return replace(each.finding, cells=scores.cells)
        why = f"No pair that all models have a gain on is {self.options.partition}, or none is seen."
        return Finding(of_what=DRAWS, cells=scores.cells, why=why)
