import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from dragoman.corpora.factory import open_corpus
from dragoman.errors import CorpusError
from dragoman.pair import Pair
from dragoman.segment import Segment, Split

Write = Callable[[str, str | bytes], Path]

DE_EN = Pair("de", "en")
LINES = "1.20\tEins.\tOne.\n1.05\tZwei.\tTwo.\n1.03\tDrei.\tThree.\n"


def test_one_file_serves_both_directions_from_the_advised_margin_up(write: Write, tmp_path: Path) -> None:
    write("WikiMatrix.de-en.tsv.gz", LINES)
    corpus = open_corpus("wikimatrix", {"path": str(tmp_path)})
    assert list(corpus.segments(DE_EN, Split.TRAIN)) == [("Eins.", "One."), ("Zwei.", "Two.")]
    assert list(corpus.segments(DE_EN.reverse, Split.TRAIN)) == [("One.", "Eins."), ("Two.", "Zwei.")]
    strict, lenient = (open_corpus("wikimatrix", {"path": str(tmp_path), "margin": margin}) for margin in (1.1, 0))
    assert len(list(strict.segments(DE_EN, Split.TRAIN))) == 1
    assert len(list(lenient.segments(DE_EN, Split.TRAIN))) == 3
    assert len({corpus.revision, strict.revision, lenient.revision}) == 3


def test_pairs_without_a_file_are_missing_and_so_are_dev_and_test(write: Write, tmp_path: Path) -> None:
    write("WikiMatrix.de-en.tsv.gz", LINES)
    write("WikiMatrix.en-simple.tsv.gz", LINES)  # "simple" is a Wikipedia, but no language
    write("WikiMatrix.sw-zh.tsv.gz", LINES)
    corpus = open_corpus("wikimatrix", {"path": str(tmp_path)})
    pairs = [DE_EN, DE_EN.reverse, Pair("ko", "sw"), Pair("zh-Hans", "sw")]
    assert corpus.missing(pairs, Split.TRAIN) == {Pair("ko", "sw"): f"{tmp_path} has no WikiMatrix file of ko and sw"}
    assert set(corpus.missing(pairs, Split.TEST)) == set(pairs)
    with pytest.raises(CorpusError, match="There is no train text of ko-sw"):
        next(corpus.segments(Pair("ko", "sw"), Split.TRAIN))


def test_a_mark_line_breaks_empty_lines_and_tabs_in_sentences(write: Write, tmp_path: Path) -> None:
    write(
        "WikiMatrix.de-en.tsv.gz",
        b"\xef\xbb\xbf1.3\tEins.\tOne.\r\n\r\n1.2\t\tNothing.\r\n1.2\tNichts.\t \r\n"
        b"1.1\tEin Satz mit\tTabulator.\tA sentence with a tab in it.\r\n1.1\tEin kurzer Satz.\tA short\tsentence.\r\n",
    )
    corpus = open_corpus("wikimatrix", {"path": str(tmp_path)})
    assert list(corpus.segments(DE_EN, Split.TRAIN)) == [
        ("Eins.", "One."),
        ("Ein Satz mit\tTabulator.", "A sentence with a tab in it."),
        ("Ein kurzer Satz.", "A short\tsentence."),
    ]


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_a_file_cut_off_names_file_and_line(write: Write, tmp_path: Path, suffix: str) -> None:
    lines = "".join(f"1.1\tSatz {number}.\tSentence {number}.\n" for number in range(5000))
    path = write(f"WikiMatrix.de-en.tsv{suffix}", lines)
    path.write_bytes(path.read_bytes()[:-9])
    corpus = open_corpus("wikimatrix", {"path": str(tmp_path)})
    with pytest.raises(CorpusError) as caught:
        list(corpus.segments(DE_EN, Split.TRAIN))
    assert str(path) in str(caught.value)
    assert ", line " in str(caught.value)
    if not suffix:
        assert f"{path}, line 5000: the file ends without a line break" in str(caught.value)


def test_a_line_without_three_columns_names_file_and_line(write: Write, tmp_path: Path) -> None:
    for damaged in ("1.1\tNur eins.", "Ohne\tMargin\tWithout", "1.1"):
        path = write("WikiMatrix.de-en.tsv.gz", f"{LINES}{damaged}\n")
        with pytest.raises(CorpusError, match=f"{path}, line 4, is not 'margin⇥sentence⇥sentence'"):
            list(open_corpus("wikimatrix", {"path": str(tmp_path)}).segments(DE_EN, Split.TRAIN))


def test_a_packed_file_is_whole_without_a_last_line_break(write: Write, tmp_path: Path) -> None:
    path = write("WikiMatrix.de-en.tsv.gz", LINES.rstrip("\n"))
    assert not gzip.decompress(path.read_bytes()).endswith(b"\n")
    corpus = open_corpus("wikimatrix", {"path": str(tmp_path), "margin": 0})
    assert list(corpus.segments(DE_EN, Split.TRAIN))[-1] == Segment("Drei.", "Three.")


def test_a_file_that_is_no_gzip_says_so(write: Write, tmp_path: Path) -> None:
    (tmp_path / "WikiMatrix.de-en.tsv.gz").write_text("<html>404</html>\n")
    with pytest.raises(CorpusError, match=r"de-en.tsv.gz, line 1: the file can't be read \(BadGzipFile"):
        list(open_corpus("wikimatrix", {"path": str(tmp_path)}).segments(DE_EN, Split.TRAIN))


def test_a_folder_that_is_not_there_names_key_value_and_remedy(tmp_path: Path) -> None:
    with pytest.raises(CorpusError) as caught:
        open_corpus("wikimatrix", {"path": "/nowhere/at/all"})
    assert str(caught.value) == (
        "corpus.path is '/nowhere/at/all': there is no such file or folder; "
        "give the folder that holds files such as WikiMatrix.de-en.tsv.gz."
    )
    (tmp_path / "wikimatrix").mkdir()
    with pytest.raises(CorpusError, match="did you mean 'wikimatrix'"):
        open_corpus("wikimatrix", {"path": str(tmp_path / "wikimatrx")})


def test_norwegian_is_bokmal_and_what_stands_in_place_of_a_language_is_named(write: Write, tmp_path: Path) -> None:
    write("WikiMatrix.en-no.tsv.gz", "1.20\tOne.\tEn.\n")
    write("WikiMatrix.en-nds_nl.tsv.gz", LINES)
    corpus = open_corpus("wikimatrix", {"path": str(tmp_path)})
    assert list(corpus.segments(Pair("nb", "en"), Split.TRAIN)) == [("En.", "One.")]
    missing = corpus.missing([Pair("en", "nn"), Pair("en", "nds"), Pair("de", "en")], Split.TRAIN)
    assert "it has nb in place of nn" in missing[Pair("en", "nn")]
    assert "it has nds-NL in place of nds" in missing[Pair("en", "nds")]
    assert "in place of" not in missing[DE_EN]
