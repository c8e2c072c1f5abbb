"""A query for scores: a metric on a grid, and all that must be equal for scores to be compared."""

from dataclasses import KW_ONLY, dataclass


@dataclass(frozen=True, slots=True)
class ScoreQuestion:
    """Scores of one metric on one grid: the argument of every analysis, so that no two read different scores.

    Names are looked up, and scores that can't be compared are refused, when it is answered (`Slice.of`).
    """

    grid: str
    """Name of the grid."""
    metric: str
    """Name of the metric."""
    _: KW_ONLY
    signature: str | None = None
    """Text that the signatures must hold; needed where the metric has several."""
    prompt: str | None = None
    """Name of the prompt, or text that its template or identity holds; the grid's first by default."""
    test_set: str | None = None
    """Name of the test set, or text that its corpus, revision or identity holds; the grid's first by default."""
    decoding: str | None = None
    """Text that the decoding's settings or identity must hold, where the grid has several."""
    lines: str | None = None
    """The slice of the test set: only its lines with these labels (`domain=news`, `LineFilter`); all by default."""
    micro: bool = False
    """Weigh each pair by its segments in means over pairs; by default all pairs count alike."""
