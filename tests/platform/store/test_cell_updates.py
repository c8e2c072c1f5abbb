"""Updates of many cells: a bounded number of SQL statements for however many cells, and the same rows as one by one."""

from contextlib import contextmanager

import pytest
from sqlalchemy import event, select

from dragoman.cell import CellState, Unscorable
from dragoman.errors import StoreError
from dragoman.store import records
from dragoman.store.database.ids import metric_number, signature_number
from dragoman.store.schema import Base

pytestmark = pytest.mark.fast_twin

STATEMENTS = 14
"""The most for one transaction of a driver, however many cells are in it."""


@contextmanager
def counted(store):
    """The statements that are executed."""
    statements = []

    def note(_connection, _cursor, statement, *_rest):
        statements.append(statement)

    event.listen(store.database.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(store.database.engine, "before_cursor_execute", note)


def outcome(small, cell, value, unscorable=()):
    """A cell's translation with two scores, one under a signature of its language."""
    address = small.store.blobs.put_translation([(cell.id, "stop", 4)])
    found = [
        records.StoredScore(metric="bleu", signature=f"BLEU|{cell.pair.target}", value=value, statistics=b"x"),
        records.StoredScore(metric="chrf", signature="chrF", value=value),
    ]
    return records.CellOutcome(
        translation=records.Translation(
            cell_id=cell.id, hypotheses=address, segments=1, tokens=4, cut=0, engine="e", seconds=1.0, worker="w"
        ),
        scores=() if unscorable else tuple(found),
        unscorable=tuple(unscorable),
    )


def rows(store):
    """What is stored of cells, scores, sums and counts, without the times."""
    names = ("cell", "score", "score_statistics", "score_sum", "partition_sum", "cell_count", "unscorable")
    with store.database.reading() as connection:
        return {
            name: sorted(
                str({key: value for key, value in row._mapping.items() if key != "updated"})
                for row in connection.execute(select(Base.metadata.tables[name]))
                if row._mapping.get("cells") != 0
            )
            for name in names
        }


@pytest.mark.parametrize("count", [1, 12])
def test_a_transaction_of_any_number_of_cells_takes_a_bounded_number_of_statements(small, count, in_step):
    cells = [record.cell for record in small.cells]
    first, then = cells[:count], cells[count : 2 * count]
    small.store.cells.advance(started=[cell.id for cell in first], worker="w")
    outcomes = [outcome(small, cell, 30.0) for cell in first]
    small.store.cells.advance(translated=[outcome(small, cells[-1], 1.0)])  # metrics and signatures are known
    with counted(small.store) as statements:
        small.store.cells.advance(translated=outcomes, started=[cell.id for cell in then], worker="w")
    assert len(statements) <= STATEMENTS + 2 * len({cell.pair.target for cell in first}), "\n".join(statements)
    with counted(small.store) as statements:
        small.store.cells.advance(
            translated=[outcome(small, cell, 30.0) for cell in then], started=[cells[-2].id], worker="w"
        )
    assert len(statements) <= STATEMENTS + 2 * len({cell.pair.target for cell in then}), "\n".join(statements)
    assert {small.state(cell) for cell in (*first, *then)} == {CellState.DONE}
    in_step(small.store)


def test_cells_updated_together_are_as_those_updated_one_by_one(small_grid, store, tmp_path):
    from dragoman.store.store import Store

    together = small_grid(store).add()
    url = f"sqlite:///{tmp_path}/other.db"
    one_by_one = small_grid(Store.open(url, f"file://{tmp_path}/others")).add()
    reason = [Unscorable("bleu", "no tokens")]
    for small in (together, one_by_one):
        done, refused, both, failed, absent, begun = (record.cell for record in small.cells[:6])
        small.store.cells.advance(translated=[outcome(small, small.cells[6].cell, 1.0)])
        with small.store.database.writing() as connection:  # their numbers follow from the order in which they come
            for cell in (done, both):
                signature_number(connection, metric_number(connection, "bleu"), f"BLEU|{cell.pair.target}")
        later = records.ScoredCell(both.id, outcome(small, both, 7.5).scores)
        steps = [
            {"translated": [outcome(small, done, 20.25), outcome(small, done, 99.0)]},
            {"translated": [outcome(small, refused, 0.0, reason)]},
            {"translated": [outcome(small, both, 0.0, reason)], "scored": [later]},
            {"failed": [records.Untranslated(failed.id, "no luck")]},
            {"missing": [records.Untranslated(absent.id, "no text")]},
            {"started": [begun.id, done.id], "worker": "w"},
        ]
        if small is together:
            kinds = ("translated", "scored", "failed", "missing")
            joined = {kind: [each for step in steps for each in step.get(kind, [])] for kind in kinds}
            assert small.store.cells.advance(**joined, started=[begun.id, done.id], worker="w") == [done.id]
        else:
            assert [small.store.cells.advance(**step) for step in steps][-1] == [done.id]
    assert rows(together.store) == rows(one_by_one.store)
    assert together.state(refused) is CellState.UNSCORABLE
    assert together.state(both) is CellState.DONE


def test_a_refused_cell_leaves_all_as_it_was(small):
    before = rows(small.store)
    cell = small.cells[0].cell
    with pytest.raises(StoreError, match="no cell cell1-none"):
        small.store.cells.advance(translated=[outcome(small, cell, 3.0)], started=["cell1-none"], worker="w")
    with pytest.raises(StoreError, match="no translation to score"):
        small.store.cells.advance(
            translated=[outcome(small, cell, 3.0)], scored=[records.ScoredCell(small.cells[1].cell.id)]
        )
    assert rows(small.store) == before
