"""Check of MLflow: a server that accepts our credentials, or a database at its schema."""

import base64
import os
from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from dragoman.api import API_PREFIX
from dragoman.errors import DragomanError
from dragoman.operations.checks.http import ask
from dragoman.operations.finding import Finding, fault, fine, warning
from dragoman.settings import Settings
from dragoman.store.database.connection import Database
from dragoman.store.maintenance.relocation import former_roots, missing_models, moved_checkpoints

PART = "MLflow"
_USER, _PASSWORD = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"
_TOKEN = "MLFLOW_TRACKING_TOKEN"  # noqa: S105
_ASK = "/api/2.0/mlflow/experiments/search?max_results=1"


def check(settings: Settings) -> Iterator[Finding]:
    """Check the tracking server of the settings, or their database."""
    url = settings.mlflow_url
    if url.startswith(("http://", "https://")):
        yield from _check_server(url.rstrip("/"))
    else:
        yield from _check_database(url)
        yield from _check_files(settings)


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
            has = inspect(connection).has_table("alembic_version")
            found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar() if has else None
        engine.dispose()
    except (SQLAlchemyError, ModuleNotFoundError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        yield fault(PART, f"its database can't be read ({reason})", "see that its server runs, and DRAGOMAN_MLFLOW")
        return
    if found is None:
        yield warning(PART, "its database is empty", "dragoman deploy migrate")
    elif find_spec("mlflow") is None:
        yield fine(PART, f"schema {found}; the package is not installed here")
    else:
        yield _compare(str(found))


def _check_files(settings: Settings) -> Iterator[Finding]:
    """Whether the paths in the databases are those of where the home lies, and lead to what was registered."""
    try:
        roots, checkpoints = former_roots(settings), moved_checkpoints(settings)
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


def _compare(found: str) -> Finding:
    """Compare a schema with the installed MLflow's, without importing MLflow, which takes seconds."""
    from alembic.script import ScriptDirectory

    folder = (
        Path(next(iter(getattr(find_spec("mlflow"), "submodule_search_locations", ())))) / "store" / "db_migrations"
    )
    scripts = ScriptDirectory(str(folder))
    installed = f"MLflow {version('mlflow')}"
    if found == scripts.get_current_head():
        return fine(PART, f"schema {found}, as {installed} has it")
    if found in {script.revision for script in scripts.walk_revisions()}:
        told = f"schema {found} is older than {installed} wants"
        return fault(PART, told, "take a backup, then `dragoman deploy migrate`")
    return fault(PART, f"schema {found} is newer than {installed} knows", "install the MLflow that wrote it")
