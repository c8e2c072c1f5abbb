"""What a database says when it can't be used reaches users as a sentence; what is a mistake of the program does not."""

import sqlite3
import sys
from pathlib import Path
from threading import Barrier, Thread

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from dragoman.errors import StoreError, StoreUnusableError
from dragoman.store import records
from dragoman.store.database import errors
from dragoman.store.database.connection import Database
from dragoman.store.store import Store


@pytest.fixture
def on_sqlite(sqlite, tmp_path):
    (tmp_path / "store.db").write_bytes((sqlite / "small.db").read_bytes())
    return tmp_path / "store.db"


@pytest.fixture
def on_postgres(new_postgres):
    store = Store.open(new_postgres("small"), "memory://")
    yield store
    store.close()


def test_a_damaged_file_is_a_sentence(on_sqlite):
    data = bytearray(on_sqlite.read_bytes())
    data[8192:] = b"\xa5" * (len(data) - 8192)
    on_sqlite.write_bytes(data)
    with pytest.raises(StoreError, match=r"is damaged \(.*malformed.*\): `dragoman doctor` says where. Restore it"):
        Store.open_existing(f"sqlite:///{on_sqlite}", "memory://").cells.of_grid("small")


@pytest.mark.parametrize("how", ["SELECT wrong FROM score", "SELECT * FROM nowhere", "SELEC"])
def test_a_mistake_in_a_statement_is_no_trouble_of_the_database(store, how):
    with pytest.raises(DBAPIError), store.database.reading() as connection:
        connection.execute(text(how))


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (sqlite3.SQLITE_FULL, "can't grow (why): make room"),
        (sqlite3.SQLITE_READONLY_DBMOVED, "may not be written to (why): see to the rights"),
        (sqlite3.SQLITE_IOERR_READ, "can't be used (why): check that it is there"),
        (sqlite3.SQLITE_NOTADB, "is not a Dragoman store"),
    ],
)
def test_what_sqlite_says_is_a_sentence(code, sentence):
    error = sqlite3.OperationalError("why")
    error.sqlite_errorcode = code
    assert sentence in str(errors.sentence(error, "sqlite:///x"))


def test_a_right_that_is_missing_is_a_sentence(on_postgres):
    denied = pytest.raises(StoreError, match=r"denies its user that \(permission denied for table score\)")
    with denied, on_postgres.database.writing() as connection:
        connection.execute(text("CREATE ROLE nobody_at_all"))
        connection.execute(text("SET LOCAL ROLE nobody_at_all"))
        connection.execute(text("SELECT * FROM score"))


def test_a_server_that_only_reads_is_a_sentence(on_postgres):
    with pytest.raises(StoreError, match="may not be written to"), on_postgres.database.reading() as connection:
        connection.execute(text("DELETE FROM score"))


def test_a_damaged_page_on_postgresql_is_a_sentence(on_postgres, new_postgres):
    """A copy of a database is read from its files, where a page was damaged meanwhile: no server is restarted."""
    url = on_postgres.database.url
    server = create_engine(url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text("CHECKPOINT"))
        name, folder = f"{url.database}_damaged", connection.execute(text("SHOW data_directory")).scalar()
    on_postgres.close()
    server.dispose()
    other = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with other.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {url.database} STRATEGY file_copy"))
    copy = create_engine(url.set(database=name))
    with copy.connect() as connection:
        place = connection.execute(text("SELECT pg_relation_filepath('grid')")).scalar()
    copy.dispose()
    with Path(folder, place).open("r+b") as file:
        file.write(b"\xa5" * 4096)
    store = Store.open(url.set(database=name).render_as_string(hide_password=False), "memory://")
    with pytest.raises(StoreUnusableError, match=r"is damaged \(invalid page in block 0 .*pg_amcheck"):
        store.grids.all()
    store.close()
    with other.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name}"))
    other.dispose()


def test_a_full_disk_on_postgresql_is_a_sentence(on_postgres):
    """As the server says it: `ERRCODE_DISK_FULL`, https://www.postgresql.org/docs/current/errcodes-appendix.html."""
    full = pytest.raises(StoreUnusableError, match=r"can't grow \(no space.*\): make room on its server's disk")
    with full, on_postgres.database.writing() as connection:
        connection.execute(text("DO $$ BEGIN RAISE EXCEPTION 'no space' USING ERRCODE = '53100'; END $$"))


def test_no_free_connection_is_a_sentence(on_sqlite):
    database = Database(f"sqlite:///{on_sqlite}")
    database.engine = create_engine(database.url, pool_size=1, max_overflow=0, pool_timeout=0.01)
    busy = pytest.raises(StoreError, match="was busy for 300 seconds: try again")
    with database.engine.connect(), busy, database.reading():
        pass


def test_a_missing_driver_is_a_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError, match=r"needs the Python package 'psycopg': `pip install 'dragoman\[postgres\]'`"):
        Database("postgresql://somebody@nowhere/store")


def test_a_deadlock_is_tried_again(on_postgres):
    both, tries = Barrier(2), []

    def work(first, second):
        def rename(connection):
            tries.append(first)
            connection.execute(text("UPDATE model SET seed = 7 WHERE name = :name"), {"name": first})
            if tries.count(first) == 1:
                both.wait(30)
            connection.execute(text("UPDATE model SET seed = 7 WHERE name = :name"), {"name": second})

        return lambda: on_postgres.database.write(rename)

    threads = [Thread(target=work("a", "b")), Thread(target=work("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(tries) == 3
    with on_postgres.database.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM model WHERE seed = 7")).scalar() == 2


def test_what_never_goes_through_is_a_sentence_at_last(on_postgres, monkeypatch):
    monkeypatch.setattr("dragoman.store.database.connection._PAUSES", (0.0, 0.0))
    tries = []

    def work(connection):
        tries.append(1)
        connection.execute(text("DO $$ BEGIN RAISE EXCEPTION 'in the way' USING ERRCODE = '40001'; END $$"))

    with pytest.raises(StoreError, match=r"Others wrote to the same rows .*\(in the way\): nothing was written"):
        on_postgres.database.write(work)
    assert len(tries) == 3


def test_a_new_metric_is_asked_for_before_sums_are_locked(on_postgres, small_grid):
    """Whoever has the sums must not wait for the metric: another may have the metric and wait for the sums."""
    from dragoman.store.database.ids import metric_number

    small = small_grid(on_postgres)
    first, second = (record.cell for record in small.cells[:4:3])
    assert first.pair.target == second.pair.target or first.model == second.model
    for cell in (first, second):
        small.commit(cell, 1.0)
    score = records.StoredScore(metric="bleu", signature="BLEU|v1", value=2)
    v2 = score.model_copy(update={"signature": "BLEU|v2"})
    on_postgres.cells.add_scores(small.cells[0].cell.id, [v2])
    other = Thread(target=on_postgres.cells.add_scores, args=(second.id, [v2], [("new", "why")]))
    with on_postgres.transaction(alone=False) as transaction, transaction.database.writing() as connection:
        metric_number(connection, "new")
        other.start()
        waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        while not connection.execute(waiting).scalar():
            pass
        connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        transaction.cells.add_scores(first.id, [v2.model_copy(update={"signature": "BLEU|v1"})])
        connection.execute(text("UPDATE score_sum SET scores = scores"))
    other.join(30)
    assert [found.signature for found in on_postgres.cells.scores(second.id) if found.metric == "bleu"] == [
        "BLEU|v1",
        "BLEU|v2",
    ]
