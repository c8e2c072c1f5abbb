"""The pool of metric actors: each holds one metric's model, and scores cells while others are still translated.

It is apart from the pool of evaluation workers: a model that scores is loaded once an actor, never once a cell, and
never inside of a worker that translates.
"""

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from dragoman.disk import DiskError
from dragoman.errors import DragomanError, StoreError
from dragoman.metrics.loaded_metric import ConfiguredMetric
from dragoman.metrics.model_metric import ModelDiedError
from dragoman.store.maintenance.open_scores import OpenScore
from dragoman.store.records import ScoredCell
from dragoman_jobs.cluster.attempts import Attempts
from dragoman_jobs.cluster.base import (
    MAX_ATTEMPTS,
    Cluster,
    NodeEndedError,
    Ref,
    RemoteWorker,
    TaskError,
    WorkerDiedError,
)

MAX_STARTS = 3
"""Starts of a metric's actors in a row that die before they are ready: then the metric is given up."""


class GivenUp(NamedTuple):
    """Scores that stay open: the next run of the grid tries them again."""

    metric: str
    """Name of the metric."""
    reason: str
    """Why, as a sentence."""
    tasks: tuple[OpenScore, ...]
    """The cells."""


@dataclass(eq=False)
class _Actor:
    """An actor of the pool."""

    remote: RemoteWorker
    metric: str
    """The metric whose model it holds, for as long as it lives."""
    is_ready: bool = False
    """Whether its model is loaded."""
    test: str = ""
    """Blob of the test lines that it scored last, of which its model may still have what it made."""
    task: OpenScore | None = None
    """The cell in flight."""


