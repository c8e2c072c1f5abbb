"""The course of one finetuning as its driver sees it: steps, pace, time left, and a thinned loss curve."""

import time
from collections import deque
from collections.abc import Callable

from dragoman.store.training_records import TrainingReport
from dragoman_jobs.finetune.result import Progress

WINDOW_SECONDS = 60.0
"""The time left goes by the pace of this long."""

POINTS = 240
"""Most points of the loss curve that is kept; MLflow has all of them."""


class TrainingCourse:
    """Takes a finetuning's progress, step by step, and says in short how far it is."""

    def __init__(
        self,
        model: str,
        steps: int,
        before: TrainingReport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin before the first step, or with what an earlier driver reported.

        Args:
            model: id of the model.
            steps: optimiser steps in all.
            before: the last report of a finetuning that was interrupted.
            clock: tells the time in seconds.
        """
        self._model, self._steps, self._clock = model, steps, clock
        self._step = self._first = before.step if before else 0
        self._loss = before.loss if before else None
        self._speed: float | None = None
        self._stride = 1
        self._curve = list(before.losses) if before else []
        self._seen: deque[tuple[float, int]] = deque()

    @property
    def step(self) -> int:
        """Optimiser steps done."""
        return self._step

    def take(self, progress: Progress) -> bool:
        """Take the progress after a step; returns whether training went on from a checkpoint before it."""
        goes_on = progress.step > 1 if not self._seen else progress.step <= self._step
        if goes_on or not self._seen:
            self._first = progress.step - 1
            self._curve = [point for point in self._curve if point[0] < progress.step]
            self._seen.clear()
        self._step, self._loss, self._speed = progress.step, progress.loss, progress.tokens_per_second
        self._seen.append((self._clock(), progress.step))
        while len(self._seen) > 2 and self._seen[-1][0] - self._seen[1][0] >= WINDOW_SECONDS:
            self._seen.popleft()
        if (progress.step - 1) % self._stride == 0:
            self._curve.append((progress.step, progress.loss))
        while len(self._curve) > POINTS:
            self._stride *= 2
            self._curve = [point for point in self._curve if (point[0] - 1) % self._stride == 0]
        return goes_on

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the last step, at the pace of the last minute; None before there is one."""
        if len(self._seen) < 2:
            return None
        (began, first), (now, last) = self._seen[0], self._seen[-1]
        return (self._steps - self._step) * (now - began) / (last - first)

    def report(self, failure: str | None = None) -> TrainingReport:
        """How far it is.

        Args:
            failure: why it failed.
        """
        return TrainingReport(
            model=self._model,
            step=self._step,
            steps=self._steps,
            first_step=self._first,
            loss=self._loss,
            tokens_per_second=self._speed,
            seconds_left=self.seconds_left,
            losses=tuple(self._curve),
            failure=failure,
        )
