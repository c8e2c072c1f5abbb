"""The results store as this process reads it."""

from collections.abc import Callable
from functools import cache

from flask import has_request_context, request

from dragoman.errors import StoreError
from dragoman.settings import settings
from dragoman.store import migrations
from dragoman.store.database.change_token import Stamp
from dragoman.store.database.connection import Database
from dragoman.store.store import Store


@cache
def open_store() -> Store:
    """The store of the settings, opened once.

    Raises:
        StoreError: there is none yet; asked again later, it is looked for again.
    """
    return Store.open_existing(settings().store_url, settings().blobs_url)


def store_if_any() -> Store | None:
    """The store of the settings; None where there is none yet.

    Raises:
        StoreError: it is newer than this program, or it can't be reached.
    """
    return open_store() if migrations.exists(Database(settings().store_url)) else None


def stamp() -> str:
    """What changes whenever the store may have; while one question is answered it stays what it was first.

    Raises:
        StoreError: there is no store yet.
    """
    store = open_store()
    return _asked_once("store", lambda: f"{store.database.shown} {_stamp(store.database).now()}")


def stamp_of(url: str) -> str | None:
    """Likewise of the database at another URL; None where that can't be told: it is a server, or of another kind."""
    database = _database(url)
    if database is None or (database.file is not None and not database.file.exists()):
        return None
    return _asked_once(url, lambda: f"{database.shown} {_stamp(database).now()}")


def _asked_once(what: str, ask: Callable[[], str]) -> str:
    """One answer for a whole request; not for a write, which reads what it has just changed."""
    if not has_request_context() or request.method != "GET":
        return ask()
    key = f"dragoman.stamp {what}"
    if (found := request.environ.get(key)) is None:
        found = request.environ[key] = ask()
    return str(found)


@cache
def _database(url: str) -> Database | None:
    try:
        return Database(url)
    except StoreError:
        return None


@cache
def _stamp(database: Database) -> Stamp:
    return Stamp(database)
