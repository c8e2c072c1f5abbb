"""TICO-19: English texts about COVID-19 in 36 languages (Anastasopoulos et al., 2020).

Layout: ``tico19-testset.zip`` of https://tico-19.github.io (repository at commit d97615f, February 2021), and
https://huggingface.co/datasets/gmnlp/tico19 with the same files, both as of November 2026: ``dev/dev.en-fr.tsv`` (971
lines) and ``test/test.en-fr.tsv`` (2,100), with a first line that names the columns `sourceLang`, `targetLang`,
`sourceString`, `targetString`, `stringID`, `url`, `license` and `translator_ID` (in some `translator_id`). In some
files cells with a double quote are in double quotes, as spreadsheets write them, and in others they are bare. A
`stringID` is ``Wikinews_2:1101``: of a kind of text, a document of it, and a line. The English differs between files in
up to 151 lines of 3,071, in spaces and signs; each pair with English has that of its own file. Licence: CC0.
Paper: https://aclanthology.org/2020.nlpcovid19-2.5.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from pydantic import Field

from dragoman.corpora.readers.name_patterns import PACKED, language_of
from dragoman.corpora.readers.test_sets import ENGLISH, Numbered, Row, TestSet, TestSetOptions, by_language
from dragoman.errors import CorpusError, nearest
from dragoman.reading import within
from dragoman.segment import Split
from dragoman.spec.corpus import CorpusOptions

HUB_NAME = "gmnlp/tico19"
"""Its place on the Hugging Face hub."""

_FILE = re.compile(r"(?:.*/)?(dev|test)\.en-([A-Za-z0-9_-]+)\.tsv" + PACKED)
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_STRING_ID = re.compile(r"(.+?)(?:_\d+)?(?::\d+)?")

_VARIETIES = {"es-LA": "es-419"}
"""Its codes that mean something else in BCP-47: Latin American Spanish, not that of Laos."""

_COLUMNS = ("sourceString", "targetString", "stringID")


class Tico19Options(TestSetOptions):
    """Options of TICO-19: which copy is read."""

    path: str = Field(default=HUB_NAME, min_length=1)
    """The zip or its folder (or any URL fsspec opens), or the name on the hub."""
    references: int = Field(default=1, ge=1, le=1)
    """It has one reference of each line."""


class Tico19(TestSet):
    """A copy with ``dev/dev.en-fr.tsv``, ``test/test.en-fr.tsv`` and so on; the domain is the kind of text."""

    Options: ClassVar[type[CorpusOptions]] = Tico19Options
    title: ClassVar[str] = "TICO-19"
    splits: ClassVar[tuple[Split, ...]] = (Split.DEV, Split.TEST)
    example: ClassVar[str] = "test/test.en-fr.tsv"
    licence: ClassVar[str | None] = "CC0"
    called: ClassVar[str] = "stringID"
    fetched: ClassVar[str | None] = "*.tsv"

    def _found(self) -> Mapping[tuple[Split, str], str]:
        def key(name: str) -> tuple[Split, str] | None:
            match = _FILE.fullmatch(name)
            tag = match and (_VARIETIES.get(match[2]) or language_of(match[2]))
            return (Split(match[1]), tag) if match and tag else None

        return by_language(self._files.names, key)

    def _rows(self, name: str) -> Iterator[Numbered]:
        place = self._files.place(name)
        lines = [line.rstrip("\r\n").split("\t") for line in within(self._files.lines(name), len, place)]
        if not lines:
            return
        header = lines[0]
        if lacking := next((column for column in _COLUMNS if column not in header), None):
            raise CorpusError(f"{place}, line 1, names no column {lacking}; {nearest(lacking, header)}")
        english, text, key = (header.index(column) for column in _COLUMNS)
        is_quoted = _is_quoted(lines)
        for number, cells in enumerate(lines[1:], 2):
            if len(cells) != len(header):
                raise CorpusError(
                    f"{place}, line {number}, has {len(cells)} columns where the first has {len(header)}: fetch the "
                    "file again."
                )
            if is_quoted:
                cells = [cell[1:-1].replace('""', '"') if _QUOTED.fullmatch(cell) else cell for cell in cells]
            identity = cells[key].strip()
            kind = _STRING_ID.fullmatch(identity)
            if kind is None:
                raise CorpusError(f"{place}, line {number}, has no stringID: fetch the file again.")
            yield (
                number,
                Row(
                    id=identity,
                    texts=(cells[text].strip(),),
                    english=cells[english].strip(),
                    document=identity.partition(":")[0],
                    labels=(("domain", kind[1]), ("original", ENGLISH)),
                ),
            )


def _is_quoted(lines: Sequence[Sequence[str]]) -> bool:
    """Whether cells with a double quote are in double quotes, those within doubled: all, and one that shows it."""
    cells = [cell for line in lines for cell in line if '"' in cell]
    return all(map(_QUOTED.fullmatch, cells)) and any('""' in cell[1:-1] for cell in cells)
