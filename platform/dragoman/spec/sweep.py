"""A sweep: one spec that stands for a product of grids, each with a readable name."""

import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from hashlib import sha256
from itertools import product
from math import prod
from typing import Any, NamedTuple

from dragoman.errors import SpecError, nearest
from dragoman.settings import settings
from dragoman.spec.base import LONGEST_NAME
from dragoman.truth_values import QUOTES

ZIP = "zip"
"""The key of a sweep whose groups change together."""

MOST = 1000
"""Grids of one sweep; more are a slip, such as a product where a zip was meant."""

_ALL = 10
"""How many times the values of the largest spec all grids of a sweep may have."""

_SHORT = {"base": "model", "corpus": "kind", "prompt": "template"}
"""Parts that may be written as one word, and the key it stands for."""

_LONGEST = 40
"""Letters of a value's name; a longer one is named by its place."""

_MARK = 12
"""Digits of the hash that a shortened name ends with."""

_Content = dict[str, Any]


class _Value(NamedTuple):
    """One value of an axis: its name, and what it sets."""

    name: str
    sets: Mapping[str, Any]


def grids(content: Mapping[str, Any]) -> Iterator[_Content]:
    """The contents of the grids that a spec with a `sweep` stands for, each under its own name.

    Raises:
        SpecError: the sweep is not made as it should, names no part of the spec, or makes names that are equal.
    """
    sweep = content["sweep"]
    if not isinstance(sweep, dict) or not sweep:
        raise SpecError("sweep is no mapping: write KEY: [VALUE, ...] below it, such as seed: [1, 2, 3].")
    axes = list(_axes(sweep))
    count = prod(map(len, axes))
    if count > MOST:
        raise SpecError(f"sweep makes {count} grids, more than {MOST}: shorten its lists, or zip some of them.")
    most = settings().limit_spec_values
    if (together := count * _values(content)) > _ALL * most:
        raise SpecError(
            f"sweep makes {count} grids with {together:,} values together, more than {_ALL} times the {most:,} of one: "
            "shorten its lists, or raise the setting limit_spec_values."
        )
    campaign = content.get("name")
    if not isinstance(campaign, str):
        raise SpecError(f"name is {campaign!r}: give the campaign a name, in quotes if it is a number.")
    names: set[str] = set()
    for values in product(*axes):
        grid: _Content = deepcopy({key: value for key, value in content.items() if key != "sweep"})
        for path, value in (pair for each in values for pair in each.sets.items()):
            _set(grid, path, value)
        grid["name"] = _shortened("-".join([campaign, *(value.name for value in values)]))
        grid["campaign"] = campaign
        if grid["name"] in names:
            raise SpecError(
                f"sweep makes two grids called '{grid['name']}': name the values, as in {{one: VALUE, two: VALUE}}."
            )
        names.add(grid["name"])
        yield grid


def _axes(sweep: Mapping[Any, Any]) -> Iterator[list[_Value]]:
    for path, values in sweep.items():
        if path != ZIP:
            yield [_Value(name, {str(path): value}) for name, value in _named(f"sweep.{path}", str(path), values)]
            continue
        groups = values if isinstance(values, list) else [values]
        for place, group in enumerate(groups):
            yield _zipped(f"sweep.{ZIP}.{place}" if isinstance(values, list) else f"sweep.{ZIP}", group)


