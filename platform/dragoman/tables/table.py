"""The table model: rows as plain values for programs, columns that format them for people."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import groupby, pairwise
from math import ceil
from typing import Any, Self

Row = Mapping[str, Any]
"""One row as plain values (text, numbers, booleans, None) by name: what JSON and CSV hold."""


@dataclass(frozen=True, kw_only=True)
class Decoration:
    """Additions of a page to the cells of a column: links, marks and classes. No other form has them."""

    link: Callable[[Row], str | None] | None = None
    """URL of a cell's link; None where there is none."""
    label: Callable[[Row], str] | None = None
    """The `aria-label` of a link, where the cell's text alone is too short."""
    html: Callable[[Row], Any] | None = None
    """Replacement of the text on a page: text, which is escaped, or an object with `__html__`, which is HTML."""
    css: Callable[[Row], str] | None = None
    """The cell's classes."""


@dataclass(frozen=True)
class Column:
    """A column for people: formats one row's values."""

    key: str
    """Its name, which no other column of the table has: that of the row's value it shows, or of the first of them."""
    heading: str
    """Its heading; several columns may have the same."""
    text: Callable[[Row], str]
    """The cell's text."""
    right: bool = True
    """Numbers stand to the right, words to the left."""
    style: Callable[[Row], str] | None = None
    """The cell's rich style, on a terminal only."""
    over: str = ""
    """The first words of its heading, where it shares them with its neighbours: a page has them once, over all."""
    values: tuple[str, ...] = ()
    """Keys of the values that it shows, where that is more than the one of its key; CSV and JSON hold all of them."""
    page: Decoration = Decoration()
    """Decoration of its cells on a page."""
    lines: Callable[[Row], Sequence[str]] | None = None
    """The lines of a cell that stacks several numbers; None for a cell of one line, its text."""
    is_best: Callable[[Row], bool] | None = None
    """Whether a cell's text, or its first line, is the best of its column: it is set in bold."""
    wraps: bool = False
    """Whether its cells are sentences, which a terminal that is too narrow shows in several lines."""
    width: int | None = None
    """Columns of the terminal that its cells have at most; writers set it."""

    @property
    def shows(self) -> tuple[str, ...]:
        """Keys of the values that it shows."""
        return self.values or (self.key,)


@dataclass(frozen=True)
class Table:
    """Rows as plain values for programs, and columns that format them for people."""

    name: str
    """The key in JSON, the value of `--table`, the label in LaTeX."""
    title: str
    """The line above it; the caption in LaTeX."""
    columns: Sequence[Column]
    """For text, Markdown, LaTeX and pages."""
    content: Sequence[Row] | Callable[[], Sequence[Row]]
    """The rows in the order they are printed, all with the same keys; or what finds them when they are printed."""
    notes: Sequence[str] = ()
    """Sentences below it."""
    caption: str | None = None
    """What its numbers were measured on, and how: a line below it, before the notes."""
    group: str | tuple[str, ...] | None = None
    """A rule is drawn where this value, or one of these, changes."""
    stub: int = 1
    """How many first columns are repeated when a terminal is too narrow for all."""
    detail: bool = False
    """Left out of text, Markdown and LaTeX unless requested by name."""
    refusal: str | None = None
    """Why it can't be had with these options, as a sentence: it is left out, and refused where requested by name."""
    css: Callable[[Row], str] | None = None
    """A row's classes on a page."""
    is_summary: bool = False
    """Whether it says again what other tables say in rows of their own: CSV is of one of those, unless it is named."""
    fits_column: bool = False
    """Whether LaTeX sets it in small print that is never wider than a column of a paper."""
    is_of_records: bool = False
    """Whether text shows each row as a record, with a line for each column, as its cells are too long for a line."""

    def __post_init__(self) -> None:
        """Refuse two columns of one key."""
        keys = [column.key for column in self.columns]
        if twice := sorted({key for key in keys if keys.count(key) > 1}):
            raise ValueError(f"The table {self.name} has several columns with the key {twice[0]!r}.")

    @cached_property
    def rows(self) -> Sequence[Row]:
        """The rows.

        Raises:
            ValueError: a column shows what the rows don't hold, so that CSV and JSON would lack it.
        """
        rows = self.content() if callable(self.content) else self.content
        for column in self.columns if rows else ():
            if lacking := [key for key in column.shows if key not in rows[0]]:
                raise ValueError(
                    f"The column {column.key!r} of the table {self.name} shows {lacking[0]!r}: no row has it."
                )
        return rows

    @property
    def below(self) -> list[str]:
        """The lines below it: its caption and its notes."""
        return [*([self.caption] if self.caption else []), *self.notes]

    @property
    def breaks(self) -> list[int]:
        """Indices of the rows above which a rule is drawn."""
        if self.group is None:
            return []
        keys = (self.group,) if isinstance(self.group, str) else self.group
        groups = [[row[key] for key in keys] for row in self.rows]
        return [index for index, (above, below) in enumerate(pairwise(groups), start=1) if above != below]

    @property
    def heading_groups(self) -> list[tuple[str, int]]:
        """What columns side by side share of their headings (`Column.over`), and how many columns that is."""
        return [(over, len(list(columns))) for over, columns in groupby(self.columns, key=lambda column: column.over)]

    def decorated(self, columns: Mapping[str, Decoration], css: Callable[[Row], str] | None = None) -> Self:
        """The table for a page, with decorations by the columns' keys and classes of its rows.

        Decorations of columns that the table does not have are ignored.
        """
        decorated = [
            replace(column, page=columns[column.key]) if column.key in columns else column for column in self.columns
        ]
        return replace(self, columns=decorated, css=css or self.css)


