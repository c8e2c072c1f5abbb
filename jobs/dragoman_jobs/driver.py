"""The driver: plan → finetune → translate → score → commit, and the same again after any interruption.

The store is the truth. The driver holds nothing that matters: started again it asks the store what is done and
does the rest.
"""

import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dragoman.cell import CellState
from dragoman.demonstrations import Drawn
from dragoman.errors import DragomanError
from dragoman.logs import about
from dragoman.model import ModelIdentity
from dragoman.pair import Pair
from dragoman.partition import TrainingGraph
from dragoman.plan import Plan, PlannedTraining
from dragoman.settings import Settings
from dragoman.store.records import CellRecord
from dragoman.store.store import Store
from dragoman_jobs.checkpoints import checkpoint_of, engine_of
from dragoman_jobs.cluster import NOTHING, ONE_CORE, Cluster, Ref, WorkerDiedError
from dragoman_jobs.engines.base import Checkpoint
from dragoman_jobs.engines.choosing import FASTEST_FIRST, Ready, make_ready
from dragoman_jobs.finetune.result import FinetuneResult, Progress
from dragoman_jobs.pool import MAX_ATTEMPTS, Ended, Pool
from dragoman_jobs.progress import GridProgress, cell_note
from dragoman_jobs.ray_train import train_together
from dragoman_jobs.registering import register
from dragoman_jobs.reporting import Reporter
from dragoman_jobs.shares import Shares
from dragoman_jobs.throughput import Meters, Throughput
from dragoman_jobs.training import TrainingTask, train
from dragoman_jobs.worker import CellTask, PreparedModel, Worker

logger = logging.getLogger(__name__)

_TICK = 0.5
"""Seconds between two looks at what is going on."""


@dataclass
class _Training:
    """A finetuning under way."""

    task: TrainingTask
    attempts: int = 1
    last: Progress | None = None


