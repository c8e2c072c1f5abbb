"""Off-target rate: the percentage of hypotheses that are not in the target language."""

from collections.abc import Collection, Sequence
from functools import cache, cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dragoman.metrics.base import Metric, Scores, Statistics, check_lengths
from dragoman.metrics.language_detector import DEFAULT, Detector, Verdict
from dragoman.pair import Pair
from dragoman.plugins import available


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

    identifier: ClassVar[str] = DEFAULT
    """Name of the language identifier that is asked."""

    def __init__(self, pair: Pair, languages: Collection[str] = ()) -> None:
        self._pair = pair
        self._languages = languages

    @classmethod
    def variant(cls, name: str) -> "type[OffTarget] | None":
        """The same by another language identifier, as in `off_target:fasttext`."""
        return _by(cls, name) if name in available("detectors") else None

    @cached_property
    def _detector(self) -> Detector:
        return Detector(self._pair, self._languages, by=self.identifier)

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
            verdict = verdict_beside(self._detector, source, hypothesis, reference, expected=expected)
            rows.append((*_row(verdict), *_row(expected), 1))
        return np.array(rows, dtype=np.float64)

    def aggregate(self, sums: NDArray[Any]) -> Scores:
        """Off-target hypotheses per hundred segments; NaN of none."""
        with np.errstate(invalid="ignore"):  # a resample may hold no segment of a pair
            return np.asarray(100 * sums[..., 0] / sums[..., 4])

    def details(self, statistics: Statistics) -> dict[str, float]:
        """The undecided hypotheses and the detector's verdicts on the references, in percent of the segments."""
        names = ("undecided", "reference_off_target", "reference_undecided")
        return dict(zip(names, (100 * statistics[:, 1:4].mean(axis=0)).tolist(), strict=True))


def verdict_beside(detector: Detector, source: str, hypothesis: str, reference: str, *, expected: Verdict) -> Verdict:
    """The verdict on a hypothesis, with those on copies and on errors of the detector as `OffTarget` says.

    Args:
        detector: the detector of the pair.
        source: the source.
        hypothesis: the hypothesis.
        reference: the reference.
        expected: the verdict on the reference.
    """
    verdict = detector.judge(hypothesis)
    if verdict is expected and verdict.is_off_target:
        return Verdict.UNDECIDED
    is_copy = hypothesis == source != reference
    if verdict is Verdict.UNDECIDED and is_copy and detector.is_rather_source(hypothesis):
        return Verdict.OTHER_LANGUAGE
    return verdict


@cache
def _by(kind: type[OffTarget], identifier: str) -> type[OffTarget]:
    return type(kind.__name__, (kind,), {"name": f"{kind.name}:{identifier}", "identifier": identifier})


def _row(verdict: Verdict) -> tuple[bool, bool]:
    return verdict.is_off_target, verdict is Verdict.UNDECIDED
