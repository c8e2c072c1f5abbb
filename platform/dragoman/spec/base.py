"""Base class of every part of a spec: frozen, and misspelt keys are refused with the nearest one."""

import os
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, ValidationInfo, model_validator

from dragoman.control_characters import hidden_character
from dragoman.errors import nearest
from dragoman.truth_values import NoTruthValues

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
"""Names of grids, models and prompts: they become folders, tags and links."""

LONGEST_NAME = 230
"""Letters that these may have: a file's name may have 255 bytes with its ending, a run of MLflow's 250."""

LONGEST_WRITTEN = 200
"""Bytes of a name that somebody writes; what a sweep or a seed makes of one may be as long as `LONGEST_NAME`, as may
those that earlier versions took and stores still hold."""

WRITTEN = {"written": True}
"""Context of the validation of what somebody has just written, in a file or on the command line."""


def short_name(name: str, info: ValidationInfo) -> str:
    """A name of the length it may have.

    Raises:
        ValueError: it is too long.
    """
    most = LONGEST_WRITTEN if info.context is WRITTEN else LONGEST_NAME
    if (length := len(name.encode())) > most:
        raise ValueError(f"has {length} bytes, and a name has at most {most} characters of one byte; shorten it")
    return name


Name = Annotated[str, Field(pattern=NAME, json_schema_extra={"maxLength": LONGEST_WRITTEN}), AfterValidator(short_name)]
"""A name in a spec."""

GridName = Annotated[str, Field(pattern=NAME, max_length=LONGEST_NAME)]
"""Name of a grid, which a sweep may have made."""

_FILE_NAME_BYTES, _PATH_BYTES = 255, 4095
"""NAME_MAX and PATH_MAX of Linux, less the zero at the end of a path (`limits.h`)."""


def shown(text: str, info: ValidationInfo) -> str:
    """A word as it is, which is what it looks like where somebody has just written it.

    Raises:
        ValueError: it holds a control character, or one that turns the order of others.
    """
    if info.context is WRITTEN and (character := hidden_character(text)):
        raise ValueError(f"holds the control character {character}; take it out, or rename what is called that")
    return text


Shown = Annotated[str, AfterValidator(shown)]
"""A word in a spec that tables and errors show."""


def short_enough(path: str) -> str:
    """A path that is looked for in the file system, as it is.

    Raises:
        ValueError: no file can be called that.
    """
    if not path:
        raise ValueError("is empty; give a path or a name")
    if "://" in path:
        return path
    longest = max(len(os.fsencode(part)) for part in path.split("/"))
    if longest > _FILE_NAME_BYTES:
        raise ValueError(
            f"has a part of {longest} bytes in its path, and a file's name has at most {_FILE_NAME_BYTES}; shorten it"
        )
    if (length := len(os.fsencode(path))) > _PATH_BYTES:
        raise ValueError(f"has a path of {length} bytes, where there may be {_PATH_BYTES} at most; shorten it")
    return path


PathText = Annotated[str, AfterValidator(short_enough), AfterValidator(shown)]
"""A path or a name in a spec that is looked for in the file system."""


class SpecModel(NoTruthValues):
    """A part of a spec."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _knows_every_key(cls, value: Any) -> Any:
        if isinstance(value, dict):
            for key in value:
                if key not in cls.model_fields:
                    raise ValueError(f"has no key '{key}'; {nearest(str(key), cls.model_fields)}")
        return value
