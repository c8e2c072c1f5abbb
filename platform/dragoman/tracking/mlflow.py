"""MLflow tracking of a grid: runs, parameters, losses, scores by partition, data sets and samples.

Experiment = campaign (a grid that belongs to none is its own), parent run = grid, children = models, grandchildren =
evaluations. MLflow is a view of the store, not the record: everything here is written from the store and can be written
again, and no failure of it stops a grid.
"""

import os
from collections.abc import Collection, Mapping, Sequence
from http import HTTPStatus
from importlib import import_module
from pathlib import Path, PurePath
from typing import Any

from dragoman import telemetry
from dragoman.model import ModelIdentity
from dragoman.planning.plan import Plan, PlannedTraining
from dragoman.redaction import masked
from dragoman.tracking.datasets import dev_data, planned_data, trained_data, without_secrets
from dragoman.tracking.evaluation import Evaluation
from dragoman.tracking.grid_runs import BATCH, Asked, GridRuns, experiment_id, milliseconds
from dragoman.tracking.mlflow_database import prepare, quieten, require_whole
from dragoman.tracking.mlflow_notes import (
    KIND,
    KIND_TAG,
    NOTE_TAG,
    VIEW_TAG,
    experiment_note,
    grid_links,
    run_page,
    saved_view,
)
from dragoman.tracking.mlflow_schema import sqlite_file
from dragoman.tracking.prompts import PromptRegistry

_SHARED = (
    "mlflow",
    "mlflow.entities",
    "mlflow.store.tracking.sqlalchemy_store",
    "mlflow.store.tracking.rest_store",
    "mlflow.system_metrics.metrics.cpu_monitor",
    "mlflow.system_metrics.metrics.disk_monitor",
    "mlflow.system_metrics.metrics.gpu_monitor",
    "mlflow.system_metrics.metrics.network_monitor",
)
"""Modules that threads of a run use: the one that writes to MLflow, that of system metrics, and the main one."""


def import_mlflow() -> None:
    """Import and configure the modules of MLflow that several threads use, before the first of them starts.

    Its modules import each other in circles: of two threads that import it at once, one may see half of it.
    """
    telemetry.turn_off()
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    # its default would block a call to an unreachable server for four minutes; failed writes are repeated anyway
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    for module in _SHARED:
        import_module(module)


def existing_runs(uri: str, experiment: str, *, grid: str, grid_id: str) -> GridRuns | None:
    """The runs of a grid where MLflow has its experiment already; None where it has not, or no database yet.

    Args:
        uri: MLflow's tracking URI.
        experiment: name of the experiment.
        grid: name of the grid.
        grid_id: id of its plan.
    """
    file = sqlite_file(uri)
    if file is not None and not Path(file).exists():
        return None
    import_mlflow()
    from mlflow import MlflowClient

    quieten()
    prepare(uri)
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    found = client.get_experiment_by_name(experiment)
    return GridRuns(client, str(found.experiment_id), grid, grid_id) if found else None


