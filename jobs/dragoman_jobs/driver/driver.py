"""The driver: plan → finetune → translate → score → commit, and the same again after any interruption.

The store is the truth. The driver holds nothing that matters: started again it asks the store what is done and
does the rest.
"""

import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence

from dragoman.cell import CellState
from dragoman.errors import DragomanError
from dragoman.logs import about
from dragoman.model import ModelIdentity
from dragoman.pair import Pair
from dragoman.planning.few_shot import Drawn
from dragoman.planning.plan import Plan, PlannedTraining
from dragoman.redaction import masked
from dragoman.settings import Settings
from dragoman.store.heartbeat import BEAT_SECONDS
from dragoman.store.jobs import control
from dragoman.store.records import CellRecord, Untranslated
from dragoman.store.store import Store
from dragoman_jobs.cluster.base import ONE_CORE, Cluster, Ref
from dragoman_jobs.cluster.resources import Shares
from dragoman_jobs.driver.mlflow_reporter import Reporter
from dragoman_jobs.driver.plan_checkpoints import checkpoint_of, engine_of
from dragoman_jobs.driver.progress import GridProgress, cell_note
from dragoman_jobs.driver.register_plan import register
from dragoman_jobs.driver.retry import SECONDS, patiently
from dragoman_jobs.driver.throughput import Meters, Throughput
from dragoman_jobs.driver.trainings import Finetunings, Trained
from dragoman_jobs.engines.selection import FASTEST_FIRST, Ready, make_ready
from dragoman_jobs.evaluation.worker import CellTask, PreparedModel, Worker
from dragoman_jobs.evaluation.worker_pool import Ended, Pool
from dragoman_jobs.models.checkpoint import Checkpoint

logger = logging.getLogger(__name__)

_TICK = 0.5
"""Seconds between two looks at what is going on."""


