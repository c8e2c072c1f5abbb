"""The choice of a corpus."""

from difflib import get_close_matches
from typing import Any

from pydantic import Field, field_validator, model_validator

from dragoman.errors import nearest
from dragoman.plugins import available
from dragoman.spec.base import SpecModel


class CorpusChoice(SpecModel):
    """A kind of corpus and the options of that kind, all in one mapping."""

    kind: str
    """Name of a corpus plugin."""
    options: dict[str, Any] = Field(default_factory=dict)
    """What stood beside `kind`; the plugin's own model checks it."""

    @model_validator(mode="before")
    @classmethod
    def _gather_options(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"kind": value}
        if isinstance(value, dict) and "options" not in value:
            options = {str(key): item for key, item in value.items() if key != "kind"}
            if "kind" in value:
                return {"kind": value["kind"], "options": options}
            for key in get_close_matches("kind", options, n=1):
                raise ValueError(f"has no key '{key}'; did you mean 'kind'?")
            return {"options": options}
        return value

    @field_validator("kind", mode="before")
    @classmethod
    def _is_installed(cls, kind: Any) -> Any:
        if kind not in available("corpora"):
            raise ValueError(f"is not an installed kind of corpus; {nearest(str(kind), available('corpora'))}")
        return kind
