"""Checkpoints of the trail: how many records there are, and one hash of them all.

The text is that of a transparency log's checkpoint (https://c2sp.org/tlog-checkpoint): origin, size, and the root of
the Merkle tree (RFC 6962, section 2.1) whose leaves are the hashes of the records, so that tools for such logs read it.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Self


class Checkpoint(NamedTuple):
    """What is signed."""

    origin: str
    """The trail, by the name of the key."""
    size: int
    """Records."""
    root: bytes
    """Root of their Merkle tree."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """The checkpoint of a note's text; lines after the third are extensions.

        Raises:
            ValueError: it is none.
        """
        origin, size, root, *_ = text.splitlines()
        if not origin or not size.isascii() or not size.isdecimal() or size != str(int(size)):
            raise ValueError("it is no checkpoint")
        try:
            return cls(origin, int(size), base64.b64decode(root, validate=True))
        except binascii.Error as error:
            raise ValueError("its hash is no base64") from error

    def __str__(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def roots(hashes: Iterable[str]) -> Iterator[bytes]:
    """The root after each of the records.

    Args:
        hashes: of the records, in hexadecimal digits and order.
    """
    whole: list[tuple[int, bytes]] = []  # the complete subtrees from left to right, with their sizes
    for each in hashes:
        whole.append((1, hashlib.sha256(b"\x00" + bytes.fromhex(each)).digest()))
        while len(whole) > 1 and whole[-2][0] == whole[-1][0]:
            (size, left), (_, right) = whole[-2:]
            whole[-2:] = [(2 * size, _node(left, right))]
        root = whole[-1][1]
        for _, left in reversed(whole[:-1]):
            root = _node(left, root)
        yield root


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
