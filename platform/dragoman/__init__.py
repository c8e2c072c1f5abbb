"""Dragoman: finetune and evaluate translation models over grids of directed language pairs.

The names below are the public API; `docs/python.md` has examples.
"""

from typing import TYPE_CHECKING

from dragoman.exports import lazy_exports

if TYPE_CHECKING:
    from dragoman.cell import Cell, CellState, Unscorable
    from dragoman.errors import CorpusError, DragomanError, ModelError, SpecError, StoreError
    from dragoman.language import canonical_tag, english_name
    from dragoman.notebook.notebook_store import NotebookStore
    from dragoman.pair import Pair, all_pairs
    from dragoman.partition import Partition, TrainingGraph
    from dragoman.segment import Segment, Split
    from dragoman.settings import Settings
    from dragoman.version import __version__

__all__ = [
    "Cell",
    "CellState",
    "CorpusError",
    "DragomanError",
    "ModelError",
    "Pair",
    "Partition",
    "Segment",
    "Settings",
    "SpecError",
    "Split",
    "StoreError",
    "TrainingGraph",
    "Unscorable",
    "__version__",
    "all_pairs",
    "canonical_tag",
    "english_name",
    "open_store",
]

_NAMES = {
    "dragoman.cell": (
        "Cell",
        "CellState",
        "Unscorable",
    ),
    "dragoman.errors": (
        "CorpusError",
        "DragomanError",
        "ModelError",
        "SpecError",
        "StoreError",
    ),
    "dragoman.language": (
        "canonical_tag",
        "english_name",
    ),
    "dragoman.pair": (
        "Pair",
        "all_pairs",
    ),
    "dragoman.partition": (
        "Partition",
        "TrainingGraph",
    ),
    "dragoman.segment": (
        "Segment",
        "Split",
    ),
    "dragoman.settings": ("Settings",),
    "dragoman.version": ("__version__",),
}

__getattr__ = lazy_exports(__name__, _NAMES)


def open_store(*, writable: bool = False) -> "NotebookStore":
    """Open the results store of the settings, for notebooks and scripts; `docs/python.md` has examples.

    Args:
        writable: whether the store may be written to through it; otherwise what tries to is refused.

    Raises:
        StoreError: there is none yet, it can't be reached, or it was written by a newer program.
    """
    from dragoman.notebook.notebook_store import NotebookStore
    from dragoman.settings import settings  # imported here, so that `import dragoman` stays fast

    store = NotebookStore.open_existing(settings().store_url, settings().blobs_url)
    return store if writable else store.only_read()
