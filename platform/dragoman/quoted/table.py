"""Tables of quoted scores: a row for each score, a row for each pair, or a matrix of sources and targets."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from dragoman.corpora.readers.files import Files
from dragoman.errors import DragomanError, nearest
from dragoman.metrics.lookup import metric_class
from dragoman.pair import Pair
from dragoman.plugins import available
from dragoman.quoted.layout import Column, Layout, layout_of, metric_called
from dragoman.spec.quoted import QuotedScores, TableFormat
from dragoman.translations.opening import form_of
from dragoman.translations.rows import Row, names_of, rows_of

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_NO_SCORE = ("", "-", "–", "—")
"""What stands in a matrix, or in a metric's column, where there is no score."""

_PERCENT = 100
"""The greatest score of metrics that are in percent."""

TABLES: tuple[TableFormat, ...] = ("tsv", "csv", "jsonl", "parquet")
"""The forms of tables."""


class QuotedScoreError(DragomanError):
    """A table of scores that can't be read, or does not fit a grid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedScore:
    """A score as its source has it."""

    number: int
    """The line of the file, or the row of a Parquet table, from 1."""
    pair: Pair
    """The direction."""
    metric: str
    """Name of the metric."""
    value: float
    """The score."""
    low: float | None = None
    """Lower end of its interval, where the source gives one."""
    high: float | None = None
    """Upper end of it."""
    sentences: int | None = None
    """How many sentences it is of, where the source says so."""


class ScoreTable(NamedTuple):
    """A table that was read."""

    place: str
    """Its name, for people."""
    unit: str
    """What its scores are numbered by."""
    scores: list[QuotedScore]
    """Its scores of the grid's pairs, in its order."""


def read_scores(key: str, choice: QuotedScores, *, pairs: Collection[Pair], languages: Collection[str]) -> ScoreTable:
    """Read the scores of a table, and hold them to the grid's pairs and to the metrics' ranges.

    Args:
        key: where the table was named, for errors.
        choice: the table.
        pairs: the grid's pairs.
        languages: its languages.

    Raises:
        QuotedScoreError: a row is of another pair or metric, has no number, or one out of range, or is there twice; the
            sentence names the line.
        DragomanError: there is no such file, or it is damaged.
    """
    path = choice.placed(choice.path)
    form = choice.format or form_of(path)
    if form not in TABLES:
        raise QuotedScoreError(f"{key} is '{path}': nothing tells what table it is; add its format, {_one_of(TABLES)}.")
    files = Files(key, path, "the path of a table of scores")
    if len(files.names) != 1:
        raise QuotedScoreError(f"{key} is '{files.url}': it is a folder; give the path of a table of scores.")
    return _Reader(files, form, choice, pairs, languages).read()


