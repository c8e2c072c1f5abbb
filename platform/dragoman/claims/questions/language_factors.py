"""The questions of how facts about languages go with their quality, over languages as of `dragoman explain`."""

from typing import ClassVar, Literal

import numpy as np

from dragoman.analysis.aggregation import ALL
from dragoman.analysis.finding import Finding
from dragoman.claims.question import Asked, Question, QuestionOptions
from dragoman.claims.questions.campaign_languages import campaign_languages, require_zero
from dragoman.effects.campaign_scores import Value
from dragoman.errors import StoreError
from dragoman.explanation.correlation import FEWEST_LANGUAGES, rank_correlation
from dragoman.explanation.factors import OF_PAIRS, FactOptions
from dragoman.explanation.quality import By, quality
from dragoman.explanation.similarity import CLDR
from dragoman.store.store import Store

Role = Literal["source", "target"]


class LanguageOptions(QuestionOptions):
    """The factor, and what it is held against."""

    factor: str
    """The factor, such as `similarity` or `pretraining`."""
    partition: str = ALL
    """The pairs: a partition, `unseen` or `all`."""
    of: Value = "score"
    """Scores, or gains over the base."""
    similarity: str = CLDR
    """The measure of similarity."""
    to: str = "en"
    """The language that others are similar to."""

    @property
    def facts(self) -> FactOptions:
        """Where facts are from."""
        return FactOptions(similarity=self.similarity, to=self.to)


class FactorCorrelationQuestion(Question):
    """Does the quality of languages on one side of the pairs go with a factor?"""

    title: ClassVar = "rank correlation of a factor with the quality of languages"
    fewest: ClassVar = FEWEST_LANGUAGES

    class Options(LanguageOptions):
        """The factor and the side."""

        role: Role
        """The side that the languages are on."""
        by: By = By.MEANS
        """How the quality of a language is read from its pairs."""

    def find(self, store: Store, asked: Asked) -> Finding:
        """The correlation."""
        return self._found(store, asked, ())

    def _found(self, store: Store, asked: Asked, held: tuple[str, ...]) -> Finding:
        require_zero(asked)
        own = self.options
        found = campaign_languages(store, asked, own.facts, (own.factor, *held), scope=own.partition, of=own.of)
        is_other = [tag == found.facts.to for tag in found.facts.languages]
        factor, *others = (
            getattr(found.factors[name].beside(np.array(is_other)), own.role) for name in (own.factor, *held)
        )
        of = quality(found.means, found.planned, own.role, own.by).values
        one = rank_correlation(factor, of, *others)
        if one is None:
            raise StoreError(
                f"Fewer than {FEWEST_LANGUAGES + len(held)} languages have a score on {own.partition} pairs and "
                f"{' and '.join((own.factor, *held))} that differ: there is no correlation."
            )
        return Finding(
            estimate=one.estimate, low=one.low, high=one.high, p=one.p, n=one.n, of_what=found.of_what,
            cells=found.scores.cells,
        )  # fmt: skip


class PartialCorrelationQuestion(FactorCorrelationQuestion):
    """Does the quality of languages go with a factor, other factors being held?"""

    title: ClassVar = "rank correlation of a factor with the quality of languages, others held"

    class Options(FactorCorrelationQuestion.Options):
        """The factor, the side, and what is held."""

        held: tuple[str, ...] = ()
        """The factors that are held; the other one of `pretraining` and `similarity` by default."""

    def find(self, store: Store, asked: Asked) -> Finding:
        """The partial correlation."""
        held = self.options.held or tuple(name for name in OF_PAIRS if name != self.options.factor)
        if self.options.factor in held:
            raise StoreError(f"{self.options.factor} is both asked for and held: leave it out of `held`.")
        return self._found(store, asked, held)