def of_pair(fact: Any) -> Row:
    """The row of a dataclass that is about a pair: its two languages, then its other fields."""
    fields = asdict(fact)
    source, target = fields.pop("pair")
    return {"source": source, "target": target, **fields}


def sentence(key: str, heading: str | None = None) -> Column:
    """A column of sentences, which are wrapped where a terminal is too narrow."""
    return Column(key, _headed(key, heading), lambda row: _worded(row[key]), right=False, wraps=True)


def word(key: str, heading: str | None = None) -> Column:
    """A column of words."""
    return Column(key, _headed(key, heading), lambda row: _worded(row[key]), right=False)


def spaced(key: str, heading: str | None = None) -> Column:
    """A column of names that are read with spaces for their underscores, such as partitions."""
    return Column(key, _headed(key, heading), lambda row: _worded(row[key]).replace("_", " "), right=False)


def number(key: str, heading: str | None = None, digits: int = 1, sign: bool = False) -> Column:
    """A column of numbers with fixed digits; what is not there is a dash."""
    return Column(key, _headed(key, heading), lambda row: figure(row[key], digits, sign))


def share(key: str, part: str, whole: str, heading: str | None = None) -> Column:
    """A column of how many of how many."""
    some_lack = Decoration(css=lambda row: "partial" if row[part] < row[whole] else "")
    return Column(
        key, _headed(key, heading), lambda row: f"{row[part]} of {row[whole]}", values=(part, whole), page=some_lack
    )


def interval(low: str, high: str, heading: str = "95% interval", digits: int = 1, sign: bool = False) -> Column:
    """A column of two bounds."""

    def bounds(row: Row) -> str:
        if row[low] is None or row[high] is None:
            return "-"
        return f"[{figure(row[low], digits, sign)}, {figure(row[high], digits, sign)}]"

    return Column(low, heading, bounds, values=(low, high))


def under(over: str, *columns: Column) -> list[Column]:
    """Columns with the same first words of their headings, which a page writes once, above all of them."""
    return [replace(column, heading=f"{over} {column.heading}", over=over) for column in columns]


def p_value(key: str, heading: str | None = None, floor: str = "p_is_floor", digits: int = 4) -> Column:
    """A column of p-values; of one that is the smallest a test can give, by the row's value `floor`, the bound."""

    def text(row: Row) -> str:
        return "-" if row[key] is None else probability(row[key], is_floor=row[floor], digits=digits)

    return Column(key, _headed(key, heading), text, values=(key, floor))


def probability(p_value: float, *, is_floor: bool = False, digits: int = 4) -> str:
    """A p-value with fixed digits; a bound for one that has none, as no p-value is 0: ``< 0.0001``.

    Args:
        p_value: the p-value.
        is_floor: whether it is the smallest that its test can give, so that the true one is below.
        digits: digits after the point.
    """
    least: float = 10**-digits
    if is_floor or p_value < least / 2:
        return f"< {max(least, ceil(p_value / least - 1e-9) * least):.{digits}f}"
    return f"{p_value:.{digits}f}"


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
