"""Garbage collection: blobs that no cell refers to, and folders of models that the store does not know."""

import re
import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, select

from dragoman.store.blobs import StoredBlob
from dragoman.store.database.ids import chunks
from dragoman.store.schema import CellRow, ModelRow, TestRow
from dragoman.store.store import Store

_MODEL = re.compile(r"model\d+-[0-9a-f]+")
"""Name of a model's folder: its id."""


class ModelFolder(NamedTuple):
    """A folder with a model's checkpoint, or with what was converted of one."""

    path: Path
    """The folder."""
    size: int
    """Bytes in its files."""
    written: datetime
    """When its newest file was written (UTC)."""


def unreferenced(store: Store, older_than: timedelta) -> list[StoredBlob]:
    """The blobs no cell and no test set refers to, and temporary files of killed writers.

    Args:
        store: the store.
        older_than: younger ones are spared: the cells that will refer to them may be on their way.

    Raises:
        StoreError: the blobs can't be listed.
    """
    before = datetime.now(UTC) - older_than
    stored = [blob for blob in store.blobs.stored() if blob.written <= before]
    with store.database.reading() as connection:
        used = referenced(connection)
    return [blob for blob in stored if blob.address not in used]


def remove(store: Store, found: Sequence[StoredBlob]) -> Iterator[StoredBlob]:
    """Remove what `unreferenced` found, and yield each file that was removed.

    What has been written again or referred to since it was listed is spared: a cell's blobs are written before it is
    committed, which renews their modification time.

    Args:
        store: the store.
        found: the blobs.

    Raises:
        StoreError: one can't be removed.
    """
    for chunk in chunks(found):
        with store.database.reading() as connection:
            used = referenced(connection, [blob.address for blob in chunk])
        for blob in chunk:
            if blob.address not in used and store.blobs.remove(blob, unless_after=blob.written):
                yield blob


def referenced(connection: Connection, among: Sequence[str] | None = None) -> set[str]:
    """The addresses that cells and test sets refer to; all, or those among some."""
    used: set[str | None] = set()
    for column in (CellRow.hypotheses, TestRow.lines):
        query = select(column).distinct()
        used.update(connection.execute(query if among is None else query.where(column.in_(among))).scalars())
    return {address for address in used if address}


def unknown_models(store: Store, folders: Sequence[Path], older_than: timedelta) -> list[ModelFolder]:
    """The folders of models that the store does not know, as after the deletion of their grids.

    Args:
        store: the store; models of another store that keeps its models in the same place are unknown to it.
        folders: where models lie, each in a folder named by its id.
        older_than: younger ones are spared.
    """
    before = datetime.now(UTC) - older_than
    there = [path for folder in folders if folder.is_dir() for path in sorted(folder.iterdir())]
    found = [_measured(path) for path in there if _MODEL.fullmatch(path.name) and not _is_known(store, path)]
    return [folder for folder in found if folder.written <= before]


def remove_models(store: Store, found: Sequence[ModelFolder]) -> Iterator[ModelFolder]:
    """Remove what `unknown_models` found, but for models that have become known; yield each that was removed."""
    for folder in found:
        if not _is_known(store, folder.path):
            shutil.rmtree(folder.path)
            yield folder


def _is_known(store: Store, path: Path) -> bool:
    with store.database.reading() as connection:
        return connection.execute(select(ModelRow.id).where(ModelRow.identity == path.name)).scalar() is not None


def _measured(folder: Path) -> ModelFolder:
    files = [path.lstat() for path in [folder, *folder.rglob("*")]]
    newest = max(each.st_mtime for each in files)
    return ModelFolder(folder, sum(each.st_size for each in files), datetime.fromtimestamp(newest, UTC))
