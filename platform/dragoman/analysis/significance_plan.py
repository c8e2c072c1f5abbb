"""Parameters of significance tests: the test, the correction, the level, how many replicates, and of what unit."""

from typing import NamedTuple

from dragoman.analysis.units import Unit
from dragoman.errors import StoreError
from dragoman.metrics.difference import FURTHEST
from dragoman.metrics.resampling import SEED
from dragoman.metrics.significance import Correction, Test, samples_for

ALPHA = 0.05
"""Adjusted p-values up to this are significant, by default."""

FEWEST_ASKED, MOST_ASKED = 100, 100_000
"""Bounds of the number of trials or resamples: fewer are meaningless, and more take gigabytes."""

_MOST_REPLICATES = 2**24
"""Replicates of all pairs together, by default: 128 MB, and some ten seconds."""

_MOST_MORE = 1_000_000
"""Replicates of a test that fewer can't decide, by default, at most."""


class Plan(NamedTuple):
    """Parameters of the tests of two models."""

    test: Test = Test.RANDOMIZATION
    """How differences are tested."""
    correction: Correction = Correction.HOLM
    """How p-values are adjusted for their number."""
    alpha: float = ALPHA
    """What adjusted p-values are held against."""
    samples: int | None = None
    """Trials or resamples of each test; by default enough for the number of pairs (`samples_for`)."""
    seed: int = SEED
    """Seed of the deals or draws."""
    unit: Unit = Unit.SENTENCE
    """What is dealt or drawn."""

    def check(self) -> None:
        """Check the parameters.

        Raises:
            StoreError: alpha or the number of samples is out of range.
        """
        if not 0 < self.alpha < 1:
            raise StoreError(f"An alpha of {self.alpha:g} says nothing: choose one between 0 and 1, such as {ALPHA}.")
        if self.samples is not None and not FEWEST_ASKED <= self.samples <= MOST_ASKED:
            raise StoreError(f"{self.samples} samples are not between {FEWEST_ASKED} and {MOST_ASKED:,}.")
        if self.seed < 0:
            raise StoreError(f"A seed of {self.seed} is none: choose a whole number from 0.")

    def samples_of(self, pairs: int) -> int:
        """Trials or resamples of each of the tests of so many pairs."""
        most = min(MOST_ASKED, _MOST_REPLICATES // max(1, pairs))
        return self.samples or max(FEWEST_ASKED, min(samples_for(pairs, self.alpha), most))

    def more_samples(self, pairs: int) -> int:
        """Trials or resamples for so many pairs that fewer can't decide; none where a number is asked for."""
        if self.samples is not None or self.test is Test.SACREBLEU_BS or not pairs:
            return 0
        return min(_MOST_MORE, _MOST_REPLICATES // pairs)

    def fits_tail(self, pairs: int) -> bool:
        """Whether these are fewer than so many pairs need, so that small p-values are read off a fitted tail."""
        is_short = self.samples is None and self.samples_of(pairs) < samples_for(pairs, self.alpha)
        return is_short and self.test is Test.RANDOMIZATION

    def tail_note(self, tests: int, samples: int, *, of: str) -> str:
        """The sentence about small p-values that are read off a fitted tail.

        Args:
            tests: how many tests there are.
            samples: trials of each.
            of: what they are tests of, in the plural.
        """
        return (
            f"{tests:,} {of} need {samples_for(tests, self.alpha):,} trials, and these are {samples:,}: p-values that "
            "fewer than ten are beyond are read off a generalised Pareto distribution fitted to the tail."
        )

    def finds_none(self, pairs: int, samples: int) -> bool:
        """Whether so many samples give no p-value small enough for one of so many pairs to be significant."""
        least = 1 / (samples + 1) / (FURTHEST if self.fits_tail(pairs) else 1)
        return self.correction is Correction.HOLM and pairs * least > self.alpha
