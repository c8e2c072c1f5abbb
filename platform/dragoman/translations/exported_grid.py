"""The translations of one system of a grid that `dragoman export` wrote."""

from collections.abc import Collection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from weakref import finalize

import pyarrow as pa
from pydantic import ValidationError

from dragoman.cell import CellState
from dragoman.corpora.readers.files import Files
from dragoman.errors import first_line, nearest
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

    def __init__(self, path: Path, system: str, test_set: str | None = None, place: str | None = None) -> None:
        """Read which cells there are.

        Args:
            path: the file.
            system: the model's name in the grid, or `MODEL:PROMPT`.
            test_set: name of the test set; the grid's first by default, and where it has none of that name.
            place: what errors call it; by default its path.

        Raises:
            StoreError: the file is not there, or damaged.
            TranslationError: the grid has no such model or prompt.
        """
        self._place = place or str(path)
        # every byte is checked once, and pairs are read when they are asked for
        self._archive = Archive(path, self._place).__enter__()
        finalize(self, self._archive.__exit__, None, None, None)
        grid = self._archive.json("grid.json")
        model, _, prompt = system.partition(":")
        named = {name: identity for identity, name in grid["names"].items()}
        if model not in named:
            raise TranslationError(f"{self._place} has no model '{model}'; {nearest(model, named)}")
        rows = [row for row in self._archive.rows("cells.parquet") if row["model"] == named[model]]
        of_prompt = _prompt_of(self._place, grid, rows, prompt)
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
        return f"{self._place}, {pair}"

    def why_missing(self, pair: Pair) -> str:
        """It has no translation there."""
        return f"{self._place} has no translations of {pair} by that system"

    def entries(self, pair: Pair) -> list[Entry]:
        """The hypotheses, with the sources they were made from."""
        cell = self._cells[pair]
        lines = self._blob(TRANSLATION, cell["hypotheses"])
        test = self._blob(TEST, cell["test"]) if cell["test"] else [(None, None)] * len(lines)
        sources = [row[0] for row in test]
        both = enumerate(zip(lines, sources, strict=True), 1)
        return [Entry(number, line[0], source) for number, (line, source) in both]

    def _blob(self, schema: pa.Schema, address: str) -> list[tuple[Any, ...]]:
        return blob_rows(schema, address, self._archive.read(f"blobs/{address}"))


def open_export(key: str, choice: Translations, name: str) -> ExportedGrid:
    """The system that a spec or a command names of an exported grid.

    Raises:
        StoreError: the file is not there, or damaged.
        TranslationError: it can't be fetched, or the grid has no such system.
    """
    path, system, test_set = choice.placed(choice.path), choice.system or name, choice.test_set
    if is_local(path):
        return ExportedGrid(Path(file_system(path)[1]), system, test_set)
    if "://" not in path:
        return ExportedGrid(Path(path), system, test_set)
    place = Files(key, path, "a file that `dragoman export` wrote").url
    folder = TemporaryDirectory()
    try:
        copied = Path(folder.name) / "grid.zip"
        _fetch(path, place, copied)
        exported = ExportedGrid(copied, system, test_set, place)
    except BaseException:
        folder.cleanup()
        raise
    finalize(exported, folder.cleanup)
    return exported


def _fetch(url: str, place: str, copied: Path) -> None:
    """Copy a file from elsewhere to this machine: an archive is read at random."""
    try:
        files, path = file_system(url)
        files.get_file(path, str(copied))
    except Exception as error:  # every file system of fsspec has error types of its own
        raise TranslationError(
            f"{place} can't be fetched ({first_line(error)}): try again, or fetch it first."
        ) from error


def _prompt_of(place: str, grid: dict[str, Any], rows: list[dict[str, Any]], wanted: str) -> str | None:
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
        raise TranslationError(f"{place} has no prompt '{wanted}' of that model; {nearest(wanted, labels)}")
    return labels[wanted]
