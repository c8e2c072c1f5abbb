"""The results store as this process reads it."""

from functools import cache

from dragoman.settings import settings
from dragoman.store.store import Store


@cache
def open_store() -> Store:
    """The store of the settings, opened once.

    Raises:
        StoreError: there is none yet; asked again later, it is looked for again.
    """
    return Store.open_existing(settings().store_url, settings().blobs_url)
