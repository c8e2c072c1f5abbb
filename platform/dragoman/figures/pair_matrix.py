"""A matrix of directed pairs, as heat maps draw it: a number and a partition for each source and target."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from dragoman.family import language_family
from dragoman.language import english_name
from dragoman.partition import Partition

BANDED: Final = 17
"""Languages from which a matrix is ordered by family, with a band for each."""

KINDS: Final[tuple[Partition | None, ...]] = (*Partition, None)
"""The partitions by their number in `PairMatrix.kinds`; None is unknown."""

NO_PAIR: Final = -1
"""The number of a place without a pair."""

OTHER: Final = "no family"
"""The band of languages that CLDR has in no family."""


class Band(NamedTuple):
    """Languages of one family that stand side by side."""

    family: str
    """The family, without the word 'languages'."""
    start: int
    """The place of the first."""
    end: int
    """The place after the last."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PairMatrix:
    """Numbers of directed pairs by source and target."""

    sources: tuple[str, ...]
    """Languages from top to bottom."""
    targets: tuple[str, ...]
    """Languages from left to right."""
    values: NDArray[np.float64]
    """A row for each source; NaN where there is no number."""
    kinds: NDArray[np.int8]
    """Likewise the pairs' partitions, by their index in `KINDS`; `NO_PAIR` where there is no such pair."""

    @classmethod
    def of(
        cls,
        sources: Sequence[str],
        targets: Sequence[str],
        values: Any,
        partitions: Sequence[Partition | None],
        *,
        order: Sequence[str] | None = None,
    ) -> Self:
        """The matrix of some pairs; equal indices of the arguments are one pair.

        Args:
            sources: source language of each pair.
            targets: its target language.
            values: its number; NaN or None where it has none.
            partitions: its partition; None where that is unknown.
            order: the languages in their order on both sides; by default by name, and of many by family.
        """
        tags = sorted({*sources, *targets}) if order is None else list(dict.fromkeys(order))
        if order is None and len(tags) >= BANDED:
            tags = by_family(tags)
        rows, columns = ([tag for tag in tags if tag in found] for found in (set(sources), set(targets)))
        row_of, column_of = ({tag: place for place, tag in enumerate(side)} for side in (rows, columns))
        places = [row_of[tag] for tag in sources], [column_of[tag] for tag in targets]
        numbers = np.full((len(rows), len(columns)), np.nan)
        numbers[places] = np.asarray(values, np.float64)
        kinds = np.full(numbers.shape, NO_PAIR, np.int8)
        kinds[places] = [KINDS.index(each) for each in partitions]
        return cls(sources=tuple(rows), targets=tuple(columns), values=numbers, kinds=kinds)

    @property
    def side(self) -> int:
        """How many languages the longer side has."""
        return max(len(self.sources), len(self.targets))

    @cached_property
    def counts(self) -> dict[Partition | None, int]:
        """How many pairs each partition has, of those that occur, in their order."""
        found = Counter(self.kinds[self.kinds != NO_PAIR].tolist())
        return {kind: found[number] for number, kind in enumerate(KINDS) if found[number]}

    @property
    def lacking(self) -> NDArray[np.bool_]:
        """The pairs without a number."""
        return np.asarray(np.isnan(self.values) & (self.kinds != NO_PAIR))


def by_family(tags: Iterable[str]) -> list[str]:
    """Languages by family, the largest first and those without one last; in each by their English names."""
    found = list(tags)
    sizes = Counter(map(family_of, found))
    return sorted(found, key=lambda tag: (*_rank(family_of(tag), sizes), english_name(tag), tag))


def bands(tags: Sequence[str]) -> list[Band]:
    """The families of languages in an order, each a band where its members stand side by side."""
    found, start = [], 0
    for family, members in groupby(map(family_of, tags)):
        end = start + len(list(members))
        found.append(Band(family, start, end))
        start = end
    return found


def family_of(tag: str) -> str:
    """The family of a language in a word, such as `Indo-European`."""
    name = language_family(tag) or OTHER
    return name.removesuffix(" (family)").removesuffix(" languages")


def _rank(family: str, sizes: Counter[str]) -> tuple[bool, int, str]:
    return family == OTHER, -sizes[family], family
