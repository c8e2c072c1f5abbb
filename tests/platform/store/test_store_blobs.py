"""Blobs: the address is the content, and damage is noticed."""

from pathlib import Path

import pytest

from dragoman.errors import StoreError
from dragoman.store.blobs import BlobStore

LINES = [("Grüße", "stop", 3), ("", "length", 80), ("你好\u2028世界", "stop", 4)]


@pytest.fixture(params=["file", "memory"])
def blobs(request, tmp_path):
    return BlobStore(f"file://{tmp_path}/blobs" if request.param == "file" else f"memory://{tmp_path.name}/blobs")


def test_what_is_put_comes_back(blobs):
    assert blobs.translation(blobs.put_translation(LINES)) == LINES
    assert blobs.test(blobs.put_test(["a", "b"], ["c", "d"])) == (["a", "b"], ["c", "d"])
    assert blobs.translation(blobs.put_translation([])) == []


def test_the_address_is_the_content(blobs):
    first = blobs.put_translation(LINES)
    assert blobs.put_translation(LINES) == first
    assert len(list(blobs.stored())) == 1
    assert blobs.put_translation([*LINES[:2], ("你好\u2028世界", "stop", 5)]) != first
    assert blobs.put_translation([("ab", "stop", 1)]) != blobs.put_translation([("a", "bstop", 1)])


def test_a_missing_or_wrong_blob_is_a_sentence(blobs):
    with pytest.raises(StoreError, match="is not in"):
        blobs.translation("0" * 64)
    with pytest.raises(StoreError, match="holds source, reference instead of text"):
        blobs.translation(blobs.put_test(["a"], ["b"]))


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: b""], ids=["cut", "empty"])
def test_a_damaged_blob_is_noticed(tmp_path, damage):
    blobs = BlobStore(f"file://{tmp_path}")
    address = blobs.put_translation(LINES)
    path = Path(next(blobs.stored()).path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(StoreError, match="damaged"):
        blobs.translation(address)


def test_another_content_under_the_address_is_noticed(tmp_path):
    blobs = BlobStore(f"file://{tmp_path}")
    address, other = blobs.put_translation(LINES), blobs.put_translation(LINES[:1])
    with pytest.raises(StoreError, match="damaged"):
        blobs.write(address, blobs.read(other))


def test_an_unknown_place_is_a_sentence():
    with pytest.raises(StoreError, match="give file:///FOLDER"):
        BlobStore("nosuch://bucket")
