"""The finetunings of a run: started, followed step by step, and restarted where a process died."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from filelock import BaseFileLock, FileLock, Timeout

from dragoman.disk import DiskError
from dragoman.errors import DragomanError
from dragoman.model import ModelIdentity
from dragoman.partition import TrainingGraph
from dragoman.planning.plan import Plan, PlannedTraining
from dragoman.settings import Settings
from dragoman.store.jobs.trainings import last_report
from dragoman.store.store import Store
from dragoman.store.training_records import TrainingReport
from dragoman_jobs.cluster.attempts import Attempts
from dragoman_jobs.cluster.base import MAX_ATTEMPTS, NOTHING, Cluster, Ref, Share, WorkerDiedError
from dragoman_jobs.cluster.resources import Shares
from dragoman_jobs.driver.mlflow_reporter import MlflowReporter
from dragoman_jobs.driver.progress import ProgressDisplay
from dragoman_jobs.driver.retry import with_retries
from dragoman_jobs.driver.training_course import TrainingCourse
from dragoman_jobs.finetune.ray_train import train_together
from dragoman_jobs.finetune.result import FinetuneResult, Progress
from dragoman_jobs.finetune.task import TrainingTask, train

LOOK_SECONDS = 2.0
"""Between two looks whether another driver is through with a finetuning."""

REPORT_SECONDS = 1.0
"""Between two reports of a finetuning; the store hears of them with the driver's heartbeats."""


class FinetuningResult(NamedTuple):
    """A finetuning that came to its end."""

    model: ModelIdentity
    """What was trained."""
    failure: str | None = None
    """Why there is no model; None where there is."""
    detail: str | None = None
    """What a log should hold of the failure."""


@dataclass
class _Training:
    """A finetuning under way."""

    task: TrainingTask
    course: TrainingCourse
    last: Progress | None = None
    told: float = 0.0
    """When it was last told how far it is (`time.monotonic`)."""


