"""A bundle proves itself: every changed byte is named, and so is every number that does not follow from its texts."""

import json
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from tests.platform.sharing.conftest import build

from dragoman.errors import StoreError
from dragoman.sharing.bundle import verification
from dragoman.sharing.bundle.container import BundleReader
from dragoman.sharing.bundle.findings import Finding
from dragoman.sharing.bundle.integrity import check_integrity
from dragoman.sharing.bundle.verification import verify
from dragoman.sharing.bundle.writing import write_bundle
from dragoman.store.store import Store

Lines = list[str]
Members = dict[str, Lines]
Forge = Callable[[Callable[[Members], object]], Path]


def findings_of(path: Path, root: str | None = None) -> list[Finding]:
    with BundleReader(path) as bundle:
        return check_integrity(bundle, root=root).findings


def changed_at(whole: bytes, place: int, byte: int) -> bytes:
    return whole[:place] + bytes([byte]) + whole[place + 1 :]


def due_place(path: Path, place: int) -> tuple[str, int | None]:
    """The member that a byte is in, and its line; of other bytes the place in the file."""
    with tarfile.open(path) as archive:
        for member in archive.getmembers():
            if member.offset_data <= place < member.offset_data + member.size:
                content = archive.extractfile(member).read()  # type: ignore[union-attr]
                return member.name, content[: place - member.offset_data].count(b"\n") + 1
            if member.offset <= place < member.offset_data:
                return "header", None
    return "zeros", None


def require_named(path: Path, whole: bytes, place: int, byte: int, found: list[Finding]) -> None:
    """The findings name the byte's member and line; outside of members, its place or that of its header."""
    name, line = due_place(path, place)
    said = "\n".join(map(str, found))
    if name == "header":
        block = place // 512 * 512
        assert f"bytes {block:,} to {block + 511:,}" in said or f"byte {block:,}:" in said, (place, said)
    elif name == "zeros":
        assert f"byte {place:,}:" in said, (place, said)
    elif whole[place] == ord("\n") or byte == ord("\n"):
        assert f"{name}, line" in said, (place, said)  # lines were joined or parted: the first that differs
    else:
        assert f"{name}, line {line:,}:" in said, (place, name, line, said)


def random_changes(path: Path, count: int, seed: int) -> None:
    whole, random = path.read_bytes(), Random(seed)
    copy = path.with_name("changed.tar")
    for _ in range(count):
        place = random.randrange(len(whole))
        byte = random.choice([each for each in range(256) if each != whole[place]])
        copy.write_bytes(changed_at(whole, place, byte))
        found = findings_of(copy)
        assert found, place
        require_named(path, whole, place, byte, found)


def test_it_is_whole_and_all_numbers_follow(bundle_file: Path) -> None:
    found = verify(bundle_file)
    assert found.findings == [] and found.unchecked == []
    # 3 systems on 5 pairs but one failed cell; ter can't score Chinese: value and interval of each score at least
    scores = 14 * 3 - 3
    assert found.numbers > 3 * scores
    assert found.grid == "small"


