"""The question of a factor's effect on the scores of pairs, all else being held, as of `dragoman explain`."""

from typing import ClassVar, Literal

import numpy as np

from dragoman.analysis.finding import Finding
from dragoman.claims.question import Asked, Question
from dragoman.claims.questions.campaign_languages import campaign_languages, require_zero
from dragoman.claims.questions.language_factors import LanguageOptions
from dragoman.errors import StoreError
from dragoman.explanation.correlation import FEWEST_LANGUAGES
from dragoman.explanation.explanation import all_compared, terms_of
from dragoman.explanation.factors import OF_PAIRS, SIMILARITY
from dragoman.explanation.pairs_model import Term, pairs_model
from dragoman.store.store import Store


class PairFactorQuestion(Question):
    """Are pairs better where a factor is higher, the other factors and the partition being held?"""

    title: ClassVar = "standardised effect of a factor in the model of pairs"
    fewest: ClassVar = FEWEST_LANGUAGES

    class Options(LanguageOptions):
        """The factor, its side, and the other factors of the model."""

        side: Literal["source", "target", "pair"]
        """The side that the factor is of; `pair`, of similarity alone, is that of the two languages."""
        factors: tuple[str, ...] = OF_PAIRS
        """The factors of the model."""

    def find(self, store: Store, asked: Asked) -> Finding:
        """The coefficient, with a p-value that permutes languages."""
        require_zero(asked)
        own = self.options
        names = tuple(dict.fromkeys((*own.factors, own.factor)))
        found = campaign_languages(store, asked, own.facts, names, scope=own.partition, of=own.of)
        scored = ~np.isnan(found.means)
        known = np.all([~np.isnan([found.factors[each].source, found.factors[each].target]) for each in names], (0, 1))
        held = all_compared(found.facts.similarity, known) if SIMILARITY in names else known
        places = np.flatnonzero(held & (scored.any(axis=0) | scored.any(axis=1)))
        square = np.ix_(places, places)
        of_factor = {name: terms_of(name, found.factors[name], found.facts, places) for name in names}
        shares = [Term("partition", name, share[square]) for name, share in found.shares.items()]
        fitted = pairs_model(found.means[square], [*(term for each in of_factor.values() for term in each), *shares])
        wanted = [term.name for term in of_factor[own.factor] if own.side in _sides(term.name)]
        if not wanted:
            raise StoreError(f"The factor {own.factor} has no side `{own.side}`: use `source` or `target`.")
        for each in fitted.coefficients if fitted else ():
            if (each.factor, each.name) == (own.factor, wanted[0]) and fitted is not None:
                return Finding(
                    estimate=each.estimate, low=each.low, high=each.high, p=each.p, n=fitted.n, of_what=found.of_what,
                    cells=found.scores.cells,
                )  # fmt: skip
        raise StoreError(
            f"There is no effect of {own.factor} ({own.side}) on {own.partition} pairs: {len(places)} languages have "
            f"scores and all of {', '.join(names)}, or the other terms and the partition tell it already."
        )


def _sides(term: str) -> tuple[str, ...]:
    """The sides that a term of the model is of: similarity's are `source and target`, and each with the other one."""
    return ("pair",) if term == "source and target" else (term.split(" and ")[0],)
