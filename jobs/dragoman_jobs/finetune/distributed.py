"""Collective operations of the workers that train one model: torch's default process group, or one process alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import distributed

from dragoman.errors import DragomanError

T = TypeVar("T")


def count() -> int:
    """How many there are."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def number() -> int:
    """Which one this is, from 0; the first one writes what is written once."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def is_first() -> bool:
    """Whether this is the first one."""
    return number() == 0


def add_up(tensor: torch.Tensor) -> None:
    """Replace a tensor by the sum of all workers'."""
    if count() > 1:
        distributed.all_reduce(tensor)


def told_by_first(value: T) -> T:
    """The first worker's value; the others wait for it."""
    if count() == 1:
        return value
    box = [value]
    distributed.broadcast_object_list(box, src=0)
    return box[0]


def everyones(value: T) -> list[T]:
    """Every worker's value, in their order."""
    if count() == 1:
        return [value]
    found: list[Any] = [None] * count()
    distributed.all_gather_object(found, value)
    return found


@contextmanager
def agreed() -> Iterator[None]:
    """Do something that one worker may fail at and another not: what one raises, all do, so that none waits for it.

    Raises:
        DragomanError: the first one's of those who raised any.
    """
    mine: DragomanError | None = None
    try:
        yield
    except DragomanError as error:
        mine = error
    for raised in everyones(mine):
        if raised is not None:
            raise raised
