"""Which test sentences are read: all, the first so many of each pair, or a seeded sample."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from dragoman.spec.base import SpecModel


class SentenceSample(SpecModel):
    """A seeded sample of test sentences: the same ones for all pairs, as far as each pair has them."""

    n: int = Field(ge=1)
    """Sentences of each pair (fewer where the corpus has fewer)."""
    seed: int = Field(default=1, ge=0)
    """Which ones are drawn."""


def _shape(value: Any) -> Any:
    """Tell the two forms apart before pydantic does, so that an error speaks of the form that was meant."""
    return SentenceSample.model_validate(value) if isinstance(value, dict) else value


Sentences = Annotated[Annotated[int, Field(ge=1)] | SentenceSample, BeforeValidator(_shape)]
"""The first so many sentences of each pair, or `{n: 200, seed: 1}` for a sample."""


def size_of(sentences: int | SentenceSample | None) -> int | None:
    """How many sentences of each pair are read; None is all."""
    return sentences.n if isinstance(sentences, SentenceSample) else sentences


def described(sentences: int | SentenceSample | None) -> str:
    """A choice of sentences in words, to be followed by what they are of."""
    if isinstance(sentences, SentenceSample):
        return f"{sentences.n} sentences (a sample with seed {sentences.seed})"
    return "all sentences" if sentences is None else f"{sentences} sentences"
