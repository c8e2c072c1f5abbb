"""What a driver says of a finetuning: steps from where it goes on, pace, time left, and a curve that stays short."""

import itertools
from typing import Any

import pytest

from dragoman_jobs.driver.training_course import POINTS, TrainingCourse
from dragoman_jobs.finetune.result import Progress


def walked(course: TrainingCourse, clock: list[float], steps: range, seconds: float, of: int) -> list[bool]:
    gone_on = []
    for step in steps:
        clock[0] += seconds
        gone_on.append(course.take(Progress(step, of, 10 / step, 0.1, 500.0)))
    return gone_on


def test_time_left_goes_by_the_pace_of_the_last_minute() -> None:
    clock = [100.0]
    course = TrainingCourse("m", 400, clock=lambda: clock[0])
    assert course.report().model_dump(include={"step", "loss", "seconds_left"}) == {
        "step": 0, "loss": None, "seconds_left": None,
    }  # fmt: skip
    walked(course, clock, range(1, 2), 1.0, 400)
    assert course.seconds_left is None  # one step has no pace
    walked(course, clock, range(2, 101), 1.0, 400)
    assert course.seconds_left == pytest.approx(300)
    walked(course, clock, range(101, 201), 2.0, 400)
    assert course.seconds_left == pytest.approx(400, rel=0.05)
    report = course.report()
    assert (report.step, report.steps, report.first_step, report.loss) == (200, 400, 0, 10 / 200)


def test_steps_that_take_longer_than_the_window_have_a_pace() -> None:
    clock = [0.0]
    course = TrainingCourse("m", 10, clock=lambda: clock[0])
    walked(course, clock, range(1, 4), 300.0, 10)
    assert course.seconds_left == pytest.approx(7 * 300)


def test_a_resumed_finetuning_counts_from_where_it_goes_on_and_keeps_its_curve() -> None:
    clock = [0.0]
    first = TrainingCourse("m", 100, clock=lambda: clock[0])
    assert not any(walked(first, clock, range(1, 61), 1.0, 100))
    again = TrainingCourse("m", 100, first.report(), clock=lambda: clock[0])
    assert again.report().step == 60  # until it speaks, what was said before
    clock[0] += 1000  # what lay between is not its speed
    assert walked(again, clock, range(51, 56), 2.0, 100) == [True, False, False, False, False]
    report = again.report()
    assert (report.first_step, report.step, report.seconds_left) == (50, 55, 90)
    assert [step for step, _ in report.losses] == list(range(1, 56))


def test_workers_that_go_back_to_a_checkpoint_are_seen() -> None:
    clock = [0.0]
    course = TrainingCourse("m", 100, clock=lambda: clock[0])
    walked(course, clock, range(1, 31), 1.0, 100)
    assert walked(course, clock, range(21, 23), 1.0, 100) == [True, False]
    assert [step for step, _ in course.report().losses] == list(range(1, 23))


def test_the_curve_is_thinned_evenly_and_every_point_is_a_step_s_own() -> None:
    clock: list[Any] = [0.0]
    course = TrainingCourse("m", 5000, clock=lambda: clock[0])
    walked(course, clock, range(1, 5001), 0.1, 5000)
    losses = course.report().losses
    steps = [step for step, _ in losses]
    assert POINTS / 2 < len(steps) <= POINTS and steps[0] == 1
    assert len({after - before for before, after in itertools.pairwise(steps)}) == 1
    assert all(loss == 10 / step for step, loss in losses)
