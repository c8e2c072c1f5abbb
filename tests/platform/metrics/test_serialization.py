import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from dragoman.metrics.base import MetricError
from dragoman.metrics.serialization import VERSION, pack, unpack

SHAPES = array_shapes(min_dims=2, max_dims=2, max_side=12)
WHOLE = SHAPES.flatmap(lambda shape: arrays(np.float64, shape, elements=st.integers(-3, 2**53).map(float)))
REAL = SHAPES.flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.floats(allow_nan=False, allow_infinity=False))
)


@given(WHOLE | REAL)
def test_nothing_is_lost(statistics: np.ndarray) -> None:
    unpacked = unpack(pack(statistics))
    assert unpacked.dtype == np.float64
    np.testing.assert_array_equal(unpacked, statistics)


def test_counts_are_small() -> None:
    """BLEU's statistics of 1,012 sentences of ordinary length take less than a byte each."""
    counts = np.random.default_rng(1).integers(5, 40, size=(1012, 10)).astype(float)
    assert len(pack(counts)) < counts.size


def test_first_version_stays_readable() -> None:
    # golden: what `pack` of this version wrote for the array below
    packed = bytes.fromhex(
        "0178da9bec17ea1b10c9c850c650ad9e925a9c5ca46ea5a06e536aa4aea3a09e965f54529498179f5f94920a120f292a4d050a"
        "17672416a402b91a463a0a469a3a0ab50ae4032e46061d4626061606002c7f1b81"
    )
    assert unpack(packed).tolist() == [[1, 2], [300, 4]]


def test_what_cannot_be_kept_is_refused() -> None:
    with pytest.raises(MetricError, match="finite"):
        pack(np.array([[1.0, np.nan]]))


def test_what_cannot_be_read_is_a_sentence() -> None:
    packed = pack(np.ones((3, 2)))
    for data in (packed[:-3], VERSION + b"x", VERSION + zlib.compress(b"not numbers")):
        with pytest.raises(MetricError, match="damaged"):
            unpack(data)
    for data in (b"", b"\x07" + packed[1:]):
        with pytest.raises(MetricError, match="another version"):
            unpack(data)


def test_objects_are_never_unpickled() -> None:
    import io

    buffer = io.BytesIO()
    np.save(buffer, np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(MetricError, match="damaged"):
        unpack(VERSION + zlib.compress(buffer.getvalue()))
