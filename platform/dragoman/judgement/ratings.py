"""The current judgements of a pair as numbers: values by system, line and rater, raw and by the rater's own scale."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dragoman.judgement.selection import Method, warning_of
from dragoman.judgement.texts import PairTexts
from dragoman.rating import Protocol
from dragoman.store.judgement_records import JudgementRecord, content_of


@dataclass(frozen=True)
class Panel:
    """The judgements of a pair under one protocol."""

    protocol: Protocol
    """What raters were asked for."""
    systems: tuple[str, ...]
    """The systems that were judged, in the order of the grid."""
    judgements: Mapping[tuple[str, int], Sequence[JudgementRecord]]
    """The judgements of each system's translation of each line."""
    notes: tuple[str, ...]
    """What is to be said of them, as sentences."""

    @cached_property
    def lines(self) -> list[int]:
        """The lines that were judged of any system."""
        return sorted({line for _, line in self.judgements})

    @cached_property
    def shared(self) -> list[int]:
        """The lines that were judged of every system."""
        return [line for line in self.lines if all((system, line) in self.judgements for system in self.systems)]

    def values(self, lines: Sequence[int], *, on_own_scales: bool = False) -> NDArray[np.float64]:
        """The mean over raters of each translation's value, systems × lines; NaN where it was not judged.

        Args:
            lines: the lines.
            on_own_scales: less the mean of all that the rater said of the pair, and by its standard deviation.
        """
        scales = self._scales if on_own_scales else {}
        found = np.full((len(self.systems), len(lines)), np.nan)
        for row, system in enumerate(self.systems):
            for column, line in enumerate(lines):
                if given := self.judgements.get((system, line)):
                    found[row, column] = np.mean([_scaled(each, scales) for each in given])
        return found

    @cached_property
    def by_rater(self) -> dict[str, dict[tuple[str, int], JudgementRecord]]:
        """The judgements of each rater by system and line."""
        found: defaultdict[str, dict[tuple[str, int], JudgementRecord]] = defaultdict(dict)
        for key, given in self.judgements.items():
            for each in given:
                found[each.rating.rater][key] = each
        return {rater: found[rater] for rater in sorted(found)}

    @cached_property
    def _scales(self) -> dict[str, tuple[float, float]]:
        scales = {}
        for rater, given in self.by_rater.items():
            values = [each.rating.value for each in given.values()]
            scales[rater] = float(np.mean(values)), float(np.std(values)) or 1.0
        return scales


def panels(texts: PairTexts) -> list[Panel]:
    """The judgements of a pair's translations as they are now, by protocol; those of other texts are left out."""
    current: defaultdict[Protocol, defaultdict[tuple[str, int], list[JudgementRecord]]]
    current = defaultdict(lambda: defaultdict(list))
    stale: dict[Protocol, int] = defaultdict(int)
    campaigns: defaultdict[Protocol, set[str]] = defaultdict(set)
    for each in texts.store.judgements.of_cells(list(texts.by_cell)):
        system, protocol = texts.by_cell[each.cell], each.rating.protocol
        is_there = each.line <= len(texts.sources)
        if not is_there or each.content != content_of(texts.hypotheses[system][each.line - 1]):
            stale[protocol] += 1
            continue
        current[protocol][system, each.line].append(each)
        if each.campaign is not None:
            campaigns[protocol].add(texts.store.judgements.campaign(each.campaign).chosen_by)
    found = []
    for protocol, judgements in sorted(current.items()):
        notes = [warning_of(chosen_by) for chosen_by in sorted(campaigns[protocol]) if chosen_by != Method.RANDOM]
        if stale[protocol]:
            notes.append(
                f"{stale[protocol]} judgements of {texts} are left out: their lines were translated again since."
            )
        named = {system for system, _ in judgements}
        systems = tuple(name for name in texts.cells if name in named)
        found.append(Panel(protocol, systems, dict(judgements), tuple(notes)))
    return found


def _scaled(judgement: JudgementRecord, scales: Mapping[str, tuple[float, float]]) -> float:
    mean, spread = scales.get(judgement.rating.rater, (0.0, 1.0))
    return (judgement.rating.value - mean) / spread
