"""What our pages say of MLflow's, one level above them: only inside an MLflow server, of that server's stores."""

import os
import sys

from dragoman.settings import settings
from dragoman_registry.versions import RegisteredVersion, aliases_of, find_version, registered_names


def experiment_link(grid: str) -> str | None:
    """The address, relative to our pages, of the runs of a grid's MLflow experiment; None where there is none."""
    if not (uri := _store_of_server("BACKEND_STORE_URI_ENV_VAR")):
        return None
    from mlflow import MlflowClient

    found = MlflowClient(tracking_uri=uri).get_experiment_by_name(grid)
    return f"../#/experiments/{found.experiment_id}/runs" if found else None


def aliases() -> list[tuple[str, RegisteredVersion]]:
    """Every alias of the registry with the version it stands at, by model."""
    if not (uri := _store_of_server("REGISTRY_STORE_URI_ENV_VAR")):
        return []
    return [
        (alias, find_version(uri, name, number))
        for name in registered_names(uri)
        for alias, number in sorted(aliases_of(uri, name).items())
    ]


def registry_uri() -> str:
    """The URI of the model registry that writes go to: this server's, else the one of the settings."""
    return _store_of_server("REGISTRY_STORE_URI_ENV_VAR") or settings().mlflow_url


def _store_of_server(variable: str) -> str | None:
    """The URI of a store of the MLflow server that this process is, if it is one."""
    if "mlflow.server" not in sys.modules:
        return None
    from mlflow.server import constants

    return os.environ.get(getattr(constants, variable))
