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
from dragoman.store.records import JobLine, JobState, LineKind, now
from dragoman.store.schema import JobRow

ELSEWHERE = "another-host-7"


def silence(store, job, seconds):
    with store.database.writing() as connection:
        seen = now() - timedelta(seconds=seconds)
        connection.execute(update(JobRow).where(JobRow.id == job).values(seen=seen))


def states(store):
    return {cell.state for cell in store.cells("small")}


def test_a_second_driver_is_kept_off_while_the_first_is_alive(small):
    job = small.store.start_job("small", ELSEWHERE)
    with pytest.raises(StoreError, match=f"is being run by {ELSEWHERE} since .*dragoman stop small"):
        small.store.start_job("small", driver_name())
    with pytest.raises(StoreError, match="is being run by"):
        small.store.queue_job("small", "http://127.0.0.1:8265")
    small.store.end_job(job, JobState.DONE)
    assert small.store.start_job("small", driver_name()) != job


def test_a_silent_driver_is_lost_and_another_takes_its_place(small):
    job = small.store.start_job("small", ELSEWHERE)
    silence(small.store, job, LOST_AFTER.total_seconds() - 5)
    assert small.store.jobs("small")[0].is_alive
    silence(small.store, job, LOST_AFTER.total_seconds() + 1)
    assert small.store.jobs("small")[0].is_lost
    small.store.start_job("small", driver_name())
    later, earlier = small.store.jobs("small")
    assert later.is_alive
    assert (earlier.state, earlier.reason) == (JobState.FAILED, "its driver was lost; the grid can be resumed")
    assert small.store.beat_job(job) == "another driver"


def test_a_process_of_this_host_that_ended_is_lost_at_once(small):
    process = subprocess.Popen(["sleep", "60"])
    job = small.store.start_job("small", f"{socket.gethostname()}-{process.pid}")
    assert small.store.jobs("small")[0].is_alive
    process.kill()
    process.wait()
    assert small.store.jobs("small")[0].is_lost
    assert small.store.start_job("small", f"{socket.gethostname()}-{os.getpid()}") != job


def test_what_a_driver_says_is_kept_in_order(small):
    job = small.store.start_job("small", driver_name())
    assert small.store.beat_job(job, {"done": 1}, [JobLine(text="one"), JobLine(text="two")]) is None
    small.store.beat_job(job, None, [JobLine(kind=LineKind.FAILURE, text="three", detail="Traceback\n  line")])
    assert [(line.number, line.text) for line in small.store.job_lines(job)] == [(1, "one"), (2, "two"), (3, "three")]
    assert [line.text for line in small.store.job_lines(job, after=1, most=1)] == ["two"]
    assert small.store.count_job_lines(job) == 3
    (failure,) = small.store.job_lines(job, kind=LineKind.FAILURE)
    assert failure.detail == "Traceback\n  line"
    assert small.store.jobs("small")[0].progress == {"done": 1}


def test_a_driver_is_told_to_stop_and_by_whom(small):
    job = small.store.start_job("small", ELSEWHERE)
    assert control.stop(small.store, "small", "ada").is_alive
    control.stop(small.store, "small", "grace")
    assert small.store.beat_job(job) == "ada"
    small.store.end_job(job, JobState.STOPPED, "stopped by ada")
    with pytest.raises(StoreError, match="is not running \\(its last run is stopped\\)"):
        control.stop(small.store, "small", "ada")


def test_a_lost_driver_and_a_queued_job_are_stopped_at_once(small):
    job = small.store.start_job("small", ELSEWHERE)
    small.store.start_cell(small.cells[0].cell.id, "pool")
    silence(small.store, job, 60)
    assert control.stop(small.store, "small", "ada").state is JobState.STOPPED
    assert states(small.store) == {CellState.PLANNED}
    queued = small.store.queue_job("small", "http://127.0.0.1:8265")
    small.store.submitted_job(queued, "ray-1")
    assert control.stop(small.store, "small", "ada").submission == "ray-1"
    with pytest.raises(StoreError, match="was stopped before it began: resume the grid"):
        small.store.start_job("small", driver_name(), queued)


def test_a_queued_job_becomes_the_one_that_runs(small):
    queued = small.store.queue_job("small", "http://127.0.0.1:8265")
    assert small.store.jobs("small")[0].worker is None
    assert small.store.start_job("small", driver_name(), queued) == queued
    assert [job.state for job in small.store.jobs("small")] == [JobState.RUNNING]
    with pytest.raises(StoreError, match="is being run by"):
        small.store.start_job("small", driver_name())


def test_a_newer_submission_takes_the_place_of_one_that_waits(small):
    first = small.store.queue_job("small", "http://127.0.0.1:8265")
    second = small.store.queue_job("small", "http://127.0.0.1:8265")
    assert [job.state for job in small.store.jobs("small")] == [JobState.QUEUED, JobState.FAILED]
    with pytest.raises(StoreError, match="before it began"):
        small.store.start_job("small", driver_name(), first)
    assert small.store.start_job("small", driver_name(), second) == second


def test_failed_cells_are_planned_again_and_no_others(small, in_step):
    small.store.fail_cell(small.cells[3].cell.id, "out of memory")
    small.store.start_cell(small.cells[4].cell.id, "pool")
    small.commit(small.cells[5].cell, 10)
    assert control.retry(small.store, "small") == 1
    by_id = {cell.cell.id: cell for cell in small.store.cells("small")}
    again, running, done = (by_id[small.cells[place].cell.id] for place in (3, 4, 5))
    assert (again.state, again.reason) == (CellState.PLANNED, None)
    assert (running.state, done.state) == (CellState.RUNNING, CellState.DONE)
    assert control.forsake(small.store, "small") == 1
    assert control.retry(small.store, "small") == 0
    in_step(small.store)


def test_cells_that_another_grids_driver_runs_stay_its_own_while_it_is_alive(small, small_grid, in_step):
    ours, theirs = small.store, small_grid(small.store, "large").add().store  # the same cells
    job, other = ours.start_job("small", ELSEWHERE), theirs.start_job("large", "a-third-host-8")
    first, second, third = (small.cells[place].cell.id for place in (0, 1, 2))
    assert ours.advance_cells([], [], [first, second], control.owner(job)) == []
    assert theirs.advance_cells([], [], [second, third], control.owner(other)) == [second]
    assert ours.advance_cells([], [], [first], control.owner(job)) == [], "a second try is its own affair"

    assert control.forsake(ours, "small", job) == 2
    running = {cell.cell.id for cell in ours.cells("small") if cell.state is CellState.RUNNING}
    assert running == {third}
    silence(ours, other, 60)
    assert control.forsake(ours, "small", job) == 1, "its driver is gone"
    small.commit(small.cells[2].cell, 10)
    assert ours.advance_cells([], [], [third], control.owner(job)) == [third], "somebody has translated it"
    in_step(ours)


@pytest.mark.parametrize("ask", [control.retry, control.forsake, lambda store, grid: control.stop(store, grid, "ada")])
def test_an_unknown_grid_is_a_sentence(small, ask):
    with pytest.raises(StoreError, match="no grid 'smal': did you mean 'small'"):
        ask(small.store, "smal")


def test_a_grid_that_was_never_run_can_not_be_stopped(small):
    with pytest.raises(StoreError, match="it was never run"):
        control.stop(small.store, "small", "ada")
