"""What MLflow is told of a grid: runs, parameters, losses, scores by partition, data sets and samples.

Experiment = grid name, parent run = grid, children = models, grandchildren = evaluations. MLflow is a window, not
the record: everything here is written from the store and can be written again, and no failure of it stops a grid.
"""

import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from dragoman.masking import masked
from dragoman.mlflow_pages import NOTE_TAG, VIEW_TAG, experiment_note, link, metric_name, saved_view
from dragoman.model import ModelIdentity
from dragoman.pair import Pair
from dragoman.plan import Plan, PlannedTraining
from dragoman.store.queries import PartitionRow

GRID_TAG = "dragoman.grid"
MODEL_TAG = "dragoman.model"
KEY_TAG = "dragoman.key"
"""Tag that finds a run again: what it stands for, whichever process made it."""
TAG_LENGTH = 8000
"""Characters that a run's tag may have in MLflow: of one that is longer the whole batch is refused."""


class Tracker:
    """Writes one grid's runs to MLflow; every method can be called again and changes nothing then."""

    def __init__(self, uri: str, artifacts: Path, plan: Plan) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
        from mlflow import MlflowClient

        for chatty in ("mlflow", "alembic"):  # they tell of every step, in the middle of the progress bars
            logging.getLogger(chatty).setLevel(logging.WARNING)
        self._client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        self._plan = plan
        self._uri = masked(uri)
        self._is_server = uri.startswith(("http://", "https://"))
        self._experiment = self._find_experiment(artifacts)
        self._grid_run = self._run(f"grid/{plan.id}", plan.spec.name, parent=None)

    def _find_experiment(self, artifacts: Path) -> str:
        found = self._client.get_experiment_by_name(self._plan.spec.name)
        if found is not None:
            return str(found.experiment_id)
        # without a location a database alone would have ./mlruns made wherever the user stands; a server knows better
        location = None if self._is_server else artifacts.resolve().as_uri()
        return str(self._client.create_experiment(self._plan.spec.name, artifact_location=location))

    def _run(self, key: str, name: str, parent: str | None, model: ModelIdentity | None = None) -> str:
        found = self._client.search_runs([self._experiment], f"tags.`{KEY_TAG}` = '{key}'", max_results=1)
        if found:
            return str(found[0].info.run_id)
        tags = {KEY_TAG: key, GRID_TAG: self._plan.spec.name, "mlflow.runName": name}
        if parent:
            tags["mlflow.parentRunId"] = parent
        if model:
            tags[MODEL_TAG] = model.id
        return str(self._client.create_run(self._experiment, tags=tags, run_name=name).info.run_id)

    @property
    def page(self) -> str:
        """Where a browser finds the grid's run; without a server, what follows the address of `dragoman ui`."""
        server = self._uri.rstrip("/") if self._is_server else ""
        return f"{server}/#/experiments/{self._experiment}/runs/{self._grid_run}"

    def model_run(self, model: ModelIdentity) -> str:
        """Id of the run of a model."""
        return self._run(f"model/{self._plan.id}/{model.id}", model.name, self._grid_run, model)

    def start(self) -> None:
        """Parameters of the grid, and the spec itself."""
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
        self._client.log_dict(self._grid_run, spec.model_dump(mode="json"), "spec.json")

    def log_losses(self, model: ModelIdentity, losses: Sequence[tuple[int, float, float]]) -> None:
        """Loss and learning rate by step: one batch, not one request a step."""
        from mlflow.entities import Metric

        run, now = self.model_run(model), _milliseconds()
        known = {point.step for point in self._client.get_metric_history(run, "loss")}
        self._log(
            run,
            metrics=[
                Metric(name, value, now, step)
                for step, loss, rate in losses
                if step not in known
                for name, value in (("loss", loss), ("learning_rate", rate))
            ],
        )

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
        self.log_losses(training.identity, record.get("losses", ()))
        self._client.set_terminated(run)

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
        self._log_dataset(run, test.corpus, test.revision, str(test.split), test.sentences)
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

    def finish(self, scopes: Collection[str], failed: bool) -> None:
        """Close the grid's run, and have MLflow's pages lead to ours.

        Args:
            scopes: the partitions that occur.
            failed: whether the run is to be shown as failed.
        """
        grid = self._plan.spec.name
        view = saved_view(self._plan.spec.evaluation.metrics, scopes)
        for key, value in ((VIEW_TAG, view), (NOTE_TAG, experiment_note(grid, self._experiment))):
            self._client.set_experiment_tag(self._experiment, key, value)
        note = f"{link('Pair matrix', 'grid', grid=grid)} · `dragoman results {grid}` prints the tables."
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
        fresh = [Param(name, str(value)[:6000]) for name, value in (params or {}).items() if name not in known.params]
        new = [metric for metric in metrics if known.metrics.get(metric.key) != metric.value]
        said = [RunTag(name, value[:TAG_LENGTH]) for name, value in (tags or {}).items()]
        for start in range(0, max(len(new), 1), 1000):  # MLflow takes a thousand metrics at once
            first = start == 0
            batch = new[start : start + 1000]
            self._client.log_batch(run, metrics=batch, params=fresh if first else (), tags=said if first else ())

    def _log_dataset(self, run: str, corpus: str, revision: str, split: str, size: int | None) -> None:
        from mlflow.entities import Dataset, DatasetInput, InputTag

        dataset = Dataset(
            name=f"{corpus}/{split}", digest=revision[-36:], source_type="dragoman",
            source=f'{{"corpus": "{corpus}", "revision": "{revision}"}}', profile=f'{{"segments": {size or 0}}}',
        )  # fmt: skip
        self._client.log_inputs(run, [DatasetInput(dataset, [InputTag("mlflow.data.context", split)])])


class BackgroundTracker:
    """A tracker on a thread of its own: MLflow may be slow or away, the grid goes on.

    MLflow's client takes seconds to import and its database seconds to make, which here cost the grid nothing.
    """

    def __init__(self, make: Callable[[], Tracker]) -> None:
        self._jobs: queue.SimpleQueue[Callable[[Tracker], None] | None] = queue.SimpleQueue()
        self._failures: list[str] = []
        self._thread = threading.Thread(target=self._work, args=(make,), name="mlflow", daemon=True)
        self._thread.start()

    def tell(self, job: Callable[[Tracker], None]) -> None:
        """Queue something to be written."""
        self._jobs.put(job)

    def close(self) -> list[str]:
        """Wait until all is written; returns what failed, as sentences."""
        self._jobs.put(None)
        self._thread.join()
        return self._failures

    def _work(self, make: Callable[[], Tracker]) -> None:
        try:
            tracker = make()
        except Exception as error:  # whatever MLflow or its server raises must not reach the grid
            self._failures.append(f"MLflow can't be reached, so nothing was logged there: {error}")
            return
        while (job := self._jobs.get()) is not None:
            try:
                job(tracker)
            except Exception as error:
                self._failures.append(f"MLflow refused a write: {error}")


def _milliseconds() -> int:

    return int(time.time() * 1000)