def test_the_same_grid_is_the_same_file(bundle_file: Path, tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/other.db", f"file://{tmp_path}/blobs")
    build(store, "other")  # numbers in the database differ
    build(store)
    root = write_bundle(store, "small", tmp_path / "again.tar")
    store.close()
    assert (tmp_path / "again.tar").read_bytes() == bundle_file.read_bytes()
    assert verify(bundle_file, root=root).findings == []


def test_other_tools_read_and_check_it(bundle_file: Path, tmp_path: Path) -> None:
    """GNU tar unpacks it, and sha256sum of coreutils comes to the same hashes."""
    subprocess.run(["tar", "xf", bundle_file, "-C", tmp_path], check=True)
    subprocess.run(["sha256sum", "--quiet", "--strict", "-c", "SHA256SUMS"], cwd=tmp_path, check=True)
    root = subprocess.run(["sha256sum", "SHA256SUMS"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert root.split()[0] == (tmp_path / "ROOT").read_text().strip() == verify(bundle_file).root
    assert not set((tmp_path / "SHA256SUMS").read_text()) & {"\\"}


def test_nothing_of_the_machine_is_in_it(bundle_file: Path, home: Path) -> None:
    whole = bundle_file.read_bytes()
    assert b"/home/ann" not in whole and str(home).encode() not in whole


def test_any_changed_byte_is_named(bundle_file: Path) -> None:
    random_changes(bundle_file, 60, seed=1)


@pytest.mark.slow
def test_each_of_five_hundred_changed_bytes_is_named(bundle_file: Path) -> None:
    random_changes(bundle_file, 500, seed=2)


@pytest.mark.parametrize(
    "part", ["grid.json", "scores.jsonl", "line-checksums.tsv", "SHA256SUMS", "ROOT", "tsv/rows/de-en.tsv"]
)
def test_every_byte_of_some_members_is_named(bundle_file: Path, part: str) -> None:
    whole, copy = bundle_file.read_bytes(), bundle_file.with_name("changed.tar")
    with tarfile.open(bundle_file) as archive:
        member = archive.getmember(part)
    step = max(1, member.size // 40)
    for place in range(member.offset_data, member.offset_data + member.size, step):
        copy.write_bytes(changed_at(whole, place, whole[place] ^ 1))
        require_named(bundle_file, whole, place, whole[place] ^ 1, findings_of(copy))


def test_every_byte_of_a_header_and_of_the_end_is_named(bundle_file: Path) -> None:
    whole, copy = bundle_file.read_bytes(), bundle_file.with_name("changed.tar")
    with tarfile.open(bundle_file) as archive:
        header = archive.getmember("scores.jsonl").offset
    for place in [*range(header, header + 512, 7), *range(len(whole) - 900, len(whole), 50)]:
        copy.write_bytes(changed_at(whole, place, whole[place] ^ 0x20))
        require_named(bundle_file, whole, place, whole[place] ^ 0x20, findings_of(copy))


@pytest.mark.parametrize("cut", [1, 511, 512, 10_240, 30_000])
def test_a_file_that_is_cut_off_or_longer_is_told(bundle_file: Path, cut: int) -> None:
    whole, copy = bundle_file.read_bytes(), bundle_file.with_name("changed.tar")
    copy.write_bytes(whole[:-cut])
    assert findings_of(copy)
    copy.write_bytes(whole + b"\0" * cut)
    assert findings_of(copy)


def test_a_changed_score_with_all_hashes_made_anew_is_named(forged: Forge) -> None:
    def change(members: Members) -> None:
        line = json.loads(members["scores.jsonl"][4])
        members["scores.jsonl"][4] = json.dumps(line | {"value": line["value"] + 0.01})

    path = forged(change)
    assert findings_of(path) == []
    (found,) = verify(path).findings
    assert found.place == "scores.jsonl, line 5" and found.claimed == pytest.approx(found.found + 0.01)


def test_a_better_score_with_the_mean_that_follows_from_it_is_named(forged: Forge) -> None:
    def change(members: Members) -> None:
        for number, text in enumerate(members["means.jsonl"]):
            line = json.loads(text)
            if line["system"] == "a" and line["metric"] == "bleu" and line["scope"] == "all":
                members["means.jsonl"][number] = json.dumps(line | {"mean": line["mean"] + 1, "done": line["done"] + 1})

    found = verify(forged(change)).findings
    assert [each.place.partition(",")[0] for each in found] == ["means.jsonl", "means.jsonl"]
    assert {each.what.partition(":")[0] for each in found} == {"mean", "done"}


def test_a_changed_p_value_is_named(forged: Forge) -> None:
    def change(members: Members) -> None:
        line = json.loads(members["differences.jsonl"][0])
        members["differences.jsonl"][0] = json.dumps(line | {"p_value": line["p_value"] / 2})

    (found,) = verify(forged(change)).findings
    assert found.place == "differences.jsonl, line 1" and found.what.startswith("p-value")


def test_a_mended_translation_is_named_by_the_scores_that_no_longer_follow(forged: Forge) -> None:
    def change(members: Members) -> None:
        members["tsv/system-outputs/de-en/a.txt"][3] = members["tsv/references/de-en.refA.txt"][3]

    found = verify(forged(change)).findings
    said = "\n".join(map(str, found))
    for metric in ("bleu", "chrf++", "ter"):
        assert f"value: {metric} of a on de-en" in said
    assert {each.place.partition(",")[0] for each in found} == {"scores.jsonl", "means.jsonl", "differences.jsonl"}
    assert all("of a" in each.what for each in found)


@pytest.mark.slow  # every test of the differences is made anew
def test_a_mended_reference_is_named_too(forged: Forge) -> None:
    def change(members: Members) -> None:
        members["tsv/references/de-en.refA.txt"][3] = members["tsv/system-outputs/de-en/base.txt"][3]

    found = verify(forged(change)).findings
    assert any("identity of base on de-en of tsv" in each.what for each in found)
    assert any(each.what.startswith("value: bleu of base on de-en") for each in found)


@pytest.mark.slow  # every test of the differences is made anew
def test_two_systems_that_change_places_are_named(forged: Forge) -> None:
    def change(members: Members) -> None:
        one, other = (f"tsv/system-outputs/de-en/{name}.txt" for name in ("a", "base"))
        members[one], members[other] = members[other], members[one]

    said = "\n".join(map(str, verify(forged(change)).findings))
    assert "value: bleu of a on de-en" in said and "value: bleu of base on de-en" in said


def test_a_bad_pair_that_is_dropped_is_named(forged: Forge) -> None:
    def change(members: Members) -> None:
        def is_it(text: str) -> bool:
            line = json.loads(text)
            return bool(line["system"] == "a" and line["pair"] == "en-de")

        for name in ("cells.jsonl", "scores.jsonl"):
            members[name] = [text for text in members[name] if not is_it(text)]
        del members["tsv/system-outputs/en-de/a.txt"]

    said = "\n".join(map(str, verify(forged(change)).findings))
    assert "cells.jsonl: a on en-de of tsv is in the plan, and lacks its cell" in said
    assert "done: the mean bleu of a over all on tsv" in said


def test_scores_that_are_left_out_are_named(forged: Forge) -> None:
    def change(members: Members) -> None:
        members["scores.jsonl"] = [
            text for text in members["scores.jsonl"] if '"system": "a", "pair": "en-de", "metric": "bleu"' not in text
        ]

    said = "\n".join(map(str, verify(forged(change)).findings))
    assert "a on en-de of tsv has neither a score of bleu nor a note" in said


def test_a_changed_training_graph_is_named_by_its_partitions(forged: Forge) -> None:
    def change(members: Members) -> None:
        whole = json.loads("\n".join(members["grid.json"]))
        (model,) = (each for each in whole["models"] if each["name"] == "a")
        del model["examples"]["de-en"]
        members["grid.json"] = json.dumps(whole, indent=1).split("\n")

    said = "\n".join(map(str, verify(forged(change)).findings))
    assert "the partition of de-en of tsv under a is not that of its training pairs: seen is claimed" in said
    assert "means.jsonl" in said


def test_the_root_that_was_quoted_decides(bundle_file: Path, forged: Forge) -> None:
    root = verify(bundle_file).root

    def change(members: Members) -> None:
        members["README.md"].append("more")

    path = forged(change)
    assert verify(path).findings == []
    (found,) = verify(path, root=root).findings
    assert (found.place, found.claimed, found.found) == ("SHA256SUMS", verify(path).root, root)


def test_what_cannot_be_computed_here_is_told(bundle_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine with another sacreBLEU."""
    monkeypatch.setattr("sacrebleu.__version__", "2.4.0")
    monkeypatch.setattr("sacrebleu.metrics.base.__version__", "2.4.0", raising=False)
    found = verify(bundle_file)
    assert found.findings == []
    assert {each.metric for each in found.unchecked} == {"bleu", "chrf++", "ter"}
    assert all("sacrebleu==2.6.0" in each.reason for each in found.unchecked if each.signature)


def test_without_the_library_nothing_passes_silently(bundle_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sacrebleu.metrics.bleu", None)
    found = verify(bundle_file)
    assert found.findings == []
    assert {each.metric for each in found.unchecked} == {"bleu"}


def test_resampled_numbers_may_differ_by_rounding_and_no_more() -> None:
    assert verification.EXACT < verification.RESAMPLED < 1e-5


@pytest.mark.parametrize("content", [b"", b"x" * 2000, b"PK\x03\x04" + b"\0" * 2000, b"\0" * 20_480])
def test_what_is_no_bundle_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.tar").write_bytes(content)
    with pytest.raises(StoreError, match=r"export --format bundle"):
        verify(tmp_path / "x.tar")


def test_a_tar_of_others_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("x")
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        archive.add(tmp_path / "x.txt", "../x.txt")
    with pytest.raises(StoreError, match="no bundle"):
        verify(tmp_path / "x.tar")
    assert not (tmp_path.parent / "x.txt").exists()


def test_a_folder_and_a_file_that_is_not_there_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.tar"):
        with pytest.raises(StoreError):
            verify(path)


@pytest.mark.parametrize(
    "line",
    ['{"value": NaN}', '{"value": 1' + "0" * 5000 + "}", "[" * 5000, "{}", "nothing", '{"a": 1, "a": 1}', "\ud800"],
)
def test_hostile_lines_are_findings_or_refused_in_a_sentence(forged: Forge, line: str, tmp_path: Path) -> None:
    def change(members: Members) -> None:
        members["scores.jsonl"][0] = line.encode("utf-8", "replace").decode()

    try:
        found = verify(forged(change)).findings
    except StoreError as error:
        assert "scores.jsonl, line 1" in str(error)
    else:
        assert any(each.place == "scores.jsonl, line 1" for each in found)


def test_hostile_plans_are_refused_in_a_sentence(forged: Forge) -> None:
    """Of millions of cells, with references to nothing, and with numbers that no database takes."""

    def changing(**fields: object) -> Path:
        def change(members: Members) -> None:
            whole = json.loads("\n".join(members["grid.json"]))
            members["grid.json"] = json.dumps(whole | fields, indent=1).split("\n")

        return forged(change)

    with tarfile.open(changing()) as archive:
        whole = json.loads(archive.extractfile("grid.json").read())  # type: ignore[union-attr]
    many = [whole["systems"][0] | {"file": str(number)} for number in range(2000)]
    wide = [
        whole["test_sets"][0] | {"systems": [str(n) for n in range(2000)], "pairs": [f"a{n}-de" for n in range(2000)]}
    ]
    for fields, said in (
        ({"base": "none"}, "the base is not among the models"),
        ({"systems": [whole["systems"][0] | {"model": "none"}]}, "is not there"),
        ({"models": [whole["models"][0] | {"examples": {"de-en": 10**30}}]}, "models"),
        ({"systems": many, "test_sets": wide}, "plans too many cells"),
        ({"format": 99}, "newer Dragoman"),
        ({"languages": [float("nan")]}, "languages"),
    ):
        with pytest.raises(StoreError, match=said):
            verify(changing(**fields))
