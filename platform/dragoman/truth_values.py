"""A pydantic mixin that refuses truth values for numbers or text: pydantic takes True, and YAML reads `no` as False."""

from collections.abc import Iterator, Mapping
from functools import cache
from types import UnionType
from typing import Annotated, Any, ClassVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

QUOTES = "YAML reads yes, no, on and off as truth values: put the word in quotes"
"""What to do where a word was meant."""

_DEPTH = 3
"""Levels of lists and mappings that are searched: a list of pairs has two."""

Place = tuple[str | int, ...]


class NoTruthValues(BaseModel):
    """Refuses a truth value in every field that is not declared to take one."""

    _switches: ClassVar[frozenset[str]] = frozenset()
    """Fields that accept one although their type doesn't include it."""

    @model_validator(mode="before")
    @classmethod
    def _refuse_truth_values(cls, value: Any) -> Any:
        if isinstance(value, dict):
            errors = [
                _error(cls, field, place, found)
                for field, given in value.items()
                if field in cls.model_fields and field not in cls._switches and bool not in _taken(cls, field)
                for place, found in _truth_values(given, dict in _taken(cls, field))
            ]
            if errors:
                raise ValidationError.from_exception_data(cls.__name__, errors)
        return value


def _error(model: type[BaseModel], field: str, place: Place, found: Any) -> InitErrorDetails:
    parts = {kind for kind in _taken(model, field) if not (isinstance(kind, type) and issubclass(kind, BaseModel))}
    number = not {int, float}.isdisjoint(parts) and parts <= {int, float, type(None), Annotated, Union, UnionType}
    problem = "a number stands; give the number" if number else f"none can stand; {QUOTES}"
    return InitErrorDetails(
        type=PydanticCustomError("value_error", f"is a truth value where {problem}"), loc=(field, *place), input=found
    )


def _truth_values(value: Any, in_mappings: bool, depth: int = _DEPTH) -> Iterator[tuple[Place, bool]]:
    """The truth values in a value, and where; a mapping that is a part of its own looks after itself."""
    if isinstance(value, bool):
        yield (), value
    elif depth and (isinstance(value, list | tuple) or (in_mappings and isinstance(value, Mapping))):
        entries = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, item in entries:
            if isinstance(key, bool):
                yield (), key
            for place, found in _truth_values(item, in_mappings, depth - 1):
                yield (key, *place), found


@cache
def _taken(model: type[BaseModel], field: str) -> frozenset[Any]:
    """The types a field is declared with, at any depth; `bool` also where it takes anything."""
    found: set[Any] = set()
    waiting = [model.model_fields[field].annotation]
    while waiting:
        part = waiting.pop()
        kind = get_origin(part) or part
        waiting += get_args(part)[:1] if kind is Annotated else get_args(part)
        found.add(bool if part is Any or isinstance(part, bool) else dict if kind is Mapping else kind)
    return frozenset(found)
