"""MLflow clients: one for a tracking URI, and the process-wide URI for code that needs that."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dragoman import telemetry
from dragoman.environment import restored
from dragoman.errors import ModelError
from dragoman.redaction import masked
from dragoman.scratch_folder import made_in, temporary_folder
from dragoman.settings import settings
from dragoman.store.maintenance.relocation import settle_home
from dragoman.tracking.mlflow_database import prepare, quieten, sentence

if TYPE_CHECKING:
    from mlflow import MlflowClient

_ADDRESSES = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")
_DEFAULTS = {
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    **telemetry.OFF,
    # MLflow's own seven have a command wait four minutes for a server that is not there
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
}


def is_server(uri: str) -> bool:
    """Whether a URI is a tracking server's, and no database's."""
    return uri.startswith(("http://", "https://"))


def is_there(uri: str) -> bool:
    """Whether MLflow has anything at a URI: a file of SQLite's that is not there is made by whoever opens it."""
    if not uri.startswith(("sqlite:", "sqlite+")):
        return True
    from sqlalchemy import make_url

    file = make_url(uri).database
    return file is None or Path(file).exists()


@contextmanager
def speaking(uri: str) -> Iterator[None]:
    """Turn what MLflow or its database says when it can't be used into a sentence.

    Raises:
        ModelError: instead of whatever they raised.
    """
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except Exception as error:
        # what MLflow raises is known without importing it
        mlflow = sys.modules.get("mlflow.exceptions")
        if not isinstance(error, (SQLAlchemyError, *([mlflow.MlflowException] if mlflow else []))):
            raise
        if (told := sentence(error, uri)) is not None:
            raise ModelError(told) from error
        # MLflow repeats the address it was given, with its password
        reason = " ".join(masked(str(error)).split())
        remedy = "check the address, and that you may do this" if is_server(uri) else "check that it is there"
        raise ModelError(f"MLflow at {without_password(uri)} says no ({reason[:300]}): {remedy}.") from error


def without_password(uri: str) -> str:
    """An address as it may be shown."""
    scheme, _, rest = uri.partition("://")
    user, at, place = rest.rpartition("@")
    return f"{scheme}://{user.partition(':')[0]}{at}{place}" if rest else uri


def client_at(uri: str) -> "MlflowClient":
    """A client of the tracking store and registry at a URI, whatever address this process uses otherwise."""
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    quieten()
    _settle(uri)
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


@cache
def _settle(uri: str) -> None:
    """Once a process, have MLflow's database whole, and a home that was moved name its artifacts."""
    prepare(uri)
    if uri == settings().mlflow_url:
        settle_home(settings())


@contextmanager
def mlflow_at(uri: str) -> Iterator[None]:
    """Lend MLflow's process-wide address to the code inside; afterwards it is what it was.

    Loading a model and creating a version of a logged model ask for this address however they are called; left alone,
    it is a database in the current folder.
    """
    client_at(uri)
    import mlflow

    set_tracking: Any = mlflow.set_tracking_uri
    set_registry: Any = mlflow.set_registry_uri
    tracking, registry = (os.environ.get(name) for name in _ADDRESSES)
    former = mlflow.get_tracking_uri() if tracking else None
    with restored(_ADDRESSES):
        set_tracking(uri)
        set_registry(uri)
        try:
            yield
        finally:
            set_tracking(former)
            set_registry(registry)


@contextmanager
def unquoted(folder: Path) -> Iterator[Path]:
    """Lend a folder another path, through a link in the temporary folder, that MLflow can read a model by.

    MLflow unquotes the local path of a model as if it were a URL: below a folder named `50%2F` it finds nothing.
    """
    with made_in(temporary_folder()) as place:
        link = place.path / "parent"  # of the parent, since MLflow refuses a model that is itself a link
        link.symlink_to(folder.absolute().parent, target_is_directory=True)
        yield link / folder.name
