"""Writers of tables, one for each form: text, CSV, JSON, LaTeX, Markdown."""

import csv
import json
import re
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import replace
from io import StringIO
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from dragoman.control_characters import visible, visible_json
from dragoman.line import lines_of
from dragoman.tables.table import Column, Row, Table
from dragoman.terminal import writes_unicode

DECIMALS = 6
"""Digits after the point in JSON and CSV: enough to compute with, few enough to be the same on every machine."""

DIGITS = 3
"""Significant digits of numbers that so few digits after the point would cut off."""

_ROUNDING = 1e-12
"""Numbers below are 0 but for rounding."""

GUTTER = 3
"""Columns of a terminal between two columns of a table."""

NARROWEST = 14
"""Columns of a terminal that sentences have at least."""

PLAIN = box.Box(str(box.SIMPLE_HEAD).replace("─", "-"), ascii=True)
"""The lines of `box.SIMPLE_HEAD` for an encoding without box-drawing characters."""

_NEGATIVE = re.compile(r"(?<![\w$-])-(?=\d)")
"""The sign of a number, which LaTeX would set as a hyphen."""

_MARKS = {
    "\ufdd0": r"\textbf{",
    "\ufdd1": "}",
    "\ufdd2": r"\begin{tabular}[t]{@{}r@{}}",
    "\ufdd3": r" \\ {\scriptsize ",
    "\ufdd4": r"\end{tabular}",
}
"""LaTeX of bold and stacked text by characters that stand for it until all else is escaped: none that a text may have
(https://www.unicode.org/faq/private_use.html#noncharacters)."""

_UNMARKED = dict.fromkeys(map(ord, _MARKS))

_SYMBOLS = {"★": r"$\star$"}
"""LaTeX of characters that fonts of papers lack."""

_NO_WORD = re.compile(r"[^a-z0-9]+")


def as_json(tables: Sequence[Table], *, ascii_only: bool | None = None) -> str:
    """An object with an array of rows for each table.

    Args:
        tables: the tables.
        ascii_only: write other characters as escapes; by default where standard output can't hold them.
    """
    ascii_only = not writes_unicode() if ascii_only is None else ascii_only
    rows = {table.name: [{key: _plain(value) for key, value in row.items()} for row in table.rows] for table in tables}
    return visible_json(json.dumps(rows, ensure_ascii=ascii_only, indent=2)) + "\n"


