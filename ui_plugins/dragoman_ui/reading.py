"""The results store as this process reads it."""

from functools import cache

from dragoman import plugins
from dragoman.errors import DragomanError
from dragoman.settings import settings
from dragoman.store.store import Store


@cache
def open_store() -> Store:
    """The store of the settings, opened once.

    Raises:
        StoreError: there is none yet; asked again later, it is looked for again.
    """
    return Store.open_existing(settings().store_url, settings().blobs_url)


@cache
def is_higher_better(metric: str) -> bool:
    """Whether more of a metric is better; taken for granted of one that is not installed here."""
    try:
        return bool(plugins.load("metrics", metric).higher_is_better)
    except (DragomanError, ModuleNotFoundError):
        return True
