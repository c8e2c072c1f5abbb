"""Timeline of a run: when cells were translated, when they were scored by models, and how long both went on at once."""

from collections import defaultdict
from enum import StrEnum


class Work(StrEnum):
    """What workers do with cells."""

    TRANSLATING = "translating"
    """Translating, and scoring with metrics that hold no model."""
    SCORING = "scoring"
    """Scoring with metrics that hold a model."""


Span = tuple[float, float]
"""From when to when, in seconds since 1970 by the worker's clock."""


class Timeline:
    """Spans of time in which single workers were at single cells."""

    def __init__(self) -> None:
        self._spans: defaultdict[Work, list[Span]] = defaultdict(list)

    def add(self, work: Work, began: float, ended: float) -> None:
        """A worker was at a cell."""
        self._spans[work].append((began, max(began, ended)))

    def seconds(self, work: Work) -> float:
        """For how long at least one worker was at such work."""
        return sum(ended - began for began, ended in _merged(self._spans[work]))

    def overlap(self) -> float:
        """For how long workers translated while others scored."""
        ones, others = (_merged(self._spans[work]) for work in Work)
        return sum(max(0.0, min(one[1], other[1]) - max(one[0], other[0])) for one in ones for other in others)

    @property
    def sentence(self) -> str | None:
        """The same in words; None where no model has scored."""
        if not self._spans[Work.SCORING]:
            return None
        return (
            f"metrics that hold a model scored {len(self._spans[Work.SCORING])} cells in "
            f"{self.seconds(Work.SCORING):.1f} s, {self.overlap():.1f} s of it while others were translated"
        )


def _merged(spans: list[Span]) -> list[Span]:
    """Spans without overlaps, in order."""
    merged: list[Span] = []
    for began, ended in sorted(spans):
        if merged and began <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], ended)
        else:
            merged.append((began, ended))
    return merged
