"""The translations of one system of a grid that `dragoman export` wrote."""

from collections.abc import Collection
from pathlib import Path
from typing import Any
from weakref import finalize

import pyarrow as pa
from pydantic import ValidationError

from dragoman.cell import CellState
from dragoman.errors import nearest
from dragoman.file_system import file_system, is_local
from dragoman.pair import Pair
from dragoman.spec.grid import GridSpec
from dragoman.spec.translations import Translations
from dragoman.store.blobs import TEST, TRANSLATION, blob_rows
from dragoman.store.transfer.archive import Archive
from dragoman.translations.base import Entry, TranslationError, TranslationFiles

_TRANSLATED = {state.value for state in CellState if state.is_translated}


class ExportedGrid(TranslationFiles):
    """The cells of one model and prompt of an exported grid, on one of its test sets."""

    def __init__(self, path: Path, system: str, test_set: str | None = None) -> None:
        """Read which cells there are.

        Args:
            path: the file.
            system: the model's name in the grid, or `MODEL:PROMPT`.
            test_set: name of the test set; the grid's first by default, and where it has none of that name.

        Raises:
            StoreError: the file is not there, or damaged.
            TranslationError: the grid has no such model or prompt.
        """
        self._path = path
        self._archive = Archive(
            path
        ).__enter__()  # every byte is checked once, and pairs are read when they are asked for
        finalize(self, self._archive.__exit__, None, None, None)
        grid = self._archive.json("grid.json")
        model, _, prompt = system.partition(":")
        named = {name: identity for identity, name in grid["names"].items()}
        if model not in named:
            raise TranslationError(f"{path} has no model '{model}'; {nearest(model, named)}")
        rows = [row for row in self._archive.rows("cells.parquet") if row["model"] == named[model]]
        of_prompt = _prompt_of(path, grid, rows, prompt)
        test_sets = {name: identity for identity, name in grid.get("test_sets", {}).items()}
        of_set = test_sets.get(test_set or "") or next(iter(test_sets.values()), None)
        self._cells = {
            Pair(row["source"], row["target"]): row
            for row in rows
            if row["prompt"] == of_prompt
            and row["state"] in _TRANSLATED
            and row["hypotheses"]
            and of_set in (None, row["test_set"])
        }

    @property
    def pairs(self) -> Collection[Pair]:
        """The pairs that are translated there."""
        return self._cells.keys()

    def place(self, pair: Pair) -> str:
        """The file, and the pair in it."""
        return f"{self._path}, {pair}"

    def why_missing(self, pair: Pair) -> str:
        """It has no translation there."""
        return f"{self._path} has no translations of {pair} by that system"

    def entries(self, pair: Pair) -> list[Entry]:
        """The hypotheses, with the sources they were made from."""
        cell = self._cells[pair]
        lines = self._blob(TRANSLATION, cell["hypotheses"])
        test = self._blob(TEST, cell["test"]) if cell["test"] else [(None, None)] * len(lines)
        sources = [source for source, _ in test]
        both = enumerate(zip(lines, sources, strict=True), 1)
        return [Entry(number, line[0], source) for number, (line, source) in both]

    def _blob(self, schema: pa.Schema, address: str) -> list[tuple[Any, ...]]:
        return blob_rows(schema, address, self._archive.read(f"blobs/{address}"))


def open_export(key: str, choice: Translations, name: str) -> ExportedGrid:
    """The system that a spec or a command names of an exported grid.

    Raises:
        StoreError: the file is not there, or damaged.
        TranslationError: it is not on this machine, or the grid has no such system.
    """
    path = choice.placed(choice.path)
    if "://" in path and not is_local(path):
        raise TranslationError(f"{key} is '{path}': an exported grid is read from this machine; fetch it first.")
    return ExportedGrid(Path(file_system(path)[1] if is_local(path) else path), choice.system or name, choice.test_set)


def _prompt_of(path: Path, grid: dict[str, Any], rows: list[dict[str, Any]], wanted: str) -> str | None:
    """The id of a model's prompt: the one named, or the first in the grid's order."""
    used = dict.fromkeys(row["prompt"] for row in rows)
    try:
        prompts = GridSpec.from_store(grid["spec"]).prompts
    except ValidationError:  # a grid of another version, or one that was not made from a specification
        prompts = ()
    labels = {prompt.label: prompt.id for prompt in prompts if prompt.id in used}
    if not wanted:
        return next(iter([*labels.values(), *used]), None)
    if wanted not in labels:
        raise TranslationError(f"{path} has no prompt '{wanted}' of that model; {nearest(wanted, labels)}")
    return labels[wanted]
