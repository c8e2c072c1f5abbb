"""The WMT test sets of sacreBLEU, from its cache; nothing is ever fetched here."""

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from dragoman.corpora.readers.files import Files
from dragoman.corpora.readers.name_patterns import pair_of
from dragoman.corpora.readers.parallel_files import Side, SideBySide
from dragoman.errors import CorpusError, nearest
from dragoman.pair import Pair
from dragoman.segment import Split
from dragoman.spec.corpus import CorpusOptions


class SacrebleuOptions(CorpusOptions):
    """Which test sets are read, by the names `sacrebleu --list` shows."""

    test: str = Field(min_length=1)
    """The test set, such as `wmt22`."""
    dev: str | None = None
    """An older one to make choices on."""


class SacrebleuSets(SideBySide):
    """Sets that ``sacrebleu -t wmt22 -l en-de --echo src`` has put into its cache, ``wmt22/wmt22.en-de.src`` and so on.

    A direction is there only if the campaign had it. Of several references the one sacreBLEU prefers is read.
    """

    Options: ClassVar[type[CorpusOptions]] = SacrebleuOptions

    def __init__(self, options: CorpusOptions) -> None:
        chosen = SacrebleuOptions.model_validate(options.model_dump())
        try:
            from sacrebleu.dataset import DATASETS
        except ModuleNotFoundError as error:
            raise CorpusError("The sacrebleu corpus needs sacrebleu: pip install sacrebleu.") from error
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

    def _documents(self, pair: Pair, split: Split) -> Mapping[int, str]:
        """The document of each line, where sacreBLEU has its `docid` field in the cache."""
        files = self._cache(split)
        name = f"{self._sets[split].name.replace('/', '_')}.{self._codes(split)[pair]}.docid"
        if files is None or name not in files.names:
            return {}
        return {number: line.strip() for number, line in enumerate(files.lines(name)) if line.strip()}

    def _sides(self, pair: Pair, split: Split) -> Sequence[tuple[Side, Side]]:
        code = self._codes(split).get(pair)
        files = self._cache(split)
        if code is None or files is None:
            return []
        test_set = self._sets[split]
        stem = f"{test_set.name.replace('/', '_')}.{code}"
        direction = test_set.langpairs[code]
        # a direction may override which of the labelled references is the set's
        labels = direction.get("refs") if isinstance(direction, dict) else None
        preferred = [
            f"{stem}.ref-{label}" if label else f"{stem}.ref" for label in labels or test_set.kwargs.get("refs", ())
        ]
        others = sorted(name for name in files.names if name.startswith(f"{stem}.ref"))
        references = [name for name in (*preferred, *others) if name in files.names]
        if f"{stem}.src" not in files.names or not references:
            return []
        return [((files, f"{stem}.src"), (files, references[0]))]

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
