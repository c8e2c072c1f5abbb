"""MLflow's logged models: one of every model of a grid, one of every checkpoint that was kept while it was trained.

Their metrics carry the name and the digest of the data set, which MLflow's model comparison and `search_logged_models`
ask for. The files of a model are added when it is registered.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from dragoman.model import ModelIdentity
from dragoman.redaction import masked
from dragoman.tracking.run_keys import model_key

GRID_TAG = "dragoman.grid"
MODEL_TAG = "dragoman.model"
KEY_TAG = "dragoman.key"
"""Tag by which a run or a logged model is found again, whichever process created it."""
NAME_TAG = "dragoman.name"
PROMPT_TAG = "dragoman.prompt"
DECODING_TAG = "dragoman.decoding"
"""Tags of a model besides its id and grid: its name there, and the prompt and decoding it answers with."""
PACKAGED_TAG = "dragoman.packaged"
"""Tag of a logged model whose files are there, with which it can be served."""

MODEL_TYPE = "translation"
"""MLflow's type of a model that is evaluated."""
CHECKPOINT_TYPE = "checkpoint"
"""That of one that was kept on the way."""

_PAGE = 100
_MOST = 6000
"""Most characters of a parameter."""

MetricKey = tuple[str, int, str | None, str | None]
"""Name of a metric, its step, and the name and digest of its data set."""


class LoggedModels:
    """The logged models of one grid; every method can be called again and changes nothing then."""

    def __init__(self, client: Any, experiment: str, grid: str, grid_id: str) -> None:
        """Find nothing yet.

        Args:
            client: an `MlflowClient`.
            experiment: id of the experiment.
            grid: name of the grid.
            grid_id: id of its plan.
        """
        self._client, self._experiment = client, experiment
        self._grid, self._grid_id = grid, grid_id

    @cached_property
    def _found(self) -> dict[str, Any]:
        """MLflow's logged models of the grid by their keys; those that were registered without one by their run."""
        found: dict[str, Any] = {}
        for each in search(self._client, self._experiment, {GRID_TAG: self._grid}):
            found.setdefault(each.tags.get(KEY_TAG) or f"run/{each.source_run_id}", each)
        return found

    @cached_property
    def _metrics(self) -> dict[str, dict[MetricKey, float]]:
        """The metrics of each logged model by its id."""
        return {
            each.model_id: {
                (one.key, one.step, one.dataset_name, one.dataset_digest): one.value
                for one in sorted(each.metrics or (), key=lambda one: one.timestamp)
            }
            for each in self._found.values()
        }

    def of_model(self, model: ModelIdentity, run: str, params: Mapping[str, Any], tags: Mapping[str, str]) -> str:
        """Id of the logged model of a model of the grid.

        Args:
            model: the model.
            run: id of its run.
            params: what it is made of.
            tags: what else is known of it.
        """
        return self._of(model_key(self._grid_id, model.id), model, run, model.name, MODEL_TYPE, params, tags)

    def of_checkpoint(self, model: ModelIdentity, run: str, step: int) -> str:
        """Id of the logged model of a checkpoint that was kept after a step."""
        key, name = f"checkpoint/{self._grid_id}/{model.id}/{step}", f"{model.name} step {step}"
        return self._of(key, model, run, name, CHECKPOINT_TYPE, {"step": step}, {})

    def lacks(self, metric: Any) -> bool:
        """Whether a metric is not yet with its logged model, with this value."""
        key = (metric.key, metric.step, metric.dataset_name, metric.dataset_digest)
        return bool(self._metrics.get(metric.model_id, {}).get(key) != metric.value)

    def note(self, metrics: Iterable[Any]) -> None:
        """Remember metrics that were written."""
        for metric in metrics:
            if metric.model_id is not None:
                key = (metric.key, metric.step, metric.dataset_name, metric.dataset_digest)
                self._metrics.setdefault(metric.model_id, {})[key] = metric.value

    def _of(
        self,
        key: str,
        model: ModelIdentity,
        run: str,
        name: str,
        kind: str,
        params: Mapping[str, Any],
        tags: Mapping[str, str],
    ) -> str:
        plain = {
            KEY_TAG: key, GRID_TAG: self._grid, MODEL_TAG: model.id, NAME_TAG: model.name,
            **{tag: masked(value) for tag, value in tags.items()},
        }  # fmt: skip
        _ = self._metrics  # read before anything is added
        found = self._found.get(key)
        if found is None and kind == MODEL_TYPE and (found := self._found.get(f"run/{run}")):
            plain[PACKAGED_TAG] = "true"  # registered by an earlier version
        if found is None:
            found = self._client.create_logged_model(
                self._experiment,
                name=allowed(name),
                source_run_id=run,
                tags=plain,
                params={name: masked(str(value))[:_MOST] for name, value in params.items()},
                model_type=kind,
            )
        elif not plain.items() <= found.tags.items():
            self._client.set_logged_model_tags(found.model_id, plain)
        if str(found.status) != "READY":
            found = self._client.finalize_logged_model(found.model_id, "READY")
        found.tags.update(plain)
        self._found[key] = found
        return str(found.model_id)


def search(client: Any, experiment: str, tags: Mapping[str, str]) -> list[Any]:
    """The logged models of an experiment that have some tags.

    Args:
        client: an `MlflowClient`.
        experiment: id of the experiment.
        tags: the tags with their values.
    """
    having = " AND ".join(f"tags.`{tag}` = '{value}'" for tag, value in tags.items())
    found: list[Any] = []
    token: str | None = None
    while True:
        page = client.search_logged_models([experiment], having, max_results=_PAGE, page_token=token)
        found.extend(page)
        token = page.token
        if not token:
            return found


def allowed(name: str) -> str:
    """A name without the characters that MLflow's logged models may not have in theirs."""
    return re.sub(r"[/:.%\"']", "-", name)
