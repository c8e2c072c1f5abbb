"""Blobs that are only read: what writes or removes one is refused."""

from datetime import datetime
from typing import NoReturn

from dragoman.errors import StoreError
from dragoman.store.blobs import BlobStore, StoredBlob


class ReadOnlyBlobs(BlobStore):
    """A folder of blobs through which nothing is written or removed."""

    def __init__(self, url: str, refusal: str) -> None:
        """Open a folder.

        Args:
            url: fsspec URL of the folder.
            refusal: why nothing may be written, as a sentence.
        """
        super().__init__(url)
        self._refusal = refusal

    def remove(self, blob: StoredBlob, unless_after: datetime | None = None) -> NoReturn:
        """Refuse to remove a file."""
        del blob, unless_after
        raise StoreError(self._refusal)

    def _keep(self, address: str, data: bytes) -> NoReturn:
        del address, data
        raise StoreError(self._refusal)
