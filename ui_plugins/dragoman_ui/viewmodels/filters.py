"""Filters of a page's pairs by source, target, family or script, kept in the URL."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from dragoman.analysis.pair_scores import PairColumns
from dragoman.family import language_family
from dragoman.language import english_name
from dragoman.partition import Partition
from dragoman.script import likely_script
from dragoman.store.schema import PARTITION_IDS
from dragoman_ui.viewmodels.systems import one_of


class Choice(NamedTuple):
    """One filter with its options."""

    name: str
    """Its parameter in the URL."""
    label: str
    """Its label."""
    options: list[tuple[str, str]]
    """Values and their names; the first, empty one is all."""
    chosen: str
    """The value in force."""


def family(tag: str) -> str:
    """The family of a language; `unknown` where CLDR has none."""
    return language_family(tag) or "unknown"


_KINDS: dict[str, tuple[Callable[[str], str], str]] = {
    "": (str, ""),
    "_family": (family, " family"),
    "_script": (likely_script, " script"),
}
_NAMES = [f"{side}{kind}" for kind in _KINDS for side in ("source", "target")]


class Filters(NamedTuple):
    """The filters of a page."""

    choices: tuple[Choice, ...]
    """Every filter."""

    @classmethod
    def of(cls, arguments: Mapping[str, str], languages: Sequence[str]) -> Self:
        """The filters that a URL's query sets.

        Raises:
            StoreError: no language of the grid is such.
        """
        choices = []
        for name in _NAMES:
            side, _, kind = name.partition("_")
            say, noun = _KINDS[f"_{kind}" if kind else ""]
            values = sorted({say(tag) for tag in languages})
            label = f"{side.capitalize()}{noun}"
            options = [(value, english_name(value) if not kind else value) for value in values]
            chosen = arguments.get(name, "")
            if chosen:
                one_of(f"No language of this grid has the {label.lower()}", chosen, values)
            choices.append(Choice(name, label, [("", "all"), *sorted(options, key=lambda option: option[1])], chosen))
        return cls(tuple(choices))

    @property
    def query(self) -> dict[str, str]:
        """The query parameters of a link with these filters."""
        return {choice.name: choice.chosen for choice in self.choices if choice.chosen}

    def holds(self, columns: PairColumns, only: Partition | None = None) -> NDArray[np.bool_]:
        """Boolean mask of the pairs that match."""
        found = np.ones(len(columns.sources), np.bool_)
        if only is not None:
            found &= columns.partitions == PARTITION_IDS[only]
        for choice in self.choices:
            if choice.chosen:
                side, _, kind = choice.name.partition("_")
                say, _noun = _KINDS[f"_{kind}" if kind else ""]
                tags = columns.sources if side == "source" else columns.targets
                names, numbers = np.unique(tags, return_inverse=True)
                found &= np.array([say(str(tag)) == choice.chosen for tag in names], np.bool_)[numbers]
        return found
