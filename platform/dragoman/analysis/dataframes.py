"""Conversion of result rows to pandas data frames, for notebooks."""

from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from dragoman.pair import Pair

if TYPE_CHECKING:
    import pandas as pd


def frame(rows: Iterable[Any]) -> "pd.DataFrame":
    """Any rows the store returns as a frame: a column for each field, and `source` and `target` for a pair.

    Args:
        rows: what `partition_table`, `pair_scores`, `Comparison.pairs`, `Store.models` and their like return.

    Raises:
        ModuleNotFoundError: pandas is not installed.
    """
    import pandas as pd

    return pd.DataFrame([_columns(row) for row in rows])


def _columns(row: Any) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    names = [each.name for each in fields(row)] if is_dataclass(row) else list(type(row).model_fields)
    for name in names:
        value = getattr(row, name)
        columns |= value._asdict() if isinstance(value, Pair) else {name: value}
    return columns
