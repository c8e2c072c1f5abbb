"""The driver of a grid: plan → finetune → translate → score → commit, and the same again after any interruption.

The store is the truth. The driver holds nothing that matters: started again it reads from the store what is done and
does the rest.
"""

import os
import time
from collections.abc import Callable
from functools import partial

from dragoman.metrics.scoring import text_metrics
from dragoman.planning.few_shot import Drawn
from dragoman.planning.model_metrics import configured_metrics
from dragoman.planning.plan import Plan
from dragoman.planning.quoted_systems import commit_quoted
from dragoman.planning.systems_from_files import commit_systems
from dragoman.settings import Settings
from dragoman.store.heartbeat import BEAT_SECONDS
from dragoman.store.jobs import control
from dragoman.store.maintenance.metric_worker import MetricWorker
from dragoman.store.maintenance.open_scores import OpenScore
from dragoman.store.store import Store
from dragoman_jobs.cluster.base import Cluster
from dragoman_jobs.cluster.resources import Shares
from dragoman_jobs.driver.backlog import Backlog, read_backlog
from dragoman_jobs.driver.cell_results import CellResults
from dragoman_jobs.driver.driver_loop import DriverLoop
from dragoman_jobs.driver.mlflow_reporter import MlflowReporter
from dragoman_jobs.driver.pivots import PivotSystems
from dragoman_jobs.driver.preparations import Preparations
from dragoman_jobs.driver.progress import ProgressDisplay
from dragoman_jobs.driver.register_plan import register
from dragoman_jobs.driver.retry import with_retries
from dragoman_jobs.driver.throughput import PrometheusMetrics, Throughput
from dragoman_jobs.driver.trainings import Finetunings
from dragoman_jobs.engines.selection import FASTEST_FIRST
from dragoman_jobs.evaluation.metric_pool import MetricPool
from dragoman_jobs.evaluation.worker import Worker
from dragoman_jobs.evaluation.worker_pool import WorkerPool


