"""The tables of a campaign: those of its grids, one below the other under the grids' names."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from dragoman.tables.table import Column, Row, Table, word

_OF_ONE = ("matrix",)
"""Tables of a single grid: for a campaign they are shown only on request."""


def across(
    campaign: str,
    grids: Mapping[str, Sequence[Table]],
    notes: Mapping[str, Sequence[str]] | None = None,
    by: str = "grid",
) -> list[Table]:
    """The tables of several grids as tables of the campaign, each row with the name of its grid.

    Args:
        campaign: name of the campaign; of the test sets of one grid, the grid's.
        grids: the tables of each grid, or of each test set, in the same order.
        notes: what is said of all grids together, by the tables' names.
        by: the key of what they are joined by: `grid` or `test_set`.
    """
    names = dict.fromkeys(table.name for tables in grids.values() for table in tables)
    joined = []
    for name in names:
        of_name = {grid: table for grid, tables in grids.items() for table in tables if table.name == name}
        joined.append(_joined(campaign, of_name, (notes or {}).get(name, ()), by))
    return joined


def _joined(campaign: str, tables: Mapping[str, Table], notes: Sequence[str], by: str) -> Table:
    first = next(iter(tables.values()))
    group = (first.group,) if isinstance(first.group, str) else first.group or ()

    def content() -> list[Row]:
        rows = [{**row, by: name} for name, table in tables.items() for row in table.rows]
        keys = dict.fromkeys(key for row in rows for key in row)
        return [{by: row[by], **dict.fromkeys(keys), **row} for row in rows]

    return replace(
        first,
        title=_title(campaign, tables),
        columns=[word(by, by.replace("_", " ")), *_columns(tables, by)],
        content=content,
        notes=(*notes, *_said({grid: table.notes for grid, table in tables.items()})),
        caption=" ".join(_said({grid: [table.caption] for grid, table in tables.items() if table.caption})) or None,
        group=(by, *group),
        stub=first.stub + 1,
        detail=first.detail or (by == "grid" and first.name in _OF_ONE),
    )


def _title(campaign: str, tables: Mapping[str, Table]) -> str:
    """The grids' titles, once where they are equal, under the name of the campaign."""
    own = {grid: table.title.removeprefix(f"{grid}: ") for grid, table in tables.items()}
    if all(own[grid] == table.title for grid, table in tables.items()):
        return "; ".join(dict.fromkeys(own.values()))
    return f"{campaign}: {'; '.join(dict.fromkeys(own.values()))}"


def _said(sentences: Mapping[str, Sequence[str]]) -> list[str]:
    """The sentences of all grids once, and others after the names of their grids."""
    grids: dict[str, list[str]] = {}
    for grid, of_grid in sentences.items():
        for sentence in of_grid:
            grids.setdefault(sentence, []).append(grid)
    return [
        sentence if len(names) == len(sentences) else f"{', '.join(names)}: {sentence}"
        for sentence, names in grids.items()
    ]


def _columns(tables: Mapping[str, Table], by: str) -> list[Column]:
    """The grids' columns by their keys; one that is headed otherwise in some grids, as by another metric, has several.

    Each of those is filled in the rows of its own grids alone.
    """
    found: dict[str, dict[str, tuple[Column, list[str]]]] = {}
    for grid, table in tables.items():
        for column in table.columns:
            found.setdefault(column.key, {}).setdefault(column.heading, (column, []))[1].append(grid)
    return [
        column if len(headed) == 1 else _of_grids(column, grids, by)
        for headed in found.values()
        for column, grids in headed.values()
    ]


def _of_grids(column: Column, grids: Collection[str], by: str) -> Column:
    return replace(
        column,
        key=f"{column.key} ({column.heading})",
        values=column.shows,
        text=lambda row: column.text(row) if row[by] in grids else "",
    )
