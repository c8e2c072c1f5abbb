"""The choice of a corpus."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from glob import escape
from pathlib import Path
from typing import Any, Self, TypeGuard

from pydantic import ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator

from dragoman import plugins
from dragoman.errors import CorpusError, nearest
from dragoman.plugins import available
from dragoman.spec.base import SpecModel, short_enough, shown
from dragoman.truth_values import NoTruthValues

_PLACE = re.compile(r"(?:\{\w+\})+")


class CorpusChoice(SpecModel):
    """A kind of corpus and the options of that kind, all in one mapping."""

    kind: str
    """Name of a corpus plugin."""
    options: dict[str, Any] = Field(default_factory=dict)
    """What stood beside `kind`; the plugin's own model checks it."""
    folder: Path | None = Field(default=None, exclude_if=lambda folder: folder is None)
    """Where a relative `path` begins: noted when the spec is read, never written by hand."""

    @property
    def placed(self) -> dict[str, Any]:
        """The options with the path as it is from everywhere: a job stands in another folder than its spec's reader."""
        if self.folder is None:
            return self.options
        path = self.options["path"]
        if isinstance(path, dict):
            return {**self.options, "path": {split: str(self.folder / each) for split, each in path.items()}}
        return {**self.options, "path": str(self.folder / path)}

    @property
    def meant(self) -> dict[str, Any]:
        """The options that a text can depend on: the labels of its lines are none."""
        return {key: value for key, value in self.options.items() if key != "labels"}

    def found_in(self, folders: Iterable[Path]) -> Self:
        """The same, with the first of some folders noted that has the files of a relative path.

        What decides about identities is the path as it is written: it is the same in every folder.
        """
        path = self.options.get("path")
        paths = [each for each in (path.values() if isinstance(path, dict) else [path]) if is_relative(each)]
        for folder in folders:
            if any(is_there(each, folder) for each in paths):
                return self.model_copy(update={"folder": folder.resolve()})
        return self

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

    @field_validator("options")
    @classmethod
    def _has_possible_paths(cls, options: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        path = options.get("path")
        for each in path.values() if isinstance(path, dict) else [path]:
            if isinstance(each, str):
                shown(short_enough(each), info)
        return options

    @field_validator("kind", mode="before")
    @classmethod
    def _is_installed(cls, kind: Any) -> Any:
        if kind not in available("corpora"):
            raise ValueError(f"is not an installed kind of corpus; {nearest(str(kind), available('corpora'))}")
        return kind


def is_there(path: str, folder: Path) -> bool:
    """Whether a folder has a path; the places in a pattern, such as {source}, may be filled with anything."""
    try:
        if _PLACE.search(path):
            return next(folder.glob("*".join(map(escape, _PLACE.split(path)))), None) is not None
        return (folder / path).exists()
    except OSError:  # a name that is too long, or a folder that may not be read
        return False


def is_relative(path: Any) -> TypeGuard[str]:
    """Whether it is a path that depends on where one stands, and no URL."""
    return isinstance(path, str) and bool(path) and path[0] not in "/~" and "://" not in path and "::" not in path


class CorpusOptions(NoTruthValues):
    """The options of one kind of corpus, written beside `kind` in a spec; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def checked_options(kind: str, options: Mapping[str, Any], place: str = "corpus") -> CorpusOptions:
    """The options of a kind of corpus; nothing is opened.

    Args:
        kind: the kind.
        options: its options as a spec has them.
        place: where in the spec they stand, for errors.

    Raises:
        UnknownPluginError: no such kind is installed.
        CorpusError: an option is not one of this kind's or has a wrong value.
    """
    known: type[CorpusOptions] = plugins.load("corpora", kind).Options
    for key in options:
        if key not in known.model_fields:
            nearest_ones = nearest(str(key), known.model_fields)
            raise CorpusError(f"{place}: the kind {kind} has no option '{key}'; {nearest_ones}")
    try:
        return known.model_validate(dict(options))
    except ValidationError as error:
        first = error.errors()[0]
        steps = ".".join([place, *(str(step) for step in first["loc"])])
        if first["type"] == "missing":
            raise CorpusError(f"{steps} is missing: a {kind} corpus needs it.") from error
        message = str(first["msg"]).removeprefix("Value error, ").rstrip(".")
        if message.startswith("is "):
            raise CorpusError(f"{steps} ({first['input']!r}) {message}.") from error
        raise CorpusError(f"{steps} is {first['input']!r}: {message[:1].lower()}{message[1:]}.") from error
