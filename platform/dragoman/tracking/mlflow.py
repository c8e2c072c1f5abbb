"""MLflow tracking of a grid: runs, parameters, losses, scores by partition, data sets and samples.

Experiment = campaign (a grid that belongs to none is its own), parent run = grid, children = models, grandchildren =
evaluations. MLflow is a view of the store, not the record: everything here is written from the store and can be written
again, and no failure of it stops a grid.
"""

import os
import time
from collections.abc import Collection, Mapping, Sequence
from http import HTTPStatus
from importlib import import_module
from pathlib import Path
from typing import Any

from dragoman import telemetry
from dragoman.analysis.partition_table import PartitionRow
from dragoman.model import ModelIdentity
from dragoman.pair import Pair
from dragoman.planning.plan import Plan, PlannedTraining
from dragoman.redaction import masked
from dragoman.spec.sentences import size_of
from dragoman.tracking.mlflow_database import TrackingError, prepare, quieten, require_whole
from dragoman.tracking.mlflow_notes import NOTE_TAG, VIEW_TAG, experiment_note, grid_links, metric_name, saved_view

GRID_TAG = "dragoman.grid"
MODEL_TAG = "dragoman.model"
KEY_TAG = "dragoman.key"
"""Tag by which a run is found again, whichever process created it."""
TAG_LENGTH = 8000
"""Most characters of a run's tag in MLflow, which refuses the whole batch for a longer one."""
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
BATCH = 1000
"""Most metrics of one request to MLflow."""


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


