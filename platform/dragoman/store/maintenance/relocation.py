"""Relocation of a home that was moved, copied or restored: rewrites the absolute paths in its databases.

MLflow stores the URL of every artifact, the results store the folder of every checkpoint. Code that uses them calls
`settle_home` first, so that a home can be moved like any folder, and a copy neither reads nor writes the original.
"""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from sqlalchemy import Connection, NullPool, create_engine, inspect, select, text, update
from sqlalchemy.exc import DBAPIError

from dragoman.errors import StoreError
from dragoman.settings import Settings, sqlite_url
from dragoman.store import migrations
from dragoman.store.database.connection import Database
from dragoman.store.schema import ModelRow, TrainingRow

MLFLOW_PLACES = {
    "experiments": ("artifact_location",),
    "runs": ("artifact_uri",),
    "logged_models": ("artifact_location",),
    "model_versions": ("source", "storage_location"),
}
"""Columns of MLflow's tables that hold artifact URLs; behind a server they begin with `mlflow-artifacts:` and stay."""

_ROOTS = text(
    "SELECT DISTINCT artifact_location FROM experiments AS e WHERE artifact_location LIKE 'file:%/artifacts' AND "
    "(EXISTS (SELECT 1 FROM runs AS r JOIN tags AS t USING (run_uuid) WHERE r.experiment_id = e.experiment_id "
    "AND t.key = 'dragoman.grid') OR EXISTS (SELECT 1 FROM logged_model_tags AS l "
    "WHERE l.experiment_id = e.experiment_id AND l.tag_key = 'dragoman.grid'))"
)
"""Where experiments that hold grids keep their artifacts."""

_FOLDERS = text(
    "SELECT run_uuid FROM runs JOIN experiments USING (experiment_id) WHERE artifact_location = :root UNION ALL "
    "SELECT 'models/' || model_id FROM logged_models JOIN experiments USING (experiment_id) "
    "WHERE experiments.artifact_location = :root"
)
"""Folders that there may be in one of them."""

_VERSIONS = text(
    "SELECT name, version, storage_location FROM model_versions "
    "WHERE storage_location LIKE 'file:%' AND current_stage <> 'Deleted_Internal' ORDER BY name, version"
)
"""Versions whose files are on this machine; one that was deleted stays in the table under that stage."""

_WAIT_SECONDS = 60
"""Timeout of waiting for another writer of the database."""

_LOG = logging.getLogger(__name__)


def settle_home(settings: Settings) -> None:
    """Rewrite the paths in the home's own databases to the files in it; does nothing where they are right.

    Only databases in the home are changed: one that several homes share has paths of each. Processes may do this at
    the same time. Where nothing may be written a warning is logged.
    """
    try:
        artifacts = settings.artifacts_dir
        if roots := former_roots(settings):
            with _mlflow(settings) as connection:
                relocate_mlflow(connection, roots, artifacts.as_uri())
            _LOG.info("The home was moved: MLflow names %s now, not %s.", artifacts, ", ".join(sorted(roots)))
        if moved_checkpoints(settings):
            database = Database(settings.store_url)
            with database.writing() as connection:
                relocate_store(connection, settings.models_dir)
            database.engine.dispose()
    except (DBAPIError, StoreError) as error:
        reason = next(iter(str(getattr(error, "orig", None) or error).splitlines()), "")
        _LOG.warning("The home was moved, and its databases still name the former place (%s).", reason)


def former_roots(settings: Settings) -> set[str]:
    """URLs of former folders that the home's MLflow has for artifacts that are in the home; empty if all is well."""
    if not _is_own(settings.mlflow_url, settings.home / "mlflow.db"):
        return set()
    with _mlflow(settings) as connection:
        if not {"experiments", "runs", "tags", "logged_model_tags"} <= set(inspect(connection).get_table_names()):
            return set()
        roots = {str(root) for root in connection.execute(_ROOTS).scalars()} - {settings.artifacts_dir.as_uri()}
        return {root for root in roots if _belongs_to_home(connection, root, settings.artifacts_dir)}


