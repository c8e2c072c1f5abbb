"""Check of the results store: it exists, at this program's schema."""

from collections.abc import Iterator

from dragoman.errors import DragomanError
from dragoman.operations.finding import Finding, fault, fine, warning
from dragoman.settings import Settings
from dragoman.store import migrations
from dragoman.store.database.connection import Database

PART = "results store"


def check(settings: Settings) -> Iterator[Finding]:
    """Check that it can be opened, and that its migrations are done."""
    try:
        database = Database(settings.store_url)
        if database.file is not None and not database.file.exists():
            yield warning(PART, f"there is none at {database.shown}", "`dragoman run SPEC` makes it")
            return
        with database.reading() as connection:
            found = migrations.version(connection, database.shown)
        database.engine.dispose()
    except ModuleNotFoundError as error:
        yield fault(PART, f"needs the package {error.name}", "pip install 'dragoman[postgres]'")
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
