"""Grids that lack nothing, by the store and MLflow's database: to run one again needs neither a driver nor Ray.

`dragoman resume` goes the whole way all the same, and writes to MLflow what is not there.
"""

import sqlite3
from collections.abc import Iterator

from dragoman.cell import CellState
from dragoman.errors import StoreError
from dragoman.planning.adoption import adopt
from dragoman.planning.model_metrics import configured_metrics
from dragoman.planning.plan import Plan
from dragoman.settings import Settings
from dragoman.store import migrations
from dragoman.store.database.connection import Database
from dragoman.store.jobs.measured_rates import cell_states
from dragoman.store.maintenance.open_scores import open_scores
from dragoman.store.maintenance.rescoring import unscored_metrics
from dragoman.store.records import JobState
from dragoman.store.store import Store
from dragoman.tracking.mlflow_schema import State, are_finished, head_revision, sqlite_file, state
from dragoman.tracking.run_keys import evaluation_key, grid_key, model_key


def is_complete(plan: Plan, settings: Settings) -> bool:
    """Whether a grid's last driver came to its end, and the store and MLflow have all that it would do.

    A grid that promotes is never told so: whom its models are compared with may have changed. Nor is one whose MLflow
    is a server, whose answer has to be waited for.

    Args:
        plan: the grid.
        settings: where things are kept.
    """
    file = sqlite_file(settings.mlflow_url)
    if plan.spec.promotion is not None or file is None or (settings.home / "unsent" / f"{plan.id}.jsonl").exists():
        return False
    if not migrations.exists(Database(settings.store_url)):
        return False
    try:
        store = Store.open_existing(settings.store_url, settings.blobs_url)
    except StoreError:
        return False  # whoever runs the grid tells why
    try:
        plan = adopt(plan, store)
        if not _is_done(plan, store):
            return False
        return state(file, head_revision()) is State.CURRENT and are_finished(file, list(_keys(plan)))
    except (StoreError, sqlite3.Error):
        return False
    finally:
        store.close()


def _is_done(plan: Plan, store: Store) -> bool:
    """Whether the store has the plan as it is, every cell of it done or missing, and the end of its last job."""
    grid = plan.spec.name
    if grid not in store.grids.names():
        return False
    record, job = store.grids.get(grid), next(iter(store.jobs.of_grid(grid)), None)
    if record.spec_hash != plan.id or job is None or job.state is not JobState.DONE:
        return False
    names = {model.id: model.name for model in plan.models}
    if record.base != plan.base.id or not names.items() <= record.names.items():
        return False
    if any(store.models.training(training.identity.id) is None for training in plan.trainings):
        return False
    states = cell_states(store, list(names))
    found = {states.get(cell.id) for cell in plan.cells()}
    if None in found or any(each is CellState.FAILED or (each and each.is_open) for each in found):
        return False
    metrics = [metric.name for metric in configured_metrics(plan.spec.evaluation.metrics)]
    return not unscored_metrics(store, grid) and not open_scores(store, grid, metrics)


def _keys(plan: Plan) -> Iterator[str]:
    """The keys of the runs that MLflow has of a finished grid."""
    yield grid_key(plan.id)
    for model in plan.models:
        yield model_key(plan.id, model.id)
        yield evaluation_key(plan.id, model.id)
