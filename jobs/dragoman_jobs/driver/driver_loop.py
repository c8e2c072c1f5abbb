"""The driver's loop: start finetunings, prepare models, hand cells to workers and collect results until all is done."""

import time
from collections.abc import Sequence

from dragoman.cell import CellState
from dragoman.errors import DragomanError
from dragoman.model import ModelIdentity
from dragoman.settings import Settings
from dragoman.store.maintenance.open_scores import OpenScore
from dragoman_jobs.cluster.base import ONE_CORE, Cluster, Ref, Share
from dragoman_jobs.cluster.resources import Shares
from dragoman_jobs.driver.backlog import Backlog
from dragoman_jobs.driver.cell_results import CellResults
from dragoman_jobs.driver.pivots import PivotSystems
from dragoman_jobs.driver.preparations import Preparations
from dragoman_jobs.driver.progress import ProgressDisplay, cell_note
from dragoman_jobs.driver.shortage import Shortage
from dragoman_jobs.driver.throughput import PrometheusMetrics, Throughput
from dragoman_jobs.driver.timeline import Timeline, Work
from dragoman_jobs.driver.trainings import FinetuningResult, Finetunings
from dragoman_jobs.evaluation.metric_pool import GivenUp, MetricPool
from dragoman_jobs.evaluation.worker import CellTask
from dragoman_jobs.evaluation.worker_pool import CellResult, WorkerPool

_POLL_SECONDS = 0.5
"""Seconds between two looks at what is going on."""

TICK_SECONDS = 0.05
"""Seconds in which the cells that end are written together, where no worker waits for its next one meanwhile."""