def _zipped(place: str, group: Any) -> list[_Value]:
    """The values of several keys that change together, named after the first key's."""
    if not isinstance(group, dict) or not group:
        raise SpecError(f"{place} is no mapping: write several keys below it, each with a list of equal length.")
    columns = {str(path): _named(f"{place}.{path}", str(path), values) for path, values in group.items()}
    lengths = {path: len(values) for path, values in columns.items()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{path} has {length}" for path, length in lengths.items())
        raise SpecError(f"{place} has lists of different lengths ({shown}): give each key as many values.")
    first = next(iter(columns.values()))
    return [
        _Value(name, {path: values[row][1] for path, values in columns.items()}) for row, (name, _) in enumerate(first)
    ]


def _named(place: str, path: str, values: Any) -> list[tuple[str, Any]]:
    if path.split(".")[0] in ("name", "campaign", "sweep"):
        raise SpecError(f"{place} can't be swept: names of grids are made from what is.")
    if isinstance(values, dict) and values:
        if any(isinstance(name, bool) for name in values):
            raise SpecError(f"{place} names a value with a truth value; {QUOTES}.")
        return [(_slug(str(name)), value) for name, value in values.items()]
    if not isinstance(values, list) or not values:
        raise SpecError(f"{place} is {values!r}: give a list of values, or a mapping that names them.")
    return [(_name(path, value, number), value) for number, value in enumerate(values, 1)]


def _name(path: str, value: Any, number: int) -> str:
    """What a value is called in a grid's name: itself, with its key before it where it would say little alone."""
    key = path.rsplit(".", 1)[-1]
    if isinstance(value, str) and not _is_number(value):
        text = value.rstrip("/").rsplit("/", 1)[-1] if "{" not in value else ""
    elif isinstance(value, dict | list):
        text = "-".join(_words(value))
    else:
        text = f"{key}-{value}".replace("--", "-minus-")
    named = _slug(text)
    return named if 0 < len(named) <= _LONGEST else f"{key}-{number}"


def _is_number(text: str) -> bool:
    """Whether YAML's text is a number for us: it takes 1e-4, without a point, for a word."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from (str(key), *_words(item))
    elif isinstance(value, list):
        for item in value:
            yield from _words(item)
    else:
        yield str(value).rsplit("/", 1)[-1]


def _shortened(name: str) -> str:
    """A grid's name; one that is too long is cut and ends with a hash of all of it, the same each time."""
    if len(name) <= LONGEST_NAME:
        return name
    mark = sha256(name.encode()).hexdigest()[:_MARK]
    return f"{name[: LONGEST_NAME - _MARK - 1].rstrip('-._')}-{mark}"


def _values(content: Any) -> int:
    inside = content.values() if isinstance(content, dict) else content if isinstance(content, list) else ()
    return 1 + sum(map(_values, inside))


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._]+", "-", text).strip("-._")


def _set(grid: _Content, path: str, value: Any) -> None:
    """Put a value at a path such as `evaluation.decoding.beam`, `models.roles.seed` or `models.*.method.steps`."""
    *parents, last = path.split(".")
    for part in _parts(grid, parents, path):
        part[last] = deepcopy(value)


def _parts(whole: _Content, steps: Sequence[str], path: str) -> list[_Content]:
    parts: list[Any] = [whole]
    for place, step in enumerate(steps):
        found: list[Any] = []
        for part in parts:
            if isinstance(part, list):
                found += _entries(part, step, path)
                continue
            child = part.setdefault(step, {})
            if isinstance(child, str) and step in _SHORT:
                child = part[step] = {_SHORT[step]: child}
            if not isinstance(child, dict | list):
                where = ".".join(steps[: place + 1])
                raise SpecError(f"sweep.{path} leads nowhere: {where} is {child!r}; write it as a mapping.")
            found.append(child)
        parts = found
    for part in parts:
        if isinstance(part, list):
            raise SpecError(f"sweep.{path} leads into a list: name an entry of it, as in models.NAME.seed or models.*.")
    return parts


def _entries(entries: list[Any], step: str, path: str) -> list[Any]:
    """The entries of a list that a step names: all, one by its number, or one by its name."""
    mappings = [entry for entry in entries if isinstance(entry, dict)]
    if step == "*":
        return mappings
    if step.isdigit() and int(step) < len(entries) and isinstance(entries[int(step)], dict):
        return [entries[int(step)]]
    named = {str(entry.get("name")): entry for entry in mappings}
    if step not in named:
        raise SpecError(f"sweep.{path} names the entry '{step}', which is not there; {nearest(step, named)}")
    return [named[step]]
