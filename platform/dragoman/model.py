"""A model's identity: the hash of its recipe, computed before it is trained."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from dragoman.identity import fingerprint

MODEL_VERSION = 1
"""The version of a recipe that names none. Another one says so: `version: 2` where it has what the first left out
(settings of the base that decide, the middle of large files) or leaves out what it had (files of other pairs)."""

TRANSLATIONS = "translations"
"""The key of a recipe that is the hash of a system's translations: it is not run here, and no more is known of it."""


def is_from_files(recipe: Mapping[str, Any]) -> bool:
    """Whether a system's translations were read from files: Dragoman neither asked nor decoded it."""
    return TRANSLATIONS in recipe


PIVOT = "pivot"
"""The key of a recipe that says which model translates in two legs, through which language."""


QUOTED = "quoted"
"""The key of a recipe that names the source of a system's scores, and has their hash: no translations are known."""


class Quotation(NamedTuple):
    """What is known of scores that are quoted."""

    source: str
    """Where from."""
    signature: str | None
    """What the source says of how they were computed."""
    sentences: tuple[int, int] | None
    """The fewest and the most sentences that they are of, where the source says so."""

    @property
    def phrase(self) -> str:
        """It, within a sentence."""
        least, most = self.sentences or (0, 0)
        counted = f"{most:,}" if least == most else f"{least:,} to {most:,}"
        of = f", of {counted} sentences" if most else ""
        return f"quoted from {self.source} ({self.signature or 'which does not say how they were computed'}{of})"


def quotation(recipe: Mapping[str, Any]) -> Quotation | None:
    """The source of a system whose scores are quoted; None of any other."""
    if QUOTED not in recipe:
        return None
    found = recipe[QUOTED]
    return Quotation(found["source"], found["signature"], tuple(found["sentences"]) if found["sentences"] else None)


def is_quoted(recipe: Mapping[str, Any]) -> bool:
    """Whether a system's scores are quoted from a source, without translations."""
    return QUOTED in recipe


def is_from_elsewhere(recipe: Mapping[str, Any]) -> bool:
    """Whether a system is not run here: its translations are from files, or its scores are quoted."""
    return is_from_files(recipe) or is_quoted(recipe)


class ModelIdentity(BaseModel):
    """A model of a grid: the base as it is, a finetuning of it, or a system from elsewhere."""

    model_config = ConfigDict(frozen=True)

    name: str
    """Its name in the grid's tables; no part of its identity."""
    recipe: dict[str, Any]
    """What it is made from: for a base its name, revision and the hash of its files; for a finetuning the base's
    id, the pairs, corpus, prompt, method and seed; for a system from files the hash of its translations; for a quoted
    one its source and the hash of its scores."""
    parent: str | None = None
    """Id of the model it is finetuned from."""
    former: "Former | None" = Field(default=None, exclude=True)
    """The identity it had in earlier versions, where that is another one."""
    seed: int | None = None
    """The seed of its training."""

    @property
    def id(self) -> str:
        """The versioned hash of the recipe: the same before and after training, on every machine."""
        return fingerprint("model", self.recipe.get("version", MODEL_VERSION), self.recipe)


class Former(BaseModel):
    """An identity of an earlier version, whose recipe had fewer fields, and when it is still the same model."""

    model_config = ConfigDict(frozen=True)

    recipe: dict[str, Any]
    """The recipe as the earlier version wrote it."""
    unseen: float
    """Last modification of what its recipe left out, in seconds since 1970."""
    touched: float = float("inf")
    """When any of the training text was last written to or put where it is: a recipe that differs in files of other
    pairs alone is the same one if that was before."""

    @property
    def id(self) -> str:
        """The id as the earlier version made it."""
        return fingerprint("model", MODEL_VERSION, self.recipe)
