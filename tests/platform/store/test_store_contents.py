"""A file that was damaged or altered is one sentence, and nothing is written."""

import errno
import hashlib
import io
import json
import shutil
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dragoman.errors import StoreError
from dragoman.metrics.span_serialization import pack_spans
from dragoman.store.line_keys import pack
from dragoman.store.line_labels import pack as pack_labels
from dragoman.store.store import Store
from dragoman.store.transfer.archive import Archive, ArchiveWriter
from dragoman.store.transfer.importer import import_grid
from dragoman.store.transfer.validation import Contents


@pytest.fixture(scope="module")
def exported_once(request, fill_and_export, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    store = Store.open(f"sqlite:///{folder}/store.db", f"file://{folder}/blobs")
    fill_and_export(request.getfixturevalue("small_grid")(store).add(), folder / "small.zip")
    store.close()
    return folder / "small.zip"


def rewritten(change):
    """A damage that someone might do by hand."""
    return lambda path, rewrite: rewrite(path, change)


def flip(path, place):
    data = bytearray(path.read_bytes())
    data[int(len(data) * place)] ^= 1
    path.write_bytes(data)


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def edit_grid(members):
    members["grid.json"] = members["grid.json"].replace(b'"chrf++"', b'"chrf"')


def swap_blob(members):
    names = [name for name in members if name.startswith("blobs/")]
    members[names[0]] = members[names[1]]
    manifest = json.loads(members["manifest.json"])
    manifest["members"][names[0]] = manifest["members"][names[1]]
    members["manifest.json"] = json.dumps(manifest).encode()


def more_than_there_are(members):
    members["contamination.json"] = members["contamination.json"].replace(b'"near": 3', b'"near": 99')


def edited_table(name, edit):
    def change(members):
        rows = pq.read_table(io.BytesIO(members[name])).to_pylist()
        schema = pq.read_schema(io.BytesIO(members[name]))
        edit(rows)
        buffer = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows, schema), buffer)
        members[name] = buffer.getvalue()

    return change


def of_state(of, **values):
    def edit(rows):
        next(row for row in rows if row["state"] == of).update(values)

    return edited_table("cells.parquet", edit)


def edited_json(name, edit):
    def change(members):
        value = json.loads(members[name])
        edit(value)
        members[name] = json.dumps(value).encode()

    return change


def sealed(change):
    """A change by somebody who knows how to make the checksums right again."""

    def all_of_it(members):
        change(members)
        manifest = json.loads(members["manifest.json"])
        for name, member in manifest["members"].items():
            member |= {"sha256": hashlib.sha256(members[name]).hexdigest(), "size": len(members[name])}
        members["manifest.json"] = json.dumps(manifest).encode()

    return all_of_it


def cells(edit):
    return edited_table("cells.parquet", edit)


def scores(edit):
    return edited_table("scores.parquet", edit)


def spans(edit):
    return edited_table("spans.parquet", edit)


def unscorable(edit):
    return edited_table("unscorable.parquet", edit)


def keys(edit):
    return edited_table("keys.parquet", edit)


def labels(edit):
    return edited_table("labels.parquet", edit)


