"""Registered model versions, with the grid and the model that each of them was made from."""

from collections import defaultdict
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from dragoman.errors import DragomanError, ModelError, nearest
from dragoman.store.records import GridRecord
from dragoman.tracking.logged_models import DECODING_TAG, GRID_TAG, MODEL_TAG, NAME_TAG, PROMPT_TAG
from dragoman_registry.registry_client.client import is_there
from dragoman_registry.registry_client.registry_reader import reader_at

CHAMPION = "champion"
"""The alias that is meant where none is named."""


class VersionError(DragomanError):
    """Text that names no registered version."""


class RegisteredVersion(BaseModel):
    """One version of a registered model."""

    model_config = ConfigDict(frozen=True)

    name: str
    """Name in the registry."""
    version: str
    """Its number."""
    model: str | None = None
    """Id of the model; None, like all below, for a version that Dragoman did not register."""
    grid: str | None = None
    """The grid it comes from."""
    model_name: str | None = None
    """Its name in that grid."""
    prompt: str | None = None
    """Id of the prompt it answers with."""
    decoding: str | None = None
    """Id of the decoding it answers with."""

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"

    @classmethod
    def of(cls, version: Any) -> Self:
        """What an MLflow model version stands for, by its tags."""
        tags = version.tags
        return cls(
            name=version.name,
            version=str(version.version),
            model=tags.get(MODEL_TAG),
            grid=tags.get(GRID_TAG),
            model_name=tags.get(NAME_TAG),
            prompt=tags.get(PROMPT_TAG),
            decoding=tags.get(DECODING_TAG),
        )


def registered_names(uri: str) -> list[str]:
    """Every name in the registry, sorted."""
    return [model.name for model in reader_at(uri).models()] if is_there(uri) else []


class Registered(BaseModel):
    """A registered model, with all that stands under its name."""

    model_config = ConfigDict(frozen=True)

    name: str
    """Its name."""
    aliases: dict[str, str]
    """The version each alias stands at."""
    versions: tuple[RegisteredVersion, ...]
    """Its versions, the oldest first."""


def registered(uri: str) -> list[Registered]:
    """Every registered model, sorted by name; asked for in two searches, however many there are."""
    if not is_there(uri):
        return []
    reader = reader_at(uri)
    versions: defaultdict[str, list[RegisteredVersion]] = defaultdict(list)
    for version in reader.versions():
        versions[version.name].append(RegisteredVersion.of(version))
    return [
        Registered(
            name=model.name,
            aliases=dict(model.aliases),
            versions=tuple(sorted(versions[model.name], key=lambda version: int(version.version))),
        )
        for model in reader.models()
    ]


def aliases_of(uri: str, name: str) -> dict[str, str]:
    """The version each alias of a registered model stands at.

    Raises:
        ModelError: there is no registered model of that name.
    """
    model = reader_at(uri).model(name) if is_there(uri) else None
    if model is None:
        raise ModelError(f"'{name}' is not a registered model; {nearest(name, registered_names(uri))}")
    return dict(model.aliases)


def versions_of(uri: str, name: str) -> list[RegisteredVersion]:
    """Every version of a registered model, the oldest first; none where there is no such model."""
    if not is_there(uri):
        return []
    found = [RegisteredVersion.of(version) for version in reader_at(uri).versions(name)]
    return sorted(found, key=lambda version: int(version.version))


def version_at(uri: str, name: str, alias: str) -> RegisteredVersion | None:
    """The version an alias stands at; None where it is not set.

    Raises:
        ModelError: there is no registered model of that name, or the version the alias stands at is gone.
    """
    number = aliases_of(uri, name).get(alias)
    return None if number is None else find_version(uri, name, number)


def find_version(uri: str, name: str, number: str) -> RegisteredVersion:
    """One version by its number.

    Raises:
        ModelError: there is no such model or version.
    """
    aliases_of(uri, name)
    found = {version.version: version for version in versions_of(uri, name)}
    if number not in found:
        raise ModelError(f"'{name}' has no version {number}; {nearest(number, found)}")
    return found[number]


def split(reference: str) -> tuple[str, str | None]:
    """A registered model's name, and the version or alias where it is written as ``NAME@VERSION``."""
    name, at, which = reference.rpartition("@")
    return (name, which) if at and name and which else (reference, None)


def which_alias(uri: str, name: str, which: str | None, asked: str | None) -> str:
    """The alias that is meant by ``NAME``, ``NAME@ALIAS`` or ``NAME@NUMBER``, and perhaps an alias given besides.

    Args:
        uri: MLflow's registry.
        name: name of the registered model.
        which: what is written after the name.
        asked: the alias given besides; `champion` where neither says one.

    Raises:
        VersionError: the two contradict each other, or no alias, or not the one, stands at that version.
        ModelError: there is no such model or version.
    """
    if which is None or not which.isdecimal():
        if None not in (which, asked) and which != asked:
            raise VersionError(f"{name}@{which} and --alias {asked} are two aliases: name one of them.")
        return which or asked or CHAMPION
    find_version(uri, name, which)
    there = sorted(alias for alias, version in aliases_of(uri, name).items() if version == which)
    if asked is None and len(there) == 1:
        return there[0]
    if asked not in there:
        found = ", ".join(there) or "none"
        raise VersionError(f"Version {which} of {name} has these aliases: {found}; name one of them with --alias.")
    return asked


def resolve(uri: str, reference: str) -> RegisteredVersion:
    """The version written as ``NAME@3`` or ``NAME@champion``.

    Raises:
        VersionError: it is not written so, or the alias is not set.
        ModelError: there is no such model or version.
    """
    name, _, which = reference.rpartition("@")
    if not name or not which:
        raise VersionError(f"'{reference}' names no version: write NAME@NUMBER or NAME@ALIAS, such as {reference}@1.")
    if which.isdecimal():
        return find_version(uri, name, which)
    found = version_at(uri, name, which)
    if found is None:
        remedy = nearest(which, aliases_of(uri, name))
        raise VersionError(f"{name} has no alias '{which}': {remedy} A version's number will do, too.")
    return found


def id_of(grid: GridRecord, model: str) -> str:
    """The id of a grid's model by its name there."""
    return next(identity for identity, name in grid.names.items() if name == model)
