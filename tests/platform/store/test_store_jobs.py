"""Runs of a grid: one driver at a time, asked to stop and told to retry by way of the store."""

import os
import socket
import subprocess
from datetime import timedelta

import pytest
from sqlalchemy import update

from dragoman.cell import CellState
from dragoman.errors import StoreError
from dragoman.store.heartbeat import LOST_AFTER, driver_name
from dragoman.store.jobs import control
from dragoman.store.records import JobLine, JobState, LineKind, Untranslated, now
from dragoman.store.schema import JobRow

ELSEWHERE = "another-host-7"


def silence(store, job, seconds):
    with store.database.writing() as connection:
        seen = now() - timedelta(seconds=seconds)
        connection.execute(update(JobRow).where(JobRow.id == job).values(seen=seen))


def states(store):
    return {cell.state for cell in store.cells.of_grid("small")}


def test_a_second_driver_is_kept_off_while_the_first_is_alive(small):
    job = small.store.jobs.start("small", ELSEWHERE)
    with pytest.raises(StoreError, match=f"is being run by {ELSEWHERE} since .*dragoman stop small"):
        small.store.jobs.start("small", driver_name())
    with pytest.raises(StoreError, match="is being run by"):
        small.store.jobs.queue("small", "http://127.0.0.1:8265")
    small.store.jobs.end(job, JobState.DONE)
    assert small.store.jobs.start("small", driver_name()) != job


def test_a_silent_driver_is_lost_and_another_takes_its_place(small):
    job = small.store.jobs.start("small", ELSEWHERE)
    silence(small.store, job, LOST_AFTER.total_seconds() - 5)
    assert small.store.jobs.of_grid("small")[0].is_alive
    silence(small.store, job, LOST_AFTER.total_seconds() + 1)
    assert small.store.jobs.of_grid("small")[0].is_lost
    small.store.jobs.start("small", driver_name())
    later, earlier = small.store.jobs.of_grid("small")
    assert later.is_alive
    assert (earlier.state, earlier.reason) == (JobState.FAILED, "its driver was lost; the grid can be resumed")
    assert small.store.jobs.beat(job) == "another driver"


def test_a_process_of_this_host_that_ended_is_lost_at_once(small):
    process = subprocess.Popen(["sleep", "60"])
    job = small.store.jobs.start("small", f"{socket.gethostname()}-{process.pid}")
    assert small.store.jobs.of_grid("small")[0].is_alive
    process.kill()
    process.wait()
    assert small.store.jobs.of_grid("small")[0].is_lost
    assert small.store.jobs.start("small", f"{socket.gethostname()}-{os.getpid()}") != job


def test_what_a_driver_says_is_kept_in_order(small):
    job = small.store.jobs.start("small", driver_name())
    assert small.store.jobs.beat(job, {"done": 1}, [JobLine(text="one"), JobLine(text="two")]) is None
    small.store.jobs.beat(job, None, [JobLine(kind=LineKind.FAILURE, text="three", detail="Traceback\n  line")])
    assert [(line.number, line.text) for line in small.store.jobs.lines(job)] == [(1, "one"), (2, "two"), (3, "three")]
    assert [line.text for line in small.store.jobs.lines(job, after=1, most=1)] == ["two"]
    assert small.store.jobs.count_lines(job) == 3
    (failure,) = small.store.jobs.lines(job, kind=LineKind.FAILURE)
    assert failure.detail == "Traceback\n  line"
    assert small.store.jobs.of_grid("small")[0].progress == {"done": 1}


def test_a_driver_is_told_to_stop_and_by_whom(small):
    job = small.store.jobs.start("small", ELSEWHERE)
    assert control.stop(small.store, "small", "ada").is_alive
    control.stop(small.store, "small", "grace")
    assert small.store.jobs.beat(job) == "ada"
    small.store.jobs.end(job, JobState.STOPPED, "stopped by ada")
    with pytest.raises(StoreError, match="is not running \\(its last run is stopped\\)"):
        control.stop(small.store, "small", "ada")


def test_a_lost_driver_and_a_queued_job_are_stopped_at_once(small):
    job = small.store.jobs.start("small", ELSEWHERE)
    small.store.cells.advance(started=[small.cells[0].cell.id], worker="pool")
    silence(small.store, job, 60)
    assert control.stop(small.store, "small", "ada").state is JobState.STOPPED
    assert states(small.store) == {CellState.PLANNED}
    queued = small.store.jobs.queue("small", "http://127.0.0.1:8265")
    small.store.jobs.submitted(queued, "ray-1")
    assert control.stop(small.store, "small", "ada").submission == "ray-1"
    with pytest.raises(StoreError, match="was stopped before it began: resume the grid"):
        small.store.jobs.start("small", driver_name(), queued)


