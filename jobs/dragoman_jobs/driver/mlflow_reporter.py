"""Report a grid to MLflow from the store: losses, scores by partition, samples, heat maps."""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial

from dragoman.analysis.partition_table import PartitionRow, partition_table
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.errors import StoreError
from dragoman.model import ModelIdentity
from dragoman.planning.plan import Plan, PlannedTraining
from dragoman.store.store import Store
from dragoman.tracking.added_systems import write_added
from dragoman.tracking.background import BackgroundTracker
from dragoman.tracking.evaluation import evaluation_of, questions_of
from dragoman.tracking.mlflow import Tracker
from dragoman_jobs.driver.job import StoppedError
from dragoman_jobs.finetune.result import Progress

_Tables = Mapping[str, Sequence[PartitionRow]]

LOSS_SECONDS = 10.0
"""How often the losses of a finetuning are written while it runs."""


class MlflowReporter:
    """Writes a grid to MLflow: losses while training, a model's scores when it is evaluated, the rest at the end."""

    def __init__(self, tracker: BackgroundTracker, plan: Plan, store: Store) -> None:
        """Begin with the grid's own run.

        Args:
            tracker: writes to MLflow.
            plan: the grid.
            store: what is known of it.
        """
        self._tracker, self._plan, self._store = tracker, plan, store
        self._losses: dict[str, list[tuple[int, float, float]]] = {}
        self._sent: dict[str, float] = {}
        self._scopes: dict[str, None] = {}
        self._written: dict[str, _Tables] = {}
        self.runs: dict[str, str] = {}
        """The run of each model by its name; it fills as they are written."""
        tracker.tell(Tracker.start)

    def step(self, model: ModelIdentity, progress: Progress) -> None:
        """A step of a finetuning."""
        waiting = self._losses.setdefault(model.id, [])
        waiting.append((progress.step, progress.loss, progress.learning_rate))
        if time.monotonic() - self._sent.setdefault(model.id, time.monotonic()) >= LOSS_SECONDS:
            self._sent[model.id] = time.monotonic()
            del self._losses[model.id]
            self._tracker.tell(lambda mlflow: mlflow.log_losses(model, waiting))
        if (look := progress.dev) is not None:
            self._tracker.tell(lambda mlflow: mlflow.log_dev_scores(model, [look]))

    def trained(self, training: PlannedTraining) -> None:
        """A finetuning came to its end: parameters, data and all losses."""
        record = self._store.models.training(training.identity.id)
        if record is not None:
            self._losses.pop(training.identity.id, None)
            self._tracker.tell(lambda mlflow: mlflow.log_training(training, record))

    def evaluated(self, model_id: str) -> None:
        """The cells of a model are done: scores by partition, samples, heat maps and a note."""
        model = next(each for each in self._plan.models if each.id == model_id)
        self._tracker.tell(lambda mlflow: self._log_evaluation(mlflow, model))

    def finish(self, failed: bool) -> None:
        """Everything that the store holds of the grid and was not told yet.

        Args:
            failed: whether cells failed.
        """
        for training in self._plan.trainings:
            self.trained(training)
        for model in self._plan.models:
            self.evaluated(model.id)
        grid, planned = self._plan.spec.name, {model.id for model in self._plan.models}
        for kept in self._store.grids.get(grid).models:  # systems that were added by command
            if kept not in planned:
                self._tracker.tell(partial(write_added, store=self._store, grid=grid, model=kept))
        self._tracker.tell(lambda mlflow: mlflow.finish(self._scopes, failed))

    def break_off(self, error: BaseException) -> None:
        """The grid did not come to its end."""
        status = "KILLED" if isinstance(error, StoppedError | KeyboardInterrupt) else "FAILED"
        self._tracker.tell(lambda mlflow: mlflow.break_off(status))

    def _log_evaluation(self, mlflow: Tracker, model: ModelIdentity) -> None:
        plan, store = self._plan, self._store
        tables: dict[str, Sequence[PartitionRow]] = {}
        questions = _questions(plan, model)
        for name, question in questions.items():
            with suppress(StoreError):  # of a metric whose scores can't be compared there is no table
                tables[name] = partition_table(store, question, model=model.name, resample=False)
        self._scopes |= dict.fromkeys(row.scope for rows in tables.values() for row in rows)
        if self._written.get(model.id) == tables:
            return
        prompt = plan.prompt_of(model)
        record = store.grids.get(plan.spec.name)
        scored = {name: question for name, question in questions.items() if name in tables}
        found = evaluation_of(
            store, record, model.id, tables, questions=scored, prompt_id=prompt.id, test_set_id=plan.first.id
        )
        mlflow.log_evaluation(model, found)
        self.runs[model.name] = mlflow.model_run(model)
        self._written[model.id] = tables


def _questions(plan: Plan, model: ModelIdentity) -> dict[str, ScoreQuestion]:
    """What a model is measured by, as MLflow calls it, asked with its first prompt where the grid has several."""
    prompt = plan.prompt_of(model).label if len(plan.prompts) > 1 else None
    names = [test_set.name for test_set in plan.test_sets]
    return questions_of(plan.spec.name, plan.spec.evaluation.metric_names, prompt=prompt, test_sets=names)
