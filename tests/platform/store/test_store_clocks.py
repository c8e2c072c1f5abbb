"""A clock that jumps an hour, or differs from another machine's, while drivers work or after they died."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dragoman.cell import CellState
from dragoman.errors import StoreError
from dragoman.reports import jobs as report
from dragoman.store import heartbeat
from dragoman.store.heartbeat import driver_name
from dragoman.store.jobs import control
from dragoman.store.records import JobState
from dragoman.store.store import Store

ELSEWHERE = "another-host-7"
JUMPS = pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(hours=-1)], ids=["forth", "back"])


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Sets this machine's clock forth or back."""
    off = [timedelta()]
    for module in ("store.records", "store.repositories.jobs", "store.repositories.cells", "reports.jobs"):
        monkeypatch.setattr(f"dragoman.{module}.now", lambda: datetime.now(UTC) + off[0])

    def jump(by: timedelta) -> None:
        off[0] += by

    return jump


@contextmanager
def beating(store: Store, job: int) -> Iterator[None]:
    """A driver that gives heartbeats, by a clock of its own."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(0.02):
            store.jobs.beat(job)

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@JUMPS
def test_a_driver_at_work_keeps_its_grid_when_the_clock_jumps(
    small: Any, clock: Callable[[timedelta], None], monkeypatch: pytest.MonkeyPatch, jump: timedelta
) -> None:
    monkeypatch.setattr(heartbeat, "WATCH_SECONDS", 0.5)
    jobs = small.store.jobs
    job = jobs.start("small", ELSEWHERE)
    clock(jump)
    assert jobs.of_grid("small")[0].is_lost, "by the clock"
    with beating(small.store, job):
        for take in (
            lambda: jobs.check_free("small"),
            lambda: jobs.start("small", driver_name()),
            lambda: jobs.queue("small", "http://127.0.0.1:8265"),
        ):
            clock(jump)  # and again before each
            with pytest.raises(StoreError, match=f"is being run by {ELSEWHERE}"):
                take()
        assert jobs.of_grid("small")[0].is_alive, "its heartbeats are of the new time"
    assert jobs.of_grid("small")[0].state is JobState.RUNNING


@JUMPS
def test_a_driver_whose_machine_has_another_time_keeps_its_grid(
    small: Any, clock: Callable[[timedelta], None], monkeypatch: pytest.MonkeyPatch, jump: timedelta
) -> None:
    monkeypatch.setattr(heartbeat, "WATCH_SECONDS", 0.5)
    job = small.store.jobs.start("small", ELSEWHERE)
    monkeypatch.setattr("dragoman.store.records.now", lambda: datetime.now(UTC) - jump)  # who asks
    with beating(small.store, job), pytest.raises(StoreError, match="is being run by"):
        small.store.jobs.start("small", driver_name())


@JUMPS
def test_a_dead_drivers_grid_is_taken_when_the_clock_jumped(
    small: Any, clock: Callable[[timedelta], None], jump: timedelta
) -> None:
    """Set back, the last heartbeat is yet to come: it must not hold the grid for an hour."""
    first = small.store.jobs.start("small", ELSEWHERE)
    clock(jump)
    begun = time.monotonic()
    assert small.store.jobs.start("small", driver_name()) != first
    assert time.monotonic() - begun < 10
    said = report.because(small.store.jobs.of_grid("small")[1])
    assert said == " (its driver was lost; the grid can be resumed)"


def test_a_heartbeat_that_is_yet_to_come_is_said_to_be(small: Any, clock: Callable[[timedelta], None]) -> None:
    small.store.jobs.start("small", ELSEWHERE)
    clock(timedelta(hours=-1))
    assert "ahead of this clock" in report.because(small.store.jobs.of_grid("small")[0])


@JUMPS
def test_cells_of_another_grids_driver_stay_its_own_when_the_clock_jumps(
    small: Any,
    small_grid: Any,
    clock: Callable[[timedelta], None],
    monkeypatch: pytest.MonkeyPatch,
    jump: timedelta,
) -> None:
    monkeypatch.setattr(heartbeat, "WATCH_SECONDS", 0.5)
    ours, theirs = small.store, small_grid(small.store, "large").add().store  # the same cells
    job, other = ours.jobs.start("small", driver_name()), theirs.jobs.start("large", ELSEWHERE)
    cell = small.cells[0].cell.id
    theirs.cells.advance(started=[cell], worker=control.owner(other))
    assert ours.cells.workers("small") == {control.owner(other)}
    clock(jump)
    with beating(theirs, other):
        assert control.forsake(ours, "small", job) == 0
    clock(jump)
    assert control.forsake(ours, "small", job) == 1, "it gives no heartbeat any more"
    assert ours.cells.workers("small") == set()
    states = {each.state for each in ours.cells.of_grid("small") if each.cell.id == cell}
    assert states == {CellState.PLANNED}
