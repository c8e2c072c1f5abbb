"""Translate with a registered model, loaded from MLflow as anyone would."""

from collections.abc import Sequence

from dragoman.errors import ModelError
from dragoman.pair import Pair
from dragoman_registry.registry_client.client import mlflow_at
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
        import mlflow.pyfunc
        import pandas as pd
        from mlflow.exceptions import MlflowException

        try:
            model = mlflow.pyfunc.load_model(f"models:/{version.name}/{version.version}")
            asked = Pair.among(*pair, model.model_config.get("languages", ()))
            frame = pd.DataFrame({"text": wanted, "source": asked.source, "target": asked.target})
            translations = iter(model.predict(frame)["translation"].tolist())
        except (ValueError, OSError, MlflowException) as error:
            raise ModelError(f"{version} can't translate {pair}: {error}") from error
    return [next(translations) if line.strip() else line for line in lines]
