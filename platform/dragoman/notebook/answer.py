"""Answers: tables that show themselves in a notebook, become data frames, and draw themselves."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from dragoman.errors import first_line
from dragoman.figures import FigureError, FigureForm, figure_bytes
from dragoman.tables.formats import as_latex, as_markdown
from dragoman.tables.table import Row, Table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

SHOWN = 40
"""Rows that a notebook shows; a frame has all of them."""


@dataclass(frozen=True, repr=False)
class Plot:
    """A figure: shown by a notebook, saved as SVG, PDF or PNG, byte for byte the same each time."""

    title: str
    """What it shows."""
    draw: "Callable[[], Figure]"
    """Makes the figure of matplotlib, to be changed before it is drawn by `dragoman.figures.figure_bytes`."""

    def __repr__(self) -> str:
        return f"<Plot: {self.title}>"

    def save(self, path: str | Path) -> Path:
        """Write it to a file, as SVG, PDF or PNG by the file's name, with text that stays text.

        Returns:
            The file.

        Raises:
            FigureError: the name ends otherwise, or the file can't be written.
        """
        file = Path(path)
        content = figure_bytes(self.draw, FigureForm.of_file(file))
        try:
            file.write_bytes(content)
        except OSError as error:
            raise FigureError(f"The figure can't be written to '{file}': {first_line(error)}.") from error
        return file

    def _repr_svg_(self) -> str:
        return figure_bytes(self.draw, FigureForm.SVG).decode()


@dataclass(frozen=True, repr=False)
class Answer(Sequence[Row]):
    """The rows that a question was answered with: what the command prints as JSON."""

    table: Table
    """The table, as the command prints it."""

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Row]: ...
    def __getitem__(self, place: int | slice) -> Row | Sequence[Row]:
        return self.table.rows[place]

    def __len__(self) -> int:
        return len(self.table.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.table.rows)

    def __repr__(self) -> str:
        count = len(self)
        return f"<{self.table.title}: {count:,} row{'' if count == 1 else 's'}>"

    def frame(self) -> "pd.DataFrame":
        """The rows as a pandas frame: the same names and values as in JSON, unrounded.

        Raises:
            ModuleNotFoundError: pandas is not installed.
        """
        import pandas as pd

        return pd.DataFrame([dict(row) for row in self])

    def latex(self) -> str:
        """The table in LaTeX (booktabs), with its title as caption."""
        return as_latex(self.table)

    def markdown(self) -> str:
        """The table in Markdown."""
        return as_markdown(self.table)

    def _repr_html_(self) -> str:
        shown = replace(self.table, content=list(self)[:SHOWN])
        head = "".join(f"<th>{escape(column.heading)}</th>" for column in shown.columns)
        lines = [
            "".join(
                f'<td style="text-align: {"right" if column.right else "left"}">{escape(column.text(row))}</td>'
                for column in shown.columns
            )
            for row in shown.rows
        ]
        more = f"<p>The first {SHOWN} of {len(self):,} rows.</p>" if len(self) > SHOWN else ""
        below = "".join(f"<p><small>{escape(text)}</small></p>" for text in shown.below)
        body = "".join(f"<tr>{line}</tr>" for line in lines)
        return (
            f"<p><b>{escape(shown.title)}</b></p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
            f"{more}{below}"
        )


def system_of(row: Row, several: bool) -> str:
    """The name of a row's system: the model's, with its prompt where there are several."""
    return f"{row['model']}:{row['prompt']}" if several else str(row["model"])


def has_several(rows: Sequence[Row], key: str) -> bool:
    """Whether rows differ in a value."""
    found: set[Any] = {row[key] for row in rows if key in row}
    return len(found) > 1