class Finetunings:
    """Trains what a plan lacks. Of drivers that want the same model, one trains it; the others wait, holding nothing.

    Who trains a model holds a lock beside its folder, which goes with the driver's process, however that ends.
    """

    def __init__(
        self, plan: Plan, store: Store, settings: Settings, progress: ProgressDisplay, reporter: MlflowReporter | None
    ) -> None:
        """Begin with none under way.

        Args:
            plan: the grid.
            store: where what is trained is recorded.
            settings: what a finetuning holds, and where models are kept.
            progress: what is shown meanwhile.
            reporter: hears of every step.
        """
        self._plan, self._store, self._settings = plan, store, settings
        self._progress, self._reporter = progress, reporter
        self._shares = Shares.of(settings)
        self._running: dict[Ref, _Training] = {}
        self._attempts = Attempts()
        self._elsewhere: list[PlannedTraining] = []
        self._locks: dict[str, BaseFileLock] = {}
        self._next_look = 0.0

    @property
    def refs(self) -> Iterable[Ref]:
        """The futures of those under way."""
        return self._running.keys()

    @property
    def left(self) -> int:
        """How many are under way, here or in another driver."""
        return len(self._running) + len(self._elsewhere)

    @property
    def held(self) -> list[Share]:
        """What those under way hold of the cluster."""
        return [self._shares.training] * (self._shares.training_workers * len(self._running))

    @property
    def standing(self) -> dict[str, dict[str, float]]:
        """How far each is, by the model's name."""
        return {
            training.task.planned.identity.name: training.last._asdict()
            for training in self._running.values()
            if training.last is not None
        }

    def begin(self, cluster: Cluster, planned: PlannedTraining) -> None:
        """Start a finetuning, or wait for the driver that trains the same model."""
        name = planned.identity.name
        self._progress.bar(f"finetune {name}", planned.finetuning.method.steps)
        if not self._lock(planned):
            self._progress.say(f"finetune {name}: another grid's driver trains the same model; waiting for it")
            self._elsewhere.append(planned)
        elif self._is_trained(planned):
            self._elsewhere.append(planned)
        else:
            self._start(cluster, planned)

    def look(self, cluster: Cluster) -> list[FinetuningResult]:
        """Those that another driver has trained meanwhile; what it gave up is trained here."""
        if not self._elsewhere or time.monotonic() < self._next_look:
            return []
        self._next_look = time.monotonic() + LOOK_SECONDS
        there = []
        for planned in list(self._elsewhere):
            # whoever has the lock writes what was trained before it lets go: without the lock, that may come just after
            # one has looked
            is_mine = self._lock(planned)
            if self._is_trained(planned):
                there.append(planned)
            elif is_mine:
                self._elsewhere.remove(planned)
                self._start(cluster, planned)
            elif report := with_retries(partial(last_report, self._store, planned.identity.id)):
                self._progress.update(f"finetune {planned.identity.name}", report.step, "in another grid's driver")
        for planned in there:
            self._unlock(planned)
            self._elsewhere.remove(planned)
            self._tell(planned)
        return [FinetuningResult(planned.identity) for planned in there]

    def follow(self, cluster: Cluster, ref: Ref) -> FinetuningResult | None:
        """Take a finetuning's next progress report; returns its result when it is over."""
        training = self._running[ref]
        planned = training.task.planned
        name = planned.identity.name
        try:
            progress: Progress = cluster.result(ref)
        except StopIteration:
            del self._running[ref]
            self._progress.report(training.course.report())
            self._record(training.task)
            return FinetuningResult(planned.identity)
        except WorkerDiedError as error:
            del self._running[ref]
            if self._attempts.again(planned.identity.id, error):
                self._progress.say(f"finetune {name}: its process died; it continues from its checkpoint")
                self._start(cluster, planned, training.course.report())
                return None
            return self._fail(training, f"finetuning died {MAX_ATTEMPTS} times ({error})", cluster.detail(error))
        except DiskError:
            raise
        except DragomanError as error:
            del self._running[ref]
            return self._fail(training, f"finetuning failed: {error}", cluster.detail(error))
        if training.last and progress.step <= training.last.step:
            self._progress.say(f"finetune {name}: a worker died; all continue from the last checkpoint")
        if training.course.take(progress):
            self._progress.restart(f"finetune {name}", progress.step - 1)
            self._progress.say(f"finetune {name}: goes on at step {progress.step} of {progress.steps}")
        training.last = progress
        note = f"loss {progress.loss:.2f}, {progress.tokens_per_second:,.0f} target tokens/s"
        self._progress.update(f"finetune {name}", progress.step, note, training.course.seconds_left)
        if progress.step == progress.steps or time.monotonic() - training.told >= REPORT_SECONDS:
            training.told = time.monotonic()
            self._progress.report(training.course.report())
        if self._reporter:
            self._reporter.step(planned.identity, progress)
        return None

    def close(self) -> None:
        """Leave what is not trained to others."""
        for lock in self._locks.values():
            lock.release()
        self._locks.clear()

    def _start(self, cluster: Cluster, planned: PlannedTraining, before: TrainingReport | None = None) -> None:
        base = self._plan.spec.base
        task = TrainingTask(
            planned=planned,
            base=base.model,
            revision=base.revision,
            out=self._settings.models_dir / planned.identity.id,
            device="cuda" if self._shares.training.gpus else "cpu",
        )
        workers, share = self._shares.training_workers, self._shares.training
        course = TrainingCourse(
            planned.identity.id,
            planned.finetuning.method.steps,
            before or with_retries(partial(last_report, self._store, planned.identity.id)),
        )
        self._progress.report(course.report())
        self._progress.say(f"finetune {planned.identity.name}: loading the model and its examples")
        if workers == 1:
            ref = cluster.stream(train, task, share=share)
        else:  # their starting by Ray Train takes longer than a small training
            ref = cluster.stream(train_together, task, workers, share, share=NOTHING)
        self._running[ref] = _Training(task, course)

    def _record(self, task: TrainingTask) -> None:
        planned = task.planned
        result = FinetuneResult.load(task.out)
        record = {**result.model_dump(mode="json"), "checkpoint": str(task.out), "base": task.base}
        # what was read, not what was asked for: a pair without data is not seen
        graph = TrainingGraph(examples=result.examples)
        with_retries(lambda: self._store.models.record_graph(planned.identity.id, graph))
        with_retries(lambda: self._store.models.add_training(planned.identity.id, record))
        self._unlock(planned)
        self._tell(planned)

    def _tell(self, planned: PlannedTraining) -> None:
        if self._reporter:
            self._reporter.trained(planned)
        self._progress.update(f"finetune {planned.identity.name}", planned.finetuning.method.steps, "trained")

    def _fail(self, training: _Training, reason: str, detail: str | None) -> FinetuningResult:
        planned = training.task.planned
        self._progress.report(training.course.report(failure=reason))
        self._unlock(planned)
        return FinetuningResult(planned.identity, reason, detail)

    def _is_trained(self, planned: PlannedTraining) -> bool:
        return with_retries(lambda: self._store.models.training(planned.identity.id)) is not None

    def _lock(self, planned: PlannedTraining) -> bool:
        """Have this driver be the one that trains a model; False where another is."""
        if planned.identity.id in self._locks:
            return True
        folder = self._settings.models_dir
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / f".{planned.identity.id}.driver.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return False
        except NotImplementedError:  # a file system without locks: those who train wait for one another
            return True
        self._locks[planned.identity.id] = lock
        return True

    def _unlock(self, planned: PlannedTraining) -> None:
        if lock := self._locks.pop(planned.identity.id, None):
            lock.release()
