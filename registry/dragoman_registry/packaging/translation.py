"""Translate with a registered model, loaded from MLflow as anyone would."""

from collections.abc import Sequence
from typing import Any

from dragoman.errors import ModelError
from dragoman.pair import Pair
from dragoman.store.maintenance.relocation import local_path
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


def _load(uri: str, version: RegisteredVersion) -> Any:
    """A registered model as MLflow loads it, wherever its files are."""
    import mlflow.pyfunc

    place = client_at(uri).get_model_version_download_uri(version.name, version.version)
    if not place.startswith("file:"):
        return mlflow.pyfunc.load_model(f"models:/{version.name}/{version.version}")
    with unquoted(local_path(place)) as folder:
        return mlflow.pyfunc.load_model(str(folder))
