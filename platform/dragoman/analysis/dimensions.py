"""Dimensions that scores are grouped and filtered by."""

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, SQLColumnExpression, String, column, values

from dragoman.analysis.aggregation import UNKNOWN, UNSEEN
from dragoman.errors import StoreError, nearest
from dragoman.family import language_family
from dragoman.language import LanguageError, tag_among
from dragoman.partition import Partition
from dragoman.script import likely_script
from dragoman.store.schema import PARTITION_IDS, PARTITIONS, UNSEEN_IDS, CellRow, PairRow


class Dimension(StrEnum):
    """What scores can be grouped by and narrowed to."""

    MODEL = "model"
    """The model, by its name in the grid."""
    PARTITION = "partition"
    """The pair's partition under the model's training graph; `unknown` where the graph is."""
    SOURCE = "source"
    """Source language."""
    TARGET = "target"
    """Target language."""
    SOURCE_SCRIPT = "source_script"
    """ISO 15924 code of the script the source is usually written in."""
    TARGET_SCRIPT = "target_script"
    """ISO 15924 code of the script the target is usually written in."""
    SOURCE_FAMILY = "source_family"
    """The source's language family, from CLDR."""
    TARGET_FAMILY = "target_family"
    """The target's language family, from CLDR."""

    @classmethod
    def named(cls, name: str) -> "Dimension":
        """The dimension of a name.

        Raises:
            StoreError: there is none.
        """
        if name not in list(cls):
            raise StoreError(f"Scores can't be grouped by '{name}': {nearest(name, cls)}")
        return cls(name)


class Axes:
    """The dimensions of a grid as SQL expressions over its cells (`CellRow`, `PairRow`)."""

    def __init__(self, models: Mapping[str, int], languages: Sequence[str]) -> None:
        """Take the numbers of the grid's models by name, and its languages."""
        self._models = models
        self._languages = sorted(languages)

    def column(self, dimension: Dimension) -> SQLColumnExpression[Any]:
        """The SQL column of a dimension, to group by."""
        match dimension:
            case Dimension.MODEL:
                return CellRow.model_id
            case Dimension.PARTITION:
                return CellRow.partition_id
            case Dimension.SOURCE:
                return PairRow.source
            case Dimension.TARGET:
                return PairRow.target
        side, _, kind = dimension.partition("_")
        found: ColumnElement[str] = self._attributes[side].c[kind]
        return found

    def joined(self, query: Select[*tuple[Any, ...]], dimensions: Sequence[Dimension]) -> Select[*tuple[Any, ...]]:
        """A query of cells and pairs, joined to the other tables that these dimensions need."""
        for side, tag in (("source", PairRow.source), ("target", PairRow.target)):
            if any(dimension.startswith(f"{side}_") for dimension in dimensions):
                query = query.join(self._attributes[side], self._attributes[side].c.tag == tag)
        return query

    def allowed(self, dimension: Dimension, wanted: Sequence[str]) -> ColumnElement[bool]:
        """The SQL condition that a cell's dimension has one of these values.

        Raises:
            StoreError: a value is none of that dimension's in this grid.
        """
        chosen: list[Any] = []
        for value in wanted:
            known = self._known(dimension)
            name = self._named(dimension, value, known)
            if name not in known:
                raise StoreError(f"This grid has no {dimension.replace('_', ' ')} '{value}': {nearest(value, known)}")
            chosen += known[name]
        return self.column(dimension).in_(chosen)

    def name(self, dimension: Dimension, value: Any) -> str:
        """A value of a query's column as text."""
        match dimension:
            case Dimension.MODEL:
                return next(name for name, number in self._models.items() if number == value)
            case Dimension.PARTITION:
                return PARTITIONS[value] or UNKNOWN
        return str(value)

    def rank(self, dimension: Dimension, name: str) -> tuple[int, str]:
        """The sort key of a value in tables: models and partitions in their own order, the rest by the alphabet."""
        if dimension in (Dimension.MODEL, Dimension.PARTITION):
            return list(self._known(dimension)).index(name), name
        return 0, name

    def _known(self, dimension: Dimension) -> dict[str, list[Any]]:
        """The values of a dimension by name, as a query's column has them."""
        match dimension:
            case Dimension.MODEL:
                return {name: [number] for name, number in self._models.items()}
            case Dimension.PARTITION:
                known = {partition.value: [PARTITION_IDS[partition]] for partition in Partition}
                return {**known, UNKNOWN: [PARTITION_IDS[None]], UNSEEN: list(UNSEEN_IDS)}
            case Dimension.SOURCE | Dimension.TARGET:
                return {tag: [tag] for tag in self._languages}
        index = 1 if dimension.endswith("script") else 2
        return {row[index]: [row[index]] for row in self._rows}

    @staticmethod
    def _named(dimension: Dimension, value: str, known: Collection[str]) -> str | None:
        if dimension not in (Dimension.SOURCE, Dimension.TARGET):
            return value
        try:
            return tag_among(value, known)
        except LanguageError as error:
            raise StoreError(str(error)) from error

    @cached_property
    def _rows(self) -> list[tuple[str, str, str]]:
        """Tag, script and family of every language."""
        return [(tag, likely_script(tag), language_family(tag) or UNKNOWN) for tag in self._languages]

    @cached_property
    def _attributes(self) -> dict[str, FromClause]:
        columns = [column(name, String) for name in ("tag", "script", "family")]
        # SQLite names the columns of VALUES only in a common table expression
        return {side: values(*columns).data(self._rows).cte(f"{side}_language") for side in ("source", "target")}