ALTERED = {
    "more test sentences found than there are": more_than_there_are,
    "no JSON": lambda members: members.update({"grid.json": b"{" * 100_000}),
    "a failed cell without a reason": of_state("failed", reason=None),
    "an unscorable cell without a reason": of_state("unscorable", reason=None),
    "a done cell without hypotheses": of_state("done", hypotheses=None),
    "a planned cell with scores": of_state("done", state="planned"),
    "a state nobody knows": of_state("done", state="finished"),
    "fewer segments than statistics": of_state("done", segments=2),
    "attempts below zero": of_state("done", attempts=-1),
    "a number no column holds": of_state("planned", attempts=2**62),
    "a source that is its target": of_state("planned", source="en", target="en"),
    "a cell less": cells(lambda rows: rows.pop()),
    "a cell twice": cells(lambda rows: rows.append(rows[-1])),
    "a cell of nobody": of_state("planned", model="model1-x"),
    "a prompt that is not described": edited_json("conditions.json", lambda found: found["prompts"].clear()),
    "a test set of no sentences": edited_json(
        "conditions.json", lambda found: found["test_sets"][0].update(sentences=0)
    ),
    "a model that is not described": edited_json("models.json", lambda found: found.pop()),
    "a child before its parent": edited_json("models.json", lambda found: found.reverse()),
    "a name that is none": edited_json("grid.json", lambda grid: grid.update(name="../up")),
    "keys of test lines twice": keys(lambda rows: rows.append(rows[0])),
    "keys of other test lines": keys(lambda rows: rows[0].update(content="x")),
    "keys of more lines than there are": keys(
        lambda rows: rows[0].update(corpus_rows=pack(np.arange(4, dtype=np.uint64)))
    ),
    "keys that are none": keys(lambda rows: rows[0].update(documents=b"xx")),
    "keys of one side": keys(lambda rows: rows[0].update(corpus_rows=None, source_hashes=b"xx")),
    "labels of test lines twice": labels(lambda rows: rows.append(rows[0])),
    "labels of other test lines": labels(lambda rows: rows[0].update(content="x")),
    "labels of more lines than there are": labels(lambda rows: rows[0].update(of_lines=pack_labels(["a"] * 4))),
    "labels that are none": labels(lambda rows: rows[0].update(of_lines=b"\x01xx")),
    "labels of no name": labels(lambda rows: rows[0].update(name=None)),
    "contamination twice": edited_json("contamination.json", lambda found: found.append(found[0])),
    "a judgement twice": edited_json("judgements.json", lambda found: found.append(found[0])),
    "a judgement of no cell": edited_json("judgements.json", lambda found: found[0].update(cell="cell1-none")),
    "a judgement of no line": edited_json("judgements.json", lambda found: found[0].update(line=4)),
    "a judgement of no campaign": edited_json("judgement_campaigns.json", lambda found: found.clear()),
    "a score twice": scores(lambda rows: rows.insert(1, rows[0])),
    "a score twice, far apart": scores(lambda rows: rows.append(rows[0])),
    "a score of nothing": scores(lambda rows: rows[0].update(cell="cell1-x")),
    "a score that is no number": scores(lambda rows: rows[0].update(value=float("nan"))),
    "an interval without an end": scores(lambda rows: rows[0].update(high=float("inf"))),
    "an interval that ends before it begins": scores(lambda rows: rows[0].update(low=99.0, high=1.0)),
    "statistics that are none": scores(lambda rows: rows[0].update(statistics=b"xx")),
    "spans of no score": spans(lambda rows: rows[0].update(signature="x")),
    "spans twice": spans(lambda rows: rows.append(rows[0])),
    "spans that are none": spans(lambda rows: rows[0].update(spans=b"\x01xx")),
    "spans of more segments than there are": spans(lambda rows: rows[0].update(spans=pack_spans([()] * 4))),
    "a metric without a name": scores(lambda rows: rows[0].update(metric=None)),
    "unscorable without a reason": unscorable(lambda rows: rows[0].update(reason=None)),
    "unscorable twice": unscorable(lambda rows: rows.append(rows[0])),
    "unscorable of nothing": unscorable(lambda rows: rows[0].update(cell="cell1-x")),
    "texts for hypotheses": cells(lambda rows: [row.update(test=row["hypotheses"]) for row in rows]),
}


@pytest.mark.parametrize("change", ALTERED.values(), ids=ALTERED)
def test_an_altered_file_with_right_checksums_is_one_sentence(exported_once, rewrite, empty_at, tmp_path, change):
    shutil.copy(exported_once, tmp_path / "small.zip")
    rewrite(tmp_path / "small.zip", sealed(change))
    with pytest.raises(StoreError, match="its content is not what `dragoman export` writes") as refused:
        import_grid(empty_at, tmp_path / "small.zip")
    assert "\n" not in str(refused.value)
    assert empty_at.grids.all() == []


