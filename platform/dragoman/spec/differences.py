"""Differences of two specs, key by key: what one has to say of two grids before their scores are compared."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from dragoman.identity import canonical_json
from dragoman.spec.grid import GridSpec

ABSENT = "—"
"""What stands where a spec has no such part."""


class SpecDifference(NamedTuple):
    """A key that two specs have different values of."""

    key: str
    """Its path; parts with a name, such as models, are matched and written by it: `models.roles.method.steps`."""
    a: str
    """The first spec's value as JSON; `ABSENT` where it has none."""
    b: str
    """The second spec's."""


def differences(a: GridSpec, b: GridSpec) -> list[SpecDifference]:
    """Where two specs differ, in the order of their keys; defaults count as if they were written.

    The folders in which corpora were found are left out: the same text may lie elsewhere.
    """
    return list(_differences("", a.model_dump(mode="json"), b.model_dump(mode="json")))


def _differences(path: str, a: Any, b: Any) -> Iterator[SpecDifference]:
    if a == b:
        return
    parts = [_parts(each) for each in (a, b)]
    if parts[0] is None or parts[1] is None:
        yield SpecDifference(path, _shown(a), _shown(b))
        return
    for key in dict.fromkeys([*parts[0], *parts[1]]):
        place = f"{path}.{key}" if path else key
        yield from _differences(place, parts[0].get(key, _NOTHING), parts[1].get(key, _NOTHING))


_NOTHING = object()


def _parts(value: Any) -> Mapping[str, Any] | None:
    """The parts of a mapping by key, or of a list by name or else by number from 0; None where a value is whole."""
    if isinstance(value, Mapping):
        return {key: part for key, part in value.items() if not (key == "folder" and "kind" in value)}
    if isinstance(value, list) and (not value or any(isinstance(part, Mapping) for part in value)):
        return {_name(part) or str(place): part for place, part in enumerate(value)}
    return None


def _name(part: Any) -> str | None:
    return part.get("name") if isinstance(part, Mapping) else None


def _shown(value: Any) -> str:
    return ABSENT if value is _NOTHING else canonical_json(value)
