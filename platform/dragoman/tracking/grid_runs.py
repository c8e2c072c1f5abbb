"""The runs of a grid in MLflow: found by their keys or made, with scores by partition, data sets and samples."""

import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from dragoman.model import ModelIdentity
from dragoman.redaction import masked
from dragoman.tracking.evaluation import Evaluation
from dragoman.tracking.mlflow_database import TrackingError
from dragoman.tracking.mlflow_notes import NOTE_TAG, metric_name

GRID_TAG = "dragoman.grid"
MODEL_TAG = "dragoman.model"
KEY_TAG = "dragoman.key"
"""Tag by which a run is found again, whichever process created it."""
SOURCE_TAG = "dragoman.source"
"""Tag of a system that was not run here: where its translations, or its scores, are from."""
TAG_LENGTH = 8000
"""Most characters of a run's tag in MLflow, which refuses the whole batch for a longer one."""
BATCH = 1000
"""Most metrics of one request to MLflow."""


class Tested(NamedTuple):
    """What an evaluation was made on, as MLflow keeps data sets."""

    corpus: str
    """Kind of corpus."""
    revision: str
    """Its revision."""
    split: str
    """Its split."""
    sentences: int | None
    """So many sentences of each pair; None is all."""


class GridRuns:
    """The runs of one grid; every method can be called again and changes nothing then."""

    def __init__(self, client: Any, experiment: str, grid: str, grid_id: str) -> None:
        """Find nothing yet.

        Args:
            client: an `MlflowClient`.
            experiment: id of the experiment.
            grid: name of the grid.
            grid_id: id of its plan, which the keys of its runs hold.
        """
        self._client, self._experiment = client, experiment
        self._grid, self._grid_id = grid, grid_id

    @property
    def _key(self) -> str:
        """The key of the grid's own run."""
        return f"grid/{self._grid_id}"

    def found(self) -> bool:
        """Whether MLflow has the grid's own run."""
        return self._find(self._key) is not None

    def _find(self, key: str) -> str | None:
        found = self._client.search_runs([self._experiment], f"tags.`{KEY_TAG}` = '{key}'", max_results=1)
        return str(found[0].info.run_id) if found else None

    def _run(self, key: str, name: str, parent: str | None, model: ModelIdentity | None = None) -> str:
        if (found := self._find(key)) is not None:
            return found
        tags = {KEY_TAG: key, GRID_TAG: self._grid, "mlflow.runName": name}
        if parent:
            tags["mlflow.parentRunId"] = parent
        if model:
            tags[MODEL_TAG] = model.id
        try:
            return str(self._client.create_run(self._experiment, tags=tags, run_name=name).info.run_id)
        except Exception:
            require_active(self._client.get_experiment(self._experiment))  # a user may have deleted it
            raise

    def of_analyses(self, grid_id: str | None) -> str | None:
        """Id of the run that has the analyses: the grid's own, if there is one; without a grid, the campaign's."""
        if grid_id is not None:
            return self._find(self._key)
        return self._run(f"campaign/{self._grid}", f"{self._grid} analyses", parent=None)

    def log_text(self, run: str, text: str, file: str) -> None:
        """Write a text as an artifact of a run; one of that name is replaced."""
        self._client.log_text(run, text, file)

    @cached_property
    def _grid_run(self) -> str:
        return self._run(self._key, self._grid, parent=None)

    def model_run(self, model: ModelIdentity) -> str:
        """Id of the run of a model."""
        return self._run(f"model/{self._grid_id}/{model.id}", model.name, self._grid_run, model)

    def write_evaluation(
        self, model: ModelIdentity, found: Evaluation, tested: Sequence[Tested], decoding: Mapping[str, Any]
    ) -> str:
        """Scores by partition, sample translations, heat maps and a note, in a run below the model's; returns its id.

        Args:
            model: the model evaluated.
            found: what is written.
            tested: the test sets.
            decoding: the settings of its decoding; none where they are not known.
        """
        from mlflow.entities import Metric

        parent, now = self.model_run(model), milliseconds()
        run = self._run(f"evaluation/{self._grid_id}/{model.id}", f"{model.name} evaluation", parent, model)
        metrics = []
        for metric, rows in found.tables.items():
            name = metric_name(metric)
            for row in rows:
                if row.mean is not None:
                    metrics.append(Metric(f"{name}/{row.scope}", row.mean, now, 0))
                    metrics.append(Metric(f"{name}/{row.scope}/pairs", row.done, now, 0))
                if row.gain is not None:
                    metrics.append(Metric(f"{name}/{row.scope}/gain", row.gain, now, 0))
        params = {f"decoding.{name}": value for name, value in decoding.items()}
        tags = {NOTE_TAG: found.note, **({SOURCE_TAG: found.source} if found.source else {})}
        self._log(run, metrics, params, tags=tags)
        self._log(parent, tags=tags)
        for each in tested:
            self._log_dataset(run, *each)
        if found.samples and "samples.json" not in {file.path for file in self._client.list_artifacts(run)}:
            columns = list(zip(*found.samples, strict=True))
            names = ("pair", "source", "reference", "hypothesis")
            table = {name: [str(value) for value in column] for name, column in zip(names, columns, strict=True)}
            self._client.log_table(run, table, "samples.json")
        for metric, page in found.maps.items():
            self._client.log_text(run, page, f"heat-map-{metric_name(metric).replace('/', '-').replace(':', '-')}.html")
        self._client.set_terminated(run)
        self._client.set_terminated(parent)
        return run

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


def milliseconds() -> int:
    """The time as MLflow keeps it: milliseconds since 1970."""
    return int(time.time() * 1000)
