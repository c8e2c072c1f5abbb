"""Data sets of the Hugging Face hub, or local ones in its formats, through `datasets`."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from dragoman.corpora.readers.column_mapping import Column, TableOptions, cell, keys_of
from dragoman.corpora.readers.files import Files
from dragoman.corpora.readers.hub import is_hub_name, pinned, reaching
from dragoman.corpora.readers.name_patterns import pairs_named
from dragoman.corpora.readers.tables import Table
from dragoman.errors import CorpusError, nearest
from dragoman.pair import Pair
from dragoman.segment import Split
from dragoman.spec.corpus import CorpusOptions

if TYPE_CHECKING:
    from datasets import Dataset

Part = tuple[str | None, str]
"""A configuration, and one of its splits."""

LOOKED_AT = 100
"""Rows whose keys are taken for the data set's."""

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
    """What it calls its splits."""


class HuggingFace(Table[Part]):
    """Rows of a data set, read from its cache on disk."""

    Options: ClassVar[type[CorpusOptions]] = HuggingFaceOptions

    def __init__(self, options: CorpusOptions) -> None:
        super().__init__(options)
        self._options = chosen = HuggingFaceOptions.model_validate(options.model_dump())
        self._revision = pinned(chosen.path, chosen.revision) if is_hub_name(chosen.path) else None
        if not self._revision:
            self._files = Files(
                "corpus.path", chosen.path, "the folder of a data set, or its name on the Hugging Face hub"
            )
        self._load = cache(self._read)
        self._split_names = cache(self._find_split_names)
        with reaching(chosen.path):
            import datasets

            self._saved: Mapping[str, Dataset] | None = None
            names = []
            if not self._revision and {"state.json", "dataset_dict.json"} & set(self._files.names):
                saved = datasets.load_from_disk(chosen.path)
                self._saved = saved if isinstance(saved, datasets.DatasetDict) else {"train": saved}
            else:
                names = datasets.get_dataset_config_names(chosen.path, revision=self._revision)
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
        return self._revision or self._files.revision(self._files.names)

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
        return keys_of(self._load(part).select(range(min(len(self._load(part)), LOOKED_AT))))

    def _rows(self, part: Part, columns: Sequence[Column]) -> Iterator[Sequence[str]]:
        rows = (row for batch in self._load(part).iter(BATCH) for row in _rows_of(batch))
        for number, row in enumerate(rows, 1):
            try:
                yield [cell(row, column) for column in columns]
            except TypeError as error:
                raise CorpusError(f"{self._place(part)}, row {number}: {error}; mend corpus.columns.") from error

    def _place(self, part: Part) -> str:
        config, name = part
        return f"{self._options.path} ({f'{config}, ' if config else ''}{name})"

    def _read(self, part: Part) -> "Dataset":
        config, name = part
        if self._saved:
            return self._saved[name]
        with reaching(self._options.path):
            import datasets

            return datasets.load_dataset(self._options.path, config, split=name, revision=self._revision)

    def _find_split_names(self, config: str | None) -> list[str]:
        if self._saved:
            return list(self._saved)
        with reaching(self._options.path):
            import datasets

            return list(datasets.get_dataset_split_names(self._options.path, config, revision=self._revision))


def _rows_of(batch: Mapping[str, list[Any]]) -> Iterator[dict[str, Any]]:
    return (dict(zip(batch, values, strict=True)) for values in zip(*batch.values(), strict=True))
