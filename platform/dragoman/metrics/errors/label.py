"""Labels of errors: what can be wrong with a hypothesis, as far as rules can tell."""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple, Self


class LabelFacts(NamedTuple):
    """What people are told of a label."""

    title: str
    """Its name in tables and legends."""
    meaning: str
    """What it marks, as a clause."""


class Label(StrEnum):
    """Kind of error; `error_LABEL` is the metric of each but the last.

    The order is that of first matches: the paper's six classes as it tries them, then those it does not have.
    """

    facts: LabelFacts

    def __new__(cls, value: str, title: str = "", meaning: str = "") -> Self:
        """A label of this name."""
        label = str.__new__(cls, value)
        label._value_ = value
        label.facts = LabelFacts(title, meaning)
        return label

    OSCILLATION = (
        "oscillation",
        "oscillation",
        "a word, or several, three times running, or characters four times, and nothing in the reference that long",
    )
    PROMPT = ("prompt", "prompt", "a language's name or words of the prompt in use, or marks of a chat template")
    COPY = ("copy", "copy", "the source, or most of it, and the reference is no copy")
    LANGUAGE = ("language", "wrong language", "not in the target language, as far as the detector can tell")
    SHORT = ("short", "too short", "fewer than half the characters of the reference")
    LONG = ("long", "too long", "more than twice the characters of the reference")
    EMPTY = ("empty", "empty", "nothing but white space")
    CUT = ("cut", "cut", "it reached the longest length allowed")
    PREAMBLE = ("preamble", "preamble", "words about the translation, reasoning, quotes or code marks around it")
    NUMBERS = ("numbers", "numbers", "a number that neither source nor reference has, or one lost that both have")
    TNG = ("tng", "top n-gram", "four words in a row that come twice more often than in source and reference")
    NO_ROOM = ("no_room", "no room", "the model had no room for the source: empty, or of a shortened source")

    @classmethod
    def _missing_(cls, value: object) -> "Label | None":
        """A label by its name of earlier releases, which links may hold."""
        return _EARLIER.get(str(value))

    @property
    def metric(self) -> str:
        """Name of the metric that counts it."""
        return f"error_{self.value}"


_EARLIER = {
    "off_target": Label.LANGUAGE,
    "copied": Label.COPY,
    "repeated": Label.OSCILLATION,
    "too_long": Label.NO_ROOM,
}

MEASURED = tuple(label for label in Label if label is not Label.NO_ROOM)
"""The labels that are metrics, in the order of first matches."""

ALL = "errors"
"""What stands for the metrics of all labels where metrics are named."""


def with_labels(metrics: Iterable[str]) -> list[str]:
    """Names of metrics, each once, with those of all labels in place of `errors`."""
    every = (label.metric for label in MEASURED)
    return list(dict.fromkeys(name for metric in metrics for name in (every if metric == ALL else (metric,))))
