"""Report of an analysis: its tables, drawings and choices, from which terminal, page, files and MLflow are made."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, NamedTuple

from dragoman.errors import StoreError, nearest
from dragoman.store.store import Store
from dragoman.tables.table import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Drawing(NamedTuple):
    """A figure of an analysis."""

    name: str
    """Its name in addresses and files."""
    title: str
    """The line above it."""
    alt: str
    """What one sees, as a sentence, for those who don't."""
    draw: "Callable[[], Figure]"
    """Makes it (`dragoman.figures.new_figure`); imports matplotlib when it is called."""
    data: str
    """Name of the table that has its numbers."""


class Choice(NamedTuple):
    """A choice of what is analysed: a field of the page's form, an option of the command."""

    name: str
    """The parameter of the page's address."""
    label: str
    """Label of the field."""
    options: tuple[tuple[str, str], ...]
    """Values and what people read."""
    value: str
    """The value chosen."""


@dataclass(frozen=True, kw_only=True)
class AnalysisReport:
    """An analysis of a grid or a campaign, as people get it."""

    name: str
    """Name of the analysis: that of its command."""
    title: str
    """Its heading."""
    subject: str
    """The grid or the campaign."""
    kind: Literal["grid", "campaign"] = "grid"
    """Which of them."""
    about: tuple[str, ...]
    """What the numbers are of: test set, metric, over how many languages; the caption of its first table."""
    tables: tuple[Table, ...]
    """Its tables."""
    drawings: tuple[Drawing, ...] = ()
    """Its figures."""
    notes: tuple[str, ...] = ()
    """Sentences below all of it."""
    choices: tuple[Choice, ...] = ()
    """What else could have been asked for."""

    @property
    def captioned(self) -> list[Table]:
        """Its tables, with what the numbers are of below the first one, and the notes below the last one."""
        tables = list(self.tables)
        shown = [index for index, table in enumerate(tables) if table.rows and not table.detail] or [0]
        if tables and self.about:
            first = tables[shown[0]]
            tables[shown[0]] = replace(first, caption=" ".join(filter(None, [first.caption, *self.about])))
        if tables and self.notes:
            last = tables[shown[-1]]
            tables[shown[-1]] = replace(last, notes=(*last.notes, *self.notes))
        return tables

    @property
    def provenance(self) -> str:
        """What its numbers are of, in a line: what a figure's file says of itself."""
        return " ".join(dict.fromkeys(filter(None, [*(table.caption for table in self.tables), *self.about])))

    def drawing(self, name: str | None = None) -> Drawing:
        """The drawing of a name; the first one by default.

        Raises:
            StoreError: there is none.
        """
        found = {drawing.name: drawing for drawing in self.drawings}
        if not found:
            why = f" {self.notes[0]}" if self.notes else ""
            raise StoreError(f"The analysis {self.name} of {self.subject} has no figure.{why}")
        if name is not None and name not in found:
            raise StoreError(f"The analysis {self.name} has no figure '{name}': {nearest(name, found)}")
        return found[name] if name is not None else self.drawings[0]


class Analysis(NamedTuple):
    """An analysis as pages list it."""

    title: str
    """What people read in links."""
    kind: Literal["grid", "campaign"]
    """What it is of; the parameter of the page's address that names it."""
    report: Callable[[Store, Mapping[str, str]], AnalysisReport]
    """Its report, given what an address names: the subject and the choices; those left out have their defaults."""
    version: Callable[[], str] = str
    """Version of what it depends on besides the store, such as files of the home; pages are cached by it."""
    is_listed: bool = True
    """Whether pages list it among the analyses of their subject; one that has a page of its own is not."""


def texts_of(values: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Options of a choice whose values are what people read, with spaces for underscores."""
    return tuple((value, value.replace("_", " ")) for value in values)