class Driver:
    """Runs what a plan still lacks, on a cluster."""

    def __init__(self, plan: Plan, store: Store, settings: Settings, progress: GridProgress) -> None:
        self._plan = plan
        self._store = store
        self._settings = settings
        self.progress = progress
        """What is shown meanwhile."""
        self._trainings: dict[Ref, _Training] = {}
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
        """Cells and finetunings still to do; nothing needs a cluster when it is zero.

        Args:
            failed_too: whether those that failed are to be tried again.
        """
        wanted = (CellState.PLANNED, CellState.FAILED) if failed_too else (CellState.PLANNED,)
        self._pending = {model.id: [] for model in self._plan.models}
        self._given_up = set()
        self._states = Counter()
        for cell in self._store.cells(self._plan.spec.name):
            pending = cell.state in wanted
            self._states[CellState.PLANNED if pending else cell.state] += 1
            if pending:
                self._pending[cell.cell.model].append(cell)
            elif cell.state is CellState.FAILED:
                self._given_up.add(cell.cell.model)
        self._size_left = sum(self._size(cell) for cells in self._pending.values() for cell in cells)
        return sum(map(len, self._pending.values())) + len(self._untrained())

    def _untrained(self) -> list[PlannedTraining]:
        return [
            training
            for training in self._plan.trainings
            if self._store.training(training.identity.id) is None
            # a finetuning whose cells failed with it, and are not tried again, isn't either
            and (self._pending.get(training.identity.id) or training.identity.id not in self._given_up)
        ]

    def run(self, cluster: Cluster, meters: Meters | None = None, reporter: Reporter | None = None) -> None:
        """Do what remains. Failures of single cells and models are recorded, and the rest goes on.

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
        self._shares.require_room(cluster.room, bool(untrained))
        device = "cuda" if self._shares.evaluation.gpus else "cpu"
        needed = (self._settings.blobs_url, device, self._plugins())
        pool = Pool(cluster, lambda: cluster.worker(Worker, *needed, share=self._shares.evaluation))
        for training in untrained:
            self._start_training(cluster, training)
        trained_now = {training.identity.id for training in untrained}
        for model in self._plan.models:
            if self._pending[model.id] and model.id not in trained_now:
                self._prepare(cluster, model)
        total = sum(self._states.values())
        self.progress.bar("cells", total, total - self._states[CellState.PLANNED])
        try:
            while self._trainings or self._preparing or pool.waiting or pool.running:
                self._step(cluster, pool)
            self._write([])
            self._show(pool)
        finally:
            pool.close()
            self._write([])  # what ended before it broke off

    def _plugins(self) -> list[tuple[str, str]]:
        """What every worker will need for certain, and can import while models are prepared."""
        engine = self._plan.spec.evaluation.engine
        metrics = [("metrics", name) for name in self._plan.spec.evaluation.metrics]
        return [("engines", FASTEST_FIRST[0] if engine == "auto" else engine), *metrics]

    def _step(self, cluster: Cluster, pool: Pool) -> None:
        training = [self._shares.training] * self._shares.training_workers
        besides = training * len(self._trainings) + [ONE_CORE] * len(self._preparing)
        size = cluster.room(self._shares.evaluation, besides)
        if not besides:
            size = max(size, 1)  # nodes may have gone; Ray waits for others
        coming = sum(len(self._pending[model.id]) for model in self._preparing.values())
        pool.resize(min(size, self._settings.workers or size), coming)
        started = pool.choose()
        self._write(started)
        for _ in started:
            self._throughput.begin()
        pool.dispatch()
        for ref in cluster.wait([*self._trainings, *self._preparing, *pool.refs], _TICK):
            if ref in self._trainings:
                self._follow_training(cluster, ref)
            elif ref in self._preparing:
                self._take_prepared(cluster, pool, ref)
            elif (ended := pool.take(ref)) is not None:
                self._end(ended)
        if time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + _TICK
            self._show(pool)

    def _write(self, started: Sequence[CellTask]) -> None:
        """What ended and what is about to start, in one transaction."""
        ended, self._ended = self._ended, []
        if not (ended or started):
            return
        outcomes = [each.outcome for each in ended if each.outcome is not None]
        self._store.advance_cells(
            translated=[(outcome.translation, outcome.scores, outcome.unscorable) for outcome in outcomes],
            failed=[(each.task.cell, str(each.failure)) for each in ended if each.outcome is None],
            started=[task.cell for task in started],
            worker="pool",
        )
        models = [each.task.model.model for each in ended]
        self._unfinished.subtract(models)
        for model in set(models):
            if self._reporter and not self._unfinished[model]:
                self._reporter.evaluated(model)

    def _show(self, pool: Pool) -> None:
        done = sum(self._states.values()) - self._states[CellState.PLANNED]
        pace = self._throughput.pace(self._size_left)
        failed, missing = self._states[CellState.FAILED], self._states[CellState.MISSING]
        self.progress.update("cells", done, cell_note(failed, missing, pool.running, pace, pool.busy))
        # before the models are trained nobody knows how long they take
        left = None if self._trainings else pace.seconds_left
        standing = {"running": pool.running, "workers": pool.workers, "busy": pool.busy}
        trainings = {
            training.task.planned.identity.name: training.last._asdict()
            for training in self._trainings.values()
            if training.last is not None
        }
        self.progress.show({**pace._asdict(), **standing, "seconds_left": left, "trainings": trainings})
        if self._meters:
            self._meters.show(left=self._states[CellState.PLANNED], trainings=len(self._trainings), **standing)

    # finetuning

    def _start_training(self, cluster: Cluster, planned: PlannedTraining, attempts: int = 1) -> None:
        base = self._plan.spec.base
        task = TrainingTask(
            planned=planned,
            base=base.model,
            revision=base.revision,
            out=self._settings.models_dir / planned.identity.id,
            device="cuda" if self._shares.training.gpus else "cpu",
        )
        workers, share = self._shares.training_workers, self._shares.training
        if workers == 1:
            ref = cluster.stream(train, task, share=share)
        else:  # their starting by Ray Train takes longer than a small training
            ref = cluster.stream(train_together, task, workers, share, share=NOTHING)
        self._trainings[ref] = _Training(task, attempts)
        if attempts == 1:
            self.progress.bar(f"finetune {planned.identity.name}", planned.finetuning.method.steps)

    def _follow_training(self, cluster: Cluster, ref: Ref) -> None:
        training = self._trainings[ref]
        planned = training.task.planned
        try:
            progress: Progress = cluster.result(ref)
        except StopIteration:
            del self._trainings[ref]
            self._finish_training(cluster, training.task)
        except WorkerDiedError as error:
            del self._trainings[ref]
            if training.attempts < MAX_ATTEMPTS:
                self.progress.say(
                    f"finetune {planned.identity.name}: its process died; it continues from its checkpoint"
                )
                self._start_training(cluster, planned, training.attempts + 1)
            else:
                reason = f"finetuning died {MAX_ATTEMPTS} times ({error})"
                self._fail_model(planned.identity, reason, cluster.detail(error))
        except DragomanError as error:
            del self._trainings[ref]
            self._fail_model(planned.identity, f"finetuning failed: {error}", cluster.detail(error))
        else:
            if training.last and progress.step <= training.last.step:
                self.progress.say(
                    f"finetune {planned.identity.name}: a worker died; all continue from the last checkpoint"
                )
            training.last = progress
            self.progress.update(f"finetune {planned.identity.name}", progress.step, f"loss {progress.loss:.2f}")
            if self._reporter:
                self._reporter.step(planned.identity, progress)

    def _finish_training(self, cluster: Cluster, task: TrainingTask) -> None:
        planned = task.planned
        result = FinetuneResult.load(task.out)
        record = {**result.model_dump(mode="json"), "checkpoint": str(task.out), "base": task.base}
        # what was read, not what was asked for: a pair without data is not seen
        self._store.record_graph(planned.identity.id, TrainingGraph(examples=result.examples))
        self._store.add_training(planned.identity.id, record)
        if self._reporter:
            self._reporter.trained(planned)
        self.progress.update(f"finetune {planned.identity.name}", planned.finetuning.method.steps, "trained")
        if self._pending[planned.identity.id]:
            self._prepare(cluster, planned.identity)

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
        pool.add([
            CellTask(
                cell=cell.cell.id, pair=cell.cell.pair, model=prepared, decoding=decoding,
                prompt=prompts[cell.cell.prompt], test=str(cell.test), languages=self._plan.spec.languages,
                metrics=evaluation.metrics, demonstrations=self._drawn.get((cell.cell.prompt, cell.cell.pair), ()),
                asked=self._checkpoint(model) if prompts[cell.cell.prompt].chat else None, size=self._size(cell),
            )
            for cell in self._pending[model.id]
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
        missing = [(cell.cell.id, untranslatable[cell.cell.pair]) for cell in cells]
        if missing:
            self._store.advance_cells([], [], [], "", missing=missing)

    def _forget(self, cells: Sequence[CellRecord], state: CellState) -> None:
        """Count cells that nobody will translate."""
        self._states[CellState.PLANNED] -= len(cells)
        self._states[state] += len(cells)
        self._size_left -= sum(self._size(cell) for cell in cells)

    def _fail_model(self, model: ModelIdentity, reason: str, detail: str | None = None) -> None:
        cells = self._pending[model.id]
        self._forget(cells, CellState.FAILED)
        self._store.advance_cells([], [(cell.cell.id, reason) for cell in cells], [], "")
        self.progress.failed(f"{model.name}: {reason}", detail)

    def _size(self, cell: CellRecord) -> int:
        return self._sizes.get(cell.cell.pair, 0)
