"""Migration of the store's database, MLflow's and its users' to this version's schemas; creates missing buckets."""

from collections.abc import Iterator
from typing import Any

from dragoman.errors import DragomanError
from dragoman.file_system import file_system
from dragoman.settings import Settings
from dragoman.store import migrations
from dragoman.store.database.connection import Database
from dragoman.store.maintenance.relocation import settle_home
from dragoman.store.store import Store
from dragoman.tracking.mlflow_database import prepare
from dragoman.tracking.mlflow_schema import head_revision, sqlite_file

JOBS_USER = "jobs"
"""MLflow's user for the jobs on Ray: may add runs and models, may not administer."""


class MigrationError(DragomanError):
    """A database that can't be brought up to date."""


def migrate_all(settings: Settings, jobs_password: str | None = None) -> Iterator[str]:
    """Bring everything the settings name up to date; what is, is left alone.

    Args:
        settings: where the store, MLflow, its users, blobs and artifacts are.
        jobs_password: password of MLflow's user `jobs`, who is made, or given this password; None leaves users alone.

    Yields:
        A sentence about each part.

    Raises:
        DragomanError: a part can't be reached, or is newer than this program.
    """
    store = Store.open(settings.store_url, settings.blobs_url)
    yield f"store: schema {migrations.HEAD} at {store.database.shown}"
    store.close()
    for name, url in (("blobs", settings.blobs_url), ("artifacts", settings.artifacts_url)):
        _make_folder(url)
        yield f"{name}: {url}"
    if settings.mlflow_url.startswith(("http://", "https://")):
        yield f"MLflow: kept by the server at {settings.mlflow_url}, which has its own migrations"
        return
    yield f"MLflow: schema {_migrate_mlflow(settings.mlflow_url)} at {Database(settings.mlflow_url).shown}"
    settle_home(settings)
    if jobs_password:
        _set_user(settings.users or settings.mlflow_url, JOBS_USER, jobs_password)
        yield f"MLflow's user {JOBS_USER}: has the password of JOBS_PASSWORD"


def _make_folder(url: str) -> None:
    try:
        files, path = file_system(url)
        files.makedirs(path.split("/")[0] if url.startswith("s3://") else path, exist_ok=True)
    except (OSError, ImportError, ValueError) as error:
        raise MigrationError(f"{url} can't be made ({error}): check the address and the keys.") from error


def _migrate_mlflow(url: str) -> str:
    """Create or upgrade MLflow's tables, as `mlflow db upgrade` does, which refuses an empty database."""
    from mlflow.store.db import utils
    from sqlalchemy import inspect

    if sqlite_file(url) is not None:
        prepare(url)
        return head_revision()
    database: Any = utils
    engine = database.create_sqlalchemy_engine_with_retry(url)
    try:
        if inspect(engine).has_table("experiments"):
            database._upgrade_db(engine)
        else:
            database._initialize_tables(engine)
        return str(database._get_latest_schema_revision())
    finally:
        engine.dispose()


def _set_user(url: str, name: str, password: str) -> None:
    from mlflow.server.auth.sqlalchemy_store import SqlAlchemyStore

    users: Any = SqlAlchemyStore()
    users.init_db(url)
    if users.has_user(name):
        if not users.authenticate_user(name, password):
            users.update_user(name, password=password)
    else:
        users.create_user(name, password, is_admin=False)
    users.engine.dispose()