def as_csv(table: Table) -> str:
    """One table with a line of names; nothing for a table without rows. What is several stands side by side."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if table.rows:
        writer.writerow(table.rows[0])
    for row in table.rows:
        plain = map(_plain, row.values())
        writer.writerow([" ".join(map(str, value)) if type(value) in (list, tuple) else value for value in plain])
    return out.getvalue()


def as_markdown(table: Table) -> str:
    """A pipe table under its title."""
    from tabulate import tabulate

    headings, *cells = (
        [cell.replace("|", "\\|") for cell in line] for line in [_headings(table), *_cells(table, _in_markdown)]
    )
    body = tabulate(cells, headings, tablefmt="pipe", disable_numparse=True, colalign=_alignment(table))
    notes = "".join(f"\n{visible(note)}\n" for note in table.below)
    return f"**{visible(table.title)}**\n\n{body}\n{notes}"


def as_latex(table: Table) -> str:
    """A floating table with booktabs rules, a caption, and a label that no table of another title has."""
    from tabulate import LATEX_ESCAPE_RULES, SEPARATING_LINE, tabulate

    def escaped(text: str) -> str:
        rules = {**LATEX_ESCAPE_RULES, **_SYMBOLS}
        return visible(text).translate({ord(character): rule for character, rule in rules.items()})

    lines: list[Any] = list(_cells(table, _marked))
    for index in reversed(table.breaks):
        lines.insert(index, SEPARATING_LINE)
    body = tabulate(
        lines, _headings(table), tablefmt="latex_booktabs", disable_numparse=True, colalign=_alignment(table)
    )
    body = _NEGATIVE.sub("$-$", body)
    for mark, latex in {**_MARKS, **_SYMBOLS}.items():
        body = body.replace(mark, latex)
    needs, begin, end = "booktabs", "", ""
    if table.fits_column:
        needs += ",adjustbox"
        begin = "\\footnotesize\n\\setlength{\\tabcolsep}{3pt}\n\\begin{adjustbox}{max width=\\columnwidth}\n"
        end = "\n\\end{adjustbox}"
    label = f"{table.name}:{_NO_WORD.sub('-', table.title.lower()).strip('-')}"
    notes = "".join(f"\\par\\footnotesize {escaped(note)}\n" for note in table.below)
    return (
        f"% needs \\usepackage{{{needs}}}\n\\begin{{table}}\n\\centering\n\\caption{{{escaped(table.title)}}}\n"
        f"\\label{{tab:{label}}}\n{begin}{body}{end}\n{notes}\\end{{table}}\n"
    )


def as_text(tables: Sequence[Table]) -> str:
    """Tables for a terminal, or for a file where standard output is one: there nothing is split or coloured."""
    terminal = Console(file=sys.stdout)
    width = terminal.width if terminal.is_terminal else None
    parts = [part for table in tables for part in _fitting(table, width)]
    out = StringIO()
    console = Console(
        file=out,
        force_terminal=terminal.is_terminal,
        color_system="auto" if terminal.is_terminal else None,
        width=max((sum(_widths(part)) for part in parts), default=0) + GUTTER,
        legacy_windows=False,
    )
    for part in parts:
        console.print(Text(visible(part.title), style="bold"), soft_wrap=True)
        if part.is_of_records:
            console.print(Text(_records(part, width)), soft_wrap=True)
        else:
            console.print(_rich(part))
        for note in part.below:
            console.print(Text(_indented(visible(note), "  ", width)), soft_wrap=True)
        if part.below:
            console.print()
    return "".join(f"{line.rstrip()}\n" for line in lines_of(out.getvalue()))


def _records(table: Table, width: int | None) -> str:
    """Each row as lines: the stub's cells, and below them every other one after its heading."""
    stub, rest = table.columns[: table.stub], table.columns[table.stub :]
    longest = max((cell_len(visible(column.heading)) for column in rest), default=0)
    lines = []
    for row in table.rows:
        lines.append(f" {'  '.join(' '.join(_lines(column, row)) for column in stub)}")
        for column in rest:
            if (text := " ".join(_lines(column, row))) != "-":
                heading = visible(column.heading)
                begin = f"   {heading}{' ' * (longest - cell_len(heading))}  "
                lines.append(_indented(text, begin, width, " " * (longest + 5)))
        lines.append("")
    return "\n".join(lines)


