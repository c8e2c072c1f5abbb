"""A person's rating of one translation: a score, and the errors marked in it, with their severity and category."""

import unicodedata
from enum import StrEnum
from math import fsum
from typing import Annotated, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

HIGHEST = 100
"""The highest score of direct assessment and error span annotation; 0 is the lowest."""


class Protocol(StrEnum):
    """What raters are asked for."""

    DA = "da"
    """Direct assessment (Graham et al., 2015): a score."""
    ESA = "esa"
    """Error span annotation (Kocmi et al., 2024): errors with their severity, then a score."""
    MQM = "mqm"
    """Multidimensional quality metrics (Freitag et al., 2021): errors with severity and category; the score follows."""


class Side(StrEnum):
    """The text that an error is marked in."""

    SOURCE = "source"
    TARGET = "target"


class Severity(StrEnum):
    """How bad an error is."""

    NEUTRAL = "neutral"
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


WEIGHTS = {Severity.NEUTRAL: 0.0, Severity.MINOR: 1.0, Severity.MAJOR: 5.0, Severity.CRITICAL: 25.0}
"""MQM weights: those of Freitag et al. (2021), who have no critical errors; that weight is the MQM council's
(https://themqm.org, error severity multipliers)."""

NON_TRANSLATION = 25.0
"""The weight of a major error that is no translation at all."""

PUNCTUATION = 0.1
"""The weight of a minor error of fluency that is of punctuation."""


def _in_one_line(text: str) -> str:
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise ValueError("a name holds a control character, or half of one that takes two")
    return text


Label = Annotated[str, Field(min_length=1), AfterValidator(_in_one_line)]
"""A name that every format can hold: some text in one line, without control characters."""


class Span(BaseModel):
    """An error that a rater marked."""

    model_config = ConfigDict(frozen=True)

    side: Side = Side.TARGET
    """The text it is in."""
    start: Annotated[int, Field(ge=0)] | None = None
    """Its first character, counted from 0 in Unicode code points; None for an error that is nowhere in the text, such
    as something missing."""
    end: int | None = None
    """The character after its last; None where `start` is."""
    severity: Severity | None = None
    """How bad it is; None where the rater was not asked or has not decided."""
    category: Label | None = None
    """Its category, with subcategories after a slash: `Accuracy/Mistranslation`."""

    @model_validator(mode="after")
    def _has_characters(self) -> Self:
        if (self.start is None) != (self.end is None):
            raise ValueError("an error has a beginning and an end, or neither")
        if self.start is not None and self.end is not None and self.end <= self.start:
            raise ValueError(f"an error ends at character {self.end}, and begins at {self.start}")
        return self

    @property
    def weight(self) -> float:
        """Its weight in the MQM score; 0 without a severity."""
        category = (self.category or "").casefold()
        if self.severity is Severity.MAJOR and category.split("/")[0].rstrip("!") == "non-translation":
            return NON_TRANSLATION
        if self.severity is Severity.MINOR and f"{category}/".startswith("fluency/punctuation/"):
            return PUNCTUATION
        return 0.0 if self.severity is None else WEIGHTS[self.severity]


class Rating(BaseModel):
    """What one rater said of one translation."""

    model_config = ConfigDict(frozen=True)

    rater: Label
    """Who."""
    protocol: Protocol
    """What was asked for."""
    score: Annotated[float, Field(ge=0, le=HIGHEST, allow_inf_nan=False)] | None = None
    """The score given, from 0 to 100; None where none was asked for."""
    spans: tuple[Span, ...] = ()
    """The errors marked, in the order of the file."""
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """How long it took; None where that is unknown."""
    rated: AwareDatetime | None = None
    """When; None where that is unknown."""

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.protocol is not Protocol.MQM and self.score is None:
            raise ValueError("there is no score")
        if self.protocol is Protocol.MQM and any(span.severity is None for span in self.spans):
            raise ValueError("an error has no severity, which the MQM score needs")
        if len(set(self.spans)) < len(self.spans):
            raise ValueError("the same error is marked twice")
        return self

    @property
    def value(self) -> float:
        """The score by which systems are compared, the higher the better: the one given; for MQM minus the weights."""
        return mqm_score(self.spans) if self.protocol is Protocol.MQM else float(self.score or 0)


def mqm_score(spans: tuple[Span, ...]) -> float:
    """The MQM score of a translation: minus the sum of its errors' weights (Freitag et al., 2021), 0 for none.

    Args:
        spans: its errors, on either side.
    """
    return 0.0 - fsum(span.weight for span in spans)
