"""The results store as this process reads it."""

from functools import cache

from dragoman.settings import settings
from dragoman.store import migrations
from dragoman.store.database import Database
from dragoman.store.stamp import Stamp
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
    """What changes whenever the store may have.

    Raises:
        StoreError: there is no store yet.
    """
    store = open_store()
    return f"{store.database.shown} {_stamp(store).now()}"


@cache
def _stamp(store: Store) -> Stamp:
    return Stamp(store.database)
