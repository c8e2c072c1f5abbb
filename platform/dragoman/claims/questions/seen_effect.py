"""The question of the effect of being seen, with the pair held fixed."""

from dataclasses import replace
from typing import ClassVar

from dragoman.analysis.aggregation import UNSEEN
from dragoman.analysis.finding import Finding
from dragoman.claims.question import Asked, Question, QuestionOptions
from dragoman.effects.campaign_scores import Value
from dragoman.effects.jackknife import DRAWS
from dragoman.effects.seen_effect import seen_effects
from dragoman.store.store import Store


class SeenEffectQuestion(Question):
    """How much better is a pair scored for having been trained itself?"""

    title: ClassVar = "effect of being seen, the pair held fixed"

    class Options(QuestionOptions):
        """What the effect is of."""

        against: str = UNSEEN
        """The unseen partition it is against; all of them by default."""
        of: Value = "score"
        """Scores, or gains over the base."""

    def find(self, store: Store, asked: Asked) -> Finding:
        """The effect."""
        scores = asked.scores(store, self.options.of)
        for each in seen_effects(scores, asked.value):
            if each.against == self.options.against:
                return replace(each.finding, cells=scores.cells)
        return Finding(of_what=DRAWS, cells=scores.cells, why=f"No pair of these models is {self.options.against}.")
