"""Pagination of lists."""

from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

PAGE = 50
"""Rows on one page."""

Row = TypeVar("Row")


class Part(NamedTuple, Generic[Row]):
    """One page of a list."""

    number: int
    """Its number, from 1."""
    pages: int
    """Pages in all; at least one."""
    rows: Sequence[Row]
    """Its items."""

    @classmethod
    def of(cls, found: Sequence[Row], number: int) -> "Part[Row]":
        """The page of a number; one too high is the last."""
        pages = max(1, -(-len(found) // PAGE))
        number = min(max(number, 1), pages)
        return cls(number, pages, found[(number - 1) * PAGE : number * PAGE])
