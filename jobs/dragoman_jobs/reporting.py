"""Telling MLflow what the store holds of a grid."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from dragoman.cell import CellState
from dragoman.cli.results import partition_rows
from dragoman.cli.tables import Form, render
from dragoman.heat_map import NUMBERED, heat_map_page
from dragoman.mlflow_pages import model_links
from dragoman.model import ModelIdentity
from dragoman.pair import Pair
from dragoman.plan import Plan, PlannedTraining
from dragoman.store.queries import PartitionRow, pair_scores, partition_table
from dragoman.store.store import Store
from dragoman.tracking import BackgroundTracker, Tracker


def log_trainings(tracker: BackgroundTracker, plan: Plan, store: Store) -> None:
    """Parameters, data and losses of every finetuning that came to its end."""
    for training in plan.trainings:
        record = store.training(training.identity.id)
        if record is not None:
            tracker.tell(partial(_log_training, training=training, record=record))


def _log_training(mlflow: Tracker, training: PlannedTraining, record: dict[str, Any]) -> None:
    mlflow.log_training(training, record)


def log_evaluations(tracker: BackgroundTracker, plan: Plan, store: Store) -> Mapping[str, str]:
    """Scores by partition, samples, heat maps and notes of every model.

    Returns the run of each model by its name; it fills as they are written.
    """
    runs: dict[str, str] = {}
    scopes: dict[str, None] = {}
    for model in plan.models:
        tables = {
            metric: partition_table(store, plan.spec.name, model.name, metric, prompt=_prompt(plan, model))
            for metric in plan.spec.evaluation.metrics
        }
        scopes |= dict.fromkeys(row.scope for rows in tables.values() for row in rows)
        told = partial(_log_evaluation, plan=plan, store=store, model=model, tables=tables, runs=runs)
        tracker.tell(told)
    tracker.tell(lambda mlflow: mlflow.finish(scopes, failed=False))
    return runs


def _log_evaluation(
    mlflow: Tracker,
    plan: Plan,
    store: Store,
    model: ModelIdentity,
    tables: Mapping[str, Sequence[PartitionRow]],
    runs: dict[str, str],
) -> None:
    mlflow.log_evaluation(
        model, tables, _samples(plan, store, model), _heat_maps(plan, store, model), _note(plan, store, model)
    )
    runs[model.name] = mlflow.model_run(model)


def _note(plan: Plan, store: Store, model: ModelIdentity) -> str:
    tables = [partition_rows(store, plan.spec.name, [model.name], metric) for metric in plan.spec.evaluation.metrics]
    grid = plan.spec.name
    links = model_links(grid, model.name)
    return f"**{model.name}** in grid **{grid}** · {links}\n\n{render(tables, Form.MARKDOWN)}\n"


def _heat_maps(plan: Plan, store: Store, model: ModelIdentity) -> dict[str, str]:
    """A page for each metric; of many languages, whose pages are large, for the first alone."""
    grid, languages, metrics = plan.spec.name, plan.spec.languages, plan.spec.evaluation.metrics
    prompt = _prompt(plan, model)
    return {
        metric: heat_map_page(
            f"{model.name} in {grid}: {metric}",
            metric,
            languages,
            pair_scores(store, grid, model.name, metric, prompt=prompt),
        )
        for metric in (metrics if len(languages) <= NUMBERED else metrics[:1])
    }


def _prompt(plan: Plan, model: ModelIdentity) -> str | None:
    """The name of the first prompt a model is asked with, where the grid has several."""
    return plan.prompt_of(model).label if len(plan.prompts) > 1 else None


def _samples(plan: Plan, store: Store, model: ModelIdentity) -> list[tuple[Pair, str, str, str]]:
    """The first sentence of every pair, asked with the model's first prompt."""
    samples, prompt = [], plan.prompt_of(model).id
    for cell in store.cells(plan.spec.name):
        ours = (cell.cell.model, cell.cell.prompt) == (model.id, prompt)
        if ours and cell.state is CellState.DONE and cell.test and cell.hypotheses:
            sources, references = store.blobs.test(cell.test)
            hypothesis = store.blobs.translation(cell.hypotheses)[0][0]
            samples.append((cell.cell.pair, sources[0], references[0], hypothesis))
    return samples
