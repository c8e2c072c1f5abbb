"""Export of a whole grid into one file."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlalchemy import ColumnElement, Connection, Select, and_, select

from dragoman.store.line_labels import pack
from dragoman.store.records import DecodingRecord, PromptRecord, TestSetRecord
from dragoman.store.repositories.scores import is_of_score
from dragoman.store.schema import (
    CellRow,
    ConditionRow,
    DecodingRow,
    GridModelRow,
    GridPairRow,
    GridRow,
    MetricRow,
    PromptRow,
    ScoreRow,
    SignatureRow,
    SpansRow,
    StatisticsRow,
    TestSetRow,
    UnscorableRow,
)
from dragoman.store.store import Store
from dragoman.store.transfer.archive import ArchiveWriter
from dragoman.store.transfer.format import (
    CAMPAIGNS,
    CELLS,
    JUDGEMENTS,
    KEYS,
    LABELS,
    SCORES,
    SPANS,
    SPANS_FILE,
    UNSCORABLE,
    Conditions,
    PortableModel,
    cell_row,
)

Query = Select[*tuple[Any, ...]]
"""A SELECT of any columns."""

BATCH = 5_000
"""Rows held at once."""


def export_grid(store: Store, grid: str, path: Path) -> None:
    """Write a grid: models, cells, scores, hypotheses, test texts, contamination and judgements.

    Scores have their statistics and error spans, and test texts their keys and labels.

    Raises:
        StoreError: there is no such grid, a blob is missing, or the file can't be written.
    """
    with store.snapshot() as snapshot, snapshot.database.reading() as connection:
        record = snapshot.grids.get(grid)
        addresses: dict[str, None] = {}
        with ArchiveWriter(path, grid) as archive:
            archive.add_json("grid.json", record.model_dump(mode="json"))
            archive.add_json("models.json", [model.model_dump(mode="json") for model in _models(snapshot, grid)])
            archive.add_json("conditions.json", conditions_of(connection, grid).model_dump(mode="json"))
            found = snapshot.contamination.of_grid(grid)
            archive.add_json("contamination.json", [record.model_dump(mode="json") for record in found])
            archive.add_table("cells.parquet", CELLS, _batches(CELLS, _cells(snapshot, grid, addresses)))
            scores = _batches(SCORES, _stream(connection, _scores(grid)))
            archive.manifest.scores = archive.add_table("scores.parquet", SCORES, scores)
            archive.add_table(SPANS_FILE, SPANS, _batches(SPANS, _stream(connection, _spans(grid))))
            unscorable = _batches(UNSCORABLE, _stream(connection, _unscorable(grid)))
            archive.add_table("unscorable.parquet", UNSCORABLE, unscorable)
            archive.add_table("keys.parquet", KEYS, _batches(KEYS, _keys(snapshot, grid)))
            archive.add_table("labels.parquet", LABELS, _batches(LABELS, _labels(snapshot, grid)))
            judgements = snapshot.judgements
            archive.add_json(JUDGEMENTS, [each.model_dump(mode="json") for each in judgements.of_grid(grid)])
            archive.add_json(CAMPAIGNS, [each.model_dump(mode="json") for each in judgements.campaigns_of_grid(grid)])
            for address in addresses:
                archive.add(f"blobs/{address}", store.blobs.read(address))


def _cells(store: Store, grid: str, addresses: dict[str, None]) -> Iterator[dict[str, Any]]:
    for record in store.cells.iterate(grid):
        addresses.update(dict.fromkeys(filter(None, (record.hypotheses, record.test))))
        yield cell_row(record)


def _keys(store: Store, grid: str) -> Iterator[dict[str, Any]]:
    for (test_set, pair, content), keys in store.conditions.iterate_keys(grid):
        yield {"test_set": test_set, "content": content, **pair._asdict(), **keys._asdict()}


def _labels(store: Store, grid: str) -> Iterator[dict[str, Any]]:
    for (test_set, pair, content), labels in store.conditions.labels_of_grid(grid).items():
        for name, values in labels.items():
            text = {"test_set": test_set, "content": content, **pair._asdict()}
            yield {**text, "name": name, "of_lines": pack(values)}


def _models(store: Store, grid: str) -> Iterator[PortableModel]:
    for model in store.models.lineage(grid):
        yield PortableModel.of(model, store.models.own_graph(model.id), store.models.training(model.id))


def conditions_of(connection: Connection, grid: str) -> Conditions:
    """The test sets, prompts and decodings that the cells of a grid refer to."""
    used = select(ConditionRow).join(GridPairRow).join(GridRow).where(GridRow.name == grid).distinct().subquery()

    def rows(table: Any, number: ColumnElement[int]) -> list[dict[str, Any]]:
        found = connection.execute(select(table).where(table.id.in_(select(number))).order_by(table.id))
        return [{**row._mapping, "id": row.identity} for row in found]

    return Conditions(
        test_sets=[TestSetRecord(**row) for row in rows(TestSetRow, used.c.test_set_id)],
        prompts=[PromptRecord(**row) for row in rows(PromptRow, used.c.prompt_id)],
        decodings=[DecodingRecord(**row) for row in rows(DecodingRow, used.c.decoding_id)],
    )


def _scores(grid: str) -> Query:
    figures = (ScoreRow.value, ScoreRow.low, ScoreRow.high, StatisticsRow.statistics)
    query = _of_scores(*figures).outerjoin(StatisticsRow, is_of_score(StatisticsRow))
    return _in_grid(query, grid)


def _spans(grid: str) -> Query:
    return _in_grid(_of_scores(SpansRow.spans).join(SpansRow, is_of_score(SpansRow)), grid)


def _of_scores(*columns: Any) -> Query:
    """A query of scores: cell, metric, signature, and further columns."""
    named = (MetricRow.name.label("metric"), SignatureRow.text.label("signature"))
    return (
        select(CellRow.identity.label("cell"), *named, *columns)
        .select_from(CellRow)
        .join(ScoreRow, _of_cell(ScoreRow))
        .join(MetricRow, MetricRow.id == ScoreRow.metric_id)
        .join(SignatureRow, SignatureRow.id == ScoreRow.signature_id)
    )


def _unscorable(grid: str) -> Query:
    query: Query = (
        select(CellRow.identity.label("cell"), MetricRow.name.label("metric"), UnscorableRow.reason)
        .select_from(CellRow)
        .join(UnscorableRow, _of_cell(UnscorableRow))
        .join(MetricRow, MetricRow.id == UnscorableRow.metric_id)
    )
    return _in_grid(query, grid)


def _of_cell(table: Any) -> ColumnElement[bool]:
    return and_(*(getattr(table, name) == getattr(CellRow, name) for name in ("model_id", "condition_id", "pair_id")))


def _in_grid(query: Query, grid: str) -> Query:
    same_pair = (GridPairRow.condition_id == CellRow.condition_id) & (GridPairRow.pair_id == CellRow.pair_id)
    return (
        query.join(GridModelRow, GridModelRow.model_id == CellRow.model_id)
        .join(GridPairRow, same_pair & (GridPairRow.grid_id == GridModelRow.grid_id))
        .join(GridRow, GridRow.id == GridModelRow.grid_id)
        .where(GridRow.name == grid)
        .order_by(CellRow.model_id, CellRow.condition_id, CellRow.pair_id)
    )


def _stream(connection: Connection, query: Query) -> Iterator[dict[str, Any]]:
    for row in connection.execute(query, execution_options={"yield_per": BATCH}):
        yield row._asdict()


def _batches(schema: pa.Schema, rows: Iterator[dict[str, Any]]) -> Iterator[pa.RecordBatch]:
    while chunk := list(islice(rows, BATCH)):
        yield pa.RecordBatch.from_pylist(chunk, schema)