def _indented(text: str, begin: str, width: int | None, later: str | None = None) -> str:
    """A paragraph after its beginning, in lines of a terminal's width where it is one; words stay whole."""
    if width is None:
        return f"{begin}{text}"
    return textwrap.fill(
        text, max(width, 40), initial_indent=begin, subsequent_indent=begin if later is None else later,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def _rich(table: Table) -> RichTable:
    rich = RichTable(box=box.SIMPLE_HEAD if writes_unicode() else PLAIN, pad_edge=False)
    for column in table.columns:
        rich.add_column(
            Text(visible(column.heading)),
            justify="right" if column.right else "left",
            width=column.width,
            no_wrap=column.width is None,
            overflow="fold",
        )
    breaks = set(table.breaks)
    for index, row in enumerate(table.rows):
        if index in breaks:
            rich.add_section()
        rich.add_row(*(_rich_cell(column, row) for column in table.columns))
    return rich


def _rich_cell(column: Column, row: Row) -> Text:
    first, *rest = _lines(column, row)
    style = column.style(row) if column.style else ""
    text = Text(first, style=style)
    if _is_best(column, row):
        text.stylize("bold", 0, len(first))
    return text.append("".join(f"\n{line}" for line in rest))


def _fitting(table: Table, width: int | None) -> list[Table]:
    """The table in parts that fit the width, each with the stub columns again: a number is never cut.

    Before that, sentences are wrapped.
    """
    widths = _widths(table)
    if width is None or sum(widths) <= width or table.is_of_records:
        return [table]
    table = _wrapped(table, widths, width)
    widths = _widths(table)
    if sum(widths) <= width:
        return [table]
    stub = sum(widths[: table.stub])
    parts: list[list[Column]] = []
    used = width
    for column, needed in zip(table.columns[table.stub :], widths[table.stub :], strict=True):
        if used + needed > width:
            parts.append(list(table.columns[: table.stub]))
            used = stub
        parts[-1].append(column)
        used += needed
    return [
        replace(
            table,
            content=table.rows,
            columns=part,
            title=f"{table.title} (continued)" if index else table.title,
            notes=table.notes if index == len(parts) - 1 else (),
            caption=table.caption if index == len(parts) - 1 else None,
        )
        for index, part in enumerate(parts)
    ]


def _wrapped(table: Table, widths: Sequence[int], width: int) -> Table:
    """The table with its sentences in as many columns of the terminal as the rest leaves, the longest the narrower."""
    left = width - sum(wide for column, wide in zip(table.columns, widths, strict=True) if not column.wraps)
    order = sorted((wide, place) for place, wide in enumerate(widths) if table.columns[place].wraps)
    columns = list(table.columns)
    for count, (wide, place) in enumerate(order):
        share = max(NARROWEST + GUTTER, left // (len(order) - count))
        if wide > share:
            columns[place] = replace(columns[place], width=share - GUTTER)
        left -= min(wide, share)
    return replace(table, content=table.rows, columns=columns)


def _widths(table: Table) -> list[int]:
    """Columns' widths on a terminal, with their padding."""
    return [
        (
            column.width
            or max(
                cell_len(visible(column.heading)),
                *(cell_len(line) for row in table.rows for line in _lines(column, row)),
                0,
            )
        )
        + GUTTER
        for column in table.columns
    ]


def _cells(table: Table, written: Callable[[Column, Row], str]) -> list[list[str]]:
    return [[written(column, row) for column in table.columns] for row in table.rows]


def _lines(column: Column, row: Row) -> list[str]:
    """The lines of a cell; one of a text, and of a cell that stacks none."""
    lines = column.lines(row) if column.lines else [column.text(row)]
    return [visible(line) for line in lines] or [""]


def _is_best(column: Column, row: Row) -> bool:
    return column.is_best is not None and column.is_best(row)


def _in_markdown(column: Column, row: Row) -> str:
    first, *rest = _lines(column, row)
    return "<br>".join([f"**{first}**" if first and _is_best(column, row) else first, *rest])


def _marked(column: Column, row: Row) -> str:
    """A cell for LaTeX, with the characters that stand for bold and stacked text."""
    first, *rest = (line.translate(_UNMARKED) for line in _lines(column, row))
    bold, close, stack, below, end = _MARKS
    first = f"{bold}{first}{close}" if first and _is_best(column, row) else first
    return f"{stack}{first}{''.join(f'{below}{line}{close}' for line in rest)}{end}" if rest else first


def _headings(table: Table) -> list[str]:
    return [visible(column.heading) for column in table.columns]


def _alignment(table: Table) -> list[str]:
    return ["right" if column.right else "left" for column in table.columns]


def _plain(value: Any) -> Any:
    """A value as JSON and CSV have it; a small number, such as a p-value, keeps its first digits and is not 0."""
    if isinstance(value, float):
        is_small = _ROUNDING < abs(value) < 10.0 ** (DIGITS - DECIMALS)
        return float(f"{value:.{DIGITS}g}") if is_small else round(value, DECIMALS) + 0.0
    return value
