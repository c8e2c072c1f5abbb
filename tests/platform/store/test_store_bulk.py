"""Scores that are inserted in bulk are what went in, and are summed in every grid their cells belong to."""

import pyarrow as pa
import pytest
from sqlalchemy import text

from dragoman.pair import Pair
from dragoman.store.database.bulk_insert import loading
from dragoman.store.database.ids import metric_number, signature_number
from dragoman.store.schema import ScoreRow
from dragoman.store.transfer.score_loader import ScoreLoader

KEY = "SELECT model_id, condition_id, pair_id, partition_id FROM cell ORDER BY 1, 2, 3"
SCORES = "SELECT model_id, pair_id, value, low, high FROM score ORDER BY 1, 2"


@pytest.mark.parametrize("low", [0.25, None])
def test_scores_come_back_and_are_summed_in_every_grid(small, in_step, low):
    """Numbers alone go to PostgreSQL in binary, what has gaps as text."""
    fewer = [record for record in small.cells if record.cell.pair.target != "de"]
    small.store.grids.add(small.grid.model_copy(update={"name": "fewer"}), fewer)
    with small.store.database.writing(alone=True) as connection, loading(connection, ScoreRow):
        metric = metric_number(connection, "bleu")
        signatures = [signature_number(connection, metric, name) for name in ("BLEU|a", "BLEU|b")]
        cells = connection.execute(text(KEY)).all()
        loader = ScoreLoader(connection, {cell.model_id for cell in cells})
        for rows in (cells[:20], cells[20:]):
            batch = [
                cell._asdict() | {"metric_id": metric, "signature_id": signatures[cell.pair_id % 2]}
                | {"value": number / 7, "low": low, "high": None if low is None else number + 0.5}
                for number, cell in enumerate(rows)
            ]  # fmt: skip
            loader.insert(pa.RecordBatch.from_pylist(batch))
    summed = in_step(small.store)
    assert {(grid, target) for grid, *_, target, _, _ in summed} == {
        *(("small", target) for target in small.grid.languages),
        *(("fewer", target) for target in small.grid.languages if target != "de"),
    }
    with small.store.database.reading() as connection:
        found = [tuple(row) for row in connection.execute(text(SCORES))]
    places = [*range(20), *range(16)]
    assert found == [
        (cell.model_id, cell.pair_id, number / 7, low, None if low is None else number + 0.5)
        for cell, number in zip(cells, places, strict=True)
    ]


def test_scores_of_cells_in_no_grid_are_in_no_sum(small, in_step):
    pair = Pair("de", "en")
    small.store.grids.add(small.grid, [record for record in small.cells if record.cell.pair == pair])
    with small.store.database.writing(alone=True) as connection:
        metric = metric_number(connection, "bleu")
        signature = signature_number(connection, metric, "BLEU|a")
        cells = connection.execute(text(KEY)).all()
        rows = [cell._asdict() | {"metric_id": metric, "signature_id": signature, "value": 1.0} for cell in cells]
        ScoreLoader(connection, {cell.model_id for cell in cells}).insert(pa.RecordBatch.from_pylist(rows))
    assert {target for *_, target, _, _ in in_step(small.store)} == {"en"}
