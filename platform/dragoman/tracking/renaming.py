"""A renamed grid in MLflow: its experiment, its runs and their notes follow."""

from pathlib import Path
from typing import Any

from dragoman.tracking.logged_models import GRID_TAG, KEY_TAG
from dragoman.tracking.mlflow import import_mlflow
from dragoman.tracking.mlflow_database import TrackingError, prepare, quieten
from dragoman.tracking.mlflow_notes import NOTE_TAG, VIEW_TAG, experiment_note, grid_links
from dragoman.tracking.mlflow_schema import sqlite_file
from dragoman.tracking.run_keys import grid_key


def rename_in_mlflow(uri: str, before: str, after: str, *, campaign: str | None, grid_id: str) -> int:
    """Have MLflow call a grid by its new name; returns how many runs follow.

    The experiment of a grid that belongs to no campaign is renamed, and so is the grid's own run; the runs of its
    models keep theirs, which are the models'. Registered versions keep their tags: Dragoman finds the grid by them.

    Args:
        uri: MLflow's tracking URI.
        before: the grid's name.
        after: its new one.
        campaign: its campaign, whose experiment has its runs.
        grid_id: hash of its specification, which the keys of its runs hold.

    Raises:
        TrackingError: an experiment has the new name, or MLflow can't be reached.
    """
    file = sqlite_file(uri)
    if file is not None and not Path(file).exists():
        return 0
    import_mlflow()
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    quieten()
    prepare(uri)
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    try:
        return _rename(client, before, after, campaign, grid_id)
    except MlflowException as error:
        raise TrackingError(
            f"The grid was not renamed, as MLflow did not follow ({error.message}): once it answers, do it again."
        ) from error


def _rename(client: Any, before: str, after: str, campaign: str | None, grid_id: str) -> int:
    found = client.get_experiment_by_name(campaign or before)
    if found is None:
        return 0
    if campaign is None and client.get_experiment_by_name(after) is not None:
        raise TrackingError(
            f"MLflow has an experiment {after}, with runs of something else: choose another name, or rename that one."
        )
    experiment = found.experiment_id
    runs = _runs_of(client, experiment, before)
    for run in runs:
        client.set_tag(run.info.run_id, GRID_TAG, after)
        if run.data.tags.get(KEY_TAG) == grid_key(grid_id):
            client.update_run(run.info.run_id, name=after)
            note = f"{grid_links(after)} · `dragoman results {after}` prints the tables."
            client.set_tag(run.info.run_id, NOTE_TAG, note)
    if campaign is None:
        note = experiment_note(after, experiment, has_view=VIEW_TAG in found.tags)
        client.set_experiment_tag(experiment, NOTE_TAG, note)
        client.rename_experiment(experiment, after)
    return len(runs)


def _runs_of(client: Any, experiment: str, grid: str) -> list[Any]:
    """All runs of a grid in an experiment, read before any is changed."""
    page = client.search_runs([experiment], f"tags.`{GRID_TAG}` = '{grid}'")
    found = list(page)
    while page.token:
        page = client.search_runs([experiment], f"tags.`{GRID_TAG}` = '{grid}'", page_token=page.token)
        found += page
    return found
