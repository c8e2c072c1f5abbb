"""Check of MLflow: a server that accepts our credentials, or a database at its schema."""

import base64
import os
from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import create_engine, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError

from dragoman.api import API_PREFIX
from dragoman.errors import DragomanError
from dragoman.operations.checks.http import ask
from dragoman.operations.checks.pages import check_pages
from dragoman.operations.finding import Finding, fault, fine, warning
from dragoman.settings import Settings
from dragoman.store import migrations
from dragoman.store.database.connection import Database
from dragoman.store.maintenance.relocation import former_roots, missing_models, moved_checkpoints
from dragoman.store.records import JobState
from dragoman.store.schema import GridRow, JobRow
from dragoman.tracking.mlflow_schema import State, head_revision, schema_versions, sqlite_file, state

PART = "MLflow"
_USER, _PASSWORD = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"
_TOKEN = "MLFLOW_TRACKING_TOKEN"  # noqa: S105
_TOLD = text("SELECT DISTINCT value FROM tags WHERE key = 'dragoman.grid'")
"""Names of the grids that have runs."""

_ASK = "/api/2.0/mlflow/experiments/search?max_results=1"


def check(settings: Settings) -> Iterator[Finding]:
    """Check the tracking server of the settings, or their database."""
    url = settings.mlflow_url
    if url.startswith(("http://", "https://")):
        yield from _check_server(url.rstrip("/"))
    else:
        yield from _check_database(url)
        yield from _check_files(settings)
        yield from _check_grids(settings)


def _check_server(url: str) -> Iterator[Finding]:
    health = ask(f"{url}/health")
    if health.status != 200:
        told = health.text if health.status == 0 else f"answers {health.status}"
        yield fault(
            PART, f"{url} is not well ({told})", "start it (`docker compose up server`), or mend DRAGOMAN_MLFLOW"
        )
        return
    authorization = _authorization()
    answer = ask(url + _ASK, authorization)
    if answer.status == 401 and "token" in answer.text:
        yield fault(PART, f"{url} asks for its token", f"set {_TOKEN} to what `dragoman ui` printed there")
    elif answer.status == 401:
        user = os.environ.get(_USER) or "(none given)"
        yield fault(PART, f"{url} does not know the user {user}", f"set {_USER} and {_PASSWORD}")
    elif answer.status == 403 and "Host" in answer.text:
        host = urlsplit(url).netloc
        yield fault(
            PART, f"{url} refuses to be called {host}", f"add {host} to the server's MLFLOW_SERVER_ALLOWED_HOSTS"
        )
    elif answer.status != 200:
        yield fault(PART, f"{url} answers {answer.status}", "its log says why")
    else:
        yield from _check_what_it_serves(url, authorization)


def _authorization() -> str | None:
    """The credentials that MLflow's clients take from the environment, as they send them."""
    user, password, token = (os.environ.get(name) for name in (_USER, _PASSWORD, _TOKEN))
    if user and password:
        return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
    return f"Bearer {token}" if token else None


def _check_what_it_serves(url: str, authorization: str | None) -> Iterator[Finding]:
    there = ask(f"{url}/version", authorization).text.strip()
    here = version("mlflow") if find_spec("mlflow") else there
    if there != here:
        yield warning(PART, f"{url} runs {there}, this machine has {here}", "install the release's versions on both")
    if ask(f"{url}{API_PREFIX}/grids").status == 404:
        yield warning(PART, f"{url} has no pages of Dragoman's", "start it with --app-name dragoman-auth")
    if ask(url + _ASK).status == 200 and urlsplit(url).hostname not in ("localhost", "127.0.0.1", "::1"):
        yield fault(PART, f"{url} lets everyone write", "start it with --app-name dragoman-auth, which asks for a user")
    if there == here:
        yield fine(PART, f"{there} at {url}")