class MetricPool:
    """Hands translated cells to metric actors and takes back their scores."""

    def __init__(
        self,
        cluster: Cluster,
        start: Callable[[ConfiguredMetric], RemoteWorker],
        metrics: Sequence[ConfiguredMetric] = (),
    ) -> None:
        """Begin without actors.

        Args:
            cluster: where they run.
            start: starts one for a metric.
            metrics: the metrics.
        """
        self._cluster, self._start = cluster, start
        self._metrics = {metric.name: metric for metric in metrics}
        self._queues: dict[str, dict[str, deque[OpenScore]]] = {name: {} for name in self._metrics}
        self._actors: dict[Ref, _Actor] = {}
        self._idle: list[_Actor] = []
        self._attempts = Attempts()
        self._stillborn: Counter[str] = Counter()
        self._most: dict[str, int] = {}
        self.loads: Counter[str] = Counter()
        """How often the model of each metric was loaded."""
        self.scored: Counter[str] = Counter()
        """Cells that each metric has scored, or can't."""

    @property
    def metrics(self) -> Collection[str]:
        """Names of the metrics, those that are given up included."""
        return self._queues.keys()

    @property
    def waiting(self) -> int:
        """Cells that wait, counted for each metric."""
        return sum(map(self._waiting, self._queues))

    @property
    def running(self) -> int:
        """Cells in flight."""
        return sum(actor.task is not None for actor in self._actors.values())

    @property
    def actors(self) -> int:
        """Actors that live, those that load included."""
        return len(self._actors) + len(self._idle)

    @property
    def refs(self) -> list[Ref]:
        """The futures of cells in flight and of actors that load."""
        return list(self._actors)

    @property
    def standing(self) -> dict[str, dict[str, int]]:
        """How far each metric is, by its name."""
        living = Counter(actor.metric for actor in (*self._actors.values(), *self._idle))
        return {
            name: {
                "scored": self.scored[name],
                "open": self._waiting(name) + sum(actor.metric == name for actor in self._busy()),
                "actors": living[name],
                "loads": self.loads[name],
            }
            for name in self._queues
        }

    def add(self, tasks: Iterable[OpenScore]) -> list[OpenScore]:
        """Queue cells; returns those of metrics that are given up."""
        refused = []
        for task in tasks:
            if task.metric in self._metrics:
                self._queues[task.metric].setdefault(task.test, deque()).append(task)
            else:
                refused.append(task)
        return refused

    def resize(self, size: int, coming: bool = False) -> None:
        """Start actors up to `size` for the cells that wait, and end those that nothing will come for.

        Where there is room for fewer actors than there are metrics, one metric comes after the other, so that each
        actor's model is loaded once and not by turns.

        Args:
            size: the most there may be.
            coming: whether cells will be added.
        """
        for actor in list(self._idle):
            if actor.remote.is_leaving or not (coming or self._waiting(actor.metric)):
                self._end(actor)
        while self.actors < size and (metric := self._neediest(coming)) is not None:
            remote = self._start(self._metrics[metric])
            self._actors[remote.call("ready")] = _Actor(remote, metric)

    def dispatch(self) -> None:
        """Give every idle actor a cell: of the test lines it scored last, else of those that most cells wait of."""
        for actor in list(self._idle):
            if actor.remote.is_leaving or (task := self._next(actor)) is None:
                continue
            self._idle.remove(actor)
            actor.task, actor.test = task, task.test
            self._actors[actor.remote.call("run", task)] = actor

    def take(self, ref: Ref) -> ScoredCell | GivenUp | None:
        """What became of the cell behind a future.

        Returns:
            Its score; or what is given up, for this run; or None where an actor has loaded its model, or died and its
            cell waits again.

        Raises:
            DiskError: a disk is full.
        """
        actor = self._actors.pop(ref)
        try:
            result = self._cluster.result(ref)
        except DiskError:
            raise
        except DragomanError as error:
            return self._failed(actor, error)
        self._idle.append(actor)
        task, actor.task = actor.task, None
        if task is None:
            self.loads[actor.metric] += 1
            self._stillborn.pop(actor.metric, None)
            actor.is_ready = True
            return None
        self.scored[actor.metric] += 1
        scored: ScoredCell = result
        return scored

    def close(self) -> None:
        """End every actor."""
        for actor in (*self._idle, *self._actors.values()):
            actor.remote.kill()
        self._idle.clear()
        self._actors.clear()

    def _failed(self, actor: _Actor, error: DragomanError) -> GivenUp | None:
        """An actor is lost, or its model: another takes its cell, unless that has cost too many."""
        task, name = actor.task, actor.metric
        died = isinstance(error, WorkerDiedError | ModelDiedError)
        if task is not None and isinstance(error, StoreError):  # the model is well: the cell's blobs are not
            actor.task = None
            self._idle.append(actor)
            return GivenUp(name, str(error), (task,))
        actor.remote.kill()
        if task is None:
            if isinstance(error, NodeEndedError):
                return None
            if others := self._loaded(name):
                self._most[name] = others  # no room for one more
                return None
            self._stillborn[name] += 1
            if died and self._stillborn[name] < MAX_STARTS:
                return None
            what = f"its actors died {MAX_STARTS} times before their model was loaded ({error})" if died else str(error)
            return self._give_up(name, what)
        if not isinstance(error, TaskError) and self._attempts.again(task, error):
            self._queues[name].setdefault(task.test, deque()).appendleft(task)
            return None
        what = f"its actor died {MAX_ATTEMPTS} times over it ({error})" if died else str(error)
        return GivenUp(name, what, (task,))

    def _give_up(self, metric: str, reason: str) -> GivenUp | None:
        """No actor of a metric can be had: all that it has still to score stays open."""
        if self._metrics.pop(metric, None) is None:
            return None  # said by another of its actors
        tasks = tuple(task for queue in self._queues[metric].values() for task in queue)
        self._queues[metric].clear()
        return GivenUp(metric, reason, tasks)

    def _loaded(self, metric: str) -> int:
        """Actors that have the model of a metric loaded."""
        return sum(actor.metric == metric and actor.is_ready for actor in (*self._actors.values(), *self._idle))

    def _busy(self) -> list[_Actor]:
        return [actor for actor in self._actors.values() if actor.task is not None]

    def _waiting(self, metric: str) -> int:
        return sum(map(len, self._queues[metric].values()))

    def _neediest(self, coming: bool) -> str | None:
        """The metric that most cells wait for each actor of: one with more of them than actors, or yet without any."""
        living = Counter(actor.metric for actor in (*self._actors.values(), *self._idle))
        busy = Counter(actor.metric for actor in self._busy())  # no help to cells that wait

        def is_needy(name: str) -> bool:
            wanted = self._waiting(name) > living[name] - busy[name] or (coming and not living[name])
            return wanted and living[name] < self._most.get(name, living[name] + 1)

        needy = [name for name in self._metrics if is_needy(name)]
        return max(needy, key=lambda name: self._waiting(name) / (living[name] + 1), default=None)

    def _next(self, actor: _Actor) -> OpenScore | None:
        queues = self._queues[actor.metric]
        tests = [test for test, queue in queues.items() if queue]
        if not tests:
            return None
        taken = {other.test for other in self._busy() if other.metric == actor.metric}
        alone = [test for test in tests if test not in taken] or tests
        test = actor.test if actor.test in tests else max(alone, key=lambda each: len(queues[each]))
        return queues[test].popleft()

    def _end(self, actor: _Actor) -> None:
        self._idle.remove(actor)
        actor.remote.kill()
