"""Decoding: how a model's text is chosen."""

from typing import Literal

from pydantic import Field

from dragoman.identity import fingerprint
from dragoman.spec.base import SpecModel


class Decoding(SpecModel):
    """The decoding settings that change the text; batch sizes and devices don't and aren't here."""

    beam: int = Field(default=1, ge=1, le=64)
    """Beams kept; 1 is greedy."""
    max_new_tokens: int = Field(default=150, ge=1, le=8192)
    """Tokens after which a translation is cut."""
    length_penalty: float = 1.0
    """Exponent of the length a beam's score is divided by; without effect for greedy decoding."""
    precision: Literal["full", "int8"] = "full"
    """`full`: float32 on CPU, float16 or bfloat16 on GPU. `int8` is faster, changes the text, and so is a part of
    the identity."""

    @property
    def id(self) -> str:
        """The decoding's identity."""
        return fingerprint("decoding", 1, self.model_dump(mode="json"))
