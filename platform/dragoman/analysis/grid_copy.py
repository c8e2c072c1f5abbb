"""The copy of some grids that a slice of their test set is: their rows, with the scores of the chosen lines."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, and_, exists, func, insert, select

from dragoman.analysis.line_labels import TextKey, lines_of, read_labels, require_lines
from dragoman.analysis.segment_statistics import MOST_PAIRS
from dragoman.analysis.sliced_scores import chosen_rows, scored
from dragoman.cell import CellState
from dragoman.errors import StoreError
from dragoman.line_filter import LineFilter
from dragoman.metrics.base import Metric, Statistics
from dragoman.metrics.lookup import metric_class
from dragoman.metrics.serialization import pack
from dragoman.pair import Pair
from dragoman.store.line_keys import pack as pack_keys
from dragoman.store.line_keys import unpack as unpack_keys
from dragoman.store.repositories import aggregates
from dragoman.store.schema import (
    Base,
    CellRow,
    ConditionRow,
    DecodingRow,
    GridMetricRow,
    GridModelRow,
    GridPairRow,
    GridRow,
    GridTestSetRow,
    MetricRow,
    ModelRow,
    PairRow,
    PromptRow,
    ScoreRow,
    SignatureRow,
    StatisticsRow,
    TestKeysRow,
    TestRow,
    TestSetRow,
    TrainingPairRow,
    UnscorableRow,
)

MOST_SCORES = 20_000
"""Scores that a slice is made of at most."""

BATCH = 256
"""Scores whose intervals are computed together."""

OFF_TARGET = "off_target"
"""The metric that partition tables show beside every other."""

Row = dict[str, Any]
Cell = tuple[int, int, int]
"""The model, condition and pair of a cell."""


class Asked(NamedTuple):
    """What a slice is of."""

    grids: Mapping[str, int]
    """The numbers of the grids by name."""
    metric: str
    """The metric."""
    lines: LineFilter
    """The filter of the lines."""


class _Text(NamedTuple):
    """The lines of a text that are chosen."""

    pair: Pair
    """The pair."""
    held: NDArray[np.bool_] | None
    """The mask of the lines; None where nothing is known of them."""

    @property
    def lines(self) -> int:
        """How many are chosen."""
        return 0 if self.held is None else int(self.held.sum())


class GridCopy:
    """A copy of the rows of some grids, with the scores of the chosen lines of their tests."""

    def __init__(self, source: Connection, made: Connection, asked: Asked) -> None:
        """Take the connection that is read, that which is written, and what is asked for."""
        self._source, self._made, self._asked = source, made, asked
        self._grids = tuple(asked.grids.values())
        self._texts: dict[TextKey, _Text] = {}
        self._text_of: dict[int, tuple[int, int]] = {}

    def make(self) -> None:
        """Copy everything.

        Raises:
            StoreError: there is no such label or line, or there are too many scores.
        """
        grids = self._grids
        in_grids = GridPairRow.grid_id.in_(grids)
        self._copied(GridRow, GridRow.id.in_(grids))
        self._copied(GridModelRow, GridModelRow.grid_id.in_(grids))
        self._copied(GridMetricRow, GridMetricRow.grid_id.in_(grids))
        self._copied(GridPairRow, in_grids)
        models = self._numbers(GridModelRow.model_id, GridModelRow.grid_id.in_(grids))
        models |= self._numbers(GridRow.base_id, GridRow.id.in_(grids))
        conditions = self._numbers(GridPairRow.condition_id, in_grids)
        self._refuse_many(models, conditions)
        self._copied(ModelRow, ModelRow.id.in_(models))
        self._copied(TrainingPairRow, TrainingPairRow.model_id.in_(models))
        self._copied(PairRow, PairRow.id.in_(select(GridPairRow.pair_id).where(in_grids)))
        used = self._copied(ConditionRow, ConditionRow.id.in_(conditions))
        self._text_of = {row["id"]: (row["test_set_id"], row["edition"]) for row in used}
        self._copied(PromptRow, PromptRow.id.in_({row["prompt_id"] for row in used}))
        self._copied(DecodingRow, DecodingRow.id.in_({row["decoding_id"] for row in used}))
        sets = {row["test_set_id"] for row in used}
        self._copied(TestSetRow, TestSetRow.id.in_(sets))
        self._copied(GridTestSetRow, GridTestSetRow.grid_id.in_(grids))
        self._copied(MetricRow, MetricRow.id > 0)
        self._copied(SignatureRow, SignatureRow.id > 0)
        self._copy_tests(sets)
        self._copy_cells(models, conditions)
        for grid_id in grids:
            aggregates.recompute(self._made, grid_id)
        aggregates.recount(self._made, models)

    def _refuse_many(self, models: set[int], conditions: set[int]) -> None:
        pairs = len(self._numbers(GridPairRow.pair_id, GridPairRow.grid_id.in_(self._grids)))
        if pairs > MOST_PAIRS:
            raise StoreError(f"Slices are scored on up to {MOST_PAIRS:,} pairs, and this grid has {pairs:,}.")
        counted = select(func.count()).select_from(ScoreRow).where(*self._scores(models, conditions, self._kinds()))
        if (scores := self._source.execute(counted).scalar_one()) > MOST_SCORES:
            raise StoreError(f"Slices are made of up to {MOST_SCORES:,} scores, and this grid has {scores:,}.")

    def _copy_tests(self, sets: set[int]) -> None:
        """The texts and their keys, of the chosen lines."""
        pairs = {row.id: Pair(row.source, row.target) for row in self._made.execute(select(PairRow))}
        of_pairs = TestRow.pair_id.in_(pairs)
        tests = self._read(TestRow, TestRow.test_set_id.in_(sets), of_pairs)
        labels = read_labels(self._source, sets, pairs)
        require_lines(self._asked.lines, list(self._asked.grids), labels, pairs)
        for row in tests:
            key = (row["test_set_id"], row["pair_id"], row["edition"])
            its, pair = labels.get(key), pairs[row["pair_id"]]
            held = None if its is None else self._asked.lines.chosen(pair, its, lines_of(its))
            self._texts[key] = _Text(pair, held)
            row["segments"] = self._texts[key].lines or None
        if not any(text.lines for text in self._texts.values()):
            raise StoreError(f"No line of the test set of {' and '.join(self._asked.grids)} has {self._asked.lines}.")
        self._write(TestRow, tests)
        keys = self._read(TestKeysRow, TestKeysRow.test_set_id.in_(sets), TestKeysRow.pair_id.in_(pairs))
        of_chosen = []
        for row in keys:
            held = self._texts[row["test_set_id"], row["pair_id"], row["edition"]].held
            if held is not None:
                packed = {name: value for name, value in row.items() if isinstance(value, bytes)}
                sliced = {name: pack_keys(unpack_keys(value, len(held))[held]) for name, value in packed.items()}
                of_chosen.append(row | sliced)
        self._write(TestKeysRow, of_chosen)

    def _copy_cells(self, models: set[int], conditions: set[int]) -> None:
        """The cells, and the reasons why some have no score."""
        cells = self._read(
            CellRow, CellRow.model_id.in_(models), CellRow.condition_id.in_(conditions), self._in_grids(CellRow)
        )
        texts = {_cell(row): self._text(row) for row in cells}
        kinds = self._kinds()
        refused = self._read(UnscorableRow, UnscorableRow.model_id.in_(models))
        reasons = {(_cell(row), row["metric_id"]): row["reason"] for row in refused if _cell(row) in texts}
        for row in cells:
            text = texts[_cell(row)]
            if CellState(row["state"]).is_translated and not text.lines:
                reasons |= {(_cell(row), kind): f"no test line of this pair has {self._asked.lines}" for kind in kinds}
            # how many of these lines took so many tokens, or were cut, is not known
            row |= {"segments": text.lines or None, "too_long": None, "cut": None, "tokens": None}
        self._write(CellRow, cells)
        reasons |= self._copy_scores(models, conditions, kinds, texts)
        names = ("model_id", "condition_id", "pair_id")
        rows = [
            {**dict(zip(names, cell, strict=True)), "metric_id": metric, "reason": reason}
            for (cell, metric), reason in reasons.items()
        ]
        self._write(UnscorableRow, rows)

    def _copy_scores(
        self, models: set[int], conditions: set[int], kinds: Mapping[int, type[Metric]], texts: Mapping[Cell, _Text]
    ) -> dict[tuple[Cell, int], str]:
        """The scores of the chosen lines with their statistics; returns why there is none, by cell and metric."""
        names = [column.name for column in StatisticsRow.__table__.c if column.name != "statistics"]
        query = (
            select(*ScoreRow.__table__.c, StatisticsRow.statistics)
            .outerjoin(
                StatisticsRow, and_(*(getattr(StatisticsRow, name) == getattr(ScoreRow, name) for name in names))
            )
            .where(*self._scores(models, conditions, kinds))
            .order_by(ScoreRow.metric_id, ScoreRow.condition_id, ScoreRow.pair_id)
        )
        scores, tables, reasons = list[Row](), list[tuple[Metric, Statistics]](), dict[tuple[Cell, int], str]()
        for found in self._source.execute(query).mappings():
            row = dict(found)
            packed, text = row.pop("statistics"), texts.get(_cell(row))
            if text is None or text.held is None or not text.lines:
                continue
            metric = kinds[row["metric_id"]](text.pair)
            if isinstance(chosen := chosen_rows(metric, row["value"], packed, text.held), str):
                reasons[_cell(row), row["metric_id"]] = chosen
            else:
                scores.append(row)
                tables.append((metric, chosen))
        for start in range(0, len(scores), BATCH):
            rows, its = scores[start : start + BATCH], tables[start : start + BATCH]
            self._write(ScoreRow, [row | found for row, found in zip(rows, scored(its), strict=True)])
            statistics = [
                {name: row[name] for name in names} | {"statistics": pack(chosen)}
                for row, (_, chosen) in zip(rows, its, strict=True)
            ]
            self._write(StatisticsRow, statistics)
        return reasons

    def _text(self, row: Mapping[str, Any]) -> _Text:
        """The text of a cell."""
        test_set, edition = self._text_of[row["condition_id"]]
        return self._texts[test_set, row["pair_id"], edition]

    def _kinds(self) -> dict[int, type[Metric]]:
        """The metrics that are sliced, by their numbers: that which is asked for, and off-target rates beside it."""
        query = select(MetricRow.name, MetricRow.id).where(MetricRow.name.in_({self._asked.metric, OFF_TARGET}))
        found = {number: metric_class(name) for name, number in self._source.execute(query)}
        if metric_class(self._asked.metric) is None:
            raise StoreError(
                f"Slices are scored from stored statistics by the metric {self._asked.metric}, which is not installed "
                "here."
            )
        return {number: kind for number, kind in found.items() if kind is not None}

    def _scores(self, models: Iterable[int], conditions: Iterable[int], metrics: Iterable[int]) -> list[Any]:
        """The SQL conditions of the scores that are sliced."""
        of_cells = [ScoreRow.model_id.in_(models), ScoreRow.condition_id.in_(conditions), self._in_grids(ScoreRow)]
        return [*of_cells, ScoreRow.metric_id.in_(metrics)]

    def _in_grids(self, row: type[CellRow] | type[ScoreRow]) -> Any:
        """The SQL condition that a cell, or a score, is of a pair of the grids."""
        return exists().where(
            GridPairRow.grid_id.in_(self._grids),
            GridPairRow.condition_id == row.condition_id,
            GridPairRow.pair_id == row.pair_id,
        )

    def _numbers(self, column: Any, rule: Any) -> set[int]:
        return set(self._source.execute(select(column).where(rule).distinct()).scalars())

    def _copied(self, row: type[Base], *rules: Any) -> list[Row]:
        found = self._read(row, *rules)
        self._write(row, found)
        return found

    def _read(self, row: type[Base], *rules: Any) -> list[Row]:
        return [dict(each) for each in self._source.execute(select(*row.__table__.c).where(*rules)).mappings()]

    def _write(self, row: type[Base], rows: Sequence[Row]) -> None:
        if rows:
            self._made.execute(insert(row), rows)


def _cell(row: Mapping[str, Any]) -> Cell:
    return row["model_id"], row["condition_id"], row["pair_id"]
