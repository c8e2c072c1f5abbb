"""What our pages say of MLflow's, one level above them: only inside an MLflow server, of that server's stores."""

import os

from dragoman_registry.versions import RegisteredVersion, aliases_of, find_version, registered_names


def experiment_link(grid: str) -> str | None:
    """The address, relative to our pages, of the MLflow experiment of a grid; None where there is none."""
    from mlflow import MlflowClient
    from mlflow.server.constants import BACKEND_STORE_URI_ENV_VAR

    uri = os.environ.get(BACKEND_STORE_URI_ENV_VAR)
    found = MlflowClient(tracking_uri=uri).get_experiment_by_name(grid) if uri else None
    return f"../#/experiments/{found.experiment_id}" if found else None


def aliases() -> list[tuple[str, RegisteredVersion]]:
    """Every alias of the registry with the version it stands at, by model."""
    from mlflow.server.constants import REGISTRY_STORE_URI_ENV_VAR

    uri = os.environ.get(REGISTRY_STORE_URI_ENV_VAR)
    if not uri:
        return []
    return [
        (alias, find_version(uri, name, number))
        for name in registered_names(uri)
        for alias, number in sorted(aliases_of(uri, name).items())
    ]
