"""Links from our pages to MLflow's, which stand one level above."""

import os


def experiment_link(grid: str) -> str | None:
    """The address, relative to our pages, of the MLflow experiment of a grid; None where there is none."""
    from mlflow import MlflowClient
    from mlflow.server.constants import BACKEND_STORE_URI_ENV_VAR

    uri = os.environ.get(BACKEND_STORE_URI_ENV_VAR)
    found = MlflowClient(tracking_uri=uri).get_experiment_by_name(grid) if uri else None
    return f"../#/experiments/{found.experiment_id}" if found else None
