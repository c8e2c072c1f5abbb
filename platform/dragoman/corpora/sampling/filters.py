"""Filters of training segments: by length, ratio of the sides' lengths, and language."""

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import islice
from math import inf
from statistics import median
from typing import TYPE_CHECKING

from dragoman.pair import Pair
from dragoman.segment import Segment
from dragoman.spec.filters import Filters

if TYPE_CHECKING:
    from dragoman.metrics.language_detector import Detector

Examine = Callable[[Pair, Segment], str | None]
"""A filter of one's own: the word to count a segment under that may not be drawn; None if it may."""

FIRST = 1000
"""Segments from which a pair's usual ratio of lengths is taken."""


class Sieve:
    """The filters at work on the segments of one pair, counting what each removes.

    Args:
        filters: the filters of the spec. pair: the languages of the segments.
        first: the beginning of the pair's segments; read only if `max_length_ratio` is asked for.
        examine: one more filter.

    Raises:
        MetricError: the detector is not installed, or does not know a language.
    """

    def __init__(self, filters: Filters, pair: Pair, first: Iterable[Segment], examine: Examine | None = None) -> None:
        self.removed: Counter[str] = Counter()
        """Segments removed by each filter, by its name; each counts for the first that removed it."""
        self._shortest, self._longest = filters.min_length, filters.max_length or inf
        self._ratio, self._usual = filters.max_length_ratio or inf, 1.0
        if filters.max_length_ratio:
            ratios = [len(segment.source) / len(segment.target) for segment in islice(first, FIRST)]
            self._usual = median(ratios) if ratios else 1.0
        self._pair, self._examine = pair, examine
        self._detectors = _detectors(pair) if filters.language else ()

    @property
    def is_slow(self) -> bool:
        """Whether `may_be_drawn` has any filter to apply."""
        return bool(self._detectors or self._examine)

    def of_good_lengths(self, segments: Iterable[Segment]) -> list[Segment]:
        """Those whose sides are neither too short, too long nor too unlike; fast, applied to every segment."""
        shortest, longest, removed = self._shortest, self._longest, self.removed
        least, most = self._usual / self._ratio, self._usual * self._ratio
        good = []
        for segment in segments:
            source, target = len(segment[0]), len(segment[1])
            if not (shortest <= source <= longest and shortest <= target <= longest):
                removed["length"] += 1
            elif not least * target <= source <= most * target:
                removed["length_ratio"] += 1
            else:
                good.append(segment)
        return good

    def may_be_drawn(self, segment: Segment) -> bool:
        """Whether both sides are in their languages and `examine` passes; slow, for segments about to be drawn."""
        reason: str | None = None
        if any(detector.judge(text).is_off_target for detector, text in zip(self._detectors, segment, strict=False)):
            reason = "language"
        elif self._examine:
            reason = self._examine(self._pair, segment)
        if reason:
            self.removed[reason] += 1
        return reason is None


def _detectors(pair: Pair) -> tuple["Detector", ...]:
    from dragoman.metrics.language_detector import Detector

    return Detector(pair.reverse, ()), Detector(pair, ())