class Driver:
    """Runs what a plan still lacks, on a cluster."""

    def __init__(
        self,
        plan: Plan,
        store: Store,
        settings: Settings,
        progress: ProgressDisplay,
        candidates: Plan | None = None,
    ) -> None:
        """Do nothing yet.

        Args:
            plan: the grid.
            store: where it is kept.
            settings: what workers and finetunings hold, and where things are kept.
            progress: what is shown meanwhile.
            candidates: the dev sentences that the candidate for promotion is chosen on, done with the rest.
        """
        self._plan = plan
        self._candidates = candidates
        self._store = store
        self._settings = settings
        self.progress = progress
        """What is shown meanwhile."""
        self._shares = Shares.of(settings)
        self._throughput = Throughput()
        self._sizes: dict[str, int] = {}
        self._drawn: Drawn = {}
        self._metrics = configured_metrics(plan.spec.evaluation.metrics)
        self._given_up: set[OpenScore] = set()

    def register(self) -> None:
        """Write the grid into the store: models, test lines, and every cell with its state so far."""
        # the grid itself last: the latest is what people see first
        for plan in filter(None, (self._candidates, self._plan)):
            self._drawn, sizes = register(plan, self._store)
            self._sizes |= sizes

    def forsake(self) -> None:
        """Plan the dev cells again that a driver left which was lost; `Job` does so for the grid's own."""
        if self._candidates is not None:
            with_retries(lambda: control.forsake(self._store, self._grids[-1], self.progress.job_number))

    def commit_files(self, check: Callable[[], None] = lambda: None) -> None:
        """Write what is in files into the store, translations with their scores and quoted scores: without a cluster.

        Args:
            check: called after each cell; what it raises ends this.

        Raises:
            DragomanError: a file is gone or has been changed.
        """
        commit_quoted(self._plan, self._store)
        workers = self._settings.workers or os.cpu_count() or 1
        commit_systems(self._plan, self._store, workers, lambda _done, _total: check())

    def remaining(self, failed_too: bool = True) -> Backlog:
        """Read from the store what is still to do; nothing needs a cluster when it is empty.

        Args:
            failed_too: whether what failed is to be tried again.
        """
        backlog = read_backlog(
            self._plan,
            self._store,
            self._sizes,
            grids=self._grids,
            failed_too=failed_too,
            metrics=[metric.name for metric in self._metrics],
        )
        backlog.unscored = [each for each in backlog.unscored if each not in self._given_up]
        return backlog

    @property
    def unscored(self) -> int:
        """Scores of metrics that hold a model that this driver has given up: they stay open."""
        return len(self._given_up)

    @property
    def _grids(self) -> list[str]:
        """Names of the grids whose cells are done."""
        return [plan.spec.name for plan in (self._plan, self._candidates) if plan is not None]

    def run(
        self,
        cluster: Cluster,
        backlog: Backlog,
        *,
        meters: PrometheusMetrics | None = None,
        reporter: MlflowReporter | None = None,
    ) -> None:
        """Do what remains. Failures of single cells and models are recorded, and the rest goes on.

        Cells that another grid's driver is at are its own: where nothing else remains, they are waited for. When that
        driver is through with them, or lost, `remaining` has them.

        Args:
            cluster: where.
            backlog: what remains, just read.
            meters: what is measured goes there too.
            reporter: hears of finetunings by step, and of models when their cells are done.

        Raises:
            ClusterError: the cluster lacks what a worker or a finetuning is to hold.
            StoppedError: somebody stopped the grid.
        """
        if not backlog.untrained and not backlog.planned and not backlog.unscored:
            self._wait_for_others(backlog)
            return
        if not cluster.grows:
            self._shares.require_room(cluster.room, bool(backlog.untrained), has_models=bool(self._metrics))
        loop = DriverLoop(
            cluster,
            backlog,
            self._settings,
            pool=self._pool(cluster),
            scoring=self._scoring(cluster),
            trainings=Finetunings(self._plan, self._store, self._settings, self.progress, reporter),
            preparations=Preparations(self._plan, self._settings, self._drawn, self._shares.evaluation.gpus),
            pivots=PivotSystems(self._plan, self._store, self._settings, self._shares.evaluation),
            results=CellResults(
                self._store, backlog, self.progress, throughput=self._throughput, meters=meters, reporter=reporter
            ),
            progress=self.progress,
            throughput=self._throughput,
            meters=meters,
        )
        try:
            loop.run(self._plan.models)
        finally:
            self._given_up |= loop.given_up

    def _pool(self, cluster: Cluster) -> WorkerPool:
        device = "cuda" if self._shares.evaluation.gpus else "cpu"
        arguments = (self._settings.blobs_url, device, self._plugins())
        share = self._shares.evaluation
        return WorkerPool(cluster, lambda: cluster.worker(Worker, *arguments, share=share), self._settings.batch_tokens)

    def _scoring(self, cluster: Cluster) -> MetricPool:
        device = "cuda" if self._shares.metric.gpus else "cpu"
        arguments = (self._settings.blobs_url, self._settings.home.resolve(), device)
        share = self._shares.metric
        return MetricPool(
            cluster, lambda metric: cluster.worker(MetricWorker, metric, *arguments, share=share), self._metrics
        )

    def _plugins(self) -> list[tuple[str, str]]:
        """What every worker will need for certain, and can import while models are prepared."""
        engine = self._plan.spec.evaluation.engine
        metrics = [("metrics", name) for name in text_metrics(self._plan.spec.evaluation.metric_names)]
        return [("engines", FASTEST_FIRST[0] if engine == "auto" else engine), *metrics]

    def _wait_for_others(self, backlog: Backlog) -> None:
        """Cells that another grid has too are in flight there: wait until fewer are."""
        there = backlog.running_elsewhere
        self.progress.say(f"{there} cells are in flight in another grid's driver: waiting for them")
        while backlog.running_elsewhere and not backlog.planned:
            self.progress.show({})
            time.sleep(BEAT_SECONDS)
            for grid in self._grids:  # what a driver left that was lost
                with_retries(partial(control.forsake, self._store, grid))
            backlog = self.remaining(failed_too=False)
