"""A table: rows as plain values for programs, columns that write them for the eye."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

Row = Mapping[str, Any]
"""One row as plain values (text, numbers, booleans, None) by name: what JSON and CSV hold."""


@dataclass(frozen=True)
class Column:
    """A column for the eye: how one row's values are written in it."""

    key: str
    """Its name, which no other column of the table has: that of the row's value it shows, or of the first of them."""
    heading: str
    """What stands at the top; several columns may have the same."""
    text: Callable[[Row], str]
    """The cell's text."""
    right: bool = True
    """Numbers stand to the right, words to the left."""
    style: Callable[[Row], str] | None = None
    """The cell's rich style, on a terminal only."""


@dataclass(frozen=True)
class Table:
    """Rows as plain values for programs, and columns that write them for the eye."""

    name: str
    """The key in JSON, the value of `--table`, the label in LaTeX."""
    title: str
    """The line above it; the caption in LaTeX."""
    columns: Sequence[Column]
    """For text, Markdown and LaTeX."""
    content: Sequence[Row] | Callable[[], Sequence[Row]]
    """The rows in the order they are printed, all with the same keys; or what finds them when they are printed."""
    notes: Sequence[str] = ()
    """Sentences below it."""
    group: str | tuple[str, ...] | None = None
    """A rule is drawn where this value, or one of these, changes."""
    stub: int = 1
    """How many first columns are repeated when a terminal is too narrow for all."""
    detail: bool = False
    """Left out of text, Markdown and LaTeX unless asked for by name."""
    refusal: str | None = None
    """Why it can't be had with the options given, as a sentence: it is left out, and refused where asked for."""

    def __post_init__(self) -> None:
        """Refuse two columns of one key."""
        keys = [column.key for column in self.columns]
        if twice := sorted({key for key in keys if keys.count(key) > 1}):
            raise ValueError(f"The table {self.name} has several columns with the key {twice[0]!r}.")

    @cached_property
    def rows(self) -> Sequence[Row]:
        """The rows."""
        return self.content() if callable(self.content) else self.content

    @property
    def breaks(self) -> list[int]:
        """Indices of the rows above which a rule is drawn."""
        if self.group is None:
            return []
        keys = (self.group,) if isinstance(self.group, str) else self.group
        groups = [[row[key] for key in keys] for row in self.rows]
        return [index for index, (above, below) in enumerate(pairwise(groups), start=1) if above != below]


def of_pair(fact: Any) -> Row:
    """The row of a dataclass that is about a pair: its two languages, then its other fields."""
    fields = asdict(fact)
    source, target = fields.pop("pair")
    return {"source": source, "target": target, **fields}


def word(key: str, heading: str | None = None) -> Column:
    """A column of words."""
    return Column(key, _headed(key, heading), lambda row: _worded(row[key]), right=False)


def number(key: str, heading: str | None = None, digits: int = 1, sign: bool = False) -> Column:
    """A column of numbers with fixed digits; what is not there is a dash."""
    return Column(key, _headed(key, heading), lambda row: figure(row[key], digits, sign))


def share(key: str, part: str, whole: str, heading: str | None = None) -> Column:
    """A column of how many of how many."""
    return Column(key, _headed(key, heading), lambda row: f"{row[part]} of {row[whole]}")


def interval(low: str, high: str, heading: str = "95% interval", digits: int = 1, sign: bool = False) -> Column:
    """A column of two bounds."""

    def bounds(row: Row) -> str:
        if row[low] is None or row[high] is None:
            return "-"
        return f"[{figure(row[low], digits, sign)}, {figure(row[high], digits, sign)}]"

    return Column(low, heading, bounds)


def figure(value: float | None, digits: int = 1, sign: bool = False) -> str:
    """A number with fixed digits, a dash for None; never a negative zero."""
    if value is None:
        return "-"
    rounded = round(value, digits) + 0.0
    return f"{rounded:{'+' if sign else ''}.{digits}f}"


def _headed(key: str, heading: str | None) -> str:
    return key.replace("_", " ") if heading is None else heading


def _worded(value: Any) -> str:
    return "-" if value is None else str(value)
