"""Numbers of training examples: so many of each pair, or so many in all, distributed by temperature."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from dragoman.pair import Pair
from dragoman.spec.base import SpecModel


class SharedExamples(SpecModel):
    """A number of examples for all pairs together, shared out among them by how much text each has."""

    total: int = Field(ge=1)
    """Examples of all pairs together (fewer where the corpus has fewer)."""
    temperature: float = Field(default=1.0, ge=1, le=1000)
    """At 1 a pair's share is that of its text; the higher, the more equal the shares, and at 1000 they are equal."""


def _shape(value: Any) -> Any:
    """Tell the two forms apart before pydantic does, so that an error speaks of the form that was meant."""
    return SharedExamples.model_validate(value) if isinstance(value, dict) else value


Examples = Annotated[Annotated[int, Field(ge=1)] | SharedExamples, BeforeValidator(_shape)]
"""A number for each pair, or a number that all pairs share."""


def expected(examples: "int | SharedExamples", pairs: Sequence[Pair]) -> dict[Pair, int]:
    """Examples of each pair as far as a spec alone tells: of a shared number, each pair is taken to have as much."""
    if isinstance(examples, SharedExamples):
        return allot(dict.fromkeys(pairs, examples.total), examples.total, examples.temperature)
    return dict.fromkeys(pairs, examples)


def allot(available: Mapping[Pair, int], total: int, temperature: float = 1.0) -> dict[Pair, int]:
    """How many of `total` examples to take from each pair, in proportion to its size to the power 1 / temperature.

    At 1 the shares are those of the sizes, above it small pairs get more (Arivazhagan et al. 2019,
    https://arxiv.org/abs/1907.05019, use 5). A pair that has too few gives all, and the others share the rest.

    Args:
        available: segments of each pair, such as `Sample.read` less what was removed.
        total: examples wanted of all pairs together; fewer are given if there are fewer.
        temperature: at least 1; infinity takes the same number of each pair.
    """
    shares = dict.fromkeys(available, 0)
    weights = {pair: size ** (1 / temperature) for pair, size in available.items() if size}
    # from the pair that is exhausted first: once one has enough for its share, so have all after it
    waiting = sorted(weights, key=lambda pair: (available[pair] / weights[pair], pair))
    left, weight = float(min(total, sum(available.values()))), sum(weights.values())
    while waiting and available[waiting[0]] * weight <= left * weights[waiting[0]]:
        pair = waiting.pop(0)
        shares[pair] = available[pair]
        left, weight = left - available[pair], weight - weights[pair]
    exact = {pair: left * weights[pair] / weight for pair in waiting}
    shares.update({pair: int(share) for pair, share in exact.items()})
    # what rounding down left over goes to the largest remainders
    spare = round(left) - sum(int(share) for share in exact.values())
    for pair in sorted(exact, key=lambda pair: (int(exact[pair]) - exact[pair], pair))[:spare]:
        shares[pair] += 1
    return shares