class DriverLoop:
    """One run through a backlog."""

    def __init__(
        self,
        cluster: Cluster,
        backlog: Backlog,
        settings: Settings,
        *,
        pool: WorkerPool,
        scoring: MetricPool,
        trainings: Finetunings,
        preparations: Preparations,
        pivots: PivotSystems,
        results: CellResults,
        progress: ProgressDisplay,
        throughput: Throughput,
        meters: PrometheusMetrics | None = None,
    ) -> None:
        """Start nothing yet.

        Args:
            cluster: where the work is done.
            backlog: what is to be done.
            settings: how many workers there may be, and what each holds.
            pool: the evaluation workers.
            scoring: the actors of metrics that hold a model.
            trainings: the finetunings.
            preparations: the models being prepared.
            pivots: the pivot systems, which wait for the cells of their models.
            results: takes what became of cells.
            progress: what is shown meanwhile.
            throughput: what is measured of the cells.
            meters: what is measured goes there too.
        """
        self._cluster, self._backlog, self._settings = cluster, backlog, settings
        self._shares = Shares.of(settings)
        self._pool, self._scoring, self._trainings = pool, scoring, trainings
        self._preparations, self._pivots = preparations, pivots
        self._untrained: set[str] = set()
        self._results, self._progress, self._throughput, self._meters = results, progress, throughput, meters
        self._next_show = self._next_step = 0.0
        self._timeline, self._shortage = Timeline(), Shortage()
        self.given_up: set[OpenScore] = set()
        """Scores that could not be had: they stay open."""

    def run(self, models: Sequence[ModelIdentity]) -> None:
        """Do all of the backlog, in the order of the models.

        Raises:
            DiskError: a disk is full: whatever is done then would fail, so it stays to be done.
        """
        self._untrained = {training.identity.id for training in self._backlog.untrained}
        for training in self._backlog.untrained:
            self._trainings.begin(self._cluster, training)
        for model in models:
            if not self._backlog.pending(model.id):
                continue
            if self._pivots.is_one(model):
                self._pivots.wait(model)
            elif model.id not in self._untrained:
                self._preparations.begin(self._cluster, model)
        self._scoring.add(self._backlog.unscored)
        self._progress.bar("cells", self._backlog.total, self._backlog.ended)
        try:
            while (
                self._translates
                or self._trainings.left
                or self._pivots
                or self._scoring.waiting
                or self._scoring.running
            ):
                self._step()
            self._results.write()
            self._show()
            if line := self._timeline.sentence:
                self._progress.say(line)
        finally:
            self._trainings.close()
            self._pool.close()
            self._scoring.close()
            self._results.write(seconds=0.0)  # what ended before it broke off

    def _step(self) -> None:
        if self._pool.running and self._pool.running == self._pool.workers:
            time.sleep(max(0.0, self._next_step - time.monotonic()))
        self._next_step = time.monotonic() + TICK_SECONDS
        self._begin_pivots()
        self._resize_pool()
        self._choose_cells()
        self._pool.dispatch()
        self._scoring.resize(self._metric_actors, coming=bool(self._pool.waiting or self._pool.running))
        self._scoring.dispatch()
        for trained in self._trainings.look(self._cluster):
            self._take_trained(trained)
        refs = [*self._trainings.refs, *self._preparations.refs, *self._pivots.refs, *self._pool.refs]
        refs += self._scoring.refs
        for ref in self._cluster.wait(refs, _POLL_SECONDS):
            if ref in self._trainings.refs:
                if (over := self._trainings.follow(self._cluster, ref)) is not None:
                    self._take_trained(over)
            elif ref in self._preparations.refs:
                self._take_prepared(ref)
            elif ref in self._pivots.refs:
                self._take_chosen(ref)
            elif ref in self._scoring.refs:
                self._take_scored(ref)
            else:
                for ended in self._pool.take(ref):
                    self._take_ended(ended)
        if time.monotonic() >= self._next_show:
            self._next_show = time.monotonic() + _POLL_SECONDS
            self._show()

    def _begin_pivots(self) -> None:
        """Prepare the pivot systems whose models have no cell left to do; others have their pivots chosen first."""
        if not self._pivots:
            return
        self._results.write()  # their first legs are read from the store
        for system in self._pivots.begin(self._cluster, self._is_through):
            self._preparations.begin(self._cluster, system, self._pivots.legs(system))

    def _is_through(self, model: str) -> bool:
        prepared = any(each.id == model for each in self._preparations.models)
        return not (prepared or model in self._untrained or self._backlog.pending(model) or self._pool.has(model))

    def _take_chosen(self, ref: Ref) -> None:
        if (over := self._pivots.follow(self._cluster, ref)) is None:
            return
        system, error = over
        if error is None:
            self._preparations.begin(self._cluster, system, self._pivots.legs(system))
        else:
            self._results.write_failed(system, f"its pivots could not be chosen: {error}", self._cluster.detail(error))

    def _resize_pool(self) -> None:
        besides = self._besides
        size = self._cluster.room(self._shares.evaluation, besides)
        workers = self._settings.workers
        if self._cluster.grows:
            # what waits makes the cluster start nodes; twice as many as work, so that few wait where no more can come
            size = workers or max(size, self._pool.workers) + max(1, self._pool.workers)
        elif not besides:
            size = max(size, 1)  # nodes may have gone; Ray waits for others
        coming = sum(len(self._backlog.pending(model.id)) for model in self._preparations.models)
        self._pool.resize(min(size, workers or size), coming)

    @property
    def _translates(self) -> bool:
        """Whether cells are translated, or will be as soon as their model is prepared."""
        return bool(self._preparations or self._pool.waiting or self._pool.running)

    @property
    def _besides(self) -> list[Share]:
        """What is held, or kept, by all but the evaluation workers."""
        scoring = max(self._scoring.actors, self._metric_actors)
        return self._others + [self._shares.metric] * scoring

    @property
    def _others(self) -> list[Share]:
        """What finetunings, choices of pivots and preparations hold."""
        return self._trainings.held + self._pivots.held + [ONE_CORE] * len(self._preparations)

    @property
    def _metric_actors(self) -> int:
        """The most actors of metrics there may be now: while cells are translated, one worker for that has its room."""
        most = self._settings.metric_workers or len(self._scoring.metrics)
        if not self._scoring.metrics or not (self._translates or self._scoring.waiting or self._scoring.running):
            return 0
        if self._cluster.grows:
            return most
        besides = [*self._others, self._shares.evaluation] if self._translates else self._others
        room = self._cluster.room(self._shares.metric, besides)
        return min(most, room if besides else max(room, 1))  # nodes may have gone; Ray waits for others

    def _take_ended(self, ended: CellResult) -> None:
        """Have a cell that was translated scored by the metrics that hold a model."""
        self._results.add(ended)
        if ended.outcome is None:
            return
        task, done = ended.task, ended.outcome
        self._timeline.add(Work.TRANSLATING, done.began, done.ended)
        self.given_up |= set(self._scoring.add(
            OpenScore(task.cell, task.pair, metric, task.test, done.translation.hypotheses)
            for metric in self._scoring.metrics
        ))  # fmt: skip

    def _take_scored(self, ref: Ref) -> None:
        found = self._scoring.take(ref)
        if isinstance(found, GivenUp):
            self._give_up(found)
        elif found is not None:
            self._timeline.add(Work.SCORING, found.began, found.ended)
            self._results.add_scores(found)

    def _give_up(self, found: GivenUp) -> None:
        self.given_up |= set(found.tasks)
        cells = f"{len(found.tasks)} {'cell is' if len(found.tasks) == 1 else 'cells are'}"
        self._progress.failed(f"{found.metric}: {cells} not scored: {found.reason}")

    def _choose_cells(self) -> None:
        """Have workers' next cells chosen and written as started, but for those that others are at."""
        while theirs := self._results.write(self._pool.choose()):
            withdrawn = self._pool.withdraw(theirs)
            self._leave_to_others(withdrawn)
            if not withdrawn:
                break

    def _leave_to_others(self, tasks: Sequence[CellTask]) -> None:
        """Count cells that another grid's driver is at, or has done: which, is read when all else is done."""
        for task in tasks:
            self._backlog.move(CellState.RUNNING, task.size)

    def _take_trained(self, trained: FinetuningResult) -> None:
        self._untrained.discard(trained.model.id)
        if trained.failure is not None:
            self._results.write_failed(trained.model, trained.failure, trained.detail)
            for system in self._pivots.of(trained.model.id):
                self._results.write_failed(system, f"its model {trained.model.name} is not there: {trained.failure}")
        elif self._backlog.pending(trained.model.id):
            self._preparations.begin(self._cluster, trained.model)

    def _take_prepared(self, ref: Ref) -> None:
        if (over := self._preparations.follow(self._cluster, ref)) is None:
            return
        model, ready = over
        if isinstance(ready, DragomanError):
            reason = f"the model could not be prepared for decoding: {ready}"
            self._results.write_failed(model, reason, self._cluster.detail(ready))
            return
        if not self._pivots.is_one(model):
            self._results.write_missing(model, ready.untranslatable)
            cells = self._backlog.hand_out(model.id)
            self._pool.add(self._preparations.tasks(model, ready, cells, self._backlog))
            return
        self._results.write_missing(model, self._pivots.untranslatable(model, ready.untranslatable))
        cells = self._backlog.hand_out(model.id)
        tasks = self._preparations.tasks(model, ready, cells, self._backlog)
        self._pool.add(self._pivots.second_legs(model, cells, tasks, self._preparations.drawn))

    @property
    def _lacking(self) -> Share | None:
        """What work is to hold that waits, where no node has room for any of it."""
        if self._pool.workers or self._scoring.running:
            return None
        wanted = self._others + [self._shares.evaluation] * bool(self._pool.waiting)
        return wanted[-1] if wanted and not any(map(self._cluster.room, wanted)) else None

    def _show(self) -> None:
        if line := self._shortage.look(self._lacking):
            self._progress.say(line)
        backlog, pool = self._backlog, self._pool
        pace = self._throughput.pace(backlog.characters)
        note = cell_note(backlog.failed, backlog.missing, pool.running, pace, pool.busy)
        self._progress.update("cells", backlog.ended, note)
        # before the models are trained nobody knows how long they take
        left = None if self._trainings.left else pace.seconds_left
        counts = {"running": pool.running, "workers": pool.workers, "busy": pool.busy}
        trainings = self._trainings.standing
        scoring = {"scoring": self._scoring.standing} if self._scoring.standing else {}
        self._progress.show({**pace._asdict(), **counts, "seconds_left": left, "trainings": trainings, **scoring})
        if self._meters:
            self._meters.show(left=backlog.planned, trainings=self._trainings.left, **counts)
