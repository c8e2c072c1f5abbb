"""Contamination of training text with the sentences a model is tested on."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from dragoman.pair import Pair

SEARCH = 2
"""Version of the search for copies: raised when it finds others. The first missed some where several were alike."""


class Contamination(BaseModel):
    """Test sentences that were found in one side of a pair's training text."""

    model_config = ConfigDict(frozen=True)

    pair: Pair
    """The pair that is trained on."""
    side: Literal["source", "target"]
    """Which side of its text."""
    segments: int = Field(ge=0)
    """Training segments searched."""
    sentences: int = Field(ge=0)
    """Different test sentences in that language."""
    exact: int = Field(ge=0)
    """Those of them that were found but for case, punctuation and spacing."""
    near: int = Field(ge=0)
    """Those that were found only with a few edits."""

    @model_validator(mode="after")
    def _found_at_most_once(self) -> Self:
        if self.exact + self.near > self.sentences:
            raise ValueError(f"{self.exact + self.near} of {self.sentences} sentences can't have been found")
        return self

    @property
    def language(self) -> str:
        """The language of the side."""
        return self.pair.source if self.side == "source" else self.pair.target

    @property
    def rate(self) -> float:
        """The share of the test sentences that was found, exactly or nearly; 0 where there is none in that language."""
        return (self.exact + self.near) / self.sentences if self.sentences else 0.0
