"""FLORES-101 and FLORES-200: the same Wikipedia sentences in every language, one file a language and split."""

import re
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, cached_property, lru_cache
from typing import ClassVar

import langcodes

from dragoman.corpora.readers.files import Files
from dragoman.corpora.readers.name_patterns import PACKED, beside, its_own, language_of
from dragoman.corpora.readers.parallel_files import PathOptions, Side, SideBySide
from dragoman.errors import CorpusError
from dragoman.identity import hash_lines
from dragoman.pair import Pair
from dragoman.reading import refused_as, within
from dragoman.segment import Split
from dragoman.spec.corpus import CorpusOptions

FOLDERS = {Split.DEV: "dev", Split.TEST: "devtest"}
"""The split as the files name it (997 and 1012 sentences); the original test split is not public."""

LABELS = ("domain", "topic")
"""What its metadata say of a line besides the article it is from."""

CACHED_SIDES = 256
"""Sides kept in memory: all languages of one split, since a grid reads each once for every other language."""


class Flores(SideBySide):
    """A folder with ``{dev,devtest}/<code>.{dev,devtest}``; a subclass defines what its codes look like."""

    reversible: ClassVar[bool] = True
    multiparallel: ClassVar[bool] = True
    licence: ClassVar[str] = "CC BY-SA 4.0"
    code: ClassVar[str]
    """Regular expression of a language code in file names, in one group."""
    ending: ClassVar[str] = r"\.{folder}" + PACKED
    """Regular expression of what follows it."""
    example: ClassVar[str]
    """A file every copy has."""

    def __init__(self, options: CorpusOptions) -> None:
        path = PathOptions.model_validate(options.model_dump()).path
        self._files = Files("corpus.path", path, f"the folder that holds {self.example}")
        self._names = self._find()
        self._files.require(self._names, f"file such as {self.example}")
        self._lines_of = lru_cache(CACHED_SIDES)(self._side)
        self._metadata = cache(self._find_metadata)
        self._hashes: dict[tuple[str, int | None], tuple[int, str]] = {}

    @cached_property
    def revision(self) -> str:
        """The hash of every file of the layout."""
        return self._files.revision(self._names.values())

    def files_of(self, pair: Pair, split: Split) -> Sequence[Side]:
        """Those of both languages."""
        return [(self._files, self._names[split, tag]) for tag in pair]

    def name_of(self, split: Split) -> str:
        """Nothing but its kind."""
        return ""

    def content(self, pair: Pair, split: Split, sentences: int | None) -> str:
        """The hash of both sides' lines, each side read once for all its pairs."""
        self.require(pair, split)
        (lines, source), (others, target) = (self._hash(self._names[split, tag], sentences) for tag in pair)
        if lines != others:
            deque(self.segments(pair, split), maxlen=0)  # marks where each side ends
        return hash_lines([source, target])

    def _hash(self, name: str, sentences: int | None) -> tuple[int, str]:
        if (name, sentences) not in self._hashes:
            lines = self._lines_of(name)
            self._hashes[name, sentences] = len(lines), hash_lines(line.strip() for line in lines[:sentences])
        return self._hashes[name, sentences]

    def _documents(self, pair: Pair, split: Split) -> Mapping[int, str]:
        return self._metadata(self._names[split, pair.source]).get("url", {})

    def _labels(self, pair: Pair, split: Split) -> Mapping[str, Mapping[int, str]]:
        known = self._metadata(self._names[split, pair.source])
        return {name: known[name] for name in LABELS if name in known}

    def _find_metadata(self, name: str) -> Mapping[str, Mapping[int, str]]:
        """The article, domain and topic of each line of a file, of the metadata beside its folder."""
        above, folder, _ = f"/{name}".rsplit("/", 2)
        metadata = f"{above}/metadata_{folder}.tsv".removeprefix("/")
        if metadata not in self._files.names:
            return {}
        header, *rows = (line.rstrip("\r\n").split("\t") for line in self._files.lines(metadata))
        if len(rows) != len(self._lines_of(name)):
            return {}
        places = {column.casefold(): place for place, column in enumerate(header)}
        return {
            name: {number: row[places[name]] for number, row in enumerate(rows) if any(row[places[name] :][:1])}
            for name in ("url", *LABELS)
            if name in places
        }

    def _sides(self, pair: Pair, split: Split) -> Sequence[tuple[Side, Side]]:
        source, target = (self._names.get((split, tag)) for tag in pair)
        return [((self._files, source), (self._files, target))] if source and target else []

    def _reason(self, pair: Pair, split: Split) -> str:
        if split not in FOLDERS:
            return "FLORES has dev and devtest, but no training text"
        lacking = [tag for tag in pair if (split, tag) not in self._names]
        instead = beside(lacking, self._tags[split])
        return f"{self._files.url} has no {FOLDERS[split]} file for {' and '.join(lacking)}{instead}"

    @cached_property
    def _tags(self) -> dict[Split, set[str]]:
        return {split: {tag for other, tag in self._names if other == split} for split in FOLDERS}

    def _lines(self, side: Side) -> Sequence[str]:
        return self._lines_of(side[1])

    def _find(self) -> dict[tuple[Split, str], str]:
        found: defaultdict[tuple[Split, str], list[tuple[str, str]]] = defaultdict(list)
        for split, folder in FOLDERS.items():
            layout = re.compile(rf"(?:.*/)?{folder}/{self.code}{self.ending.format(folder=folder)}")
            for name in self._files.names:
                if (match := layout.fullmatch(name)) and (tag := self._tag(match[1])):
                    found[split, tag].append((match[1], name))
        return {key: _of_its_own_code(key[1], files) for key, files in found.items()}

    def _tag(self, code: str) -> str | None:
        return language_of(code)

    def _side(self, name: str) -> tuple[str, ...]:
        with refused_as(CorpusError):
            return tuple(within(self._read(name), len, self._files.place(name)))

    def _read(self, name: str) -> Iterator[str]:
        return self._files.lines(name)


class Flores101(Flores):
    """FLORES-101: ISO 639-3 codes, with the script only for Chinese."""

    code: ClassVar[str] = r"([a-z]{3}(?:_simpl|_trad)?)"
    example: ClassVar[str] = "dev/eng.dev"

    def _tag(self, code: str) -> str | None:
        # its two names for a script, which are in no standard
        return language_of(code.replace("_simpl", "_Hans").replace("_trad", "_Hant"))


class Flores200(Flores):
    """FLORES-200: ISO 639-3 codes with a script, such as ``zho_Hans``."""

    code: ClassVar[str] = r"([a-z]{3}_[A-Z][a-z]{3})"
    example: ClassVar[str] = "dev/eng_Latn.dev"


def _of_its_own_code(tag: str, files: list[tuple[str, str]]) -> str:
    """The file of a tag: where several codes fold into one (``aka`` and ``twi``), the tag's own ISO 639-3 code's."""
    own = langcodes.Language.get(tag).to_alpha3()
    kept = its_own({file: [(file[0], tag)] for file in files})
    return min(kept, key=lambda file: (not file[0].startswith(own), file))[1]
