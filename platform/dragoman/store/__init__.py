"""The results store: plans, translations and scores, as records in a database and blobs beside it."""

from typing import TYPE_CHECKING

from dragoman.exports import lazy_exports

if TYPE_CHECKING:
    from dragoman.store.blobs import BlobStore
    from dragoman.store.records import (
        CellRecord,
        ContaminationRecord,
        DecodingRecord,
        GridRecord,
        JobLine,
        JobRecord,
        JobState,
        LineKind,
        ModelRecord,
        PromptRecord,
        StoredScore,
        TestSetRecord,
        Translation,
    )
    from dragoman.store.store import Store
    from dragoman.store.transfer.exporter import export_grid
    from dragoman.store.transfer.importer import Imported, import_grid

__all__ = [
    "BlobStore",
    "CellRecord",
    "ContaminationRecord",
    "DecodingRecord",
    "GridRecord",
    "Imported",
    "JobLine",
    "JobRecord",
    "JobState",
    "LineKind",
    "ModelRecord",
    "PromptRecord",
    "Store",
    "StoredScore",
    "TestSetRecord",
    "Translation",
    "export_grid",
    "import_grid",
]

_NAMES = {
    "dragoman.store.blobs": ("BlobStore",),
    "dragoman.store.records": (
        "CellRecord",
        "ContaminationRecord",
        "DecodingRecord",
        "GridRecord",
        "JobLine",
        "JobRecord",
        "JobState",
        "LineKind",
        "ModelRecord",
        "PromptRecord",
        "StoredScore",
        "TestSetRecord",
        "Translation",
    ),
    "dragoman.store.store": ("Store",),
    "dragoman.store.transfer.exporter": ("export_grid",),
    "dragoman.store.transfer.importer": (
        "Imported",
        "import_grid",
    ),
}

__getattr__ = lazy_exports(__name__, _NAMES)