class Driver:
    """Runs what a plan still lacks, on a cluster."""

    def __init__(self, plan: Plan, store: Store, settings: Settings, progress: GridProgress) -> None:
        self._plan = plan
        self._store = store
        self._settings = settings
        self.progress = progress
        """What is shown meanwhile."""
        self._preparing: dict[Ref, ModelIdentity] = {}
        self._pending: dict[str, list[CellRecord]] = {}
        self._states: Counter[CellState] = Counter()
        self._shares = Shares.of(settings)
        self._throughput = Throughput()
        self._meters: Meters | None = None
        self._reporter: Reporter | None = None
        self._unfinished: Counter[str] = Counter()
        self._ended: list[Ended] = []
        self._reasons: set[str] = set()
        self._given_up: set[str] = set()
        self._sizes: dict[Pair, int] = {}
        self._size_left = 0
        self._next_look = 0.0
        self._drawn: Drawn = {}

    def register(self) -> None:
        """Write the grid into the store: models, test lines, and every cell with its state so far."""
        self._drawn, self._sizes = register(self._plan, self._store)

    def remaining(self, failed_too: bool = True) -> int:
        """Cells and finetunings still to do, those that another grid's driver is at included.

        Nothing needs a cluster when it is zero.

        Args:
            failed_too: whether those that failed are to be tried again.
        """
        wanted = (CellState.PLANNED, CellState.FAILED) if failed_too else (CellState.PLANNED,)
        self._pending = {model.id: [] for model in self._plan.models}
        self._given_up = set()
        self._states = Counter()
        for cell in patiently(lambda: self._store.cells.of_grid(self._plan.spec.name)):
            pending = cell.state in wanted
            self._states[CellState.PLANNED if pending else cell.state] += 1
            if pending:
                self._pending[cell.cell.model].append(cell)
            elif cell.state is CellState.FAILED:
                self._given_up.add(cell.cell.model)
        self._size_left = sum(self._size(cell) for cells in self._pending.values() for cell in cells)
        return self._states[CellState.PLANNED] + self._states[CellState.RUNNING] + len(self._untrained())

    def _untrained(self) -> list[PlannedTraining]:
        return [
            training
            for training in self._plan.trainings
            if patiently(lambda: self._store.models.training(training.identity.id)) is None  # noqa: B023 (asked at once)
            # a finetuning whose cells failed with it, and are not tried again, isn't either
            and (self._pending.get(training.identity.id) or training.identity.id not in self._given_up)
        ]

    def run(self, cluster: Cluster, meters: Meters | None = None, reporter: Reporter | None = None) -> None:
        """Do what remains. Failures of single cells and models are recorded, and the rest goes on.

        Cells that another grid's driver is at are its own: where nothing else remains, they are waited for. When that
        driver is through with them, or lost, `remaining` knows.

        Args:
            cluster: where.
            meters: what is measured goes there too.
            reporter: hears of finetunings by step, and of models when their cells are done.

        Raises:
            ClusterError: the cluster lacks what a worker or a finetuning is to hold.
            StoppedError: somebody stopped the grid.
        """
        self._meters, self._reporter = meters, reporter
        self._unfinished = Counter({model: len(cells) for model, cells in self._pending.items()})
        untrained = self._untrained()
        if not untrained and not self._states[CellState.PLANNED]:
            self._wait_for_others()
            return
        if not cluster.grows:
            self._shares.require_room(cluster.room, bool(untrained))
        device = "cuda" if self._shares.evaluation.gpus else "cpu"
        needed = (self._settings.blobs_url, device, self._plugins())
        pool = Pool(cluster, lambda: cluster.worker(Worker, *needed, share=self._shares.evaluation))
        trainings = Finetunings(self._plan, self._store, self._settings, self.progress, reporter)
        for training in untrained:
            trainings.begin(cluster, training)
        trained_now = {training.identity.id for training in untrained}
        for model in self._plan.models:
            if self._pending[model.id] and model.id not in trained_now:
                self._prepare(cluster, model)
        total = sum(self._states.values())
        self.progress.bar("cells", total, self._done)
        try:
            while trainings.left or self._preparing or pool.waiting or pool.running:
                self._step(cluster, pool, trainings)
            self._write([])
            self._show(pool, trainings)
        finally:
            trainings.close()
            pool.close()
            self._write([], patience=0.0)  # what ended before it broke off

    @property
    def _done(self) -> int:
        """Cells that nobody has to do any more."""
        return sum(self._states.values()) - self._states[CellState.PLANNED] - self._states[CellState.RUNNING]

    def _wait_for_others(self) -> None:
        """Cells that another grid has too are in flight there: wait until fewer are."""
        there = self._states[CellState.RUNNING]
        self.progress.say(f"{there} cells are in flight in another grid's driver: waiting for them")
        while self._states[CellState.RUNNING] and not self._states[CellState.PLANNED]:
            self.progress.show({})
            time.sleep(BEAT_SECONDS)
            patiently(lambda: control.forsake(self._store, self._plan.spec.name))  # what a driver left that was lost
            self.remaining(failed_too=False)

    def _plugins(self) -> list[tuple[str, str]]:
        """What every worker will need for certain, and can import while models are prepared."""
        engine = self._plan.spec.evaluation.engine
        metrics = [("metrics", name) for name in self._plan.spec.evaluation.metrics]
        return [("engines", FASTEST_FIRST[0] if engine == "auto" else engine), *metrics]

    def _step(self, cluster: Cluster, pool: Pool, trainings: Finetunings) -> None:
        besides = trainings.held + [ONE_CORE] * len(self._preparing)
        size = cluster.room(self._shares.evaluation, besides)
        if cluster.grows:
            # what waits makes the cluster start nodes; twice as many as work, so that few wait where no more can come
            size = self._settings.workers or max(size, pool.workers) + max(1, pool.workers)
        elif not besides:
            size = max(size, 1)  # nodes may have gone; Ray waits for others
        coming = sum(len(self._pending[model.id]) for model in self._preparing.values())
        pool.resize(min(size, self._settings.workers or size), coming)
        while theirs := self._write(pool.choose()):
            withdrawn = pool.withdraw(theirs)
            self._leave_to_others(withdrawn)
            if not withdrawn:
                break
        pool.dispatch()
        for trained in trainings.look(cluster):
            self._take_trained(cluster, trained)
        for ref in cluster.wait([*trainings.refs, *self._preparing, *pool.refs], _TICK):
            if ref in trainings.refs:
                if (over := trainings.follow(cluster, ref)) is not None:
                    self._take_trained(cluster, over)
            elif ref in self._preparing:
                self._take_prepared(cluster, pool, ref)
            elif (ended := pool.take(ref)) is not None:
                self._end(ended)
        if time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + _TICK
            self._show(pool, trainings)

    def _write(self, started: Sequence[CellTask], patience: float = SECONDS) -> list[str]:
        """What ended and what is about to start, in one transaction; returns what is not to start: others do it."""
        ended = self._ended
        if not (ended or started):
            return []
        theirs = patiently(
            lambda: self._store.cells.advance(
                translated=[each.outcome for each in ended if each.outcome is not None],
                failed=[
                    Untranslated(each.task.cell, masked(str(each.failure))) for each in ended if each.outcome is None
                ],
                started=[task.cell for task in started],
                worker=control.owner(self.progress.job_number),
            ),
            patience,
        )
        self._ended = []
        for _ in range(len(started) - len(theirs)):
            self._throughput.begin()
        models = [each.task.model.model for each in ended]
        self._unfinished.subtract(models)
        for model in set(models):
            if self._reporter and not self._unfinished[model]:
                self._reporter.evaluated(model)
        return theirs

    def _leave_to_others(self, tasks: Sequence[CellTask]) -> None:
        """Count cells that another grid's driver is at, or has done: `remaining` tells which when all else is done."""
        self._states[CellState.PLANNED] -= len(tasks)
        self._states[CellState.RUNNING] += len(tasks)
        self._size_left -= sum(task.size for task in tasks)

    def _show(self, pool: Pool, trainings: Finetunings) -> None:
        pace = self._throughput.pace(self._size_left)
        failed, missing = self._states[CellState.FAILED], self._states[CellState.MISSING]
        self.progress.update("cells", self._done, cell_note(failed, missing, pool.running, pace, pool.busy))
        # before the models are trained nobody knows how long they take
        left = None if trainings.left else pace.seconds_left
        standing = {"running": pool.running, "workers": pool.workers, "busy": pool.busy}
        self.progress.show({**pace._asdict(), **standing, "seconds_left": left, "trainings": trainings.standing})
        if self._meters:
            self._meters.show(left=self._states[CellState.PLANNED], trainings=trainings.left, **standing)

    def _take_trained(self, cluster: Cluster, trained: Trained) -> None:
        if trained.failure is not None:
            self._fail_model(trained.model, trained.failure, trained.detail)
        elif self._pending[trained.model.id]:
            self._prepare(cluster, trained.model)

    # evaluation

    def _prepare(self, cluster: Cluster, model: ModelIdentity) -> None:
        ref = cluster.task(
            make_ready, engine_of(self._plan, model), self._checkpoint(model), self._plan.decoding_of(model.id),
            self._settings.cache_dir, self._shares.evaluation.gpus, self._plan.pairs,
        )  # fmt: skip
        self._preparing[ref] = model

    def _checkpoint(self, model: ModelIdentity) -> Checkpoint:
        return checkpoint_of(self._plan, model, self._settings.models_dir)

    def _take_prepared(self, cluster: Cluster, pool: Pool, ref: Ref) -> None:
        model = self._preparing.pop(ref)
        try:
            ready: Ready = cluster.result(ref)
        except DragomanError as error:
            reason = f"the model could not be prepared for decoding: {error}"
            self._fail_model(model, reason, cluster.detail(error))
            return
        prepared = PreparedModel(model=model.id, engine=ready.engine, path=ready.path)
        evaluation, decoding = self._plan.spec.evaluation, self._plan.decoding_of(model.id)
        self._leave_out(model, ready.untranslatable)
        prompts = {prompt.id: prompt for prompt in self._plan.prompts}
        pending, self._pending[model.id] = self._pending[model.id], []  # the pool has them from now on
        pool.add([
            CellTask.model_construct(  # to validate them would copy the languages for each: a hundred bytes a language
                cell=cell.cell.id, pair=cell.cell.pair, model=prepared, decoding=decoding,
                prompt=prompts[cell.cell.prompt], test=str(cell.test), languages=self._plan.spec.languages,
                metrics=evaluation.metrics, demonstrations=self._drawn.get((cell.cell.prompt, cell.cell.pair), ()),
                asked=self._checkpoint(model) if prompts[cell.cell.prompt].chat else None, size=self._size(cell),
            )
            for cell in pending
        ])  # fmt: skip

    def _end(self, ended: Ended) -> None:
        self._states[CellState.PLANNED] -= 1
        self._size_left -= ended.task.size
        self._ended.append(ended)
        state = CellState.FAILED if ended.outcome is None else CellState.DONE
        self._states[state] += 1
        task = ended.task
        with about(cell=task.cell, pair=str(task.pair), model=task.model.model):
            logger.log(logging.ERROR if ended.failure else logging.INFO, "cell %s", ended.failure or "done")
        if self._meters:
            self._meters.ended(state.value, ended.outcome)
        if ended.outcome is not None:
            self._throughput.count(ended.task, ended.outcome)
        elif ended.failure not in self._reasons:
            # of many cells that fail alike, the log holds one; the store has every one's reason
            self._reasons.add(str(ended.failure))
            self.progress.failed(f"{ended.task.pair} failed: {ended.failure}", ended.detail)

    def _leave_out(self, model: ModelIdentity, untranslatable: Mapping[Pair, str]) -> None:
        """Pairs that the model has no word for are missing, as those that the corpus has no text for."""
        cells = [cell for cell in self._pending[model.id] if cell.cell.pair in untranslatable]
        self._pending[model.id] = [cell for cell in self._pending[model.id] if cell.cell.pair not in untranslatable]
        self._forget(cells, CellState.MISSING)
        missing = [Untranslated(cell.cell.id, untranslatable[cell.cell.pair]) for cell in cells]
        if missing:
            patiently(lambda: self._store.cells.advance(missing=missing))

    def _forget(self, cells: Sequence[CellRecord], state: CellState) -> None:
        """Count cells that nobody will translate."""
        self._states[CellState.PLANNED] -= len(cells)
        self._states[state] += len(cells)
        self._size_left -= sum(self._size(cell) for cell in cells)

    def _fail_model(self, model: ModelIdentity, reason: str, detail: str | None = None) -> None:
        cells = self._pending[model.id]
        self._forget(cells, CellState.FAILED)
        failed = [Untranslated(cell.cell.id, masked(reason)) for cell in cells]
        patiently(lambda: self._store.cells.advance(failed=failed))
        self.progress.failed(f"{model.name}: {reason}", detail)

    def _size(self, cell: CellRecord) -> int:
        return self._sizes.get(cell.cell.pair, 0)