@pytest.fixture
def empty_at(sqlite, tmp_path):
    shutil.copy(sqlite / "empty.db", tmp_path / "altered.db")
    store = Store.open(f"sqlite:///{tmp_path}/altered.db", f"file://{tmp_path}/altered")
    yield store
    store.close()


def test_what_only_the_database_refuses_is_a_sentence_too(exported_once, rewrite, store, tmp_path, monkeypatch):
    shutil.copy(exported_once, tmp_path / "small.zip")
    rewrite(tmp_path / "small.zip", sealed(of_state("failed", reason=None)))
    monkeypatch.setattr(Contents, "_check_cell", lambda self, record: None)
    with pytest.raises(StoreError, match="its content is not what `dragoman export` writes"):
        import_grid(store, tmp_path / "small.zip")
    assert store.grids.all() == []


def tiny(path):
    """The smallest archive: each of its bytes can be spoilt in turn."""
    with ArchiveWriter(path, "tiny") as archive:
        archive.add_json("grid.json", {"name": "tiny"})
        archive.add("blobs/ab", b"some bytes")
    return path


def test_a_flipped_bit_anywhere_is_a_sentence_or_changes_nothing(tmp_path):
    path = tiny(tmp_path / "tiny.zip")
    whole = path.read_bytes()
    for place in range(len(whole)):
        spoilt = bytearray(whole)
        spoilt[place] ^= 1 << place % 8
        path.write_bytes(spoilt)
        try:
            with Archive(path) as archive:
                assert (archive.json("grid.json"), archive.read("blobs/ab")) == ({"name": "tiny"}, b"some bytes")
        except StoreError as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize("place", [6, 8], ids=["encrypted", "of an unknown method"])
def test_a_flipped_bit_of_a_header_is_a_sentence(tmp_path, place):
    path = tiny(tmp_path / "tiny.zip")
    spoilt = bytearray(path.read_bytes())
    spoilt[place] ^= 1
    spoilt[spoilt.index(b"PK\1\2") + place + 2] ^= 1
    path.write_bytes(spoilt)
    with pytest.raises(StoreError, match="can't be imported: it is damaged"):
        Archive(path).__enter__()


def test_a_temporary_folder_without_room_is_not_called_damage(exported_once, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "extract", full)
    with pytest.raises(StoreError, match=r"can't be unpacked in .* \(No space left on device\): make room"):
        Archive(exported_once).__enter__()


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda path, _: cut(path), "cut off, or no export at all"),
        (lambda path, _: path.write_text("nothing of the kind"), "cut off, or no export at all"),
        (lambda path, _: flip(path, 0.1), "damaged|changed"),
        (lambda path, _: flip(path, 0.4), "damaged|changed"),
        (rewritten(edit_grid), "'grid.json' was changed"),
        (rewritten(lambda members: members.pop("scores.parquet")), "added to it or taken from it"),
        (rewritten(lambda members: members.pop("manifest.json")), "has no manifest"),
        (rewritten(lambda members: members.update(more=b"")), "added to it or taken from it"),
        (rewritten(swap_blob), "is damaged"),
        (lambda path, _: path.unlink(), "There is no file"),
        (lambda path, _: (path.unlink(), path.mkdir()), "is a folder"),
    ],
)
def test_a_damaged_file_is_one_sentence_and_nothing_is_written(exported_once, rewrite, tmp_path, damage, sentence):
    shutil.copy(exported_once, tmp_path / "small.zip")
    damage(tmp_path / "small.zip", rewrite)
    other = Store.open(f"sqlite:///{tmp_path}/store.db", f"file://{tmp_path}/blobs")
    with pytest.raises(StoreError, match=sentence):
        import_grid(other, tmp_path / "small.zip")
    assert other.grids.all() == []
    assert list(other.blobs.stored()) == []
    other.close()