class _Reader:
    """Reads one table."""

    def __init__(
        self, files: Files, form: Any, choice: QuotedScores, pairs: Collection[Pair], languages: Collection[str]
    ) -> None:
        self._files, self._form, self._choice, self._languages = files, form, choice, languages
        self._name = next(iter(files.names))
        self._file = files.place(self._name)
        self._unit = "row" if form == "parquet" else "line"
        self._pairs = {str(pair): pair for pair in pairs}
        self._parsed = cache(self._parse)

    def read(self) -> ScoreTable:
        columns = self._choice.columns
        has_names = not columns or any(isinstance(column, str) for column in columns.values())
        names = names_of(self._files, self._name, self._form) if has_names else None
        layout = layout_of(self._file, names, self._choice, self._languages)
        found: dict[tuple[Pair, str], QuotedScore] = {}
        for number, row in rows_of(self._files, self._name, self._form, has_names):
            for score in self._scores(number, row, layout):
                before = found.setdefault((score.pair, score.metric), score)
                if before is not score:
                    raise QuotedScoreError(
                        f"{self._at(number)}: {score.metric} of {score.pair} is there already, in {self._unit} "
                        f"{before.number} ({before.value:g}, and here {score.value:g}); keep one of the two."
                    )
        if not found:
            raise QuotedScoreError(
                f"{self._file} has no score of a pair of the grid: give another table, or name its columns."
            )
        return ScoreTable(self._file, self._unit, self._scaled(list(found.values())))

    def _scores(self, number: int, row: Row, layout: Layout) -> Iterator[QuotedScore]:
        """The scores of a row, as they stand there."""
        if layout.source_of_matrix is not None:
            source = _text(row, layout.source_of_matrix)
            for column, name in layout.metrics.items():
                value = self._optional(number, row, column)
                if value is not None and (pair := self._pair(number, source, str(column))) is not None:
                    yield QuotedScore(number=number, pair=pair, metric=name, value=value)
            return
        pair = self._pair(number, *(_text(row, column) for column in layout.pair))
        if pair is None:
            return
        if layout.value is None:
            for column, name in layout.metrics.items():
                if (value := self._optional(number, row, column)) is not None:
                    yield QuotedScore(number=number, pair=pair, metric=name, value=value)
        elif (metric := self._metric(number, row, layout)) is not None:
            yield QuotedScore(
                number=number, pair=pair, metric=metric, value=self._number(number, row, layout.value),
                low=self._bound(number, row, layout.low), high=self._bound(number, row, layout.high),
                sentences=self._count(number, row, layout.sentences),
            )  # fmt: skip

    def _pair(self, number: int, *texts: str) -> Pair | None:
        """The pair of a row; None where it is none of the grid's, and such are passed over."""
        try:
            pair = self._parsed(*texts)
        except DragomanError as error:
            raise QuotedScoreError(f"{self._at(number)}: {error}") from error
        if str(pair) in self._pairs:
            return pair
        if self._choice.skip_other_pairs:
            return None
        raise QuotedScoreError(
            f"{self._at(number)}, is of {pair}, which is no pair of the grid: correct it, or have other pairs passed "
            "over (--skip-other-pairs; in a spec, skip_other_pairs: true)."
        )

    def _parse(self, source: str, target: str | None = None) -> Pair:
        if target is not None:
            return Pair.among(source, target, self._languages)
        return self._pairs[source] if source in self._pairs else Pair.parse(source)

    def _metric(self, number: int, row: Row, layout: Layout) -> str | None:
        """The metric of a row; None where only another is read."""
        if layout.metric is None:
            return self._choice.metric
        text = _text(row, layout.metric)
        metric = metric_called(text)
        if self._choice.metric is not None:
            return metric if metric == self._choice.metric else None
        if metric is None:
            raise QuotedScoreError(
                f"{self._at(number)}: '{text}' is no installed metric; {nearest(text, available('metrics'))} To read "
                "one metric alone, name it (--metric METRIC)."
            )
        return metric

    def _optional(self, number: int, row: Row, column: Column) -> float | None:
        """The number under a column; None where the source has none there."""
        value = _value(row, column)
        is_empty = value is None or (isinstance(value, str) and value.strip() in _NO_SCORE)
        return None if is_empty else self._number(number, row, column)

    def _bound(self, number: int, row: Row, column: Column | None) -> float | None:
        return None if column is None else self._optional(number, row, column)

    def _number(self, number: int, row: Row, column: Column) -> float:
        value = _value(row, column)
        text = str(value).strip() if isinstance(value, int | float | Decimal | str) and value is not True else ""
        if not _NUMBER.fullmatch(text) or isinstance(value, bool):
            raise QuotedScoreError(
                f"{self._at(number)}, has {value!r} under '{column}', which is no number: write it with digits and a "
                "point."
            )
        return float(Decimal(text) * (self._choice.scale or 1))

    def _count(self, number: int, row: Row, column: Column | None) -> int | None:
        value = None if column is None else _value(row, column)
        if value is None or value == "":
            return None
        if isinstance(value, bool) or not re.fullmatch(r"[0-9]+", str(value)) or int(value) == 0:
            raise QuotedScoreError(
                f"{self._at(number)}, has {value!r} under '{column}', which is no number of sentences: correct it."
            )
        return int(value)

    def _scaled(self, scores: list[QuotedScore]) -> list[QuotedScore]:
        """The scores, which are in their metrics' ranges; those that must be fractions are refused."""
        for metric in dict.fromkeys(score.metric for score in scores):
            kind = metric_class(metric)
            least, most = kind.bounds if kind else (None, None)
            own = [score for score in scores if score.metric == metric]
            for score in own:
                beyond = (least is not None and score.value < least) or (most is not None and score.value > most)
                if beyond:
                    raise QuotedScoreError(
                        f"{self._at(score.number)}: {score.value:g} is no {metric} of {score.pair}, which goes from "
                        f"{least:g} to {'any number' if most is None else f'{most:g}'}: correct it"
                        f"{', or leave out --scale' if self._choice.scale == _PERCENT else ''}."
                    )
                if not (score.low is None or score.low <= score.value) or not (
                    score.high is None or score.value <= score.high
                ):
                    raise QuotedScoreError(
                        f"{self._at(score.number)}: {score.value:g} is not within its interval, {_shown(score.low)} to "
                        f"{_shown(score.high)}: correct it."
                    )
            if self._choice.scale is None and most == _PERCENT and 0 < max(score.value for score in own) <= 1:
                raise QuotedScoreError(
                    f"{self._at(own[0].number)}: {own[0].value:g} and all {len(own)} values of {metric} are at most 1, "
                    f"and {metric} goes to {_PERCENT}: say --scale 100 where they are fractions, or --scale 1 where "
                    "they are as they stand (in a spec, scale: 100)."
                )
        return scores

    def _at(self, number: int) -> str:
        return f"{self._file}, {self._unit} {number}"


def _value(row: Row, column: Column) -> Any:
    value = row.get(column)
    if value is None and isinstance(column, str) and "." in column:
        outer, _, inner = column.partition(".")
        value = within.get(inner) if isinstance(within := row.get(outer), Mapping) else None
    return value


def _text(row: Row, column: Column) -> str:
    value = _value(row, column)
    return "" if value is None else str(value).strip()


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"


def _one_of(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"
