"""Dragoman: finetune and evaluate translation models over grids of directed language pairs."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dragoman.store.store import Store


def open_store() -> "Store":
    """The results store that the settings name, for notebooks and scripts; `docs/python.md` shows what it answers.

    Raises:
        StoreError: there is none yet, it can't be reached, or it was written by a newer program.
    """
    from dragoman.settings import settings  # whoever only imports this package waits for no library
    from dragoman.store.store import Store

    return Store.open_existing(settings().store_url, settings().blobs_url)
