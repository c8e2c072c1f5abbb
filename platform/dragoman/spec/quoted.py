"""Scores without translations, quoted from a paper's table or a leaderboard: where they are, and from what source."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from dragoman.errors import nearest
from dragoman.metrics.names import is_installed
from dragoman.plugins import available
from dragoman.spec.base import Name, PathText, Shown, SpecModel
from dragoman.spec.corpus import is_relative, is_there

TableFormat = Literal["tsv", "csv", "jsonl", "parquet"]
"""The forms of tables that are read."""

ROLES = ("pair", "source", "target", "metric", "value", "low", "high", "sentences")
"""What a column map may name besides metrics: the pair or its two languages, the metric of a row, its score, the ends
of its 95% interval, and how many sentences it is of."""

_SIDES = ("source", "target")


class QuotedScores(SpecModel):
    """Where quoted scores are, and what their source says of how they were computed."""

    path: PathText
    """A table: a row for each score, or for each pair with a column for each metric, or a matrix of one metric with
    sources down and targets across; relative to the spec or to here, or any URL that fsspec opens."""
    format: TableFormat | None = None
    """How it is written; by default told by the file's ending."""
    columns: dict[str, Shown | int] = Field(default_factory=dict)
    """The columns, by name or number from 0: `pair`, or `source` and `target`; of a row for each score `value`,
    `metric`, `low` and `high`, the ends of its 95% interval, and `sentences`, how many it is of; of a row for each pair
    the metrics' names. By default they are found by name."""
    metric: Shown | None = None
    """The metric where no column says; where there are several, only this one is read."""
    signature: Shown | None = None
    """What the source says of how they were computed: sacreBLEU's signature, or words such as `sacrebleu 13a`."""
    cite: Shown | None = None
    """The source, as it is cited; by default the file's name."""
    scale: Literal[1, 100] | None = None
    """What values are multiplied by: 100 where they are fractions and the metric is in percent. It has to be said
    where all of a metric that goes to 100 are at most 1."""
    test_set: Name | None = Field(default=None, exclude_if=lambda name: name is None)
    """Name of the test set that they are scores on, of a grid that has several; the first by default."""
    skip_other_pairs: bool = False
    """Pass over pairs that the grid does not have, which are refused otherwise."""
    folder: Path | None = Field(default=None, exclude_if=lambda folder: folder is None)
    """Where relative paths begin: noted when the spec is read, never written by hand."""

    @model_validator(mode="before")
    @classmethod
    def _takes_a_path(cls, value: Any) -> Any:
        return {"path": value} if isinstance(value, str) else value

    @field_validator("columns")
    @classmethod
    def _name_roles(cls, columns: dict[str, str | int]) -> dict[str, str | int]:
        metrics = available("metrics")
        for role in columns:
            if role not in ROLES and not is_installed(role):
                raise ValueError(f"names '{role}', which is none of its parts; {nearest(role, [*ROLES, *metrics])}")
        if "pair" in columns and any(side in columns for side in _SIDES):
            raise ValueError("names both the pair and its languages; leave one of them out")
        if columns and "pair" not in columns and not all(side in columns for side in _SIDES):
            raise ValueError("lacks the pair of each row; name `pair`, or both `source` and `target`")
        of_metrics = [role for role in columns if role not in ROLES]
        if columns and ("value" in columns) == bool(of_metrics):
            raise ValueError("names either `value`, the column of the scores, or the columns of metrics; name one kind")
        if of_metrics and (beside := [each for each in ("metric", "low", "high", "sentences") if each in columns]):
            raise ValueError(f"names `{beside[0]}` beside columns of metrics; it belongs to a row for each score")
        return columns

    @field_validator("metric")
    @classmethod
    def _is_installed(cls, metric: str | None) -> str | None:
        if metric is not None and not is_installed(metric):
            raise ValueError(f"is no installed metric; {nearest(metric, available('metrics'))}")
        return metric

    @field_validator("cite")
    @classmethod
    def _is_one_field(cls, cite: str | None) -> str | None:
        if cite is not None and "|" in cite:
            raise ValueError("holds '|', which parts the fields of a signature; write it otherwise")
        return cite

    @property
    def source(self) -> str:
        """The source, as tables name it."""
        return self.cite or self.path.rstrip("/").rpartition("/")[2].replace("|", "/")

    def placed(self, path: str) -> str:
        """A path as it is from everywhere."""
        return str(self.folder / path) if self.folder is not None and is_relative(path) else path

    def found_in(self, folders: Iterable[Path]) -> Self:
        """The same, with the first of some folders noted that has the file of a relative path."""
        for folder in folders if is_relative(self.path) else ():
            if is_there(self.path, folder):
                return self.model_copy(update={"folder": folder.resolve()})
        return self
