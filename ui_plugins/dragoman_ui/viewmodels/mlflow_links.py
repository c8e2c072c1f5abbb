"""Links to MLflow's pages and stores, available inside an MLflow server."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from dragoman.analysis.campaigns import campaign_of
from dragoman.settings import settings
from dragoman.tracking.mlflow_notes import VIEW_TAG, experiment_page
from dragoman_registry.registry_client.client import client_at, speaking
from dragoman_registry.registry_client.versions import Registered, registered
from dragoman_ui.viewmodels.store import open_store, stamp_of


def experiment_link(grid: str) -> str | None:
    """The address, relative to our pages, of the runs of a grid's MLflow experiment; None where there is none.

    It is that of its campaign, if it belongs to one; grids that were run before campaigns had one have their own.
    """
    if not (uri := _store_of_server("BACKEND_STORE_URI_ENV_VAR")):
        return None
    campaign = campaign_of(open_store(), grid)
    with speaking(uri):
        client = client_at(uri)
        found = client.get_experiment_by_name(campaign) or client.get_experiment_by_name(grid)
    return f"../{experiment_page(str(found.experiment_id), VIEW_TAG in found.tags)}" if found else None


def registered_here() -> list[Registered]:
    """Every registered model of the MLflow server in this process; none outside one."""
    if not (uri := server_registry()):
        return []
    with speaking(uri):
        return registered(uri)


def server_registry() -> str | None:
    """The URI of the model registry of the MLflow server in this process, if there is one."""
    return _store_of_server("REGISTRY_STORE_URI_ENV_VAR")


@contextmanager
def registry() -> Iterator[str]:
    """The URI of the model registry that writes go to: this server's, else the one of the settings.

    Raises:
        ModelError: an exception of MLflow inside, as a sentence.
    """
    uri = server_registry() or settings().mlflow_url
    with speaking(uri):
        yield uri


def registry_stamp() -> str | None:
    """A change token of the model registry; None where there can be none."""
    return stamp_of(server_registry() or settings().mlflow_url)


def _store_of_server(variable: str) -> str | None:
    """The URI of a store of the MLflow server in this process, if there is one."""
    if "mlflow.server" not in sys.modules:
        return None
    from mlflow.server import constants

    return os.environ.get(getattr(constants, variable))
