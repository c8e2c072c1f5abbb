"""The question of what the right instruction is worth in likelihood, as of `dragoman likelihood`."""

from dataclasses import replace
from typing import ClassVar, Literal

from scipy.special import stdtrit

from dragoman.analysis.aggregation import ALL, SCOPES
from dragoman.analysis.cells_hash import cells_hash
from dragoman.analysis.estimate import Estimate, Part
from dragoman.analysis.finding import Finding
from dragoman.claims.question import Asked, Question, QuestionOptions
from dragoman.claims.questions.over_draws import over_draws
from dragoman.errors import StoreError, nearest
from dragoman.instructions.likelihoods import WorthFinding, worths
from dragoman.instructions.variants import family_of
from dragoman.store.store import Store


class LikelihoodQuestion(Question):
    """How much likelier does the right instruction make the references than another one?"""

    title: ClassVar = "nats per token that the right instruction is worth"
    fewest: ClassVar = 2

    class Options(QuestionOptions):
        """The other instruction, and the pairs."""

        than: Literal["wrong", "none"] = "wrong"
        """The other instruction."""
        partition: str = ALL
        """The pairs: a partition, `unseen` or `all`."""

    def find(self, store: Store, asked: Asked) -> Finding:
        """The worth: of one model with other sentences, of several with other draws of training pairs."""
        scope = self.options.partition
        if scope not in SCOPES:
            raise StoreError(f"'{scope}' is no partition; {nearest(scope, SCOPES)}")
        scores = asked.scores(store, fewest=1)
        found: dict[int, WorthFinding] = {}
        behind = set[str]()
        for place, model in enumerate(scores.models):
            family = family_of(store, model.grid, asked.prompt)
            worth = worths(store, model.grid, family, test_set=asked.test_set, models=(model.name,))
            for each in worth.scopes:
                if (each.scope, each.over) == (scope, self.options.than):
                    found[place] = each
                    behind |= worth.behind[model.name]
        if not found:
            grid = scores.models[0].grid
            raise StoreError(
                f"No likelihood of references on {scope} pairs of '{asked.over}' is stored: `dragoman likelihood "
                f"{grid}` computes it."
            )
        if len(found) == 1:
            (one,) = found.values()
            return replace(_over_sentences(one, asked.value), cells=cells_hash(behind))
        by_draw: dict[int, list[float]] = {}
        for place, each in found.items():
            by_draw.setdefault(scores.draws[place], []).append(each.estimate)
        return replace(over_draws(list(by_draw.values()), asked.value), cells=cells_hash(behind))


def _over_sentences(found: WorthFinding, null: float) -> Finding:
    """The finding of one model."""
    degrees = max(found.sentences - 1, 1)
    error = (found.high - found.estimate) / float(stdtrit(degrees, 0.975))
    estimate = Estimate.of(found.estimate, [Part(error**2, degrees)])
    return Finding.of(estimate, n=found.sentences, of_what="sentences, of one model", against=null)
