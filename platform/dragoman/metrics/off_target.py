"""Off-target rate: the percentage of hypotheses that are not in the target language."""

from collections.abc import Collection, Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dragoman.metrics.base import Metric, Scores, Statistics, check_lengths
from dragoman.metrics.language_detector import Detector, Verdict
from dragoman.pair import Pair


class OffTarget(Metric):
    """Percentage of hypotheses that are not in the target language, as far as `Detector` can detect.

    The language of a few words often can't be detected. They are undecided, and not counted as off-target, with one
    exception: a copy of the source is off-target where the source's language is the more probable of the two (and the
    reference is no copy). A hypothesis is undecided, too, whose very reference gets the same off-target verdict: an
    error of the detector there is not counted against a model. `details` has the share of undecided hypotheses, and the
    detector's own error on this text: the share of references it calls off-target or leaves undecided.

    Statistics, 0 or 1 for each segment: hypothesis off-target, hypothesis undecided, reference off-target,
    reference undecided, and always 1 (k = 5).
    """

    name: ClassVar[str] = "off_target"
    higher_is_better: ClassVar[bool] = False
    bounds: ClassVar[tuple[float | None, float | None]] = (0.0, 100.0)
    varying: ClassVar[frozenset[str]] = frozenset({"candidates"})  # the pair's own languages are always among them

    def __init__(self, pair: Pair, languages: Collection[str] = ()) -> None:
        self._pair = pair
        self._languages = languages

    @cached_property
    def _detector(self) -> Detector:
        return Detector(self._pair, self._languages)

    @property
    def signature(self) -> str:
        """Detector, candidates and threshold."""
        return self._detector.signature

    def statistics(self, sources: Sequence[str], hypotheses: Sequence[str], references: Sequence[str]) -> Statistics:
        """The verdicts on each hypothesis and each reference."""
        check_lengths(sources, hypotheses, references)
        rows = []
        for source, hypothesis, reference in zip(sources, hypotheses, references, strict=True):
            expected = self._detector.judge(reference)
            verdict = self._judge(source, hypothesis, reference, expected)
            rows.append((*_row(verdict), *_row(expected), 1))
        return np.array(rows, dtype=np.float64)

    def _judge(self, source: str, hypothesis: str, reference: str, expected: Verdict) -> Verdict:
        verdict = self._detector.judge(hypothesis)
        if verdict is expected and verdict.is_off_target:
            return Verdict.UNDECIDED
        is_copy = hypothesis == source != reference
        if verdict is Verdict.UNDECIDED and is_copy and self._detector.is_rather_source(hypothesis):
            return Verdict.OTHER_LANGUAGE
        return verdict

    def aggregate(self, sums: NDArray[Any]) -> Scores:
        """Off-target hypotheses per hundred segments; NaN of none."""
        with np.errstate(invalid="ignore"):  # a resample may hold no segment of a pair
            return np.asarray(100 * sums[..., 0] / sums[..., 4])

    def details(self, statistics: Statistics) -> dict[str, float]:
        """The undecided hypotheses and the detector's verdicts on the references, in percent of the segments."""
        names = ("undecided", "reference_off_target", "reference_undecided")
        return dict(zip(names, (100 * statistics[:, 1:4].mean(axis=0)).tolist(), strict=True))


def _row(verdict: Verdict) -> tuple[bool, bool]:
    return verdict.is_off_target, verdict is Verdict.UNDECIDED
