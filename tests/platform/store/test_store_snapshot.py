"""A snapshot: all that a command or a page reads is of one moment, in one transaction."""

from collections import Counter
from contextlib import contextmanager
from threading import Thread, current_thread

import pytest
from sqlalchemy import Engine, event, text

from dragoman.cell import CellState
from dragoman.errors import StoreError
from dragoman.pair import all_pairs
from dragoman.partition import TrainingGraph
from dragoman.store import migrations
from dragoman.store.database.connection import Database
from dragoman.store.jobs.progress import progress
from dragoman.store.records import CellOutcome, StoredScore, Translation
from dragoman.store.store import Store

PAIRS = all_pairs(["de", "en", "fr"])
MODELS = {"base": TrainingGraph(), "a": TrainingGraph.of(PAIRS[:3]), "b": TrainingGraph.of(PAIRS[3:])}


@pytest.fixture
def running(campaign_in, tmp_path):
    """A grid of three models, whose last model is not translated yet, with an off-target rate and a seed."""
    with campaign_in(tmp_path) as campaign:
        planned = {("b", pair): (CellState.PLANNED, None) for pair in PAIRS}
        campaign.fill(MODELS, PAIRS, metrics=["bleu", "off_target"], without=planned, seeds={"a": 1, "b": 2})
        yield campaign.store


@contextmanager
def listening(name, listener):
    event.listen(Engine, name, listener)
    try:
        yield
    finally:
        event.remove(Engine, name, listener)


@pytest.mark.parametrize(
    "command",
    [("results", "g"), ("results", "g", "--table", "matrix"), ("results", "g", "--table", "pairs", "--csv"),
     ("compare", "g", "base", "a"), ("query", "g", "--by", "partition", "--against", "base"),
     ("query", "g", "--table", "best"), ("rank", "g", "--samples", "200")],
    ids=lambda command: " ".join(command),
)  # fmt: skip
def test_a_command_opens_one_read_transaction(running, dragoman, command):
    opened = Counter()
    with listening("begin", lambda connection: opened.update(["transactions"])):
        outcome = dragoman(*command)
    assert outcome.code == 0, outcome.err
    assert opened == {"transactions": 1}


def test_a_snapshot_reads_a_grids_specification_once(running, dragoman):
    statements = []

    def noted(connection, cursor, statement, *_):
        statements.append(statement)

    with listening("before_cursor_execute", noted):
        assert dragoman("results", "g").code == 0
    assert sum("grid.spec " in statement or "grid.spec\n" in statement for statement in statements) == 1


