from collections.abc import Callable
from pathlib import Path

import pytest

from dragoman.corpora.base import Corpus
from dragoman.corpora.factory import open_corpus
from dragoman.errors import CorpusError
from dragoman.pair import Pair, all_pairs
from dragoman.segment import Segment, Split

Write = Callable[[str, str | bytes], Path]

DE_EN = Pair("de", "en")


def flores101(write: Write, root: Path) -> Corpus:
    for folder in ("dev", "devtest"):
        write(f"{folder}/eng.{folder}", f"The first {folder}.\nThe second.\n")
        write(f"{folder}/deu.{folder}", f"Der erste {folder}.\nDer zweite.\n")
        write(f"{folder}/zho_simpl.{folder}", "一。\n二。\n")
        write(f"{folder}/zho_trad.{folder}", "壹。\n貳。\n")
    write("metadata_dev.tsv", "URL\tdomain\n")
    return open_corpus("flores101", {"path": str(root)})


def test_flores101_aligns_the_lines_of_any_two_languages(write: Write, tmp_path: Path) -> None:
    corpus = flores101(write, tmp_path)
    assert list(corpus.segments(DE_EN, Split.TEST)) == [
        ("Der erste devtest.", "The first devtest."),
        ("Der zweite.", "The second."),
    ]
    assert next(corpus.segments(DE_EN.reverse, Split.DEV)) == Segment("The first dev.", "Der erste dev.")
    assert [segment.target for segment in corpus.segments(Pair("de", "zh-Hant"), Split.TEST)] == ["壹。", "貳。"]
    assert [segment.target for segment in corpus.segments(Pair("de", "zh-Hans"), Split.TEST)] == ["一。", "二。"]


def test_flores_has_no_training_text_and_only_the_languages_of_its_folder(write: Write, tmp_path: Path) -> None:
    corpus = flores101(write, tmp_path)
    pairs = [DE_EN, Pair("de", "fr"), Pair("sw", "fr")]
    assert corpus.missing(pairs, Split.TEST) == {
        Pair("de", "fr"): f"{tmp_path} has no devtest file for fr",
        Pair("sw", "fr"): f"{tmp_path} has no devtest file for sw and fr",
    }
    assert set(corpus.missing(pairs, Split.TRAIN)) == set(pairs)
    with pytest.raises(CorpusError, match=r"There is no test text of de-fr: .* has no devtest file for fr"):
        next(corpus.segments(Pair("de", "fr"), Split.TEST))


def test_flores200_codes_become_tags_that_stay_apart(write: Write, tmp_path: Path) -> None:
    codes = ["eng_Latn", "zho_Hans", "zho_Hant", "arb_Arab", "arb_Latn", "aka_Latn", "twi_Latn", "srp_Cyrl", "swh_Latn"]
    for code in codes:
        write(f"flores200_dataset/devtest/{code}.devtest", f"{code}\n")
    corpus = open_corpus("flores200", {"path": str(tmp_path)})
    tags = ["en", "zh-Hans", "zh-Hant", "ar", "ar-Latn", "ak", "sr-Cyrl", "sw"]
    assert corpus.missing(all_pairs(tags), Split.TEST) == {}
    read = {tag: next(corpus.segments(Pair("en", tag), Split.TEST)).target for tag in tags[1:]}
    assert read == dict(zip(tags[1:], [code for code in codes[1:] if code != "twi_Latn"], strict=True))


def test_a_byte_order_mark_windows_line_breaks_tabs_and_odd_separators_do_no_harm(write: Write, tmp_path: Path) -> None:
    write("dev/eng.dev", b"\xef\xbb\xbfOne.\r\n  Two\ttabs. \r\nA\x0bB\xe2\x80\xa8C\x1dD\r\n")
    write("dev/deu.dev", "Eins.\nZwei\tTabs.\nX\n")
    corpus = open_corpus("flores101", {"path": str(tmp_path)})
    # vertical tab, U+2028 and the group separator end no line, whatever str.splitlines thinks
    assert list(corpus.segments(Pair("en", "de"), Split.DEV)) == [
        ("One.", "Eins."),
        ("Two\ttabs.", "Zwei\tTabs."),
        ("A\x0bB\u2028C\x1dD", "X"),
    ]


def test_empty_lines_are_left_out_in_step(write: Write, tmp_path: Path) -> None:
    write("dev/eng.dev", "One.\n\nThree.\n \nFive.\n\n\n")
    write("dev/deu.dev", "Eins.\nZwei.\n\n\t\nFünf.\n")
    corpus = open_corpus("flores101", {"path": str(tmp_path)})
    assert list(corpus.segments(DE_EN, Split.DEV)) == [("Eins.", "One."), ("Fünf.", "Five.")]


