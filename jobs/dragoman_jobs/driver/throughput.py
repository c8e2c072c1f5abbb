"""Throughput of a grid over the last minute, the estimated time left, and the same as Prometheus metrics."""

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from dragoman.store.records import CellOutcome
from dragoman_jobs.evaluation.worker import CellTask

WINDOW = 60.0
"""Seconds that rates are taken over."""


class Rates(NamedTuple):
    """What is measured of a running grid."""

    tokens_per_second: float | None
    """Tokens generated; None before the first cell."""
    segments_per_second: float | None
    """Lines translated."""
    seconds_left: float | None
    """Until the last cell is done, if it goes on like this."""


@dataclass(frozen=True)
class _Point:
    at: float
    tokens: int
    segments: int
    size: int


class Throughput:
    """Counts the cells as they end."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._begun: float | None = None
        self._points: deque[_Point] = deque()

    def begin(self) -> None:
        """A cell starts; the first one starts the clock."""
        if self._begun is None:
            self._begun = self._clock()

    def count(self, task: CellTask, outcome: CellOutcome) -> None:
        """A cell is translated."""
        done = outcome.translation
        self._points.append(_Point(self._clock(), done.tokens, done.segments, task.size))

    def pace(self, size_left: int) -> Rates:
        """The rates of the last minute.

        Args:
            size_left: characters still to translate.
        """
        now = self._clock()
        while self._points and self._points[0].at < now - WINDOW:
            self._points.popleft()
        if self._begun is None or not self._points:
            return Rates(None, None, None)
        # a second at least: the first cell's rate would be anything
        seconds = max(1.0, min(WINDOW, now - self._begun))
        sizes = sum(point.size for point in self._points)
        return Rates(
            tokens_per_second=sum(point.tokens for point in self._points) / seconds,
            segments_per_second=sum(point.segments for point in self._points) / seconds,
            seconds_left=size_left * seconds / sizes if sizes else None,
        )


class PrometheusMetrics:
    """The same for Prometheus, by way of Ray: a few series for each grid, none for each pair."""

    def __init__(self, grid: str) -> None:
        from ray.util.metrics import Counter, Gauge

        tags = {"tag_keys": ("grid",)}
        self._cells: Any = Counter("dragoman_cells", "Cells that ended, by how.", tag_keys=("grid", "state"))
        self._tokens: Any = Counter("dragoman_tokens", "Tokens generated.", **tags)
        self._segments: Any = Counter("dragoman_segments", "Lines translated.", **tags)
        self._gauges: Mapping[str, Any] = {
            "left": Gauge("dragoman_cells_left", "Cells not done yet.", **tags),
            "running": Gauge("dragoman_cells_running", "Cells in flight.", **tags),
            "workers": Gauge("dragoman_workers", "Evaluation workers that are ready.", **tags),
            "busy": Gauge("dragoman_workers_busy", "Share of the workers' life spent on cells, 0 to 1.", **tags),
            "trainings": Gauge("dragoman_trainings", "Finetunings under way.", **tags),
        }
        self._grid = {"grid": grid}

    def ended(self, state: str, outcome: CellOutcome | None) -> None:
        """A cell ended."""
        self._cells.inc(1, tags={**self._grid, "state": state})
        if outcome is not None:
            for counter, value in (
                (self._tokens, outcome.translation.tokens),
                (self._segments, outcome.translation.segments),
            ):
                if value:  # Ray refuses to add nothing
                    counter.inc(value, tags=self._grid)

    def show(self, **values: float | None) -> None:
        """How it stands."""
        for name, value in values.items():
            if value is not None:
                self._gauges[name].set(value, tags=self._grid)
