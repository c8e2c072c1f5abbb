"""Decoding: how a model's text is chosen, and where it ends."""

import json
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from dragoman.identity import fingerprint
from dragoman.spec.base import SpecModel

_ALWAYS = {"beam", "max_new_tokens", "length_penalty", "precision"}
"""Settings that stand in every decoding's identity; the others do where they are used."""


TooLong = Literal["fail", "empty", "cut"]
"""What becomes of sentences that a model has no room for."""


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class Decoding(SpecModel):
    """The decoding settings that change the text; batch sizes and devices don't and aren't here."""

    beam: int = Field(default=1, ge=1, le=64)
    """Beams kept; 1 is greedy."""
    max_new_tokens: int = Field(default=150, ge=1, le=8192)
    """Tokens after which a translation is cut."""
    max_ratio: float | None = Field(default=None, gt=0, le=1000)
    """Cuts a translation also at so many times the tokens of its source sentence, rounded up."""
    length_penalty: float = 1.0
    """Exponent of the length a beam's score is divided by; without effect for greedy decoding."""
    temperature: float = Field(default=0.0, ge=0, le=100)
    """What logits are divided by before a token is drawn at random; 0 draws nothing and takes the best."""
    top_k: int | None = Field(default=None, ge=1)
    """Draws among the so many likeliest tokens alone."""
    top_p: float = Field(default=1.0, gt=0, le=1)
    """Draws among the likeliest tokens alone that together have this probability."""
    seed: int = Field(default=1, ge=0)
    """Seed of what is drawn: with it and its prompt, a sentence's translation is the same in every batch."""
    stop: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_listed)] = ()
    """Texts that end a translation, one or a list; they and what follows are cut off."""
    stop_at_newline: bool = True
    """Whether a line break ends a translation; otherwise line breaks in it become spaces."""
    too_long: TooLong | None = None
    """Another answer than `evaluation.too_long` to sentences that this model has no room for."""
    precision: Literal["full", "int8"] = "full"
    """`full`: float32 on CPU, float16 or bfloat16 on GPU. `int8` is faster, changes the text, and so is a part of
    the identity."""

    @model_validator(mode="after")
    def _hangs_together(self) -> "Decoding":
        if self.samples and self.beam > 1:
            raise ValueError("has both beam and temperature; leave one out: tokens are searched for, or drawn")
        drawing = [name for name in ("top_k", "top_p", "seed") if getattr(self, name) != _default(name)]
        if drawing and not self.samples:
            raise ValueError(f"has {drawing[0]} without temperature, and so draws nothing; set a temperature above 0")
        return self

    @property
    def samples(self) -> bool:
        """Whether tokens are drawn at random."""
        return self.temperature > 0

    @property
    def meaning(self) -> dict[str, Any]:
        """All that decides the text; what is not used is left out."""
        used = self.model_dump(mode="json")
        drawn = {"temperature", "seed"} if self.samples else set()
        return {
            name: value
            for name, value in used.items()
            if name in _ALWAYS | drawn or getattr(self, name) != _default(name)
            # a sentence that is not shortened has the same translation, or none, whichever the word for it
            if name != "too_long" or self.too_long == "cut"
        }

    @property
    def shown(self) -> str:
        """The decoding for people: how tokens are chosen, how many, and what else is not as by default."""
        how = f"drawn at temperature {self.temperature:g}" if self.samples else f"beam {self.beam}"
        said = {"beam", "temperature", "max_new_tokens"}
        rest = [
            f"{name.replace('_', ' ')} {json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value}"
            for name, value in self.meaning.items()
            if name not in said and (getattr(self, name) != _default(name) or name == "seed")
        ]
        return ", ".join(["greedy" if how == "beam 1" else how, f"at most {self.max_new_tokens} tokens", *rest])

    @property
    def id(self) -> str:
        """The decoding's identity."""
        return fingerprint("decoding", 1, self.meaning)


def _default(name: str) -> Any:
    return Decoding.model_fields[name].default
