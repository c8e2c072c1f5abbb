"""Check of the results store: it exists, at this program's schema, and its log, pages and indexes are whole."""

from collections.abc import Iterator

from dragoman.errors import DragomanError, StoreUnusableError
from dragoman.operations.checks.pages import check_pages
from dragoman.operations.finding import Finding, fault, fine, warning
from dragoman.settings import Settings
from dragoman.store import migrations
from dragoman.store.database import sqlite_file
from dragoman.store.database.connection import Database

PART = "results store"

_REMEDY = (
    "restore a backup (`dragoman restore`), or save what can be read: `sqlite3 store.db .recover | sqlite3 new.db`"
)


def check(settings: Settings) -> Iterator[Finding]:
    """Check that it can be opened, that its migrations are done, and that SQLite finds no damage; changes nothing."""
    try:
        database = Database(settings.store_url, reads_only=True)
    except ModuleNotFoundError as error:
        yield fault(PART, f"needs the package {error.name}", "pip install 'dragoman[postgres]'")
        return
    except DragomanError as error:
        yield fault(PART, str(error), "mend DRAGOMAN_STORE")
        return
    try:
        yield _check_schema(database)
        if database.file is not None and database.file.exists():
            if told := sqlite_file.log_damage(database.file):
                yield fault(PART, told, "keep a copy of both before anything else opens the store")
            yield check_pages(PART, database, database.file, _REMEDY)
    except StoreUnusableError as error:
        ours = "do that, or restore a backup (`dragoman restore`)"
        yield fault(PART, str(error), ours if database.is_sqlite else "see that its server runs, and DRAGOMAN_STORE")
    except DragomanError as error:
        yield fault(PART, str(error), "see that its server runs, and the URL and password of DRAGOMAN_STORE")
    finally:
        database.engine.dispose()


def _check_schema(database: Database) -> Finding:
    if database.file is not None and not database.file.exists():
        sqlite_file.check(database.file)
        return warning(PART, f"there is none at {database.shown}", "`dragoman run SPEC` makes it")
    with database.reading() as connection:
        found = migrations.version(connection, database.shown)
    if found is None:
        remedy = "`dragoman run SPEC` makes its tables; if it held grids, restore a backup (`dragoman restore`)"
        return warning(PART, f"{database.shown} is empty", remedy)
    if found != migrations.HEAD:
        told = f"schema {found} at {database.shown}, this program has {migrations.HEAD}"
        return warning(PART, told, "take a backup, then `dragoman deploy migrate`; else the next run upgrades it")
    return fine(PART, f"schema {found} at {database.shown}")
