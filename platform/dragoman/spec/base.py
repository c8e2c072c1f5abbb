"""What every part of a spec shares: frozen, and misspelt keys answered with the nearest one."""

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from dragoman.errors import nearest

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
"""Names of grids, models and prompts: they become folders, tags and links."""


class SpecModel(BaseModel):
    """A part of a spec."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _knows_every_key(cls, value: Any) -> Any:
        if isinstance(value, dict):
            for key in value:
                if key not in cls.model_fields:
                    raise ValueError(f"has no key '{key}'; {nearest(str(key), cls.model_fields)}")
        return value
