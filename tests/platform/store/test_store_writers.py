"""Writers queue: on SQLite for the one place, on PostgreSQL only where they touch the same."""

import logging
import shutil
import sqlite3
from threading import Event, Thread, Timer

from dragoman.store.database import write_queue
from dragoman.store.database.write_queue import Writers
from dragoman.store.heartbeat import driver_name
from dragoman.store.store import Store


def in_turn(queue, begun, go_on, done):
    with queue.turn():
        begun.set()
        go_on.wait(30)
    done.set()


def test_one_writes_at_a_time_and_a_long_wait_is_told(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(write_queue, "NOTICE_SECONDS", 0.05)
    first, second, go_on, done = Event(), Event(), Event(), Event()
    queues = [Writers(tmp_path / "store.db"), Writers(tmp_path / "store.db")]
    threads = [
        Thread(target=in_turn, args=(queue, begun, go_on, done))
        for queue, begun in zip(queues, (first, second), strict=True)
    ]
    with caplog.at_level(logging.WARNING, "dragoman"):
        threads[0].start()
        assert first.wait(30)
        threads[1].start()
        assert not second.wait(0.3)
    assert [record.message for record in caplog.records] == [
        f"Still waiting for another process to finish writing to {tmp_path}/store.db."
    ]
    go_on.set()
    assert second.wait(30)
    for thread in threads:
        thread.join(30)


def test_a_file_that_others_are_at_is_waited_for_until_it_can_have_its_log(sqlite, tmp_path, monkeypatch):
    monkeypatch.setattr("dragoman.store.database.connection.NOTICE_SECONDS", 0.01)
    path = tmp_path / "store.db"
    shutil.copy(sqlite / "small.db", path)
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("PRAGMA journal_mode = DELETE")
    other.execute("BEGIN")
    assert other.execute("SELECT count(*) FROM grid").fetchone() == (1,)
    leaving = Timer(0.3, other.execute, ["COMMIT"])
    leaving.start()
    store = Store.open_existing(f"sqlite:///{path}", "memory://")
    assert [grid.name for grid in store.grids.all()] == ["small"]
    leaving.join()
    assert other.execute("SELECT count(*) FROM grid").fetchone() == (1,)
    assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_folder_that_takes_no_lock_is_left_to_sqlite(tmp_path):
    with Writers(tmp_path / "nowhere" / "store.db").turn():
        pass


def test_who_does_not_queue_is_waited_for(sqlite, small_grid, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("dragoman.store.database.connection.NOTICE_SECONDS", 0.05)
    shutil.copy(sqlite / "small.db", tmp_path / "store.db")
    small = small_grid(Store.open(f"sqlite:///{tmp_path}/store.db", "memory://"))
    other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    thread = Thread(target=small.commit, args=(small.cells[0].cell, 1.0))
    with caplog.at_level(logging.WARNING, "dragoman"):
        thread.start()
        thread.join(0.4)
    assert thread.is_alive()
    assert "Still waiting for another process" in caplog.text
    other.execute("COMMIT")
    thread.join(30)
    assert len(small.store.cells.scores(small.cells[0].cell.id)) == 2
    small.store.close()
    other.close()


def test_a_driver_says_that_it_is_alive_while_somebody_is_alone_with_the_sums(new_postgres):
    store = Store.open(new_postgres("small"), "memory://")
    job = store.jobs.start("small", driver_name())
    before = store.jobs.of_grid("small")[0].seen
    beat = Thread(target=store.jobs.beat, args=(job,))
    with store.database.writing(alone=True):
        beat.start()
        beat.join(30)
        assert store.jobs.of_grid("small")[0].seen > before
    store.close()
