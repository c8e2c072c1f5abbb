"""The WMT test sets of sacreBLEU, from its cache; nothing is ever fetched here."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from dragoman.corpora.base import Corpus, reopened
from dragoman.corpora.readers.files import Files
from dragoman.corpora.readers.name_patterns import pair_of
from dragoman.corpora.readers.parallel_files import Side, SideBySide
from dragoman.errors import CorpusError, nearest
from dragoman.pair import Pair
from dragoman.segment import Located, Split
from dragoman.spec.corpus import CorpusOptions


class SacrebleuOptions(CorpusOptions):
    """Which test sets are read, by the names `sacrebleu --list` shows."""

    test: str = Field(min_length=1)
    """The test set, such as `wmt22`."""
    dev: str | None = None
    """An older one to make choices on."""
    references: int = Field(default=1, ge=1)
    """The most references of a line that hypotheses are scored against, where the set has several: the one sacreBLEU
    prefers first."""


class SacrebleuSets(SideBySide):
    """Sets that ``sacrebleu -t wmt22 -l en-de --echo src`` has put into its cache, ``wmt22/wmt22.en-de.src`` and so on.

    A direction is there only if the campaign had it. Of several references the one sacreBLEU prefers is read, and with
    `references` the others too.
    """

    Options: ClassVar[type[CorpusOptions]] = SacrebleuOptions

    def __init__(self, options: CorpusOptions) -> None:
        chosen = SacrebleuOptions.model_validate(options.model_dump())
        try:
            from sacrebleu.dataset import DATASETS
        except ModuleNotFoundError as error:
            raise CorpusError("The sacrebleu corpus needs sacrebleu: pip install sacrebleu.") from error
        self._given, self._most = options, chosen.references
        self._sets: dict[Split, Any] = {}
        self._folders: dict[Split, Files | None] = {}
        for split, name in ((Split.TEST, chosen.test), (Split.DEV, chosen.dev)):
            if name is not None:
                if name not in DATASETS:
                    raise CorpusError(
                        f"corpus.{split} is '{name}', which is no test set of sacreBLEU; {nearest(name, DATASETS)}"
                    )
                self._sets[split] = DATASETS[name]

    @cached_property
    def revision(self) -> str:
        """The sets' names and the hashes of their files in the cache."""
        parts = []
        for split, test_set in self._sets.items():
            files = self._cache(split)
            named = re.compile(r"[^/]+\.(?:src|ref[^/.]*)")
            hashed = files.revision(filter(named.fullmatch, files.names)) if files else "not cached"
            parts.append(f"{test_set.name}: {hashed}")
        return ", ".join(parts)

    def name_of(self, split: Split) -> str:
        """The set's name."""
        return str(self._sets[split].name) if split in self._sets else ""

    @property
    def references(self) -> int:
        """As many as the options choose, of directions that have them."""
        return self._most

    def with_references(self, references: int) -> Corpus:
        """The same sets with up to so many references of each line."""
        return reopened(self, self._given, references)

    def located(self, pair: Pair, split: Split) -> Iterator[Located]:
        """The same segments with their documents, and their further references as far as they are read."""
        files, further = self._cache(split), self._references(pair, split)[1 : self._most]
        if files is None or not further:
            yield from super().located(pair, split)
            return
        self.require(pair, split)
        documents = self._documents(pair, split)
        (source, target), *_ = self._sides(pair, split)
        columns = [[line.strip() for line in files.lines(name)] for _, name in (source, target)]
        others = [[line.strip() for line in files.lines(name)] for name in further]
        for name, lines in zip(further, others, strict=True):
            if len(lines) != len(columns[1]):
                raise CorpusError(
                    f"{files.place(name)} has {len(lines)} lines where {files.place(target[1])} has {len(columns[1])}: "
                    "fetch the set again."
                )
        segments = self.segments(pair, split)
        for row, both in enumerate(zip(*columns, strict=True)):
            if all(both):
                references = tuple(filter(None, (lines[row] for lines in others)))
                yield Located(next(segments), None, documents.get(row), references=references)

    def _documents(self, pair: Pair, split: Split) -> Mapping[int, str]:
        """The document of each line, where sacreBLEU has its `docid` field in the cache."""
        return self._field(pair, split, "docid")

    def _labels(self, pair: Pair, split: Split) -> Mapping[str, Mapping[int, str]]:
        """The language each line was first written in (`origlang`), and its domain (`genre` before 2021)."""
        domains = self._field(pair, split, "domain") or self._field(pair, split, "genre")
        found = {"original": self._field(pair, split, "origlang"), "domain": domains}
        return {name: values for name, values in found.items() if values}

    def _field(self, pair: Pair, split: Split, field: str) -> Mapping[int, str]:
        """A field of each line, as sacreBLEU projects those of documents to their lines; empty where it has none.

        Raises:
            CorpusError: it has another number of lines than the source.
        """
        files = self._cache(split)
        stem = self._stem(split, self._codes(split)[pair])
        name = f"{stem}.{field}"
        if files is None or name not in files.names:
            return {}
        values = [line.strip() for line in files.lines(name)]
        if len(values) != (lines := sum(1 for _ in files.lines(f"{stem}.src"))):
            raise CorpusError(
                f"{files.place(name)} has {len(values)} lines where the source has {lines}: remove both, and have "
                "sacreBLEU fetch the set again."
            )
        return {number: value for number, value in enumerate(values) if value}

    def _sides(self, pair: Pair, split: Split) -> Sequence[tuple[Side, Side]]:
        files, references = self._cache(split), self._references(pair, split)
        if files is None or not references:
            return []
        return [((files, f"{self._stem(split, self._codes(split)[pair])}.src"), (files, references[0]))]

    def _stem(self, split: Split, code: str) -> str:
        return f"{self._sets[split].name.replace('/', '_')}.{code}"

    def _references(self, pair: Pair, split: Split) -> list[str]:
        """The files of the references of a pair, the one that sacreBLEU prefers first; none without its source."""
        code = self._codes(split).get(pair)
        files = self._cache(split)
        if code is None or files is None:
            return []
        test_set = self._sets[split]
        stem = self._stem(split, code)
        direction = test_set.langpairs[code]
        # a direction may override which of the labelled references is the set's
        labels = direction.get("refs") if isinstance(direction, dict) else None
        preferred = [
            f"{stem}.ref-{label}" if label else f"{stem}.ref" for label in labels or test_set.kwargs.get("refs", ())
        ]
        others = sorted(name for name in files.names if name.startswith(f"{stem}.ref"))
        references = [name for name in dict.fromkeys((*preferred, *others)) if name in files.names]
        return references if f"{stem}.src" in files.names else []

    def _reason(self, pair: Pair, split: Split) -> str:
        if split not in self._sets:
            return f"sacreBLEU's sets are test sets; corpus.{split} names none"
        name, code = self._sets[split].name, self._codes(split).get(pair)
        if code is None:
            return f"{name} has no {pair} direction"
        return (
            f"sacreBLEU's cache lacks it; run 'sacrebleu -t {name} -l {code} --echo src' once where there is a network"
        )

    def _codes(self, split: Split) -> dict[Pair, str]:
        """The directions of a set, by pair, as sacreBLEU writes them."""
        codes = self._sets[split].langpairs if split in self._sets else ()
        return {pair: code for code in codes if (pair := pair_of(code))}

    def _cache(self, split: Split) -> Files | None:
        """The folder of a set; None while it was never fetched."""
        if split not in self._folders:
            from sacrebleu.utils import SACREBLEU_DIR

            folder = Path(SACREBLEU_DIR) / self._sets[split].name if split in self._sets else None
            found = folder is not None and folder.is_dir()
            self._folders[split] = Files(f"corpus.{split}", str(folder), "a cached set") if found else None
        return self._folders[split]
