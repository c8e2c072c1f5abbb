"""NTREX-128: the English news of WMT19 in 128 languages (Federmann et al., 2022).

Layout: https://github.com/MicrosoftTranslator/NTREX at commit 8561f6a (29 February 2024): 1,997 lines each in
``NTREX-128/newstest2019-src.eng.txt`` and ``newstest2019-ref.deu.txt`` and so on, the latter with Windows line breaks;
a second Spanish reference in ``newstest2019-ref-2.spa.txt``; the document of each line in ``DOCUMENT_IDS.tsv``. What is
in ``NTREX-additional`` is not read: its codes name dialects (`gsw-BE`, of Bern) as if they were regions.
Licence: CC BY-SA 4.0. Paper: https://aclanthology.org/2022.sumeval-1.4.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import zip_longest
from typing import ClassVar

from dragoman.corpora.readers.name_patterns import PACKED, language_of
from dragoman.corpora.readers.parallel_files import Side
from dragoman.corpora.readers.test_sets import ENGLISH, Numbered, Row, TestSet, by_language
from dragoman.corpora.readers.tsv_lines import check_end
from dragoman.errors import CorpusError
from dragoman.pair import Pair
from dragoman.segment import Split

_FILE = re.compile(r"(?:(?:.*/)?NTREX-128/)?newstest2019-(src|ref)\.([a-z]{3}(?:-[A-Za-z]{2,4})?)\.txt" + PACKED)
_FURTHER = re.compile(r"(?:(?:.*/)?NTREX-128/)?newstest2019-ref-(\d+)\.([a-z]{3}(?:-[A-Za-z]{2,4})?)\.txt" + PACKED)

_TEXTS = {"por": "pt-PT", "mey": "mey-Arab", "shi": "shi-Arab"}
"""Its codes whose text is not what the code alone stands for: `por` is European beside `por-BR`, and Hassaniyya and
Shilha are in Arabic script."""

DOCUMENTS = "DOCUMENT_IDS.tsv"
"""The document of each line, a line each, beside the folder of the texts."""


class Ntrex(TestSet):
    """A clone with ``NTREX-128/newstest2019-src.eng.txt`` and ``NTREX-128/newstest2019-ref.deu.txt`` and so on."""

    title: ClassVar[str] = "NTREX-128"
    example: ClassVar[str] = "NTREX-128/newstest2019-src.eng.txt"
    licence: ClassVar[str | None] = "CC BY-SA 4.0"
    called: ClassVar[str] = "line"
    with_english: ClassVar[bool] = False

    def files_of(self, pair: Pair, split: Split) -> Sequence[Side]:
        """Those of both languages, and of the target's further references where they are read."""
        further = self._further.get(pair.target, ())[: self._options.references - 1]
        return [*super().files_of(pair, split), *((self._files, name) for name in further)]

    def _found(self) -> Mapping[tuple[Split, str], str]:
        def key(name: str) -> tuple[Split, str] | None:
            match = _FILE.fullmatch(name)
            # English as a target: of Britain and India; that of the United States is the source's own language
            if match is None or (match[1] == "src") != (_tag(match[2]) == ENGLISH):
                return None
            tag = _tag(match[2])
            return (Split.TEST, tag) if tag else None

        return by_language(self._files.names, key)

    @cached_property
    def _further(self) -> Mapping[str, Sequence[str]]:
        """The files of further references, by language."""
        found: dict[str, list[str]] = {}
        for name in sorted(self._files.names):
            if (match := _FURTHER.fullmatch(name)) and (tag := _tag(match[2])):
                found.setdefault(tag, []).append(name)
        return found

    @cached_property
    def _documents(self) -> Sequence[str]:
        """The document of each line; none where the copy has no such file."""
        above = min(self._names.values()).rpartition("NTREX-128/")[0]
        name = f"{above}{DOCUMENTS}"
        return [line.strip() for line in self._files.lines(name)] if name in self._files.names else []

    def _rows(self, name: str) -> Iterator[Numbered]:
        tag = next(tag for (_, tag), found in self._names.items() if found == name)
        further = self._further.get(tag, ())[: self._options.references - 1]
        documents, number = self._documents, 0
        for number, texts in enumerate(zip_longest(*map(self._lines, (name, *further))), 1):
            for one, text in zip((name, *further), texts, strict=True):
                if text is None:
                    raise self._short(one, number)
            if tag == ENGLISH and documents and number > len(documents):
                raise self._short(DOCUMENTS, number)
            document = documents[number - 1] if number <= len(documents) else None
            yield number, Row(str(number), tuple(map(str.strip, texts)), None, document, (("original", ENGLISH),))
        if tag == ENGLISH and number < len(documents):
            raise self._short(name, number + 1)

    def _short(self, name: str, number: int) -> CorpusError:
        return CorpusError(
            f"{self._files.url}/{name} ends before line {number}, which the files beside it have: it is cut off, or of "
            "another release; fetch it again."
        )

    def _lines(self, name: str) -> Iterator[str]:
        number, line = 0, "\n"
        for number, line in enumerate(self._files.lines(name), 1):  # noqa: B007 - the last ones are looked at
            yield line
        check_end(self._files, name, number, line)


def _tag(code: str) -> str | None:
    return _TEXTS.get(code) or language_of(code)
