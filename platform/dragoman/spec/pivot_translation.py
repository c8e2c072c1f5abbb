"""Pivot translation: a model of the grid translates into a third language, and from there into the target."""

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from dragoman.language import Language
from dragoman.spec.base import Name, SpecModel

BEST = "best"
"""The pivot that is chosen for each pair on dev."""

_OF_A_CHOICE = ("candidates", "sentences", "metric")


class PivotTranslation(SpecModel):
    """How a system translates in two legs, both with one model, prompt and decoding."""

    model: Name
    """The name of the model that translates both legs: `base`, one of `models`, or a baseline that is a model."""
    through: Literal["best"] | Language
    """The pivot, one of the grid's languages; or `best`, which takes for each pair the one by which the model
    translates its dev sentences best. Pairs that have the pivot on a side are left out: theirs is the direct one."""
    candidates: tuple[Language, ...] = ()
    """The pivots that `best` chooses among; by default all languages of the grid."""
    sentences: int = Field(default=50, ge=1)
    """Dev sentences of each pair by which `best` chooses (fewer where the corpus has fewer)."""
    metric: Literal["bleu", "chrf", "chrf++"] = "chrf"
    """What `best` compares."""

    @field_validator("candidates", mode="before")
    @classmethod
    def _takes_one_language_for_a_list(cls, candidates: Any) -> Any:
        return [candidates] if isinstance(candidates, str) else candidates

    @model_validator(mode="after")
    def _chooses_or_not(self) -> "PivotTranslation":
        given = [name for name in _OF_A_CHOICE if getattr(self, name) != type(self).model_fields[name].default]
        if given and self.through != BEST:
            raise ValueError(f"has {given[0]} but goes through {self.through}; leave it out, or say `through: best`")
        if len(set(self.candidates)) != len(self.candidates):
            raise ValueError("must name each candidate once")
        return self

    def named_languages(self) -> tuple[str, ...]:
        """The languages it names, which must be the grid's."""
        return self.candidates if self.through == BEST else (self.through,)
