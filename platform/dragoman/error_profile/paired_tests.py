"""Paired tests of two systems' error rates, label by label."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dragoman.analysis.comparison import scope_differences
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.error_profile.stored_labels import metric_of
from dragoman.metrics.errors.label import Label
from dragoman.metrics.significance import Correction, adjusted
from dragoman.store.store import Store


@dataclass(frozen=True)
class RateDifference:
    """How much more often one system's hypotheses have a label than another's, in percentage points."""

    scope: str
    """A partition of the system, `unseen`, `unknown` or `all`."""
    label: Label
    """The label."""
    against: float
    """The other system's rate."""
    rate: float
    """The system's rate."""
    estimate: float
    """The system's minus the other's: below 0 it has fewer such errors."""
    low: float | None
    """Lower end of the 95% interval."""
    high: float | None
    """Upper end of it."""
    p: float | None
    """Two-sided p-value of a paired randomization test, in which pairs are dealt jointly."""
    p_is_floor: bool
    """Whether that is the smallest that so many trials can give."""
    adjusted: float | None
    """The p-value adjusted for all labels, after Holm."""
    n: int
    """Pairs that both have a rate for."""


def rate_differences(
    store: Store,
    question: ScoreQuestion,
    *,
    a: str,
    b: str,
    labels: Sequence[Label],
    scope: str,
    detector: str | None = None,
) -> list[RateDifference]:
    """Test system b against system a in a scope, under every label.

    Args:
        store: the store.
        question: the grid, the test set and the lines; its metric is not looked at.
        a: name of the other system (`MODEL:PROMPT`, or of another grid `GRID/...`).
        b: name of the system.
        labels: the labels.
        scope: a partition of system b, `unseen` or `all`.
        detector: the language identifier of wrong languages; the default one by default.

    Raises:
        StoreError: something named is not there, or scores would be mixed that can't be compared.
    """
    found = []
    for label in labels:
        asked = replace(question, metric=metric_of(label, detector))
        for each in scope_differences(store, asked, a=a, b=b):
            if each.scope != scope or each.delta is None or each.mean_a is None or each.mean_b is None:
                continue
            found.append(
                RateDifference(
                    each.scope, label, each.mean_a, each.mean_b, each.delta, each.low, each.high, each.p_value,
                    each.p_is_floor, None, each.done,
                )
            )  # fmt: skip
    tested = [place for place, each in enumerate(found) if each.p is not None]
    corrected = adjusted([found[place].p or 0.0 for place in tested], Correction.HOLM).tolist()
    for place, value in zip(tested, corrected, strict=True):
        found[place] = replace(found[place], adjusted=value)
    return found
