"""Check of the results store: it exists, at this program's schema, and its pages are whole."""

from collections.abc import Iterator

from dragoman.errors import DragomanError, StoreUnusableError
from dragoman.operations.finding import Finding, fault, fine, warning
from dragoman.settings import Settings
from dragoman.store import migrations
from dragoman.store.database import sqlite_file
from dragoman.store.database.connection import Database
from dragoman.store.maintenance.integrity import damage

SECONDS = 20.0
"""How long the pages of a store are looked at."""

PART = "results store"


def check(settings: Settings) -> Iterator[Finding]:
    """Check that it can be opened, and that its migrations are done."""
    try:
        database = Database(settings.store_url)
        if database.file is not None and not database.file.exists():
            sqlite_file.check(database.file)
            yield warning(PART, f"there is none at {database.shown}", "`dragoman run SPEC` makes it")
            return
        with database.reading() as connection:
            found = migrations.version(connection, database.shown)
        database.engine.dispose()
    except ModuleNotFoundError as error:
        yield fault(PART, f"needs the package {error.name}", "pip install 'dragoman[postgres]'")
    except StoreUnusableError as error:
        yield fault(PART, str(error), _REMEDY if database.is_sqlite else "see that its server runs, and DRAGOMAN_STORE")
        yield from _check_pages(database)
    except DragomanError as error:
        yield fault(PART, str(error), "see that its server runs, and the URL and password of DRAGOMAN_STORE")
    else:
        if found is None:
            yield warning(PART, f"{database.shown} is empty", "dragoman deploy migrate")
        elif found != migrations.HEAD:
            told = f"schema {found} at {database.shown}, this program has {migrations.HEAD}"
            yield warning(PART, told, "take a backup, then `dragoman deploy migrate`; else the next run upgrades it")
        else:
            yield fine(PART, f"schema {found} at {database.shown}")
        yield from _check_pages(database)


_REMEDY = (
    "restore a backup (`dragoman restore`), or save what can be read: `sqlite3 store.db .recover | sqlite3 new.db`"
)


def _check_pages(database: Database) -> Iterator[Finding]:
    """Look for damage in SQLite's file, as far as the time goes; PostgreSQL checks its pages itself."""
    if database.file is None or not database.file.exists():
        return
    try:
        found = damage(database, SECONDS)
    except StoreUnusableError:
        return  # reported already
    finally:
        database.engine.dispose()
    size = database.file.stat().st_size
    if found.is_of_indexes:
        told = f"indexes of {database.file} are damaged, and no table ({found.complaints[0]})"
        yield fault(PART, told, f"copy the file, then `sqlite3 {database.file} REINDEX`; if that fails, {_REMEDY}")
    elif found.complaints:
        yield fault(PART, f"{database.file} is damaged: {'; '.join(found.complaints[:3])}", _REMEDY)
    elif found.is_finished:
        yield fine(PART, f"every page and index of {database.file} is whole ({size:,} bytes)")
    else:
        told = (
            f"in {SECONDS:.0f} seconds no damage was found in {database.file} ({size:,} bytes), which was not all read"
        )
        yield warning(PART, told, f"sqlite3 {database.file} 'PRAGMA integrity_check'")
