"""Access to the results store for requests: one shared `Store`, one snapshot a request, change tokens."""

from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import cache

from flask import Blueprint, has_request_context, request

from dragoman.errors import StoreError, StoreUnusableError
from dragoman.settings import settings
from dragoman.store import migrations
from dragoman.store.database.change_token import Stamp
from dragoman.store.database.connection import Database
from dragoman.store.store import Store

_SNAPSHOTS = "dragoman.snapshots"
"""Key of a request's environment: closes the snapshot that it reads."""

_SNAPSHOT = "dragoman.snapshot"
"""Key of a request's environment: the snapshot that it reads."""


def open_store() -> Store:
    """The store of the settings; within a request, its snapshot (`read_snapshots`).

    Raises:
        StoreError: there is none yet; asked again later, it is looked for again.
    """
    store = shared_store()
    if not has_request_context() or (snapshots := request.environ.get(_SNAPSHOTS)) is None:
        return store
    if (snapshot := request.environ.get(_SNAPSHOT)) is None:
        stamp()  # comes first: a cached response must not be older than its change token
        snapshot = request.environ[_SNAPSHOT] = snapshots.enter_context(store.snapshot())
    found: Store = snapshot
    return found


def of_snapshot(store: Store) -> dict[str, object]:
    """The environment of requests that are all answered from one snapshot, which stays open after them."""
    return {_SNAPSHOTS: ExitStack(), _SNAPSHOT: store}


def read_snapshots(blueprint: Blueprint) -> None:
    """Answer every GET of a blueprint from one snapshot of the store, which is opened when it is first needed."""

    @blueprint.before_request
    def begin() -> None:
        if request.method == "GET":
            request.environ.setdefault(_SNAPSHOTS, ExitStack())

    @blueprint.teardown_request
    def end(error: BaseException | None) -> None:
        del error
        request.environ.pop(_SNAPSHOT, None)
        if (snapshots := request.environ.pop(_SNAPSHOTS, None)) is not None:
            with suppress(StoreUnusableError):  # the request has its answer: of a damaged store SQLite says so again
                snapshots.close()


@cache
def shared_store() -> Store:
    """The store of the settings, opened once; for requests that may write.

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
    """The change token of the store, read once for each request.

    Raises:
        StoreError: there is no store yet.
    """
    store = shared_store()
    return _once_a_request("store", lambda: f"{store.database.shown} {_stamp(store.database).now()}")


def stamp_of(url: str) -> str | None:
    """Likewise of the database at another URL; None for a tracking server, or a database of another kind."""
    database = _database(url)
    if database is None or (database.file is not None and not database.file.exists()):
        return None
    return _once_a_request(url, lambda: f"{database.shown} {_stamp(database).now()}")


def _once_a_request(what: str, ask: Callable[[], str]) -> str:
    """Memoise for a whole request; not for a write, which reads what it has just changed."""
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
