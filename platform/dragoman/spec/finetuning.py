"""A finetuning: one model to train from the base, as a spec describes it."""

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from dragoman.spec.base import Name, SpecModel
from dragoman.spec.corpus import CorpusChoice
from dragoman.spec.examples import Examples, SharedExamples
from dragoman.spec.filters import Filters
from dragoman.spec.method import Method
from dragoman.spec.missing import MissingField
from dragoman.spec.monolingual import Monolingual
from dragoman.spec.pairs import TrainedPairsField
from dragoman.spec.prompt import PromptField


def _different(seeds: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(seeds)) != len(seeds):
        raise ValueError("must name each seed once")
    return seeds


SeedsField = Annotated[tuple[Annotated[int, Field(ge=0)], ...], AfterValidator(_different)]
"""A list of different seeds."""


class Finetuning(SpecModel):
    """One model to train from the base."""

    name: Name
    """Its name in tables and in the registry."""
    pairs: TrainedPairsField
    """The pairs it is trained on; `nothing` for monolingual instructions alone."""
    examples: Examples
    """Training examples for each pair (fewer where the corpus has fewer), or `{total: 100000, temperature: 5}` for all
    pairs together."""
    monolingual: Monolingual | None = Field(default=None, exclude_if=lambda monolingual: monolingual is None)
    """Examples of one language beside those of the pairs; they make no pair a trained one."""
    method: Method
    """How it is trained."""
    corpus: CorpusChoice | None = None
    """Where the examples come from; the grid's corpus by default."""
    prompt: PromptField | None = None
    """The prompt it is trained with; the grid's prompt by default."""
    seed: int | None = Field(default=None, ge=0)
    """Seed of sampling, order and initialisation; the grid's seed by default."""
    filters: Filters | None = None
    """What an example must be like; the grid's filters by default."""
    missing: MissingField | None = None
    """What becomes of pairs without training text; the grid's answer by default."""
    seeds: SeedsField = ()
    """Several seeds instead of one: a model for each, named `NAME-seed1` and so on; the grid's by default."""

    @model_validator(mode="after")
    def _trains_something(self) -> "Finetuning":
        if self.pairs == "nothing" and self.monolingual is None:
            raise ValueError("trains nothing; name its pairs, or give it monolingual instructions")
        if self.monolingual and self.monolingual.examples is None and isinstance(self.examples, SharedExamples):
            raise ValueError(
                "has a total of examples that its pairs share, and monolingual instructions without a number; set "
                "monolingual.examples, the examples of each language"
            )
        return self

    @property
    def examples_of_each_language(self) -> int:
        """Monolingual examples of each language; 0 without any."""
        if self.monolingual is None:
            return 0
        return self.monolingual.examples or (self.examples if isinstance(self.examples, int) else 0)

    def each_seed(self, seeds: tuple[int, ...]) -> "tuple[Finetuning, ...]":
        """Itself, or one for each of its seeds; `seeds` are those of a model that names none."""
        several = self.seeds or (seeds if self.seed is None else ())
        named = ({"name": f"{self.name}-seed{seed}", "seed": seed, "seeds": ()} for seed in several)
        return tuple(self.model_copy(update=update) for update in named) or (self,)
