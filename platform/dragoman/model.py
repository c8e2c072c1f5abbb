"""A model's identity: what it is made from, known before it is trained."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from dragoman.identity import fingerprint

MODEL_VERSION = 1
"""Raised when the fields of a recipe change their meaning."""


class ModelIdentity(BaseModel):
    """A model of a grid: the base as it is, or a finetuning of it."""

    model_config = ConfigDict(frozen=True)

    name: str
    """Its name in the grid's tables; no part of its identity."""
    recipe: dict[str, Any]
    """What it is made from: for a base its name, revision and the hash of its files; for a finetuning the base's
    id, the pairs, corpus, prompt, method and seed."""
    parent: str | None = None
    """Id of the model it is finetuned from."""
    seed: int | None = None
    """The seed of its training."""

    @property
    def id(self) -> str:
        """The versioned hash of the recipe: the same before and after training, on every machine."""
        return fingerprint("model", MODEL_VERSION, self.recipe)