def test_a_screen_taken_while_a_driver_commits_is_of_one_moment(running, dragoman):
    """At whichever statement of the command the driver commits, the screen is the one before or the one after it."""

    def screen(at_statement=lambda: None):
        with listening("before_cursor_execute", lambda *_: at_statement()):
            outcome = dragoman("results", "g")
        assert outcome.code == 0, outcome.err
        return outcome.out

    reads = Counter()
    before = screen(lambda: reads.update(["statements"]))
    pending = running.cells.of_grid("g", state=CellState.PLANNED)[:3]
    steps = range(2, reads["statements"], reads["statements"] // len(pending))
    screens = Counter()
    for record, wanted in zip(pending, steps, strict=False):
        driver = Thread(target=advance, args=(running, record.cell.id))
        seen = Counter()

        def commit(driver=driver, wanted=wanted, seen=seen):
            seen["statements"] += current_thread() is not driver
            if seen["statements"] == wanted and driver.ident is None:
                driver.start()
                driver.join()

        meanwhile = screen(commit)
        after = screen()
        assert before != after, "the driver has committed a cell"
        assert meanwhile in (before, after), f"committed at statement {wanted} of {reads['statements']}"
        screens.update(["before" if meanwhile == before else "after"])
        before = after
    assert screens["before"] >= len(pending) - 1


def advance(store, cell_id):
    translation = Translation(
        cell_id=cell_id, hypotheses="none", segments=3, tokens=3, cut=0, engine="made", seconds=0, worker="w"
    )
    score = StoredScore(metric="bleu", signature="bleu|tok:13a|version:1", value=50.0)
    store.cells.advance(translated=[CellOutcome(translation=translation, scores=[score])])


def test_a_snapshot_is_of_the_moment_of_its_first_read(small, store_url):
    small.add()
    driver = Store.open(store_url, small.store.blobs.url)
    with small.store.snapshot() as snapshot:
        before = snapshot.cells.of_grid("small"), progress(snapshot, "small")
        advance(driver, small.cells[0].cell.id)
        assert (snapshot.cells.of_grid("small"), progress(snapshot, "small")) == before
        assert small.state(small.cells[0].cell) is CellState.DONE
    with small.store.snapshot() as snapshot:
        assert progress(snapshot, "small")["base"] == {CellState.PLANNED: 11, CellState.DONE: 1}
    driver.close()


def test_a_snapshot_is_opened_of_what_is_there_and_brought_up_to_date(small, store_url, tmp_path):
    with Store.open_snapshot(store_url, small.store.blobs.url) as snapshot:
        assert snapshot == small.store
        assert snapshot.grids.names() == ["small"]
    absent = tmp_path / "absent.db"
    with (
        pytest.raises(StoreError, match="There is no store at"),
        Store.open_snapshot(f"sqlite:///{absent}", "memory://"),
    ):
        pass
    assert not absent.exists()
    older = Database(f"sqlite:///{tmp_path}/older.db")
    with older.writing(alone=True) as connection:
        migrations.run(connection, "0005")
    with Store.open_snapshot(f"sqlite:///{tmp_path}/older.db", "memory://") as snapshot:
        assert snapshot.grids.names() == []
    assert migrations.found(older) == migrations.HEAD
    older.engine.dispose()


def test_a_newer_store_has_no_snapshot(store, store_url):
    with store.database.writing() as connection:
        connection.execute(text(f"UPDATE {migrations.TABLE} SET version_num = '9999'"))
    newer = pytest.raises(StoreError, match=r"written by a newer Dragoman \(schema 9999")
    with newer, Store.open_snapshot(store_url, "memory://"):
        pass


def test_a_snapshot_of_a_snapshot_is_the_same(small):
    with small.store.snapshot() as outer, outer.snapshot() as inner:
        with outer.database.reading() as one, inner.database.reading() as other:
            assert one is other
        assert outer == inner == small.store


def test_a_snapshot_cant_be_written_to(small):
    with small.store.snapshot() as snapshot, pytest.raises(RuntimeError, match="can't be written to"):
        snapshot.cells.advance(started=[small.cells[0].cell.id], worker="w")
    assert small.state(small.cells[0].cell) is CellState.PLANNED


def test_a_snapshot_belongs_to_its_thread(small):
    errors = []

    def read(snapshot):
        try:
            snapshot.grids.names()
        except RuntimeError as error:
            errors.append(str(error))

    with small.store.snapshot() as snapshot:
        other = Thread(target=read, args=(snapshot,))
        other.start()
        other.join()
    assert errors == ["a transaction of the store belongs to the thread that opened it"]


def test_a_transaction_is_all_or_nothing_and_sees_what_it_wrote(small):
    first, second = (record.cell.id for record in small.cells[:2])
    with pytest.raises(ZeroDivisionError), small.store.transaction() as transaction:
        transaction.cells.advance(started=[first], worker="w")
        assert len(transaction.cells.of_grid("small", state=CellState.RUNNING)) == 1
        raise ZeroDivisionError
    assert small.store.cells.of_grid("small", state=CellState.RUNNING) == []
    with small.store.transaction() as transaction:
        transaction.cells.advance(started=[first], worker="w")
        transaction.cells.advance(started=[second], worker="w")
    assert len(small.store.cells.of_grid("small", state=CellState.RUNNING)) == 2
