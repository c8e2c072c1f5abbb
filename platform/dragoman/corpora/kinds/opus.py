"""OPUS: Moses downloads (a zip or its files), and the OPUS-100 collection."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import ClassVar

from dragoman.corpora.readers.files import Files
from dragoman.corpora.readers.name_patterns import PACKED, SPLITS, beside_pair, its_own, language_of, partners_in
from dragoman.corpora.readers.parallel_files import PathOptions, Side, SideBySide
from dragoman.pair import Pair
from dragoman.segment import Split
from dragoman.spec.corpus import CorpusOptions

Bitext = dict[str, Side]
"""The two sides of one bitext, by language."""


class Opus(SideBySide):
    """Files named by corpus, pair and language; both directions are read from the same two files."""

    reversible: ClassVar[bool] = True
    layout: ClassVar[str]
    """Regular expression of a file's path, with the groups pair, code and split."""
    example: ClassVar[str]
    """A file of the layout."""

    def __init__(self, options: CorpusOptions) -> None:
        path = PathOptions.model_validate(options.model_dump()).path
        self._files = Files("corpus.path", path, f"the folder or zip that holds files such as {self.example}")
        self._read: set[str] = set()
        self._bitexts = self._find()
        self._files.require(self._bitexts, f"two sides such as {self.example}")

    @cached_property
    def revision(self) -> str:
        """The hash of every file of the layout."""
        return self._files.revision(self._read)

    def files_of(self, pair: Pair, split: Split) -> Sequence[Side]:
        """Both sides of every bitext of the pair."""
        return [side for sides in self._sides(pair, split) for side in sides]

    def name_of(self, split: Split) -> str:
        """Nothing but its kind."""
        return ""

    def _sides(self, pair: Pair, split: Split) -> Sequence[tuple[Side, Side]]:
        bitexts = self._bitexts.get((split, frozenset(pair)), [])
        return [(bitext[pair.source], bitext[pair.target]) for bitext in bitexts]

    def _reason(self, pair: Pair, split: Split) -> str:
        others = sorted({other for other, languages in self._bitexts if languages == frozenset(pair)})
        if others:
            return f"{self._files.url} has {' and '.join(others)} text for it, but no {split}"
        return f"{self._files.url} has no {' and '.join(sorted(pair))} bitext{beside_pair(pair, self._partners)}"

    def _places(self) -> Iterator[tuple[Files, str | None]]:
        """The files to search: the files themselves, and those in zips among them, with the zip's name."""
        yield self._files, None

    @cached_property
    def _partners(self) -> dict[str, set[str]]:
        return partners_in(languages for _, languages in self._bitexts)

    def _find(self) -> dict[tuple[Split, frozenset[str]], list[Bitext]]:
        found: defaultdict[tuple[str, str], Bitext] = defaultdict(dict)
        codes: defaultdict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
        splits: dict[tuple[str, str], Split] = {}
        for files, outer in self._places():
            for name in files.names:
                match = re.fullmatch(self.layout, name)
                if match is None or match["code"] not in _two(match["pair"], match["code"]):
                    continue
                stem = (files.url, name[: match.start("code")])
                if tag := language_of(match["code"]):
                    found[stem][tag] = (files, name)
                    codes[stem].append((match["code"], tag))
                    splits[stem] = SPLITS[match["split"] or "train"]
                    self._read.add(outer or name)
        bitexts: defaultdict[tuple[Split, frozenset[str]], list[tuple[str, str]]] = defaultdict(list)
        for stem, bitext in sorted(found.items()):
            if len(bitext) == 2:
                bitexts[splits[stem], frozenset(bitext)].append(stem)
        return {
            key: [found[stem] for stem in its_own({stem: codes[stem] for stem in stems})]
            for key, stems in bitexts.items()
        }


class OpusMoses(Opus):
    """Moses downloads: ``Corpus.en-tr.en`` and ``Corpus.en-tr.tr``, unpacked or in the zips they come in.

    Several corpora of one pair are read one after the other, in the order of their names. A name with a split before
    the pair (``test.de-en.de``) belongs to that split, all others are training text.
    """

    layout: ClassVar[str] = (
        rf"(?:.*/)?(?:[^/]*?[._-])??(?:(?P<split>{'|'.join(SPLITS)})[._-])?(?P<pair>[^./]+-[^./]+)\.(?P<code>[^./]+){PACKED}"
    )
    example: ClassVar[str] = "WikiMatrix.en-tr.en and WikiMatrix.en-tr.tr"

    def _places(self) -> Iterator[tuple[Files, str | None]]:
        yield self._files, None
        for name in self._files.names:
            if name.endswith(".zip"):
                yield self._files.inner(name), name


class Opus100(Opus):
    """OPUS-100: ``supervised/en-fr/opus.en-fr-{train,dev,test}.{en,fr}``, and ``zero-shot`` with test only."""

    layout: ClassVar[str] = (
        rf"(?:.*/)?opus\.(?P<pair>[^./]+-[^./-]+)-(?P<split>train|dev|test)\.(?P<code>[^./]+){PACKED}"
    )
    example: ClassVar[str] = "supervised/en-fr/opus.en-fr-train.en and opus.en-fr-train.fr"


def _two(pair: str, code: str) -> tuple[str, ...]:
    """The two codes of ``en-fr``, one of which may hold a hyphen, given one of them."""
    if pair.startswith(f"{code}-"):
        return code, pair[len(code) + 1 :]
    return (pair[: -len(code) - 1], code) if pair.endswith(f"-{code}") else ()
