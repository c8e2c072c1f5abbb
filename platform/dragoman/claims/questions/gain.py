"""The question of the gain over the base on the pairs of a partition."""

from dataclasses import replace
from typing import ClassVar

from dragoman.analysis.aggregation import UNSEEN
from dragoman.analysis.finding import Finding
from dragoman.claims.question import Asked, Question, QuestionOptions
from dragoman.effects.mean_gain import mean_gain
from dragoman.store.store import Store


class GainQuestion(Question):
    """How much better than their base are the finetuned models?"""

    title: ClassVar = "gain over the base"

    class Options(QuestionOptions):
        """What the gain is on."""

        partition: str = UNSEEN
        """The pairs: a partition, `unseen` or `all`."""

    def find(self, store: Store, asked: Asked) -> Finding:
        """The gain."""
        scores = asked.scores(store, "gain", fewest=1)
        return replace(mean_gain(store, scores, self.options.partition, asked.value), cells=scores.cells)
