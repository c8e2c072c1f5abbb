from collections.abc import Callable
from pathlib import Path

import pytest

from dragoman.corpora.factory import open_corpus
from dragoman.errors import CorpusError
from dragoman.pair import Pair
from dragoman.segment import Segment, Split

Write = Callable[[str, str | bytes], Path]

EN_TR = Pair("en", "tr")


@pytest.mark.parametrize(
    ("folder", "path"),
    [("", ""), ("en-tr.txt.zip/", "en-tr.txt.zip"), ("zips/en-tr.txt.zip/", "zips"), ("a/b/", "")],
    ids=["unpacked", "zip", "folder of zips", "deeper"],
)
def test_moses_files_are_read_unpacked_and_zipped(write: Write, tmp_path: Path, folder: str, path: str) -> None:
    write(f"{folder}WikiMatrix.en-tr.en", "One.\n\nThree.\n")
    write(f"{folder}WikiMatrix.en-tr.tr", "Bir.\nİki.\nÜç.\n")
    write(f"{folder}WikiMatrix.en-tr.ids", "x\ny\nz\n")
    write(f"{folder}README", "About.\n")
    corpus = open_corpus("opus-moses", {"path": str(tmp_path / path)})
    assert list(corpus.segments(EN_TR, Split.TRAIN)) == [("One.", "Bir."), ("Three.", "Üç.")]
    assert next(corpus.segments(EN_TR.reverse, Split.TRAIN)) == Segment("Bir.", "One.")
    assert corpus.revision
    missing = corpus.missing([EN_TR, Pair("en", "fr")], Split.TRAIN)
    assert list(missing) == [Pair("en", "fr")]
    assert corpus.missing([EN_TR], Split.TEST) == {
        EN_TR: f"{tmp_path / path} has train text for it, but no test".replace("/ ", " ")
    }


def test_several_corpora_of_a_pair_follow_one_another(write: Write, tmp_path: Path) -> None:
    for name, text in (("WMT-News", "news"), ("Books.v1", "book")):
        write(f"{name}.en-pt_br.en", f"{text} en\n")
        write(f"{name}.en-pt_br.pt_br", f"{text} pt\n")
    corpus = open_corpus("opus-moses", {"path": str(tmp_path)})
    assert list(corpus.segments(Pair("pt", "en"), Split.TRAIN)) == [("book pt", "book en"), ("news pt", "news en")]


def test_a_split_in_the_name_keeps_test_text_out_of_training(write: Write, tmp_path: Path) -> None:
    for split in ("train", "valid", "test"):
        for side in ("en", "tr"):
            write(f"{split}.en-tr.{side}.gz", f"{split} {side}\n")
    corpus = open_corpus("opus-moses", {"path": str(tmp_path)})
    read = {split: list(corpus.segments(EN_TR, split)) for split in Split}
    assert read == {
        Split.TRAIN: [("train en", "train tr")],
        Split.DEV: [("valid en", "valid tr")],
        Split.TEST: [("test en", "test tr")],
    }


def test_a_side_alone_is_no_bitext(write: Write, tmp_path: Path) -> None:
    write("WikiMatrix.en-tr.en", "One.\n")
    with pytest.raises(CorpusError, match=r"it holds WikiMatrix.en-tr.en, but no two sides such as"):
        open_corpus("opus-moses", {"path": str(tmp_path)})


def test_a_damaged_zip_names_itself(write: Write, tmp_path: Path) -> None:
    path = write("en-tr.txt.zip/WikiMatrix.en-tr.en", "One.\n" * 1000)
    write("en-tr.txt.zip/WikiMatrix.en-tr.tr", "Bir.\n" * 1000)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(CorpusError, match=f"{path} is no zip that can be read"):
        open_corpus("opus-moses", {"path": str(tmp_path)})
    with pytest.raises(CorpusError, match=r"corpus.path is '.*zip': it can't be opened \(BadZipFile"):
        open_corpus("opus-moses", {"path": str(path)})


def test_opus100_has_three_splits_and_zero_shot_pairs_only_test(write: Write, tmp_path: Path) -> None:
    for split in Split:
        for side in ("en", "fr"):
            write(f"v1.0/supervised/en-fr/opus.en-fr-{split}.{side}", f"{split} {side}\n")
    for side in ("ar", "de"):
        write(f"v1.0/zero-shot/ar-de/opus.ar-de-test.{side}", f"test {side}\n")
    corpus = open_corpus("opus100", {"path": str(tmp_path)})
    for split in Split:
        assert list(corpus.segments(Pair("fr", "en"), split)) == [(f"{split} fr", f"{split} en")]
    pairs = [Pair("en", "fr"), Pair("de", "ar"), Pair("de", "fr")]
    assert list(corpus.missing(pairs, Split.TEST)) == [Pair("de", "fr")]
    assert corpus.missing(pairs, Split.TRAIN) == {
        Pair("de", "ar"): f"{tmp_path} has test text for it, but no train",
        Pair("de", "fr"): f"{tmp_path} has no de and fr bitext",
    }


def test_sides_of_unequal_length_in_a_zip_name_file_and_line(write: Write, tmp_path: Path) -> None:
    path = write("en-tr.txt.zip/WikiMatrix.en-tr.en", "One.\nTwo.\nThree.\n")
    write("en-tr.txt.zip/WikiMatrix.en-tr.tr", "Bir.\nİki.\n")
    with pytest.raises(CorpusError) as caught:
        list(open_corpus("opus-moses", {"path": str(path)}).segments(EN_TR, Split.TRAIN))
    assert f"{path}/WikiMatrix.en-tr.tr ends after line 2" in str(caught.value)


def test_a_region_that_tells_nothing_is_the_language_and_text_under_its_own_code_comes_first(
    write: Write, tmp_path: Path
) -> None:
    for code in ("zh_CN", "pt", "pt_BR", "pt_PT", "no"):
        write(f"GNOME.en-{code}.en", f"file {code}\n")
        write(f"GNOME.en-{code}.{code}", f"{code}\n")
    corpus = open_corpus("opus-moses", {"path": str(tmp_path)})
    read = {
        tag: [each.target for each in corpus.segments(Pair("en", tag), Split.TRAIN)] for tag in ("zh-Hans", "pt", "nb")
    }
    assert read == {"zh-Hans": ["zh_CN"], "pt": ["pt"], "nb": ["no"]}
    assert [each.target for each in corpus.segments(Pair("en", "pt-PT"), Split.TRAIN)] == ["pt_PT"]


def test_what_stands_in_place_of_a_language_is_named(write: Write, tmp_path: Path) -> None:
    for code in ("en", "pt_PT"):
        write(f"Subs.en-pt_PT.{code}", "a\n")
    corpus = open_corpus("opus-moses", {"path": str(tmp_path)})
    reasons = corpus.missing([Pair("en", "pt"), Pair("pt", "en"), Pair("en", "de")], Split.TRAIN)
    assert "it has pt-PT in place of pt: write that in the spec" in reasons[Pair("en", "pt")]
    assert "it has pt-PT in place of pt" in reasons[Pair("pt", "en")]
    assert "in place of" not in reasons[Pair("en", "de")]
