"""The runs of a grid in MLflow: found by their keys or made, with scores by partition, data sets and samples.

Scores are metrics of the run and of the logged model at once, there under the data set that they are of.
"""

import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from dragoman.analysis.partition_table import PartitionRow
from dragoman.model import ModelIdentity
from dragoman.redaction import masked
from dragoman.tracking.datasets import TrackedDataset
from dragoman.tracking.evaluation import Evaluation
from dragoman.tracking.logged_models import DECODING_TAG, GRID_TAG, KEY_TAG, MODEL_TAG, PROMPT_TAG, LoggedModels
from dragoman.tracking.mlflow_database import TrackingError
from dragoman.tracking.mlflow_notes import NOTE_TAG, metric_name
from dragoman.tracking.prompts import PromptVersion, linked
from dragoman.tracking.run_keys import evaluation_key, grid_key, model_key

SOURCE_TAG = "dragoman.source"
"""Tag of a system that was not run here: where its translations, or its scores, are from."""
TAG_LENGTH = 8000
"""Most characters of a run's tag in MLflow, which refuses the whole batch for a longer one."""
BATCH = 1000
"""Most metrics of one request to MLflow."""


class Asked(NamedTuple):
    """What a model is made of, and how it was asked: what its logged model says."""

    params: Mapping[str, Any] = {}
    """Its parameters."""
    decoding: Mapping[str, Any] = {}
    """The settings of its decoding; none where they are not known."""
    prompts: Sequence[PromptVersion] = ()
    """The prompts it was asked with, the first one first."""
    prompt_id: str | None = None
    """Id of the first; None, like the next, where it is not known."""
    decoding_id: str | None = None
    """Id of its decoding."""

    @property
    def tags(self) -> dict[str, str]:
        """It as tags of a logged model."""
        known = {PROMPT_TAG: self.prompt_id, DECODING_TAG: self.decoding_id}
        return {**{tag: value for tag, value in known.items() if value}, **linked(self.prompts)}


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
        self._models = LoggedModels(client, experiment, grid, grid_id)

    @property
    def _key(self) -> str:
        """The key of the grid's own run."""
        return grid_key(self._grid_id)

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
        return self._run(model_key(self._grid_id, model.id), model.name, self._grid_run, model)

    def write_evaluation(
        self, model: ModelIdentity, found: Evaluation, tested: Sequence[TrackedDataset], asked: Asked
    ) -> str:
        """Scores by partition, sample translations, heat maps and a note, in a run below the model's; returns its id.

        The scores on test sets after the first are metrics of that run under their names, and of the logged model, like
        those on the first, without: each test set has a run of its own for these.

        Args:
            model: the model evaluated.
            found: what is written.
            tested: the test sets, the first one first.
            asked: what its logged model says.
        """
        parent = self.model_run(model)
        run = self._run(evaluation_key(self._grid_id, model.id), f"{model.name} evaluation", parent, model)
        tags = {NOTE_TAG: found.note, **({SOURCE_TAG: found.source} if found.source else {})}
        logged = self._models.of_model(model, parent, asked.params, {**asked.tags, NOTE_TAG: found.note})
        first, *others = tested
        of_others = {name: rows for name, rows in found.tables.items() if any(each.owns(name) for each in others)}
        of_first = {name: rows for name, rows in found.tables.items() if name not in of_others}
        params = {f"decoding.{name}": value for name, value in asked.decoding.items()}
        metrics = [*_scores(of_first, logged, first), *_scores(of_others)]
        self._log(run, metrics, params, tags={**tags, **linked(asked.prompts)})
        self._log(parent, tags=tags)
        self._log_inputs(run, tested, logged)
        for each in others:
            own = {each.without_label(name): rows for name, rows in of_others.items() if each.owns(name)}
            self._write_test_set(model, run, each, _scores(own, logged, each), logged)
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

    def _write_test_set(
        self, model: ModelIdentity, parent: str, data: TrackedDataset, metrics: Sequence[Any], logged: str
    ) -> None:
        """The scores on a test set after the first, under the names that those on the first have."""
        key = f"tested/{self._grid_id}/{model.id}/{data.name}"
        run = self._run(key, f"{model.name} on {data.label}", parent, model)
        self._log(run, metrics)
        self._log_inputs(run, [data], logged)
        self._client.set_terminated(run)

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
        new = [
            metric
            for metric in metrics
            if known.metrics.get(metric.key) != metric.value or (metric.model_id and self._models.lacks(metric))
        ]
        said = [RunTag(name, masked(value)[:TAG_LENGTH]) for name, value in (tags or {}).items()]
        for start in range(0, max(len(new), 1), BATCH):
            first = start == 0
            batch = new[start : start + BATCH]
            self._client.log_batch(run, metrics=batch, params=fresh if first else (), tags=said if first else ())
            self._models.note(batch)

    def _log_inputs(self, run: str, data: Sequence[TrackedDataset], logged: str | None = None) -> None:
        """Data sets that a run read, and the logged model that it evaluated."""
        from mlflow.entities import LoggedModelInput

        models = [LoggedModelInput(logged)] if logged else None
        self._client.log_inputs(run, [each.entity() for each in data], models)

    def _log_output(self, run: str, models: Mapping[str, int]) -> None:
        """Logged models that a run made, each with the step it is of."""
        from mlflow.entities import LoggedModelOutput

        made = self._client.get_run(run).outputs
        known = {each.model_id for each in made.model_outputs} if made else set()
        new = [LoggedModelOutput(model, step) for model, step in models.items() if model not in known]
        if new:
            self._client.log_outputs(run, new)


def _scores(
    tables: Mapping[str, Sequence[PartitionRow]], logged: str | None = None, data: TrackedDataset | None = None
) -> list[Any]:
    """Partition tables as MLflow's metrics.

    Args:
        tables: the tables by what MLflow calls them.
        logged: id of the logged model that they are of too.
        data: the data set that they are of there.
    """
    from mlflow.entities import Metric

    about = {"model_id": logged, "dataset_name": data.name, "dataset_digest": data.digest} if data else {}
    found: dict[str, float] = {}
    for metric, rows in tables.items():
        for row in rows:
            name = f"{metric_name(metric)}/{row.scope}"
            found |= {name: row.mean, f"{name}/pairs": row.done} if row.mean is not None else {}
            found |= {f"{name}/gain": row.gain} if row.gain is not None else {}
    now = milliseconds()
    return [Metric(name, value, now, 0, **about) for name, value in found.items()]


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
