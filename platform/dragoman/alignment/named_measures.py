"""The measures of alignment that analyses ask for by name."""

from collections.abc import Callable
from typing import NamedTuple

from dragoman.alignment.measures import MARGIN_NEIGHBOURS, MUTUAL_NEIGHBOURS, mutual_knn_chance
from dragoman.store.alignment_records import AlignmentRecord


class NamedMeasure(NamedTuple):
    """A measure of how alike a layer represents two languages."""

    name: str
    """Its name in options and tables."""
    label: str
    """What it is, in a few words."""
    value: Callable[[AlignmentRecord], float | None]
    """The measure of a record; None where it is not defined."""
    chance: Callable[[AlignmentRecord], float | None]
    """What it would be by chance."""
    higher_is_better: bool = True
    """Whether more alike is higher."""
    least: float = 0.0
    """The smallest value it can have; the largest is 1."""


def _none(record: AlignmentRecord) -> float:
    del record
    return 0.0


_ALL = (
    NamedMeasure(
        "retrieval-centred",
        "retrieval accuracy, centred",
        lambda record: record.retrieval_centred,
        lambda record: record.retrieval_chance,
    ),
    NamedMeasure(
        "retrieval", "retrieval accuracy", lambda record: record.retrieval, lambda record: record.retrieval_chance
    ),
    NamedMeasure(
        "xsim-centred",
        f"xsim error (margin of {MARGIN_NEIGHBOURS}), centred",
        lambda record: record.xsim_error_centred,
        lambda record: 1 - record.retrieval_chance,
        higher_is_better=False,
    ),
    NamedMeasure(
        "xsim",
        f"xsim error (margin of {MARGIN_NEIGHBOURS})",
        lambda record: record.xsim_error,
        lambda record: 1 - record.retrieval_chance,
        higher_is_better=False,
    ),
    NamedMeasure("cka", "linear CKA", lambda record: record.cka, lambda record: record.cka_chance),
    NamedMeasure("cka-unbiased", "linear CKA, unbiased", lambda record: record.cka_unbiased, _none, least=-1.0),
    NamedMeasure(
        "knn-centred",
        f"mutual {MUTUAL_NEIGHBOURS}-NN, centred",
        lambda record: record.mutual_knn_centred,
        lambda record: mutual_knn_chance(record.lines),
    ),
    NamedMeasure(
        "knn",
        f"mutual {MUTUAL_NEIGHBOURS}-NN",
        lambda record: record.mutual_knn,
        lambda record: mutual_knn_chance(record.lines),
    ),
)

MEASURES = {measure.name: measure for measure in _ALL}
"""The measures by name, the default first."""
