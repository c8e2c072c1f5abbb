"""A job in the store while the store is away for a moment."""

import time
from pathlib import Path
from typing import Any

import pytest

from dragoman.errors import StoreError
from dragoman.store.database.connection import Database
from dragoman.store.records import GridRecord, JobState, ModelRecord
from dragoman.store.repositories.jobs import JobRepository
from dragoman.store.store import Store
from dragoman_jobs.driver import job as job_module
from dragoman_jobs.driver.job import Job


class _Away(JobRepository):
    """Jobs whose store is away for some of the questions."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.left: list[Exception] = []

    def beat(self, *arguments: Any, **named: Any) -> str | None:
        if self.left:
            raise self.left.pop()
        return super().beat(*arguments, **named)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(job_module, "BEAT_SECONDS", 0.02)
    store = Store.open(f"sqlite:///{tmp_path}/store.db", f"file://{tmp_path}/blobs")
    store.jobs = _Away(store.database)
    store.models.add(ModelRecord(id="m", name="base", recipe={}))
    store.grids.add(
        GridRecord(name="g", spec={}, spec_hash="s", models=("m",), base="m", metrics=("bleu",), languages=("de",)), []
    )
    return store


def _closed() -> StoreError:
    error = StoreError("The store can't be used (the connection is closed).")
    error.__cause__ = OSError("closed")
    return error


def test_a_driver_goes_on_saying_that_it_is_alive(store: Store) -> None:
    with Job(store, "g") as job:
        store.jobs.left = [ValueError("of another kind"), _closed()]
        job.say("hello")
        deadline = time.monotonic() + 20
        while not store.jobs.lines(job.number) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert [line.text for line in store.jobs.lines(job.number)] == ["hello"]


def test_a_job_that_ends_while_the_store_is_away_waits_for_it(store: Store) -> None:
    with Job(store, "g") as job:
        job._over.set()
        job._thread.join()
        store.jobs.left = [_closed(), _closed()]
    assert store.jobs.of_grid("g")[0].state is JobState.DONE


def test_what_broke_a_job_off_is_said_even_where_the_store_stays_away(
    store: _Away, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_module, "_FAREWELL_SECONDS", 0.0)
    with pytest.raises(ZeroDivisionError), Job(store, "g"):
        store.jobs.left = [_closed() for _ in range(1000)]
        raise ZeroDivisionError