def _check_database(url: str) -> Iterator[Finding]:
    try:
        file = Database(url).file
    except DragomanError as error:
        yield fault(PART, str(error), "mend DRAGOMAN_MLFLOW")
        return
    if file is not None and not file.exists():
        yield warning(PART, f"there is no database {file}", "`dragoman run SPEC` makes it")
        return
    try:
        engine = create_engine(url)
        with engine.connect() as connection:
            tables = set(inspect(connection).get_table_names())
            has = "alembic_version" in tables
            found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar() if has else None
        engine.dispose()
    except (SQLAlchemyError, ModuleNotFoundError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        remedy = "see that its server runs, and DRAGOMAN_MLFLOW"
        if file is not None:
            remedy = f"restore a backup (`dragoman restore`), or move {file} away and `dragoman resume` each grid"
        yield fault(PART, f"its database can't be read ({reason})", remedy)
        return
    if file is not None and find_spec("mlflow") is not None and state(file, head_revision()) is State.HALF_MADE:
        told = f"{file} is half-made: its first migration was cut short, and nothing was ever written to it"
        yield fault(PART, told, "dragoman deploy migrate; else the next run makes it anew")
    elif found is None and tables:
        told = "its database holds tables and no schema version: a migration was cut short, or it is another program's"
        yield fault(PART, told, "dragoman deploy migrate")
    elif found is None:
        yield warning(PART, "its database is empty", "dragoman deploy migrate")
    elif find_spec("mlflow") is None:
        yield fine(PART, f"schema {found}; the package is not installed here")
    else:
        yield _compare(str(found))
    if file is not None and tables:
        yield from _check_pages(Database(url, reads_only=True), file)


def _check_pages(database: Database, file: Path) -> Iterator[Finding]:
    remedy = "restore a backup (`dragoman restore`), or move it away and `dragoman resume` each grid"
    try:
        yield check_pages(PART, database, file, remedy)
    except DragomanError as error:
        yield fault(PART, str(error), remedy)
    finally:
        database.engine.dispose()


def _check_files(settings: Settings) -> Iterator[Finding]:
    """Whether the paths in the databases are those of where the home lies, and lead to what was registered."""
    try:
        roots, checkpoints = former_roots(settings), moved_checkpoints(settings, reads_only=True)
        missing = [] if roots else missing_models(settings)
    except (SQLAlchemyError, DragomanError):
        return  # reported already
    if roots:
        told = f"the home was moved: artifacts are looked for in {', '.join(sorted(roots))}"
        yield fault(PART, told, "dragoman deploy migrate")
    if checkpoints:
        told = f"the home was moved: {checkpoints} checkpoints in it are looked for elsewhere"
        yield fault(PART, told, "dragoman deploy migrate")
    if missing:
        told = f"the files of {len(missing)} registered versions are missing ({missing[0]})"
        yield fault(PART, told, "put them back from a backup (`dragoman restore`), or delete the versions")


def _check_grids(settings: Settings) -> Iterator[Finding]:
    """Whether grids of the store that have ended have no run in MLflow's database: it was away, or is a new one."""
    try:
        database = Database(settings.store_url, reads_only=True)
        if not migrations.exists(database):
            return
        with database.reading() as connection:
            ended = select(GridRow.name).join(JobRow, JobRow.grid_id == GridRow.id).where(JobRow.state == JobState.DONE)
            grids = set(connection.execute(ended).scalars())
        file = sqlite_file(settings.mlflow_url)
        told: set[str] = set()
        if file is None or file.exists():
            engine = create_engine(settings.mlflow_url)
            with engine.connect() as connection:
                told = set(connection.execute(_TOLD).scalars())
            engine.dispose()
    except (SQLAlchemyError, DragomanError, ModuleNotFoundError):
        return  # reported already
    if lacking := sorted(grids - told):
        them = f"{len(lacking)} grids of the store, such as {lacking[0]}," if len(lacking) > 1 else f"grid {lacking[0]}"
        yield warning(PART, f"it holds no run of {them.rstrip(',')}", f"dragoman resume {lacking[0]}")


def _compare(found: str) -> Finding:
    """Compare a schema with the installed MLflow's."""
    installed = f"MLflow {version('mlflow')}"
    if found == head_revision():
        return fine(PART, f"schema {found}, as {installed} has it")
    if found in schema_versions():
        told = f"schema {found} is older than {installed} wants"
        return fault(PART, told, "take a backup, then `dragoman deploy migrate`")
    return fault(PART, f"schema {found} is newer than {installed} knows", "install the MLflow that wrote it")