@pytest.mark.parametrize("cut", [len("Der erste.\nDer zw"), len("Der erste.\n")])
def test_sides_of_unequal_length_name_file_and_line(write: Write, tmp_path: Path, cut: int) -> None:
    write("dev/eng.dev", "One.\nTwo.\nThree.\nFour.\n")
    german = write("dev/deu.dev", b"Der erste.\nDer zweite.\n"[:cut])
    corpus = open_corpus("flores101", {"path": str(tmp_path)})
    lines = german.read_text().count("\n") + (not german.read_text().endswith("\n"))
    for read in (lambda: list(corpus.segments(DE_EN, Split.DEV)), lambda: corpus.content(DE_EN, Split.DEV, 1)):
        with pytest.raises(CorpusError) as caught:
            read()
        assert f"{german} ends after line {lines} but {tmp_path}/dev/eng.dev goes on with line {lines + 1}" in str(
            caught.value
        )


def test_a_side_cut_off_in_its_last_line_names_file_and_line(write: Write, tmp_path: Path) -> None:
    write("dev/eng.dev", "One.\nTwo.\n")
    german = write("dev/deu.dev", "Eins.\nZw")
    with pytest.raises(CorpusError, match=f"{german}, line 2: the file ends in the middle of its last line"):
        list(open_corpus("flores101", {"path": str(tmp_path)}).segments(DE_EN, Split.DEV))


def test_text_that_is_not_utf8_names_file_and_line(write: Write, tmp_path: Path) -> None:
    write("dev/eng.dev", "One.\nTwo.\n")
    german = write("dev/deu.dev", "Eins.\nFünf.\n".encode("latin-1"))
    with pytest.raises(CorpusError, match=f"{german}, line 2, is not UTF-8 text"):
        list(open_corpus("flores101", {"path": str(tmp_path)}).segments(DE_EN, Split.DEV))


def test_content_follows_the_text_of_the_pair_and_nothing_else(write: Write, tmp_path: Path) -> None:
    corpus = flores101(write, tmp_path)
    before = {count: corpus.content(DE_EN, Split.TEST, count) for count in (None, 1, 2)}
    assert before[None] == before[2] != before[1]
    assert corpus.content(DE_EN.reverse, Split.TEST, None) != before[None]
    assert corpus.content(DE_EN, Split.DEV, None) != before[None]
    write("devtest/fra.devtest", "Un.\nDeux.\n")
    write("devtest/deu.devtest", "Der erste devtest.\nDer ZWEITE.\n")
    after = open_corpus("flores101", {"path": str(tmp_path)})
    assert after.revision != corpus.revision
    assert after.content(DE_EN, Split.TEST, 1) == before[1]
    assert after.content(DE_EN, Split.TEST, None) != before[None]


def test_the_revision_is_the_same_wherever_the_folder_stands(write: Write, tmp_path: Path) -> None:
    for place in ("here", "there"):
        write(f"{place}/dev/eng.dev", "One.\n")
        write(f"{place}/dev/deu.dev", "Eins.\n")
    here, there = (open_corpus("flores101", {"path": str(tmp_path / place)}) for place in ("here", "there"))
    assert here.revision == there.revision


def test_a_folder_of_the_other_release_is_not_taken_for_this_one(write: Write, tmp_path: Path) -> None:
    flores101(write, tmp_path)
    with pytest.raises(
        CorpusError, match=r"corpus.path is '.*': it holds dev/deu.dev, .* but no file such as dev/eng_Latn.dev"
    ):
        open_corpus("flores200", {"path": str(tmp_path)})


def test_codes_of_flores_200_are_read_as_the_languages_they_are(write: Write, tmp_path: Path) -> None:
    for code in ("kor_Hang", "nob_Latn", "tgl_Latn", "pbt_Arab", "azb_Arab", "crh_Latn"):
        write(f"dev/{code}.dev", f"{code}\n")
    corpus = open_corpus("flores200", {"path": str(tmp_path)})
    found = {tag: next(corpus.segments(Pair(tag, "ko"), Split.DEV)).source for tag in ("nb", "fil", "ps", "azb")}
    assert found == {"nb": "nob_Latn", "fil": "tgl_Latn", "ps": "pbt_Arab", "azb": "azb_Arab"}
    reason = corpus.missing([Pair("crh", "nn")], Split.DEV)[Pair("crh", "nn")]
    assert "no dev file for crh and nn; it has crh-Latn in place of crh and nb in place of nn: write that" in reason
