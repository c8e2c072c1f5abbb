"""FLORES+: FLORES-200 as the Open Language Data Initiative keeps it up, with corrected texts and more languages."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import partial
from itertools import islice
from typing import Any, ClassVar

from pydantic import Field

from dragoman.corpora.kinds.flores import LABELS, Flores
from dragoman.corpora.readers.hub import local_copy
from dragoman.corpora.readers.parallel_files import PathOptions, Side
from dragoman.corpora.readers.parquet_rows import parquet_rows
from dragoman.errors import CorpusError
from dragoman.identity import hash_lines
from dragoman.line import half_character, in_one_line
from dragoman.pair import Pair
from dragoman.reading import ReadingError, parse_json_line, within
from dragoman.segment import Split
from dragoman.spec.corpus import CorpusOptions

MOST_SENTENCES = 1_000_000
"""Sentences that a file may have; FLORES+ has some thousand."""

HUB_NAME = "openlanguagedata/flores_plus"
"""Its place on the Hugging Face hub, where its terms must be accepted once and a token be set (`HF_TOKEN`)."""


class FloresPlusOptions(CorpusOptions):
    """Options of FLORES+: which copy is read."""

    path: str = Field(default=HUB_NAME, min_length=1)
    """A local copy (or any URL fsspec opens), or the name on the hub."""
    revision: str | None = None
    """Commit or tag on the hub, needed there: releases change texts, and so scores."""


class FloresPlus(Flores):
    """A copy with ``{dev,devtest}/<code>.parquet`` or ``.jsonl``; sentences are aligned by their `id`."""

    Options: ClassVar[type[CorpusOptions]] = FloresPlusOptions
    # the conditions that are accepted at HUB_NAME
    against_republishing: ClassVar[str] = (
        "Who takes FLORES+ agrees not to put it where web crawlers could pick it up, so that models are not trained on "
        "it."
    )
    # the code may end in one of Glottolog's, for a variety: por_Latn_braz1246
    code: ClassVar[str] = r"([a-z]{3}_[A-Z][a-z]{3})(?:_[a-z0-9]{4}\d{4})?"
    ending: ClassVar[str] = r"\.(?:parquet|jsonl)"
    example: ClassVar[str] = "dev/eng_Latn.parquet"

    def __init__(self, options: CorpusOptions) -> None:
        chosen = FloresPlusOptions.model_validate(options.model_dump())
        self._firsts: dict[str, int] = {}
        self._broken: dict[str, Set[int]] = {}
        super().__init__(PathOptions(path=local_copy(chosen.path, chosen.revision)))

    def line_breaks(self, pair: Pair, split: Split, sentences: int | None) -> int:
        """Segments with a line break on either side, among the first so many ids."""
        names = [name for tag in pair if (name := self._names.get((split, tag))) in self._broken]
        broken = set().union(*(self._broken[name] for name in names))
        first = min((self._firsts[name] for name in names), default=0)
        return sum(sentences is None or number - first < sentences for number in broken)

    def content(self, pair: Pair, split: Split, sentences: int | None) -> str:
        """The hash of both sides' lines, with an empty one for each id that only the other has."""
        self.require(pair, split)
        sides = [(self._files, self._names[split, tag]) for tag in pair]
        if len({self._ids(side) for side in sides}) == 1:
            return super().content(pair, split, sentences)
        _, *both = self._aligned(*sides)
        return hash_lines(hash_lines(line.strip() for line in islice(lines, sentences)) for lines in both)

    def _ids(self, side: Side) -> range:
        """The ids of a side's lines."""
        lines = self._lines(side)
        return range(self._firsts[side[1]], self._firsts[side[1]] + len(lines))

    def _aligned(self, source: Side, target: Side) -> tuple[int, Iterable[str], Iterable[str]]:
        # ids that a language lacks at either end become empty lines too
        both = self._ids(source), self._ids(target)
        first, end = min(ids.start for ids in both), max(ids.stop for ids in both)
        left, right = (
            lines
            if (ids.start, ids.stop) == (first, end)
            else ("\n",) * (ids.start - first) + tuple(lines) + ("\n",) * (end - ids.stop)
            for ids, lines in zip(both, (self._lines(source), self._lines(target)), strict=True)
        )
        return first, left, right

    def _documents(self, pair: Pair, split: Split) -> Mapping[int, str]:
        source, target = (self._metadata(self._names[split, tag]).get("url", {}) for tag in pair)
        return {**target, **source}

    def _labels(self, pair: Pair, split: Split) -> Mapping[str, Mapping[int, str]]:
        source, target = (self._metadata(self._names[split, tag]) for tag in pair)
        found = {name: {**target.get(name, {}), **source.get(name, {})} for name in LABELS}
        return {name: values for name, values in found.items() if values}

    def _find_metadata(self, name: str) -> Mapping[str, Mapping[int, str]]:
        found: dict[str, dict[int, str]] = {}
        for column in ("url", *LABELS):
            try:
                rows = self._rows(name, ("id", column))
                found[column] = {int(row["id"]): str(row[column]) for row in rows if row.get(column)}
            except CorpusError:  # an older copy without that column
                continue
        return found

    def _read(self, name: str) -> Iterator[str]:
        # ids that a language lacks become empty lines, so that line n is the same sentence in all
        rows = within(self._sound_rows(name), lambda row: len(str(row["text"])), self._files.place(name))
        sentences = {int(row["id"]): str(row["text"] or "").strip() for row in rows}
        first = self._firsts[name] = min(sentences, default=0)
        if max(sentences, default=0) - first > MOST_SENTENCES:
            raise CorpusError(
                f"{self._files.place(name)} has ids that are more than {MOST_SENTENCES:,} apart: fetch it again."
            )
        self._broken[name] = {number for number, text in sentences.items() if "\n" in text}
        for number in range(first, max(sentences, default=-1) + 1):
            yield in_one_line(sentences.get(number, "")) + "\n"

    def _sound_rows(self, name: str) -> Iterator[Mapping[str, Any]]:
        for number, row in enumerate(self._rows(name, ("id", "text")), 1):
            if half := half_character(str(row["text"])):
                raise CorpusError(
                    f"{self._files.place(name)}, line {number}, holds half a character ({half}): mend the line."
                )
            yield row

    def _line(self, name: str, number: int) -> str:
        return f"{self._files.place(name)}, line {number},"

    def _rows(self, name: str, columns: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        if name.endswith(".parquet"):
            yield from parquet_rows(self._files, name, columns)
            return
        try:
            for number, line in enumerate(self._files.lines(name), 1):
                yield parse_json_line(line, partial(self._line, name, number))
        except ReadingError:
            raise
        except ValueError as error:  # json's errors are among them
            raise CorpusError(f"{self._files.place(name)} is damaged ({error}): fetch it again.") from error
