"""WMT24++: the English texts of the WMT24 general task in 55 languages and dialects (Deutsch et al., 2025).

Layout: https://huggingface.co/datasets/google/wmt24pp, card and files as of November 2026: ``en-de_DE.jsonl`` and so
on, 998 objects each with `lp`, `domain`, `document_id`, `segment_id`, `is_bad_source`, `source`, `target` (the
post-edited reference) and `original_target` (what was post-edited; null throughout Icelandic). All files have the same
segments and sources. Licence: Apache 2.0. Paper: https://arxiv.org/abs/2502.12404.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from pydantic import Field

from dragoman.corpora.kinds.jsonl import records
from dragoman.corpora.readers.name_patterns import PACKED, language_of
from dragoman.corpora.readers.test_sets import ENGLISH, Numbered, Row, TestSet, TestSetOptions, by_language
from dragoman.errors import CorpusError
from dragoman.segment import Split
from dragoman.spec.corpus import CorpusOptions

HUB_NAME = "google/wmt24pp"
"""Its place on the Hugging Face hub."""

_FILE = re.compile(r"(?:.*/)?en-([a-z]{2,3}_[A-Z]{2})\.jsonl" + PACKED)

_DIALECTS = {"ar_EG": "arz"}
"""Its codes whose text is not what the code alone stands for: `ar_EG` is Egyptian Arabic, not the standard's."""

_TEXTS = ("lp", "domain", "document_id", "source", "target")


class Wmt24ppOptions(TestSetOptions):
    """Options of WMT24++: which copy is read, and how many references."""

    path: str = Field(default=HUB_NAME, min_length=1)
    """A local copy (or any URL fsspec opens), or the name on the hub."""
    references: int = Field(default=1, ge=1, le=2)
    """With 2, hypotheses are scored against the post-edited reference and the translation that was post-edited."""


class Wmt24pp(TestSet):
    """A copy with ``en-de_DE.jsonl`` and so on; the segments that it marks as bad sources are left out, as advised."""

    Options: ClassVar[type[CorpusOptions]] = Wmt24ppOptions
    title: ClassVar[str] = "WMT24++"
    example: ClassVar[str] = "en-de_DE.jsonl"
    licence: ClassVar[str | None] = "Apache 2.0"
    called: ClassVar[str] = "segment_id"
    fetched: ClassVar[str | None] = "en-*.jsonl"

    def _found(self) -> Mapping[tuple[Split, str], str]:
        def key(name: str) -> tuple[Split, str] | None:
            match = _FILE.fullmatch(name)
            tag = match and (_DIALECTS.get(match[1]) or language_of(match[1]))
            return (Split.TEST, tag) if tag else None

        return by_language(self._files.names, key)

    def _rows(self, name: str) -> Iterator[Numbered]:
        pair = name.rpartition("/")[2].partition(".")[0]
        for line, record in records(self._files, name):
            segment, is_bad = record.get("segment_id"), record.get("is_bad_source")
            if not isinstance(segment, int) or not isinstance(is_bad, bool):
                raise self._wrong(name, line, "segment_id" if not isinstance(segment, int) else "is_bad_source")
            if unfit := next((key for key in _TEXTS if not isinstance(record.get(key), str)), None):
                raise self._wrong(name, line, unfit)
            if record["lp"] != pair:
                raise CorpusError(
                    f"{self._files.place(name)}, line {line}, is of {record['lp']}: it is another pair's file under "
                    "this name; fetch it again."
                )
            if not is_bad:
                yield line, _row(record)

    def _wrong(self, name: str, line: int, key: str) -> CorpusError:
        return CorpusError(
            f"{self._files.place(name)}, line {line}, has no '{key}' such as WMT24++ has it: fetch the file again."
        )


def _row(record: Mapping[str, Any]) -> Row:
    original = record.get("original_target")
    further = (original.strip(),) if isinstance(original, str) else ()
    return Row(
        id=str(record["segment_id"]),
        texts=(record["target"].strip(), *further),
        english=record["source"].strip(),
        document=record["document_id"],
        labels=(("domain", record["domain"]), ("original", ENGLISH)),
    )
