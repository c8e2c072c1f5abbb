"""Blobs: the address is the content, and damage is noticed."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from dragoman.errors import StoreError
from dragoman.store.blobs import BlobStore, StoredBlob, check_blob, is_test, moment

LINES = [("Grüße", "stop", 3), ("", "length", 80), ("你好\u2028世界", "stop", 4)]


@pytest.fixture(params=["file", "memory"])
def blobs(request, tmp_path):
    return BlobStore(f"file://{tmp_path}/blobs" if request.param == "file" else f"memory://{tmp_path.name}/blobs")


def test_what_is_put_comes_back(blobs):
    assert blobs.translation(blobs.put_translation(LINES)) == LINES
    assert blobs.test(blobs.put_test(["a", "b"], ["c", "d"])) == (["a", "b"], ["c", "d"])
    assert blobs.translation(blobs.put_translation([])) == []


def test_further_references_come_back_and_make_another_address(blobs):
    plain = blobs.put_test(["a", "b"], ["c", "d"])
    assert blobs.put_test(["a", "b"], ["c", "d"], [(), ()]) == plain
    assert blobs.test_text(plain) == (["a", "b"], ["c", "d"], [(), ()])
    further = blobs.put_test(["a", "b"], ["c", "d"], [(), ("e", "f")])
    assert further != plain != blobs.put_test(["a", "b"], ["c", "d"], [("e", "f"), ()]) != further
    assert blobs.test(further) == (["a", "b"], ["c", "d"])
    text = blobs.test_text(further)
    assert text.further == [(), ("e", "f")] and text.all_references == [("c",), ("d", "e", "f")]
    schema = check_blob(further, blobs.read(further))
    assert schema.names == ["source", "reference", "reference_2", "reference_3"] and is_test(schema)
    assert not is_test(check_blob(blobs.put_translation(LINES), blobs.read(blobs.put_translation(LINES))))
    with pytest.raises(StoreError, match="holds source, reference, reference_2 instead of text"):
        blobs.translation(blobs.put_test(["a"], ["b"], [("c",)]))


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


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: b""], ids=["cut", "empty"])
def test_what_is_written_again_is_whole_again(blobs, damage):
    address = blobs.put_translation(LINES)
    [blob] = blobs.stored()
    blobs._files.pipe_file(blob.path, damage(blobs._files.cat_file(blob.path)))
    assert blobs.put_translation(LINES) == address
    assert blobs.translation(address) == LINES


def test_bytes_of_another_parquet_library_are_left(tmp_path):
    blobs = BlobStore(f"file://{tmp_path}")
    address = blobs.put_translation(LINES)
    path = Path(next(blobs.stored()).path)
    pq.write_table(pq.read_table(path), path, compression="none")
    before = path.read_bytes()
    blobs.put_translation(LINES)
    assert path.read_bytes() == before
    assert blobs.translation(address) == LINES


def test_what_is_wanted_again_is_young_again(blobs):
    blobs.put_translation(LINES)
    [before] = blobs.stored()
    if Path(before.path).exists():
        os.utime(before.path, (0, 0))
        [before] = blobs.stored()
    blobs.put_translation(LINES)
    [after] = blobs.stored()
    assert after.written > before.written


def test_only_what_was_not_written_again_is_removed(blobs):
    blobs.put_translation(LINES)
    [blob] = blobs.stored()
    assert not blobs.remove(blob, unless_after=blob.written - timedelta(seconds=1))
    assert [found.address for found in blobs.stored()] == [blob.address]
    assert blobs.remove(blob, unless_after=blob.written)
    assert list(blobs.stored()) == []
    assert not blobs.remove(blob)


def test_a_file_that_goes_while_they_are_listed_is_passed_over(tmp_path):
    blobs = BlobStore(f"file://{tmp_path}")
    blobs.put_translation(LINES)
    (tmp_path / "00").mkdir()
    (tmp_path / "00" / ".partial").symlink_to(tmp_path / "gone")
    assert len(list(blobs.stored())) == 1


def broken(*_, **__):
    raise PermissionError("Access Denied for s3://ada:secret@bucket/x")


@pytest.mark.parametrize(
    ("call", "ask", "what"),
    [
        ("cat_file", lambda blobs: blobs.read("0" * 64), "read"),
        ("exists", lambda blobs: list(blobs.stored()), "listed"),
        ("rm_file", lambda blobs: blobs.remove(StoredBlob("a", "b", 1, datetime.now(UTC))), "removed"),
    ],
)
def test_what_a_file_system_says_is_a_sentence_without_passwords(monkeypatch, call, ask, what):
    blobs = BlobStore("memory://somewhere")
    blobs.url = "s3://ada:secret@bucket/x"
    monkeypatch.setattr(blobs._files, call, broken)
    with pytest.raises(StoreError, match=rf"Blobs can't be {what} in s3://.* \(Access Denied") as refused:
        ask(blobs)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "details",
    [
        {"LastModified": datetime(2026, 1, 2, tzinfo=UTC)},
        {"mtime": datetime(2026, 1, 2, tzinfo=UTC).timestamp()},
        {"updated": "2026-01-02T00:00:00Z"},
        {"created": datetime(2026, 1, 2)},
    ],
)
def test_each_file_system_has_its_name_for_when(details):
    assert moment(details) == datetime(2026, 1, 2, tzinfo=UTC)
