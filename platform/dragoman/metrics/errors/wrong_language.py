"""The error metric of wrong languages, which keeps what language each hypothesis is in."""

from collections.abc import Sequence
from functools import cache, cached_property
from typing import ClassVar

import numpy as np

from dragoman.metrics.base import Statistics, check_lengths
from dragoman.metrics.errors.label import Label
from dragoman.metrics.errors.metric import ErrorMetric, Examined, Places
from dragoman.metrics.language_detector import DEFAULT, Detector, Verdict
from dragoman.metrics.off_target import verdict_beside
from dragoman.plugins import available

FOUND = 3
"""The column of the statistics that says what language was found."""

UNDECIDED = 0
"""The language found where the detector leaves it open."""

PIVOT = "en"
"""Always a candidate: models fall back to English whether a grid has it or not."""


class WrongLanguage(ErrorMetric):
    """Hypotheses that are not in the target language, by the verdicts of `off_target`, with English as a candidate.

    Statistics for each segment: hypothesis in a wrong language, reference judged so, always 1, and the language found
    (k = 4): 0 where it is undecided, n for the n-th of the signature's candidates, one more than there are for a
    script that none of them is written in. The sums of that column say nothing; its rows are the flow matrix.
    """

    name: ClassVar[str] = "error_language"
    label: ClassVar[Label] = Label.LANGUAGE
    varying: ClassVar[frozenset[str]] = frozenset({"candidates"})
    identifier: ClassVar[str] = DEFAULT
    """Name of the language identifier that is asked."""

    @classmethod
    def variant(cls, name: str) -> "type[WrongLanguage] | None":
        """The same by another language identifier, as in `error_language:fasttext`."""
        return _by(cls, name) if name in available("detectors") else None

    @cached_property
    def detector(self) -> Detector:
        """The detector, made when it is first needed."""
        return Detector(self._pair, {*self._languages, PIVOT}, by=self.identifier)

    @property
    def signature(self) -> str:
        """The label, and the detector's version, candidates and threshold."""
        return f"label:{self.label}|{self.detector.signature}"

    def places(self, examined: Examined) -> Places | None:
        """The whole text."""
        return ((0, len(examined.text)),) if self._verdict(examined).is_off_target else None

    def statistics(self, sources: Sequence[str], hypotheses: Sequence[str], references: Sequence[str]) -> Statistics:
        """The verdicts, and the language found."""
        check_lengths(sources, hypotheses, references)
        rows = []
        for own, of_reference in self._examined(sources, hypotheses, references):
            verdict = self._verdict(own)
            is_wrong = self._verdict(of_reference).is_off_target
            rows.append((verdict.is_off_target, is_wrong, 1, self._found(verdict, own)))
        return np.array(rows, dtype=np.float64)

    def _verdict(self, examined: Examined) -> Verdict:
        if examined.reference is None:
            return self.detector.judge(examined.text)
        expected = self.detector.judge(examined.reference)
        return verdict_beside(self.detector, examined.source, examined.text, examined.reference, expected=expected)

    def _found(self, verdict: Verdict, examined: Examined) -> int:
        candidates = self.detector.candidates
        if verdict is Verdict.UNDECIDED:
            return UNDECIDED
        if verdict is Verdict.ON_TARGET:
            return 1 + candidates.index(self._pair.target)
        is_copy = examined.text == examined.source and self._pair.source in candidates
        guess = self._pair.source if is_copy else self.detector.guess(examined.text)
        return len(candidates) + 1 if guess is None else 1 + candidates.index(guess)


@cache
def _by(kind: type[WrongLanguage], identifier: str) -> type[WrongLanguage]:
    return type(kind.__name__, (kind,), {"name": f"{kind.name}:{identifier}", "identifier": identifier})


def candidates_of(signature: str) -> tuple[str, ...]:
    """The candidates that a signature names, in the order of the language found; none of another metric's."""
    fields = dict(field.partition(":")[::2] for field in signature.split("|"))
    return tuple(fields["candidates"].split(",")) if fields.get("candidates") else ()
