"""Report a grid to MLflow from the store: losses, scores by partition, samples, heat maps."""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from dragoman.analysis.caption import caption_line, caption_of
from dragoman.analysis.pair_scores import pair_scores
from dragoman.analysis.partition_table import PartitionRow, partition_table
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.cell import CellState
from dragoman.errors import StoreError
from dragoman.model import ModelIdentity
from dragoman.pair import Pair
from dragoman.planning.plan import Plan, PlannedTraining
from dragoman.reports.results import captioned, partition_rows
from dragoman.store.store import Store
from dragoman.tables.render import Form, render
from dragoman.tracking.background import BackgroundTracker
from dragoman.tracking.heatmap_html import NUMBERED, heat_map_page
from dragoman.tracking.mlflow import Tracker
from dragoman.tracking.mlflow_notes import model_links
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
                tables[name] = partition_table(store, question, model=model.name)
        self._scopes |= dict.fromkeys(row.scope for rows in tables.values() for row in rows)
        if self._written.get(model.id) == tables:
            return
        scored = {name: question for name, question in questions.items() if name in tables}
        maps, note = _heat_maps(plan, store, model, scored), _note(plan, store, model, scored)
        mlflow.log_evaluation(model, tables, _samples(plan, store, model), maps, note)
        self.runs[model.name] = mlflow.model_run(model)
        self._written[model.id] = tables


def _questions(plan: Plan, model: ModelIdentity) -> dict[str, ScoreQuestion]:
    """What a model is measured by, as MLflow calls it: of test sets after the first the metrics begin with their names.

    It is asked with its first prompt, where the grid has several.
    """
    grid, prompt = plan.spec.name, _prompt(plan, model)
    return {
        metric if place == 0 else f"{test_set.name}/{metric}": ScoreQuestion(
            grid, metric, prompt=prompt, test_set=test_set.name
        )
        for place, test_set in enumerate(plan.test_sets)
        for metric in plan.spec.evaluation.metrics
    }


def _note(plan: Plan, store: Store, model: ModelIdentity, questions: Mapping[str, ScoreQuestion]) -> str:
    every = [replace(question, prompt=None) for question in questions.values()]
    tables = [partition_rows(store, each, captioned(store, each, [model.name])) for each in every]
    grid = plan.spec.name
    links = model_links(grid, model.name)
    own = "Partitions are those of this model: under the same name another run has other pairs."
    return f"**{model.name}** in grid **{grid}** · {links}\n\n{render(tables, Form.MARKDOWN)}\n{own}\n"


def _heat_maps(
    plan: Plan, store: Store, model: ModelIdentity, questions: Mapping[str, ScoreQuestion]
) -> dict[str, str]:
    """A page for each test set and metric; of many languages, whose pages are large, for the first alone."""
    grid, languages = plan.spec.name, plan.spec.languages
    pages = {}
    for name, question in list(questions.items())[: None if len(languages) <= NUMBERED else 1]:
        pages[name] = heat_map_page(
            f"{model.name} in {grid}: {name}",
            question.metric,
            languages,
            pair_scores(store, question, model=model.name),
            caption_line({model.name: caption_of(store, question, model=model.name)}),
        )
    return pages


def _prompt(plan: Plan, model: ModelIdentity) -> str | None:
    """The name of the first prompt a model is asked with, where the grid has several."""
    return plan.prompt_of(model).label if len(plan.prompts) > 1 else None


def _samples(plan: Plan, store: Store, model: ModelIdentity) -> list[tuple[Pair, str, str, str]]:
    """The first sentence of every pair of the first test set, asked with the model's first prompt."""
    samples, prompt = [], plan.prompt_of(model).id
    for cell in store.cells.of_grid(plan.spec.name, model=model.id, state=CellState.DONE):
        is_meant = cell.cell.prompt == prompt and cell.cell.test_set == plan.first.id
        if is_meant and cell.test and cell.hypotheses:
            sources, references = store.blobs.test(cell.test)
            hypothesis = store.blobs.translation(cell.hypotheses)[0][0]
            samples.append((cell.cell.pair, sources[0], references[0], hypothesis))
    return samples
