"""MLflow tracking of a grid: runs, parameters, losses, scores by partition, data sets and samples.

Experiment = campaign (a grid that belongs to none is its own), parent run = grid, children = models, grandchildren =
evaluations. MLflow is a view of the store, not the record: everything here is written from the store and can be written
again, and no failure of it stops a grid.
"""

import os
from collections.abc import Collection, Mapping, Sequence
from http import HTTPStatus
from importlib import import_module
from pathlib import Path
from typing import Any

from dragoman import telemetry
from dragoman.model import ModelIdentity
from dragoman.planning.plan import Plan, PlannedTraining
from dragoman.redaction import masked
from dragoman.spec.sentences import size_of
from dragoman.tracking.evaluation import Evaluation
from dragoman.tracking.grid_runs import BATCH, GridRuns, Tested, experiment_id, milliseconds
from dragoman.tracking.mlflow_database import prepare, quieten, require_whole
from dragoman.tracking.mlflow_notes import NOTE_TAG, VIEW_TAG, experiment_note, grid_links, saved_view
from dragoman.tracking.mlflow_schema import sqlite_file

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
        _ = self._grid_run  # made before any other
        self._known: dict[str, set[int]] = {}

    @property
    def page(self) -> str:
        """Where a browser finds the grid's run; without a server, what follows the address of `dragoman ui`."""
        server = self._uri.rstrip("/") if self._is_server else ""
        return f"{server}/#/experiments/{self._experiment}/runs/{self._grid_run}"

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
        self._client.log_dict(self._grid_run, _without_secrets(spec.model_dump(mode="json")), "spec.json")
        note = experiment_note(spec.name, self._experiment, spec.campaign, has_view=False)
        if NOTE_TAG not in self._client.get_experiment(self._experiment).tags:
            self._client.set_experiment_tag(self._experiment, NOTE_TAG, note)
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
        """Parameters of a finetuning, the data it read, and its losses."""
        run = self.model_run(training.identity)
        method = training.finetuning.method.model_dump(mode="json")
        self._log(
            run,
            params={
                **{f"method.{name}": value for name, value in method.items()},
                "pairs": len(training.pairs),
                "examples_per_pair": training.finetuning.examples,
                "seed": training.seed,
                "prompt": training.prompt.template,
                **(
                    {"monolingual": _monolingual(asked.task, record)}
                    if (asked := training.finetuning.monolingual)
                    else {}
                ),
            },
        )
        recipe = training.identity.recipe["corpus"]
        self._log_dataset(run, recipe["kind"], recipe["revision"], "train", _read(record))
        self.log_losses(training.identity, [tuple(point) for point in record.get("losses", ())])
        self.log_dev_scores(training.identity, record.get("dev", ()))
        self._client.set_terminated(run)

    def log_dev_scores(self, model: ModelIdentity, scores: Sequence[Sequence[Any]]) -> None:
        """Dev scores that a checkpoint is chosen by: the mean and that of each partition, by step; each step once."""
        run = self.model_run(model)
        known = {point.step for point in self._client.get_metric_history(run, "dev")} if scores else set()
        curves: dict[str, list[tuple[int, float]]] = {}
        for step, mean, partitions in scores:
            for name, value in {"dev": mean, **{f"dev/{name}": value for name, value in partitions.items()}}.items():
                if step not in known:
                    curves.setdefault(name, []).append((step, value))
        self._log_curves(run, curves)

    def log_evaluation(self, model: ModelIdentity, found: Evaluation) -> str:
        """Scores by partition, sample translations, heat maps and a note, in a run below the model's; returns its id.

        Args:
            model: the model evaluated.
            found: what is written.
        """
        is_run_here = model.id not in self._plan.from_elsewhere
        decoding = self._plan.decoding_of(model.id).meaning if is_run_here else {}
        tests = [each.test_set for each in self._plan.test_sets]
        tested = [Tested(test.corpus, test.revision, str(test.split), size_of(test.sentences)) for test in tests]
        return self.write_evaluation(model, found, tested, decoding)

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


def _monolingual(task: str, record: dict[str, Any]) -> str:
    """Monolingual examples that were read, by language, and their task."""
    return f"{task}: " + ", ".join(f"{tag} {count}" for tag, count in record.get("monolingual", {}).items())


def _read(record: dict[str, Any]) -> int:
    """Examples that a finetuning read, of pairs and of languages."""
    return sum(sum(record.get(part, {}).values()) for part in ("examples", "monolingual"))


def answers(uri: str) -> bool:
    """Whether MLflow's server responds; a database without a server always does."""
    import requests

    if not uri.startswith(("http://", "https://")):
        return True
    try:
        return requests.get(f"{uri.rstrip('/')}/health", timeout=3).status_code < HTTPStatus.INTERNAL_SERVER_ERROR
    except requests.RequestException:
        return False


def _without_secrets(part: Any) -> Any:
    """A part of a JSON document with secrets masked in its texts: an endpoint's address may hold one."""
    if isinstance(part, dict):
        return {name: _without_secrets(value) for name, value in part.items()}
    if isinstance(part, list):
        return [_without_secrets(value) for value in part]
    return masked(part) if isinstance(part, str) else part