def test_a_queued_job_becomes_the_one_that_runs(small):
    queued = small.store.jobs.queue("small", "http://127.0.0.1:8265")
    assert small.store.jobs.of_grid("small")[0].worker is None
    assert small.store.jobs.start("small", driver_name(), queued) == queued
    assert [job.state for job in small.store.jobs.of_grid("small")] == [JobState.RUNNING]
    with pytest.raises(StoreError, match="is being run by"):
        small.store.jobs.start("small", driver_name())


def test_a_newer_submission_takes_the_place_of_one_that_waits(small):
    first = small.store.jobs.queue("small", "http://127.0.0.1:8265")
    second = small.store.jobs.queue("small", "http://127.0.0.1:8265")
    assert [job.state for job in small.store.jobs.of_grid("small")] == [JobState.QUEUED, JobState.FAILED]
    with pytest.raises(StoreError, match="before it began"):
        small.store.jobs.start("small", driver_name(), first)
    assert small.store.jobs.start("small", driver_name(), second) == second


def test_failed_cells_are_planned_again_and_no_others(small, in_step):
    small.store.cells.advance(failed=[Untranslated(small.cells[3].cell.id, "out of memory")])
    small.store.cells.advance(started=[small.cells[4].cell.id], worker="pool")
    small.commit(small.cells[5].cell, 10)
    assert control.retry(small.store, "small") == 1
    by_id = {cell.cell.id: cell for cell in small.store.cells.of_grid("small")}
    again, running, done = (by_id[small.cells[place].cell.id] for place in (3, 4, 5))
    assert (again.state, again.reason) == (CellState.PLANNED, None)
    assert (running.state, done.state) == (CellState.RUNNING, CellState.DONE)
    assert control.forsake(small.store, "small") == 1
    assert control.retry(small.store, "small") == 0
    in_step(small.store)


def test_cells_that_another_grids_driver_runs_stay_its_own_while_it_is_alive(small, small_grid, in_step):
    ours, theirs = small.store, small_grid(small.store, "large").add().store  # the same cells
    job, other = ours.jobs.start("small", ELSEWHERE), theirs.jobs.start("large", "a-third-host-8")
    first, second, third = (small.cells[place].cell.id for place in (0, 1, 2))
    assert ours.cells.advance(started=[first, second], worker=control.owner(job)) == []
    assert theirs.cells.advance(started=[second, third], worker=control.owner(other)) == [second]
    assert ours.cells.advance(started=[first], worker=control.owner(job)) == [], "a second try is its own affair"

    assert control.forsake(ours, "small", job) == 2
    running = {cell.cell.id for cell in ours.cells.of_grid("small") if cell.state is CellState.RUNNING}
    assert running == {third}
    silence(ours, other, 60)
    assert control.forsake(ours, "small", job) == 1, "its driver is gone"
    small.commit(small.cells[2].cell, 10)
    assert ours.cells.advance(started=[third], worker=control.owner(job)) == [third], "somebody has translated it"
    in_step(ours)


@pytest.mark.parametrize("ask", [control.retry, control.forsake, lambda store, grid: control.stop(store, grid, "ada")])
def test_an_unknown_grid_is_a_sentence(small, ask):
    with pytest.raises(StoreError, match="no grid 'smal': did you mean 'small'"):
        ask(small.store, "smal")


def test_a_grid_that_was_never_run_can_not_be_stopped(small):
    with pytest.raises(StoreError, match="it was never run"):
        control.stop(small.store, "small", "ada")


def test_a_driver_that_stood_still_tells_too_late_of_failures(small, in_step):
    """Its cells are another's since: what it has translated is as good, what failed there says nothing of them."""
    first, second = (small.cells[place].cell.id for place in (0, 1))
    job = small.store.jobs.start("small", ELSEWHERE)
    small.store.cells.advance(started=[first, second], worker=control.owner(job))
    silence(small.store, job, 60)
    other = small.store.jobs.start("small", "a-third-host-8")
    assert control.forsake(small.store, "small", other) == 2
    small.store.cells.advance(started=[first], worker=control.owner(other))
    late = [Untranslated(each, "its worker died three times") for each in (first, second)]
    small.store.cells.advance(failed=late, worker=control.owner(job))
    found = {cell.cell.id: cell.state for cell in small.store.cells.of_grid("small")}
    assert (found[first], found[second]) == (CellState.RUNNING, CellState.FAILED)
    small.store.cells.advance(failed=late[:1], worker=control.owner(other))
    in_step(small.store)
    assert small.store.cells.of_grid("small")[0].state is CellState.FAILED
