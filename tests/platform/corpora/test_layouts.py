"""Every kind of corpus that is read from files, in its layout, packed and unpacked, with whatever files bring along."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dragoman.corpora.factory import open_corpus
from dragoman.errors import CorpusError
from dragoman.pair import Pair
from dragoman.segment import Split
from dragoman.spec.corpus import CorpusChoice

Write = Callable[[str, str | bytes], Path]

DE_EN = Pair("de", "en")
LINES = [("Eins.", "One."), ("", ""), ("Ein Satz mit\tTabulator.", "A sentence with a tab in it."), ("Drei.", "Three.")]
SEGMENTS = [line for line in LINES if line[0]]
SIDES = {
    "flores101": ("devtest/deu.devtest", "devtest/eng.devtest", Split.TEST),
    "flores200": ("devtest/deu_Latn.devtest", "devtest/eng_Latn.devtest", Split.TEST),
    "opus-moses": ("Books.de-en.de", "Books.de-en.en", Split.TRAIN),
    "opus100": ("supervised/de-en/opus.de-en-train.de", "supervised/de-en/opus.de-en-train.en", Split.TRAIN),
}
"""Kinds of two files a pair, and the split these are of."""
ROWS: dict[str, tuple[str, str, Callable[[str, str], str]]] = {
    "wikimatrix": ("WikiMatrix.de-en.tsv", "", lambda one, other: f"1.1\t{one}\t{other}"),
    "tsv": ("de-en.tsv", "{source}-{target}.tsv", lambda one, other: f"{one}\t{other}"),
    "jsonl": ("de-en.jsonl", "{source}-{target}.jsonl", lambda one, other: json.dumps({"de": one, "en": other})),
}
"""Kinds of one file a pair: its name, what the option `path` says of it, and a line."""
PACKED = [(kind, packing) for kind in (*SIDES, *ROWS) for packing in ("", ".gz", ".zip")]


def text(lines: list[str], line_break: str = "\r\n") -> str:
    """A file as Windows leaves it: with a byte-order mark."""
    return "\ufeff" + "".join(f"{line}{line_break}" for line in lines)


def put(write: Write, folder: Path, kind: str, packing: str, lines: list[tuple[str, str]] = LINES) -> dict[str, str]:
    """Write a corpus of a kind; returns its options."""
    inside, suffix = ("all.zip/", "") if packing == ".zip" else ("", packing)
    path = str(folder / "all.zip") if inside else str(folder)
    if kind in SIDES:
        one, other, _ = SIDES[kind]
        for name, side in ((one, 0), (other, 1)):
            write(f"{inside}{name}{suffix}", text([line[side] for line in lines]))
        return {"path": path}
    name, pattern, row = ROWS[kind]
    write(f"{inside}{name}{suffix}", text([row(*line) if line[0] else "" for line in lines]))
    return {"path": f"{path}/{pattern}{suffix}" if pattern else path}


@pytest.mark.parametrize(("kind", "packing"), PACKED)
def test_a_mark_windows_line_breaks_empty_lines_and_tabs_in_every_kind(
    write: Write, tmp_path: Path, kind: str, packing: str
) -> None:
    corpus = open_corpus(kind, put(write, tmp_path, kind, packing))
    split = SIDES[kind][2] if kind in SIDES else Split.TRAIN
    assert list(corpus.segments(DE_EN, split)) == SEGMENTS
    assert list(corpus.segments(DE_EN.reverse, split)) == [(other, one) for one, other in SEGMENTS]


@pytest.mark.parametrize("kind", SIDES)
def test_unequal_sides_name_file_and_line(write: Write, tmp_path: Path, kind: str) -> None:
    options = put(write, tmp_path, kind, "")
    one, other, split = SIDES[kind]
    with (tmp_path / other).open("a") as file:
        file.write("One more.\r\n")
    with pytest.raises(CorpusError, match=rf"{one} ends after line 4 but .*{other} goes on with line 5"):
        list(open_corpus(kind, options).segments(DE_EN, split))


@pytest.mark.parametrize("kind", [*SIDES, *ROWS])
def test_a_file_cut_in_the_middle_of_a_line_is_named_with_the_line(write: Write, tmp_path: Path, kind: str) -> None:
    options = put(write, tmp_path, kind, "")
    name = SIDES[kind][0] if kind in SIDES else ROWS[kind][0]
    path, split = tmp_path / name, SIDES[kind][2] if kind in SIDES else Split.TRAIN
    path.write_bytes(path.read_bytes()[:-6])
    with pytest.raises(CorpusError, match=rf"{name}, line 4"):
        list(open_corpus(kind, options).segments(DE_EN, split))


@pytest.mark.parametrize("kind", [*SIDES, *ROWS])
def test_a_packed_file_cut_off_is_named_with_the_line(write: Write, tmp_path: Path, kind: str) -> None:
    lines = [(f"Satz {number}.", f"Sentence {number}.") for number in range(200)]
    options = put(write, tmp_path, kind, ".gz", lines)
    name = f"{SIDES[kind][0] if kind in SIDES else ROWS[kind][0]}.gz"
    path, split = tmp_path / name, SIDES[kind][2] if kind in SIDES else Split.TRAIN
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(CorpusError, match=rf"{name}, line \d+"):
        list(open_corpus(kind, options).segments(DE_EN, split))


@pytest.mark.parametrize(("kind", "packing"), PACKED)
def test_what_macos_leaves_in_folders_and_archives_is_left_aside(
    write: Write, tmp_path: Path, kind: str, packing: str
) -> None:
    """AppleDouble files (RFC 1740) as `ditto` and Finder write them beside files and into zips."""
    options = put(write, tmp_path, kind, packing)
    before = open_corpus(kind, options).revision
    inside, suffix = ("all.zip/", "") if packing == ".zip" else ("", packing)
    for name in SIDES[kind][:2] if kind in SIDES else ROWS[kind][:1]:
        folder, _, last = name.rpartition("/")
        double = f"{folder}/._{last}" if folder else f"._{last}"
        for path in (double, f"__MACOSX/{double}", f"__MACOSX/{name}", f".cache/{name}", ".DS_Store"):
            if path != ".DS_Store" or name == (SIDES[kind] if kind in SIDES else ROWS[kind])[0]:
                write(f"{inside}{path}{suffix}", b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X\xb0")
    corpus = open_corpus(kind, options)
    assert list(corpus.segments(DE_EN, SIDES[kind][2] if kind in SIDES else Split.TRAIN)) == SEGMENTS
    if not packing:
        assert corpus.revision == before


@pytest.mark.parametrize("kind", [*SIDES, *ROWS])
def test_a_byte_order_mark_at_the_beginning_of_any_line_is_removed(write: Write, tmp_path: Path, kind: str) -> None:
    """Files put together with `cat`; in the middle of a file the mark is to be ignored (Unicode FAQ on UTF-8)."""
    options = put(write, tmp_path, kind, "")
    for path in (path for path in tmp_path.rglob("*") if path.is_file()):
        path.write_bytes(path.read_bytes() * 2)
    corpus = open_corpus(kind, options)
    assert list(corpus.segments(DE_EN, SIDES[kind][2] if kind in SIDES else Split.TRAIN)) == SEGMENTS * 2


@pytest.mark.parametrize(("kind", "packing"), PACKED)
@pytest.mark.parametrize("lines", [[], [("", "")] * 3])
def test_a_pair_whose_files_hold_no_sentence_is_missing(
    write: Write, tmp_path: Path, kind: str, packing: str, lines: list[tuple[str, str]]
) -> None:
    corpus = open_corpus(kind, put(write, tmp_path, kind, packing, lines))
    split = SIDES[kind][2] if kind in SIDES else Split.TRAIN
    for pair in (DE_EN, DE_EN.reverse):
        assert f"has no sentence of {pair}" in corpus.missing([pair], split)[pair]
        with pytest.raises(CorpusError, match=f"There is no {split} text of {pair}: .* has no sentence of {pair}"):
            list(corpus.segments(pair, split))


@pytest.mark.parametrize("kind", SIDES)
def test_a_pair_with_an_empty_side_is_missing_and_damage_is_not(write: Write, tmp_path: Path, kind: str) -> None:
    options = put(write, tmp_path, kind, "")
    one, _, split = SIDES[kind]
    (tmp_path / one).write_bytes(b"")
    corpus = open_corpus(kind, options)
    assert corpus.missing([DE_EN], split) == {DE_EN: f"{tmp_path}/{one} has no sentence of de-en"}
    (tmp_path / one).write_bytes(b"\xff\n")
    corpus = open_corpus(kind, options)
    assert corpus.missing([DE_EN], split) == {}
    with pytest.raises(CorpusError, match=f"{one}, line 1, is not UTF-8"):
        list(corpus.segments(DE_EN, split))


@pytest.mark.parametrize("kind", [*SIDES, *ROWS])
@pytest.mark.parametrize("form", [".", "./", "../here", "../here/", "./.", "~/here", "{}/", "{}/../here"])
def test_a_path_may_be_written_in_any_way(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, form: str
) -> None:
    folder = tmp_path / "here"
    pattern = Path(put(lambda name, data: write(f"here/{name}", data), folder, kind, "")["path"]).name
    form = form.format(folder)
    path = f"{form.rstrip('/')}/{pattern}" if "{" in pattern else form
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(tmp_path))
    for place in (folder, tmp_path / "elsewhere"):  # beside the spec, and from the current folder
        choice = CorpusChoice(kind=kind, options={"path": path}).found_in([place, Path()])
        corpus = open_corpus(kind, choice.placed)
        assert list(corpus.segments(DE_EN, SIDES[kind][2] if kind in SIDES else Split.TRAIN)) == SEGMENTS


def test_a_name_that_is_not_utf8_is_refused_where_it_is_read(tmp_path: Path) -> None:
    for side, text in (("de", "Eins.\n"), ("en", "One.\n")):
        (tmp_path / os.fsdecode(b"caf\xe9.de-en." + side.encode())).write_text(text)
    with pytest.raises(CorpusError, match=r"caf\\udce9.de-en.de has a name that is not UTF-8: rename the file"):
        list(open_corpus("opus-moses", {"path": str(tmp_path)}).segments(DE_EN, Split.TRAIN))
    with pytest.raises(CorpusError, match=r"it holds caf\\udce9.de-en.de, .* but no file such as"):
        open_corpus("flores200", {"path": str(tmp_path)})