class Tracker(GridRuns):
    """Writes one grid's runs to MLflow; every method can be called again and changes nothing then."""

    def __init__(self, uri: str, artifacts: Path, plan: Plan) -> None:
        import_mlflow()
        from mlflow import MlflowClient

        quieten()
        prepare(uri)
        require_whole(uri)
        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        self._plan = plan
        self._uri = masked(uri)
        self._is_server = uri.startswith(("http://", "https://"))
        # without a location MLflow on a database would create ./mlruns in the current folder; a server has its own
        location = None if self._is_server else artifacts.resolve().as_uri()
        experiment = experiment_id(client, plan.spec.campaign or plan.spec.name, location)
        super().__init__(client, experiment, plan.spec.name, plan.id)
        self._prompts = PromptRegistry(client, experiment)
        _ = self._grid_run  # made before any other
        self._known: dict[str, set[int]] = {}

    @property
    def page(self) -> str:
        """Where a browser finds the grid's run; without a server, what follows the address of `dragoman ui`."""
        server = self._uri.rstrip("/") if self._is_server else ""
        return f"{server}/{run_page(self._experiment, self._grid_run)}"

    def start(self) -> None:
        """Parameters of the grid, the spec itself, and notes that lead to our pages while it runs."""
        spec = self._plan.spec
        self._log(
            self._grid_run,
            params={
                "base": spec.base.model,
                "languages": ",".join(spec.languages),
                "models": len(spec.models),
                "pairs": len(self._plan.pairs),
                "seed": spec.seed,
            },
        )
        self._client.log_dict(self._grid_run, without_secrets(spec.model_dump(mode="json")), "spec.json")
        note = experiment_note(spec.name, self._experiment, spec.campaign, has_view=False)
        there = self._client.get_experiment(self._experiment).tags
        for tag, value in ((NOTE_TAG, note), (KIND_TAG, KIND)):
            if tag not in there:
                self._client.set_experiment_tag(self._experiment, tag, value)
        self._log(self._grid_run, tags={NOTE_TAG: f"{grid_links(spec.name)}\n"})
        self._client.update_run(self._grid_run, status="RUNNING")  # it may have ended before, and is resumed

    def log_losses(self, model: ModelIdentity, losses: Sequence[tuple[int, float, float]]) -> None:
        """Loss and learning rate by step: in batches, not one request a step; a step that is there stays as it is."""
        run = self.model_run(model)
        if run not in self._known:
            self._known[run] = {point.step for point in self._client.get_metric_history(run, "loss")}
        new = [point for point in losses if point[0] not in self._known[run]]
        try:
            self._log_curves(
                run,
                {
                    "loss": [(step, loss) for step, loss, _ in new],
                    "learning_rate": [(step, rate) for step, _, rate in new],
                },
            )
        except Exception:
            del self._known[run]  # some of it may be there
            raise
        self._known[run].update(step for step, _, _ in new)

    def log_system(self, samples: Sequence[tuple[int, str, float]]) -> None:
        """System metrics of the machines, on the grid's run; MLflow's pages show them under system metrics.

        Args:
            samples: milliseconds since 1970, what (`cpu_utilization_percentage`), and how much.
        """
        from mlflow.entities import Metric

        # with its time and the second as its step, one that is there already is recognised by MLflow itself
        points = [Metric(f"system/{name}", value, at, at // 1000) for at, name, value in samples]
        for start in range(0, len(points), BATCH):
            self._client.log_batch(self._grid_run, metrics=points[start : start + BATCH])

    def _log_curves(self, run: str, curves: Mapping[str, Sequence[tuple[int, float]]]) -> None:
        from mlflow.entities import Metric

        now = milliseconds()
        points = [Metric(name, value, now, step) for name, curve in curves.items() for step, value in curve]
        points.sort(key=lambda point: point.step)
        for start in range(0, len(points), BATCH):
            self._client.log_batch(run, metrics=points[start : start + BATCH])

    def log_training(self, training: PlannedTraining, record: dict[str, Any]) -> None:
        """Parameters of a finetuning, the data it read, its losses, its logged model and those of its checkpoints."""
        model, run = training.identity, self.model_run(training.identity)
        params = _training_params(training)
        if asked := training.finetuning.monolingual:
            params["monolingual"] = _monolingual(asked.task, record)
        self._log(run, params=params)
        self._log_inputs(run, [trained_data(training, record)])
        self.log_losses(model, [tuple(point) for point in record.get("losses", ())])
        self.log_dev_scores(model, looks := record.get("dev", ()))
        asked_with = self._asked(model)
        logged = self._models.of_model(model, run, asked_with.params, asked_with.tags)
        steps = record.get("chosen_step") or training.finetuning.method.steps
        made = {logged: steps} | {self._models.of_checkpoint(model, run, look[0]): look[0] for look in _kept(looks)}
        self._log_output(run, made)
        self._log_checkpoints(training, run, made, {look[0]: look for look in looks})
        self._client.set_terminated(run)

    def log_dev_scores(self, model: ModelIdentity, scores: Sequence[Sequence[Any]]) -> None:
        """Dev scores that a checkpoint is chosen by: the mean and that of each partition, by step; each step once."""
        run = self.model_run(model)
        known = {point.step for point in self._client.get_metric_history(run, "dev")} if scores else set()
        curves: dict[str, list[tuple[int, float]]] = {}
        for look in scores:
            for name, value in _dev_values(look).items():
                if look[0] not in known:
                    curves.setdefault(name, []).append((look[0], value))
        self._log_curves(run, curves)

    def _log_checkpoints(
        self, training: PlannedTraining, run: str, made: Mapping[str, int], looks: Mapping[int, Sequence[Any]]
    ) -> None:
        """The dev scores of logged models, each at the step that it is of."""
        from mlflow.entities import Metric

        if (selection := training.finetuning.method.selection) is None or not looks:
            return
        data = dev_data(training, selection)
        # with the time of the run's own points MLflow takes these for the same
        at = {point.step: point.timestamp for point in self._client.get_metric_history(run, "dev")}
        for logged, step in made.items():
            if step in looks and step in at:
                points = [
                    Metric(name, value, at[step], step, logged, data.name, data.digest)
                    for name, value in _dev_values(looks[step]).items()
                ]
                if any(self._models.lacks(point) for point in points):
                    self._client.log_batch(run, metrics=points)
                    self._models.note(points)

    def log_evaluation(self, model: ModelIdentity, found: Evaluation) -> str:
        """Scores by partition, sample translations, heat maps and a note, in a run below the model's; returns its id.

        Args:
            model: the model evaluated.
            found: what is written.
        """
        tested = [planned_data(test_set) for test_set in self._plan.test_sets]
        return self.write_evaluation(model, found, tested, self._asked(model))

    def _asked(self, model: ModelIdentity) -> Asked:
        """What a logged model says of how its model is made and asked."""
        plan = self._plan
        training = next((each for each in plan.trainings if each.identity.id == model.id), None)
        params = _training_params(training) if training else {}
        params["base"] = (
            PurePath(plan.spec.base.model).name if plan.spec.base.model[:1] == "/" else plan.spec.base.model
        )
        if model.id in plan.from_elsewhere:
            return Asked()
        decoding, prompt = plan.decoding_of(model.id), plan.prompt_of(model)
        return Asked(
            params=params,
            decoding=decoding.meaning,
            prompts=[self._prompts.version_of(prompt) for asked, prompt in plan.asked if asked.id == model.id],
            prompt_id=prompt.id,
            decoding_id=decoding.id,
        )

    def break_off(self, status: str) -> None:
        """Mark the grid's run as interrupted.

        Args:
            status: `KILLED` if it was stopped by a user, else `FAILED`.
        """
        self._client.set_terminated(self._grid_run, status)

    def finish(self, scopes: Collection[str], failed: bool) -> None:
        """Close the grid's run, and have MLflow's pages lead to ours.

        Args:
            scopes: the partitions that occur.
            failed: whether the run is to be shown as failed.
        """
        grid, campaign = self._plan.spec.name, self._plan.spec.campaign
        view = saved_view(self._plan.spec.evaluation.metric_names, scopes)
        for key, value in ((VIEW_TAG, view), (NOTE_TAG, experiment_note(grid, self._experiment, campaign))):
            self._client.set_experiment_tag(self._experiment, key, value)
        note = f"{grid_links(grid)} · `dragoman results {grid}` prints the tables."
        self._log(self._grid_run, tags={NOTE_TAG: note})
        self._client.set_terminated(self._grid_run, "FAILED" if failed else "FINISHED")


def _training_params(training: PlannedTraining) -> dict[str, Any]:
    """Parameters of a finetuning, as they are known before it."""
    method = training.finetuning.method.model_dump(mode="json")
    return {
        **{f"method.{name}": value for name, value in method.items()},
        "pairs": len(training.pairs),
        "examples_per_pair": training.finetuning.examples,
        "seed": training.seed,
        "prompt": training.prompt.template,
    }


def _dev_values(look: Sequence[Any]) -> dict[str, float]:
    """The scores of a look at the dev split, by the names of their curves."""
    return {"dev": look[1], **{f"dev/{name}": value for name, value in look[2].items()}}


def _kept(looks: Sequence[Sequence[Any]]) -> list[Sequence[Any]]:
    """The looks whose checkpoint was kept: each was the best so far (`checkpoint_selection.best`)."""
    kept: list[Sequence[Any]] = []
    for look in looks:
        better = look[3] if len(look) > 3 else True
        if not kept or (look[1] > kept[-1][1] if better else look[1] < kept[-1][1]):
            kept.append(look)
    return kept


def _monolingual(task: str, record: dict[str, Any]) -> str:
    """Monolingual examples that were read, by language, and their task."""
    return f"{task}: " + ", ".join(f"{tag} {count}" for tag, count in record.get("monolingual", {}).items())


def answers(uri: str) -> bool:
    """Whether MLflow's server responds; a database without a server always does."""
    import requests

    if not uri.startswith(("http://", "https://")):
        return True
    try:
        return requests.get(f"{uri.rstrip('/')}/health", timeout=3).status_code < HTTPStatus.INTERNAL_SERVER_ERROR
    except requests.RequestException:
        return False
