"""Statistics as bytes for the store: exact, small, and readable by any later version."""

import io
import zlib

import numpy as np
from numpy.lib import format as npy

from dragoman.metrics.base import MetricError, Statistics

VERSION = b"\x01"
"""First byte of packed statistics: zlib over NumPy's .npy format
(https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html), never pickled."""

LARGEST = 64 << 20
"""The most bytes of statistics that are unpacked: those of a million segments."""

_NARROW_TO_WIDE = ("u1", "<u2", "<u4", "<f4", "<f8")


def pack(statistics: Statistics) -> bytes:
    """Statistics (n × k) as bytes, in the narrowest number type that holds them exactly.

    Raises:
        MetricError: a statistic is not a finite number.
    """
    if not np.isfinite(statistics).all():
        raise MetricError("Statistics must be finite numbers to be stored; this metric gave others.")
    with np.errstate(invalid="ignore", over="ignore"):
        narrow = next(cast for kind in _NARROW_TO_WIDE if np.array_equal(cast := statistics.astype(kind), statistics))
    buffer = io.BytesIO()
    # column by column: the numbers of one column are alike, which is what zlib lives on
    npy.write_array(buffer, np.asfortranarray(narrow), allow_pickle=False)
    return VERSION + zlib.compress(buffer.getvalue(), level=9)


def unpack(data: bytes) -> Statistics:
    """The statistics that `pack` packed, as float64.

    Raises:
        MetricError: the bytes are damaged, or from a version of Dragoman that packs otherwise.
    """
    if data[:1] != VERSION:
        raise MetricError("These statistics were packed by another version of Dragoman: score the cell again.")
    try:
        inflate = zlib.decompressobj()
        plain = inflate.decompress(data[1:], LARGEST)
        if not inflate.eof:
            raise ValueError(f"they are cut off, or more than {LARGEST:,} bytes")
        array = npy.read_array(io.BytesIO(plain), allow_pickle=False)
    except (zlib.error, ValueError, MemoryError) as error:  # a header may speak of any number of them
        raise MetricError(f"These statistics are damaged ({error}): score the cell again.") from error
    return array.astype(np.float64)
