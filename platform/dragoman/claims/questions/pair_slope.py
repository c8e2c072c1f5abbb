"""The question of what more training pairs bring."""

from dataclasses import replace
from typing import ClassVar

from dragoman.analysis.aggregation import UNSEEN
from dragoman.analysis.finding import Finding
from dragoman.claims.question import Asked, Question, QuestionOptions
from dragoman.effects.campaign_effect import design_names
from dragoman.effects.campaign_scores import Value
from dragoman.effects.jackknife import DRAWS
from dragoman.effects.pair_curve import SLOPE, curve_fits
from dragoman.errors import StoreError
from dragoman.store.store import Store


class PairSlopeQuestion(Question):
    """How much does a doubling of the number of training pairs bring?"""

    title: ClassVar = "slope by a doubling of the training pairs"

    class Options(QuestionOptions):
        """What the slope is of."""

        partition: str = UNSEEN
        """The pairs: a partition, `unseen` or `all`."""
        of: Value = "score"
        """Scores, or gains over the base."""
        design: str | None = None
        """Text of the design's name, where a campaign has several."""

    def find(self, store: Store, asked: Asked) -> Finding:
        """The slope."""
        scores = asked.scores(store, self.options.of)
        designs = design_names(store, scores)
        wanted = self.options.design
        chosen = [name for name in dict.fromkeys(designs) if wanted is None or wanted in name]
        if len(chosen) != 1:
            which = f" with {wanted}" if wanted else ""
            raise StoreError(
                f"'{asked.over}' has {len(chosen)} designs{which}, and slopes of several are not mixed: name "
                f"one by a part of its name in `design` ({'; '.join(dict.fromkeys(designs))})."
            )
        for each in curve_fits(scores, designs, asked.value):
            if (each.design, each.scope, each.what) == (chosen[0], self.options.partition, SLOPE):
                return replace(each.finding, cells=scores.cells)
        why = f"No two numbers of training pairs have pairs that are {self.options.partition}."
        return Finding(of_what=DRAWS, cells=scores.cells, why=why)
