"""Every kind of corpus that is read from files, in its layout, packed and unpacked, with whatever files bring along."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dragoman.corpora.factory import open_corpus
from dragoman.errors import CorpusError
from dragoman.pair import Pair
from dragoman.segment import Split

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
