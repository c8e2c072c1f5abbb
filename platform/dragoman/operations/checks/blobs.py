"""Check of the blob storage: a file can be written, read and removed, and the store's blobs are there."""

import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import uuid4

from fsspec.implementations.local import LocalFileSystem
from fsspec.spec import AbstractFileSystem

from dragoman.errors import DragomanError, StoreError, first_line
from dragoman.file_system import file_system
from dragoman.operations.finding import Finding, fault, fine
from dragoman.settings import Settings
from dragoman.store import migrations
from dragoman.store.blobs import BlobStore
from dragoman.store.database.connection import Database
from dragoman.store.maintenance.garbage_collection import referenced
from dragoman.store.maintenance.repair import is_whole

PART = "blobs"

SECONDS = 10.0
"""How long blobs are read."""

_REMEDY = "restore them from a backup, or have the cells translated again with `dragoman retry GRID --damaged`"


def check(settings: Settings) -> Iterator[Finding]:
    """Write and remove a probe file, then look for the blobs that the store refers to."""
    url = settings.blobs_url
    try:
        files, root = file_system(url)
        probe = f"{_nearest(files, root)}/.doctor-{uuid4().hex}"
        files.pipe_file(probe, b"doctor")
        read = files.cat_file(probe)
        files.rm_file(probe)
    except ImportError:
        yield fault(PART, f"{url} needs a package that is not installed", "for s3:// pip install 'dragoman[s3]'")
        return
    except Exception as error:  # file systems share no base class of errors
        remedy = "check that folder or bucket exist and may be written to; for s3:// AWS_ENDPOINT_URL and the AWS keys"
        yield fault(PART, f"{url} can't be written to ({first_line(error)})", remedy)
        return
    if read != b"doctor":
        yield fault(PART, f"{url} returns other bytes than were written", "don't use this storage; check its disks")
        return
    yield from _compare(settings)


def _nearest(files: AbstractFileSystem, folder: str) -> str:
    """A folder, or its nearest existing parent: the check creates no folder. Buckets have no folders."""
    if not isinstance(files, LocalFileSystem):
        return folder
    place = Path(folder)
    return str(next(each for each in (place, *place.parents) if each.exists()))


def _compare(settings: Settings) -> Iterator[Finding]:
    try:
        database = Database(settings.store_url, reads_only=True)
        if not migrations.exists(database):
            raise StoreError("There is no store yet.")
        with database.reading() as connection:  # not opened as a store, which would upgrade it
            wanted = referenced(connection)
    except (DragomanError, ModuleNotFoundError):
        yield fine(PART, f"{settings.blobs_url} can be written to")  # reported by the check of the store
        return
    stored = BlobStore(settings.blobs_url)
    missing = wanted - {blob.address for blob in stored.stored()}
    if missing:
        told = f"{len(missing)} of {len(wanted)} that the store refers to are missing, such as {min(missing)}"
        yield fault(PART, told, _REMEDY)
    else:
        yield fine(PART, f"{settings.blobs_url} can be written to; all {len(wanted)} that are referred to are there")
    yield _check_content(stored, sorted(wanted - missing))


def _check_content(blobs: BlobStore, addresses: Sequence[str]) -> Finding:
    """Read blobs, as far as the time goes, in a random order: what is asked again and again finds all in the end."""
    until = time.monotonic() + SECONDS
    damaged, read = [], 0
    try:
        for address in random.sample(addresses, len(addresses)):
            if time.monotonic() > until:
                break
            read += 1
            if not is_whole(blobs, address):
                damaged.append(address)
    except StoreError as error:
        return fault(PART, str(error), "check its disk and rights")
    if damaged:
        told = f"{len(damaged)} of {read} that were read are damaged, such as {min(damaged)}"
        return fault(PART, told, _REMEDY)
    return fine(PART, f"{read} of {len(addresses)} were read, and are what was written")