class Tracker:
    """Writes one grid's runs to MLflow; every method can be called again and changes nothing then."""

    def __init__(self, uri: str, artifacts: Path, plan: Plan) -> None:
        import_mlflow()
        from mlflow import MlflowClient

        quieten()
        prepare(uri)
        require_whole(uri)
        self._client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        self._plan = plan
        self._uri = masked(uri)
        self._is_server = uri.startswith(("http://", "https://"))
        self._experiment = self._find_experiment(artifacts)
        self._grid_run = self._run(f"grid/{plan.id}", plan.spec.name, parent=None)
        self._known: dict[str, set[int]] = {}

    def _find_experiment(self, artifacts: Path) -> str:
        # without a location MLflow on a database would create ./mlruns in the current folder; a server has its own
        location = None if self._is_server else artifacts.resolve().as_uri()
        return experiment_id(self._client, self._plan.spec.campaign or self._plan.spec.name, location)

    def _run(self, key: str, name: str, parent: str | None, model: ModelIdentity | None = None) -> str:
        found = self._client.search_runs([self._experiment], f"tags.`{KEY_TAG}` = '{key}'", max_results=1)
        if found:
            return str(found[0].info.run_id)
        tags = {KEY_TAG: key, GRID_TAG: self._plan.spec.name, "mlflow.runName": name}
        if parent:
            tags["mlflow.parentRunId"] = parent
        if model:
            tags[MODEL_TAG] = model.id
        try:
            return str(self._client.create_run(self._experiment, tags=tags, run_name=name).info.run_id)
        except Exception:
            require_active(self._client.get_experiment(self._experiment))  # a user may have deleted it
            raise

    @property
    def page(self) -> str:
        """Where a browser finds the grid's run; without a server, what follows the address of `dragoman ui`."""
        server = self._uri.rstrip("/") if self._is_server else ""
        return f"{server}/#/experiments/{self._experiment}/runs/{self._grid_run}"

    def model_run(self, model: ModelIdentity) -> str:
        """Id of the run of a model."""
        return self._run(f"model/{self._plan.id}/{model.id}", model.name, self._grid_run, model)

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

        now = _milliseconds()
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
            },
        )
        recipe = training.identity.recipe["corpus"]
        self._log_dataset(run, recipe["kind"], recipe["revision"], "train", sum(record.get("examples", {}).values()))
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

    def log_evaluation(
        self,
        model: ModelIdentity,
        tables: Mapping[str, Sequence[PartitionRow]],
        samples: Sequence[tuple[Pair, str, str, str]],
        maps: Mapping[str, str],
        note: str,
    ) -> str:
        """Scores by partition, sample translations, heat maps and a note, in a run below the model's; returns its id.

        Args:
            model: the model evaluated.
            tables: the partition table of each metric.
            samples: pair, source, reference and hypothesis of some sentences.
            maps: heat maps by metric, each a page of HTML.
            note: Markdown shown on the pages of this run and the model's.
        """
        from mlflow.entities import Metric

        parent, now = self.model_run(model), _milliseconds()
        run = self._run(f"evaluation/{self._plan.id}/{model.id}", f"{model.name} evaluation", parent, model)
        metrics = []
        for metric, rows in tables.items():
            name = metric_name(metric)
            for row in rows:
                if row.mean is not None:
                    metrics.append(Metric(f"{name}/{row.scope}", row.mean, now, 0))
                    metrics.append(Metric(f"{name}/{row.scope}/pairs", row.done, now, 0))
                if row.gain is not None:
                    metrics.append(Metric(f"{name}/{row.scope}/gain", row.gain, now, 0))
        decoding = self._plan.decoding_of(model.id).meaning
        params = {f"decoding.{name}": value for name, value in decoding.items()}
        self._log(run, metrics, params, tags={NOTE_TAG: note})
        self._log(parent, tags={NOTE_TAG: note})
        test = self._plan.test_set
        self._log_dataset(run, test.corpus, test.revision, str(test.split), size_of(test.sentences))
        if samples and "samples.json" not in {file.path for file in self._client.list_artifacts(run)}:
            columns = list(zip(*samples, strict=True))
            names = ("pair", "source", "reference", "hypothesis")
            table = {name: [str(value) for value in column] for name, column in zip(names, columns, strict=True)}
            self._client.log_table(run, table, "samples.json")
        for metric, page in maps.items():
            self._client.log_text(run, page, f"heat-map-{metric_name(metric)}.html")
        self._client.set_terminated(run)
        self._client.set_terminated(parent)
        return run

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
        view = saved_view(self._plan.spec.evaluation.metrics, scopes)
        for key, value in ((VIEW_TAG, view), (NOTE_TAG, experiment_note(grid, self._experiment, campaign))):
            self._client.set_experiment_tag(self._experiment, key, value)
        note = f"{grid_links(grid)} · `dragoman results {grid}` prints the tables."
        self._log(self._grid_run, tags={NOTE_TAG: note})
        self._client.set_terminated(self._grid_run, "FAILED" if failed else "FINISHED")

    def _log(
        self,
        run: str,
        metrics: Sequence[Any] = (),
        params: Mapping[str, Any] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        from mlflow.entities import Param, RunTag

        known = self._client.get_run(run).data
        fresh = [
            Param(name, masked(str(value))[:6000]) for name, value in (params or {}).items() if name not in known.params
        ]
        new = [metric for metric in metrics if known.metrics.get(metric.key) != metric.value]
        said = [RunTag(name, masked(value)[:TAG_LENGTH]) for name, value in (tags or {}).items()]
        for start in range(0, max(len(new), 1), BATCH):
            first = start == 0
            batch = new[start : start + BATCH]
            self._client.log_batch(run, metrics=batch, params=fresh if first else (), tags=said if first else ())

    def _log_dataset(self, run: str, corpus: str, revision: str, split: str, size: int | None) -> None:
        from mlflow.entities import Dataset, DatasetInput, InputTag

        dataset = Dataset(
            name=f"{corpus}/{split}",
            digest=revision[-36:],
            source_type="dragoman",
            source=f'{{"corpus": "{corpus}", "revision": "{revision}"}}',
            profile=f'{{"segments": {size or 0}}}',
        )
        self._client.log_inputs(run, [DatasetInput(dataset, [InputTag("mlflow.data.context", split)])])


def experiment_id(client: Any, name: str, location: str | None) -> str:
    """The id of the experiment of a name, which is made if there is none.

    Args:
        client: an `MlflowClient`.
        name: the experiment's name.
        location: where a new one keeps its artifacts; None is where the server has them.

    Raises:
        TrackingError: somebody has deleted it, and MLflow keeps its name.
    """
    found = client.get_experiment_by_name(name)
    if found is None:
        return str(client.create_experiment(name, artifact_location=location))
    require_active(found)
    return str(found.experiment_id)


def require_active(experiment: Any) -> None:
    """Refuse an experiment that is deleted: MLflow neither writes to it nor gives its name to another.

    Raises:
        TrackingError: it is.
    """
    if experiment.lifecycle_stage == "deleted":
        number = experiment.experiment_id
        raise TrackingError(
            f"The experiment '{experiment.name}' is deleted in MLflow: restore the experiment (`mlflow experiments "
            f"restore --experiment-id {number}` with MLFLOW_TRACKING_URI set), or give the grid another name."
        )


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


def _milliseconds() -> int:
    return int(time.time() * 1000)