def missing_models(settings: Settings) -> list[str]:
    """Registered versions in the home's MLflow whose files are not on this machine, as `NAME@VERSION: FOLDER`."""
    if not _is_own(settings.mlflow_url, settings.home / "mlflow.db"):
        return []
    with _mlflow(settings) as connection:
        if "model_versions" not in inspect(connection).get_table_names():
            return []
        versions = connection.execute(_VERSIONS).all()
    return [f"{name}@{number}: {local_path(url)}" for name, number, url in versions if not local_path(url).exists()]


def moved_checkpoints(settings: Settings, *, reads_only: bool = False) -> int:
    """How many checkpoints in the home have another path in its store; `reads_only` as for `Database`."""
    file = settings.home / "store.db"
    if not (settings.models_dir.is_dir() and _is_own(settings.store_url, file)):
        return 0
    database = Database(settings.store_url, reads_only=reads_only)
    try:
        if not migrations.exists(database):
            return 0
        with database.reading() as connection:
            return len(list(_moved(connection, settings.models_dir, None)))
    finally:
        database.engine.dispose()


def relocate_mlflow(connection: Connection, old: Iterable[str], new: str) -> None:
    """Replace the beginning of every artifact's place.

    Args:
        connection: a transaction on MLflow's database.
        old: URLs of the folders the artifacts were in.
        new: URL of the folder they are in.
    """
    present, new = set(inspect(connection).get_table_names()), new.rstrip("/")
    for root in sorted(each.rstrip("/") for each in old):
        values = {"old": root, "new": new, "length": len(root), "after": len(root) + 1, "new_length": len(new)}
        for table, columns in MLFLOW_PLACES.items():
            for column in columns if table in present else ():
                query = text(
                    f"UPDATE {table} SET {column} = :new || substr({column}, :after) "  # noqa: S608
                    f"WHERE substr({column}, 1, :length) = :old AND substr({column}, :after, 1) IN ('', '/') "
                    f"AND NOT (substr({column}, 1, :new_length) = :new AND :new_length > :length)"
                )
                connection.execute(query, values)


def relocate_store(connection: Connection, models: Path, was: Path | None = None) -> None:
    """Rewrite the store's checkpoint paths to a folder of models: of the checkpoints in it, and those of a former one.

    Args:
        connection: a transaction on the store's database.
        models: the folder.
        was: the former folder, whose checkpoints may not be here.
    """
    for number, record in list(_moved(connection, models, was)):
        moved = {**record, "checkpoint": str(models / Path(record["checkpoint"]).name)}
        connection.execute(update(TrainingRow).where(TrainingRow.model_id == number).values(record=moved))


def local_path(url: str) -> Path:
    """The path of a URL that `Path.as_uri` made."""
    return Path(url2pathname(urlsplit(url).path))


def _moved(connection: Connection, models: Path, was: Path | None) -> Iterator[tuple[int, dict[str, Any]]]:
    query = select(TrainingRow.model_id, TrainingRow.record, ModelRow.identity).join(
        ModelRow, ModelRow.id == TrainingRow.model_id
    )
    for number, record, identity in connection.execute(query).all():
        checkpoint, here = Path(str(record.get("checkpoint", ""))), models / identity
        if checkpoint.name == identity and checkpoint != here and (checkpoint.parent == was or here.is_dir()):
            yield number, record


def _belongs_to_home(connection: Connection, root: str, artifacts: Path) -> bool:
    """Whether the artifacts at a root were moved with the home; another home's stay."""
    names, there = connection.execute(_FOLDERS, {"root": root}).scalars().all(), local_path(root)
    return any((artifacts / name).exists() for name in names) or not any((there / name).exists() for name in names)


def _is_own(url: str, file: Path) -> bool:
    try:
        named = Database(url).file
    except StoreError:
        return False  # MLflow's database may have another layout than ours
    return named is not None and named.exists() and named.resolve() == file.resolve()


@contextmanager
def _mlflow(settings: Settings) -> Iterator[Connection]:
    """A transaction on the home's database of MLflow."""
    url = sqlite_url(settings.home.resolve() / "mlflow.db")
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": _WAIT_SECONDS})
    with engine.begin() as connection:
        yield connection
