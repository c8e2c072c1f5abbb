"""Translations of a system from elsewhere: the files that hold them, and how they are written."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from dragoman.errors import nearest
from dragoman.spec.base import Name, PathText, Shown, SpecModel
from dragoman.spec.corpus import is_relative, is_there

Format = Literal["text", "tsv", "csv", "jsonl", "parquet", "wmt", "lm-eval", "dragoman"]
"""The layouts that are read."""

ROLES = ("hypothesis", "text", "pair", "source", "target", "line")
"""What a column map may name: the translation, the source sentence, the pair or its two languages, the number of the
test sentence."""

_SIDES = ("source", "target")


class Translations(SpecModel):
    """Where the translations of a system from elsewhere are, and how they are written."""

    path: PathText = Field(default="", exclude_if=lambda path: not path)
    """A file a pair (`outputs/{source}-{target}.txt`, a table's ending for tables), one table for all pairs, a WMT or
    mt-metrics-eval folder, a folder or file of lm-eval's samples, or a file that `dragoman export` wrote; relative to
    the spec or to here, or any URL that fsspec opens."""
    format: Format | None = None
    """How it is written; by default told by the path."""
    reference: int | None = Field(default=None, ge=2, exclude_if=lambda number: number is None)
    """In place of a path, the number of a reference of the test set, from 2, that systems are not scored against: what
    another translator made of the sentences, as a system."""
    columns: dict[str, Shown | int] = Field(default_factory=dict)
    """The columns of a table, by name or number from 0: `hypothesis`, the translation; `text`, the source sentence;
    `pair`, or `source` and `target`, the languages of each row; `line`, the number of the test sentence. By default
    they are found by name."""
    sources: PathText | None = None
    """Of text files, the source sentences that were translated, to hold against the test set:
    `sources/{source}.txt`, or a file a pair."""
    system: Shown | None = None
    """The system's name in a WMT folder, or `MODEL` or `MODEL:PROMPT` in an exported grid; the name here by default."""
    test_set: Name | None = Field(default=None, exclude_if=lambda name: name is None)
    """Name of the test set that they are translations of, of a grid that has several; the first by default."""
    folder: Path | None = Field(default=None, exclude_if=lambda folder: folder is None)
    """Where relative paths begin: noted when the spec is read, never written by hand."""

    @model_validator(mode="before")
    @classmethod
    def _takes_a_path(cls, value: Any) -> Any:
        return {"path": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _has_a_place(self) -> Self:
        if self.reference is None and not self.path:
            raise ValueError("has neither a path nor a reference; say where the translations are")
        if self.reference is not None and (self.path or self.columns or self.format or self.sources or self.system):
            raise ValueError("has a reference of the test set, which is in no file: leave out all else")
        return self

    @field_validator("columns")
    @classmethod
    def _name_roles(cls, columns: dict[str, str | int]) -> dict[str, str | int]:
        for role in columns:
            if role not in ROLES:
                raise ValueError(f"names '{role}', which is none of its parts; {nearest(role, ROLES)}")
        if columns and "hypothesis" not in columns:
            raise ValueError("lacks `hypothesis`, the column of the translations; add it")
        if "pair" in columns and any(side in columns for side in _SIDES):
            raise ValueError("names both the pair and its languages; leave one of them out")
        if ("source" in columns) != ("target" in columns):
            raise ValueError("names the language of one side alone; name both `source` and `target`, or `pair`")
        return columns

    def placed(self, path: str) -> str:
        """One of its paths as it is from everywhere."""
        return str(self.folder / path) if self.folder is not None and is_relative(path) else path

    def found_in(self, folders: Iterable[Path]) -> Self:
        """The same, with the first of some folders noted that has the files of a relative path."""
        for folder in folders if is_relative(self.path) else ():
            if is_there(self.path, folder):
                return self.model_copy(update={"folder": folder.resolve()})
        return self
