"""Guard of places: what is written through the server leads it to no file or bucket but its own artifacts'.

The server reads the artifacts of an experiment where the experiment keeps them, and the files of a version where its
source is, with its own rights and keys. MLflow checks the host of such an address, and of a local source that it lies
within a run. It takes any folder for an experiment, and any bucket for both; here only the server's own artifacts
count.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

from dragoman_ui.auth.store_checks import check_stores, precede

_CHECKED_BY_MLFLOW = ("", "file", "runs", "models")
"""Schemes of sources that have to lie within the run or model that the request names."""

_PROXIED = "mlflow-artifacts"
"""Scheme of what lies in the server's own artifacts, wherever those are."""


def guard_artifacts() -> None:
    """Wrap the stores of the MLflow server in this process."""
    check_stores("tracking", lambda store: precede(store, create_experiment))
    check_stores("model_registry", lambda store: precede(store, create_model_version))


def create_experiment(name: str, artifact_location: str | None = None, tags: Any = None) -> None:
    """Refuse an experiment that would keep its artifacts elsewhere."""
    del tags
    if artifact_location and not _is_ours(artifact_location):
        _refuse(f"The experiment '{name}' can't keep its artifacts in {artifact_location}: leave its location out.")


def create_model_version(name: str, source: str, run_id: str | None = None, *_: Any, **__: Any) -> None:
    """Refuse a version whose files would be elsewhere."""
    if urlsplit(source).scheme.lower() in _CHECKED_BY_MLFLOW or _is_ours(source):
        return
    if not (run_id and _lies_within(source, _artifacts_of(run_id))):
        _refuse(f"A version of '{name}' can't have its files in {source}: log them to a run, and name that run.")


def _is_ours(place: str) -> bool:
    """Whether a place lies in the artifacts that the server was started with."""
    from mlflow.server.constants import ARTIFACT_ROOT_ENV_VAR, ARTIFACTS_DESTINATION_ENV_VAR

    parts = urlsplit(place)
    if parts.scheme.lower() == _PROXIED:
        return not parts.netloc and not _climbs(place)
    roots = (os.environ.get(ARTIFACT_ROOT_ENV_VAR), os.environ.get(ARTIFACTS_DESTINATION_ENV_VAR))
    return any(_lies_within(place, root) for root in roots if root)


def _lies_within(place: str, root: str) -> bool:
    from mlflow.server.handlers import _is_uri_within_root
    from mlflow.utils import file_utils, uri

    is_local: Callable[[str], bool] = uri.is_local_uri
    path_of: Callable[[str], str] = file_utils.local_file_uri_to_path
    if is_local(place) != is_local(root) or _climbs(place):
        return False
    if is_local(place):
        return Path(path_of(place)).resolve().is_relative_to(Path(path_of(root)).resolve())
    return bool(_is_uri_within_root(place, root))


def _climbs(place: str) -> bool:
    """Whether a path has a part `..`, encoded however often."""
    from mlflow.server.handlers import _normalized_uri_parts

    return any(".." in part.replace("\\", "/").split("/") for part in _normalized_uri_parts(place)[2])


def _artifacts_of(run_id: str) -> str:
    from mlflow.server import handlers

    tracking: Any = handlers._get_tracking_store()
    return str(tracking.get_run(run_id).info.artifact_uri)


def _refuse(sentence: str) -> NoReturn:
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE

    raise MlflowException(sentence, error_code=INVALID_PARAMETER_VALUE)
