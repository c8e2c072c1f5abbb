"""BOUQuET: paragraphs written in eight languages but English, and translated into many (Omnilingual MT Team, 2025).

Layout: the card of https://huggingface.co/datasets/facebook/bouquet (whose terms are to be accepted there), as of
November 2026: ``data/sentence_level/test/deu_Latn.parquet`` and so on, for `dev` and `test` and also at
``paragraph_level``, with `level`, `split`, `uniq_id`, `src_lang`, `src_text`, `tgt_lang` and `tgt_text` (English),
`orig_text`, `domain`, `register`, `tags`, `par_id`, `sent_id` and others. What is in ``benchmark_data`` is the same
text, pair by pair, and is not read.
Paper: https://arxiv.org/abs/2502.04314.

No column names the language that a paragraph was written in, but `orig_text` is what was written: it is the language
whose own text is `orig_text` in most sentences of the paragraph, if there is one such language.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, ClassVar, Literal

from pydantic import Field

from dragoman.corpora.readers.name_patterns import language_of
from dragoman.corpora.readers.parquet_rows import parquet_rows
from dragoman.corpora.readers.test_sets import ENGLISH, Numbered, Row, TestSet, TestSetOptions, by_language
from dragoman.errors import CorpusError
from dragoman.segment import Split
from dragoman.spec.corpus import CorpusOptions

HUB_NAME = "facebook/bouquet"
"""Its place on the Hugging Face hub, where its terms must be accepted once and a token be set (`HF_TOKEN`)."""

# the code may end in one of Glottolog's, for a variety: por_Latn_braz1246
_FILE = r"(?:.*/)?{level}_level/(dev|test)/([a-z]{{3}}_[A-Z][a-z]{{3}})(?:_[a-z0-9]{{4}}\d{{4}})?\.parquet"

_COLUMNS = ("uniq_id", "src_lang", "src_text", "tgt_text")
_FURTHER = ("orig_text", "par_id", "level", "domain", "register")
_LABELS = ("domain", "register", "level")


class BouquetOptions(TestSetOptions):
    """Options of BOUQuET: which copy is read, and by sentences or paragraphs."""

    path: str = Field(default=HUB_NAME, min_length=1)
    """A local copy (or any URL fsspec opens), or the name on the hub."""
    references: int = Field(default=1, ge=1, le=1)
    """It has one reference of each line."""
    level: Literal["sentence", "paragraph"] = "sentence"
    """What a line is; the line breaks of a paragraph are read as spaces."""


class Bouquet(TestSet):
    """A copy with ``data/sentence_level/test/deu_Latn.parquet`` and so on."""

    Options: ClassVar[type[CorpusOptions]] = BouquetOptions
    title: ClassVar[str] = "BOUQuET"
    splits: ClassVar[tuple[Split, ...]] = (Split.DEV, Split.TEST)
    example: ClassVar[str] = "data/sentence_level/test/eng_Latn.parquet"
    licence: ClassVar[str | None] = "the terms on its page of the Hugging Face hub"
    # the conditions that are accepted at HUB_NAME are headed "Protecting the integrity of BOUQuET for evaluation"
    against_republishing: ClassVar[str | None] = (
        "BOUQuET is given out on conditions that protect its integrity for evaluation: read them before its text is "
        "put where web crawlers could pick it up."
    )
    called: ClassVar[str] = "uniq_id"
    fetched: ClassVar[str | None] = "data/*.parquet"

    def __init__(self, options: CorpusOptions) -> None:
        level = BouquetOptions.model_validate(options.model_dump()).level
        self._file = re.compile(_FILE.format(level=level))
        self._as_written = cache(self._find_as_written)
        super().__init__(options)

    def _found(self) -> Mapping[tuple[Split, str], str]:
        def key(name: str) -> tuple[Split, str] | None:
            match = self._file.fullmatch(name)
            tag = match and language_of(match[2])
            return (Split(match[1]), tag) if match and tag else None

        return by_language(self._files.names, key)

    def _row_labels(self, split: Split, row: Row) -> tuple[tuple[str, str], ...]:
        original = self._as_written(split).get(row.document or row.id)
        return (*row.labels, ("original", original)) if original else row.labels

    def _find_as_written(self, split: Split) -> Mapping[str, str]:
        """The language that each paragraph was written in, as far as it can be told."""
        votes: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for (of, tag), name in self._names.items():
            if of == split and tag != ENGLISH:
                for _, record in self._records(name):
                    if (written := _text(record, "orig_text")) and written == _text(record, "src_text"):
                        votes[_text(record, "par_id") or _text(record, "uniq_id")][tag] += 1
        ranked = {paragraph: of.most_common(2) for paragraph, of in votes.items()}
        return {key: best[0][0] for key, best in ranked.items() if len(best) == 1 or best[0][1] > best[1][1]}

    def _records(self, name: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
        rows = parquet_rows(self._files, name, _COLUMNS, _FURTHER)
        return enumerate(rows, 1)

    def _rows(self, name: str) -> Iterator[Numbered]:
        place = self._files.place(name)
        code = "_".join(name.rpartition("/")[2].removesuffix(".parquet").split("_")[:2])
        for number, record in self._records(name):
            identity, language = _text(record, "uniq_id"), _text(record, "src_lang")
            if not identity:
                raise CorpusError(f"{place}, line {number}, has no uniq_id: fetch the file again.")
            if not language.startswith(code):  # with the variety, or without
                raise CorpusError(
                    f"{place}, line {number}, is of {language}: it is another language's file under this name; "
                    "fetch it again."
                )
            yield (
                number,
                Row(
                    id=identity,
                    texts=(_text(record, "src_text"),),
                    english=_text(record, "tgt_text"),
                    document=_text(record, "par_id") or None,
                    labels=tuple((label, value) for label in _LABELS if (value := _text(record, label))),
                ),
            )


def _text(record: Mapping[str, Any], column: str) -> str:
    value = record.get(column)
    return "" if value is None else str(value).strip()
