"""Data sets of the Hugging Face hub, or local ones in its formats, read through `datasets`."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from dragoman.corpora.kinds.jsonl import records
from dragoman.corpora.readers.column_mapping import Column, TableOptions, cell, keys_of, label
from dragoman.corpora.readers.files import Files
from dragoman.corpora.readers.hub import is_hub_name, pinned, reaching
from dragoman.corpora.readers.name_patterns import pairs_named
from dragoman.corpora.readers.tables import Table
from dragoman.errors import CorpusError, nearest
from dragoman.file_system import file_system
from dragoman.line import half_character
from dragoman.pair import Pair
from dragoman.segment import Split
from dragoman.spec.corpus import CorpusOptions

if TYPE_CHECKING:
    from datasets import Dataset

Part = tuple[str | None, str]
"""A configuration, and one of its splits."""

LOOKED_AT = 100
"""Rows from which the data set's keys are read."""

BATCH = 1000
"""Rows taken from Arrow at a time."""


class HuggingFaceOptions(TableOptions):
    """Which data set is read."""

    path: str = Field(min_length=1)
    """Its name on the hub, or a local folder: of data files, or written with `save_to_disk`."""
    revision: str | None = None
    """Commit or tag on the hub, needed there."""
    config: str | None = None
    """Its configuration; with `{source}` and `{target}` in it, one for each pair: `{source}-{target}`."""
    splits: dict[Split, str] = Field(
        default={Split.TRAIN: "train", Split.DEV: "validation", Split.TEST: "test"}, min_length=1
    )
    """Its names of the splits."""


