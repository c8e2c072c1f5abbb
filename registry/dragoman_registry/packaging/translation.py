"""Translate with a registered model: by the engine that evaluated it, else loaded from MLflow as anyone would."""

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from dragoman import plugins
from dragoman.errors import ModelError, StoreError
from dragoman.pair import Pair
from dragoman.settings import settings
from dragoman.spec.grid import GridSpec
from dragoman.store.maintenance.relocation import local_path
from dragoman.store.store import Store
from dragoman_registry.registry_client.client import client_at, mlflow_at, unquoted
from dragoman_registry.registry_client.versions import RegisteredVersion


def translate_lines(uri: str, version: RegisteredVersion, pair: Pair, lines: Sequence[str]) -> list[str]:
    """The translation of each line, in order; an empty line stays empty.

    Raises:
        ModelError: the model can't be loaded, was not evaluated on a language, or a line is too long for it.
    """
    wanted = [line for line in lines if line.strip()]
    if not wanted:
        return list(lines)
    if (known := _as_evaluated(version, pair, wanted)) is not None:
        found = iter(known)
        return [next(found) if line.strip() else line for line in lines]
    with mlflow_at(uri):
        import pandas as pd
        from mlflow.exceptions import MlflowException

        try:
            model = _load(uri, version)
            asked = Pair.among(*pair, model.model_config.get("languages", ()))
            frame = pd.DataFrame({"text": wanted, "source": asked.source, "target": asked.target})
            translations = iter(model.predict(frame)["translation"].tolist())
        except (ValueError, OSError, MlflowException) as error:
            raise ModelError(f"{version} can't translate {pair}: {error}") from error
    return [next(translations) if line.strip() else line for line in lines]


def _as_evaluated(version: RegisteredVersion, pair: Pair, lines: Sequence[str]) -> list[str] | None:
    """What an installed engine answers, without MLflow; None where none does, or the store has no such grid any more.

    The version was held to the engine's own answers before it was registered (`answer_check`).
    """
    if version.grid is None or version.model is None:
        return None
    try:
        translators = [plugins.load("translators", name) for name in plugins.available("translators")]
        store = Store.open_existing(settings().store_url, settings().blobs_url)
        grid = store.grids.get(version.grid)
        spec = GridSpec.from_store(grid.spec)
    except (ModuleNotFoundError, StoreError, ValidationError):
        return None
    if (version.prompt, version.decoding) != (spec.prompts[0].id, spec.evaluation.decoding.id):
        return None
    asked = Pair.among(*pair, grid.languages)
    if not {*asked} <= {*grid.languages} or version.model not in grid.names:
        return None
    for translate in translators:
        try:
            found: list[str] | None = translate(settings(), store, spec, version.model, asked, lines)
        except ModelError as error:
            raise ModelError(f"{version} can't translate {pair}: {error}") from error
        if found is not None:
            return found
    return None


def _load(uri: str, version: RegisteredVersion) -> Any:
    """A registered model as MLflow loads it, wherever its files are."""
    import mlflow.pyfunc

    place = client_at(uri).get_model_version_download_uri(version.name, version.version)
    if not place.startswith("file:"):
        return mlflow.pyfunc.load_model(f"models:/{version.name}/{version.version}")
    with unquoted(local_path(place)) as folder:
        return mlflow.pyfunc.load_model(str(folder))
