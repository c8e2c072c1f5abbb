"""The tables of a campaign: those of its grids, one below the other under the grids' names."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from dragoman.tables.table import Column, Row, Table, word

_OF_ONE = ("matrix",)
"""Tables that are for one grid: of a campaign they are shown when they are asked for."""


def across(campaign: str, grids: Mapping[str, Sequence[Table]]) -> list[Table]:
    """The tables of several grids as tables of the campaign, each row with the name of its grid.

    Args:
        campaign: name of the campaign.
        grids: the tables of each grid, in the same order.
    """
    names = dict.fromkeys(table.name for tables in grids.values() for table in tables)
    return [
        _joined(campaign, {grid: table for grid, tables in grids.items() for table in tables if table.name == name})
        for name in names
    ]


def _joined(campaign: str, tables: Mapping[str, Table]) -> Table:
    first = next(iter(tables.values()))
    columns: dict[str, Column] = {}
    for table in tables.values():
        columns |= {column.heading: column for column in table.columns if column.heading not in columns}
    group = (first.group,) if isinstance(first.group, str) else first.group or ()

    def content() -> list[Row]:
        rows = [{"grid": grid, **row} for grid, table in tables.items() for row in table.rows]
        keys = dict.fromkeys(key for row in rows for key in row)
        return [{**dict.fromkeys(keys), **row} for row in rows]

    return replace(
        first,
        title=first.title.replace(next(iter(tables)), campaign),
        columns=[word("grid"), *columns.values()],
        content=content,
        notes=tuple(dict.fromkeys(note for table in tables.values() for note in table.notes)),
        group=("grid", *group),
        stub=first.stub + 1,
        detail=first.detail or first.name in _OF_ONE,
    )