class HuggingFace(Table[Part]):
    """Rows of a data set, read from its cache on disk."""

    Options: ClassVar[type[CorpusOptions]] = HuggingFaceOptions

    def __init__(self, options: CorpusOptions) -> None:
        super().__init__(options)
        self._options = chosen = HuggingFaceOptions.model_validate(options.model_dump())
        self._address = file_system(chosen.path)[1] if chosen.path.startswith("~") else chosen.path
        self._revision = pinned(chosen.path, chosen.revision) if is_hub_name(chosen.path) else None
        if not self._revision:
            self._files = Files(
                "corpus.path", chosen.path, "the folder of a data set, or its name on the Hugging Face hub"
            )
        self._load = cache(self._read)
        self._data_files = cache(self._find_data_files)
        self._split_names = cache(self._find_split_names)
        with reaching(chosen.path):
            import datasets

            self._saved: Mapping[str, Dataset] | None = None
            names = []
            if not self._revision and {"state.json", "dataset_dict.json"} & set(self._files.names):
                saved = datasets.load_from_disk(self._address)
                self._saved = saved if isinstance(saved, datasets.DatasetDict) else {"train": saved}
            else:
                names = datasets.get_dataset_config_names(self._address, revision=self._revision)
        self._configs: Mapping[Pair, str] | None = None
        if chosen.config and "{source}" in chosen.config and "{target}" in chosen.config:
            self._configs = pairs_named(chosen.config, names)
        elif chosen.config and chosen.config not in names:
            raise CorpusError(
                f"corpus.config is '{chosen.config}', which '{chosen.path}' has not; {nearest(chosen.config, names)}"
            )

    @cached_property
    def revision(self) -> str:
        """The revision on the hub, or the hash of the local files."""
        return self._revision or self._files.revision(self._files.everything)

    def files_of(self, pair: Pair, split: Split) -> Sequence[tuple[Files, str]] | None:
        """The data files of the split, of the pair's configuration where there is one for each; of the hub's none."""
        part = self._part(pair, split)
        if self._revision or isinstance(part, str):
            return None if self._revision else []
        return [(self._files, name) for name in self._data_files(*part[1])]

    def name_of(self, split: Split) -> str | None:
        """The local folder's name."""
        return None if self._revision else self._options.path.rstrip("/").rpartition("/")[2]

    def _find_data_files(self, config: str | None, split: str) -> list[str]:
        if self._saved is not None:
            below = f"{split}/" if f"{split}/state.json" in self._files.names else ""
            return [name for name in self._files.names if name.endswith(".arrow") and name.startswith(below)]
        with reaching(self._options.path):
            import datasets

            found = datasets.load_dataset_builder(self._options.path, config).config.data_files or {}
        place = {path: name for name, path in self._files.names.items()}
        named = [place.get(str(path).removeprefix("file://")) for path in found.get(split, ())]
        if named and None not in named:
            return sorted(name for name in named if name is not None)
        # of a layout that datasets reads by a way of its own, all but what is there for people
        return [name for name in self._files.names if not name.lower().endswith(".md") and not name.startswith(".")]

    def _part(self, pair: Pair, split: Split) -> tuple[Pair | None, Part] | str:
        path, name = self._options.path, self._options.splits.get(split)
        if name is None:
            return f"corpus.splits names no {split} split"
        kept_for, config = None, self._options.config
        if self._configs is not None:
            kept_for = pair if pair in self._configs else pair.reverse
            if kept_for not in self._configs:
                return f"'{path}' has no configuration of {' and '.join(sorted(pair))}"
            config = self._configs[kept_for]
        if name not in self._split_names(config):
            return f"'{path}' has no split {name}, only {', '.join(self._split_names(config))}"
        return kept_for, (config, name)

    def _names(self, part: Part) -> list[str]:
        return keys_of(row for _, row in islice(self._records(part), LOOKED_AT))

    def _rows(self, part: Part, columns: Sequence[Column]) -> Iterator[Sequence[str]]:
        for number, row in self._records(part):
            try:
                yield [cell(row, column) for column in columns]
            except (TypeError, ValueError) as error:
                raise CorpusError(
                    f"{self._place(part)}, row {number}: {error}; mend the row or corpus.columns."
                ) from error

    def _labels(self, part: Part, column: Column, beside: Sequence[Column]) -> Iterator[str]:
        return (label(row, column) for _, row in self._records(part))

    def _records(self, part: Part) -> Iterator[tuple[int, Mapping[str, Any]]]:
        number = 0
        try:
            for row in _rows_of(self._load(part)):
                number += 1
                yield number, row
        except UnicodeDecodeError as error:
            raise CorpusError(f"{self._place(part)}, row {number + 1}, is not UTF-8 text: mend the row.") from error

    def _holds_nothing(self, part: Part) -> bool:
        return not len(self._load(part))

    def _place(self, part: Part) -> str:
        config, name = part
        return f"{self._options.path} ({f'{config}, ' if config else ''}{name})"

    def _read(self, part: Part) -> "Dataset":
        config, name = part
        if self._saved:
            return self._saved[name]
        try:
            with reaching(self._options.path):
                import datasets

                try:
                    return datasets.load_dataset(self._address, config, split=name, revision=self._revision)
                except Exception:  # its builders fail in ways of their own where there is not one row
                    if self._revision or not self._is_without_rows(config, name):
                        raise
                    return datasets.Dataset.from_dict({})
        except CorpusError:
            self._refuse_half_characters()
            raise

    def _is_without_rows(self, config: str | None, name: str) -> bool:
        """Whether the files of a split hold nothing, or what is read of them has no row."""
        import datasets

        builder = datasets.load_dataset_builder(self._address, config)
        files = list((builder.config.data_files or {}).get(name, ()))
        if files and all(map(_is_blank, files)):
            return True
        builder.download_and_prepare()
        return not builder.info.splits[name].num_examples

    def _refuse_half_characters(self) -> None:
        """Name the line that `datasets` could not read, where it is one of JSON lines with half a character.

        Raises:
            CorpusError: there is one.
        """
        for name in () if self._revision else self._files.names:
            if name.endswith((".jsonl", ".jsonl.gz")):
                for number, record in records(self._files, name):
                    if half := half_character(json.dumps(record, ensure_ascii=False)):
                        raise CorpusError(
                            f"{self._files.place(name)}, line {number}, holds half a character ({half}): mend the line."
                        )

    def _find_split_names(self, config: str | None) -> list[str]:
        if self._saved:
            return list(self._saved)
        with reaching(self._options.path):
            import datasets

            return list(datasets.get_dataset_split_names(self._address, config, revision=self._revision))


def _rows_of(data: "Dataset") -> Iterator[dict[str, Any]]:
    """The rows of a data set, taken from Arrow together; one by one where that fails, up to the one it fails for."""
    for start in range(0, len(data), BATCH):
        try:
            batch = data[start : start + BATCH]
        except UnicodeDecodeError:
            yield from map(data.__getitem__, range(start, min(start + BATCH, len(data))))
        else:
            yield from (dict(zip(batch, values, strict=True)) for values in zip(*batch.values(), strict=True))


def _is_blank(path: str) -> bool:
    """Whether a file of data holds nothing: no row, where it is Parquet, else not one character."""
    if path.endswith(".parquet"):
        import pyarrow.parquet

        return not pyarrow.parquet.ParquetFile(path).metadata.num_rows
    return not Path(path).read_bytes().strip()
