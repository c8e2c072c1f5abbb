import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dragoman.corpora.base import Corpus
from dragoman.corpora.factory import open_corpus
from dragoman.errors import CorpusError
from dragoman.pair import Pair, all_pairs
from dragoman.segment import Segment, Split

Write = Callable[[str, str | bytes], Path]

DE_EN = Pair("de", "en")
ONE = Segment("Eins.", "One.")


def jsonl(*records: dict[str, Any]) -> str:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def read(corpus: Corpus, pair: Pair = DE_EN, split: Split = Split.TRAIN) -> list[Segment]:
    return list(corpus.segments(pair, split))


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst", ".bz2"])
def test_one_file_a_pair_and_split(write: Write, tmp_path: Path, suffix: str) -> None:
    write(f"data/train.deu_Latn-eng_Latn.tsv{suffix}", "Eins.\tOne.\n")
    write(f"data/test.deu_Latn-eng_Latn.tsv{suffix}", "Zwei.\tTwo.\n")
    write(f"data/notes.tsv{suffix}", "x\ty\n")
    corpus = open_corpus("tsv", {"path": f"{tmp_path}/data/{{split}}.{{source}}-{{target}}.tsv{suffix}"})
    assert read(corpus) == [ONE]
    assert read(corpus, DE_EN.reverse, Split.TEST) == [("Two.", "Zwei.")]
    assert list(corpus.missing([DE_EN, Pair("de", "fr")], Split.TRAIN)) == [Pair("de", "fr")]
    assert "no file named like dev.{source}-{target}.tsv" in corpus.missing([DE_EN], Split.DEV)[DE_EN]


def test_a_file_of_its_own_direction_comes_before_the_reverse(write: Write, tmp_path: Path) -> None:
    write("de-en.tsv", "Eins.\tOne.\n")
    write("en-de.tsv", "Two.\tZwei.\n")
    corpus = open_corpus("tsv", {"path": f"{tmp_path}/{{source}}-{{target}}.tsv"})
    assert read(corpus) == [ONE]
    assert read(corpus, DE_EN.reverse) == [("Two.", "Zwei.")]


def test_tags_with_hyphens_in_file_names(write: Write, tmp_path: Path) -> None:
    write("zh-Hans-en.tsv", "一。\tOne.\n")
    write("en/sr-Latn/x.tsv", "One.\tJedan.\n")
    together = open_corpus("tsv", {"path": f"{tmp_path}/{{source}}-{{target}}.tsv"})
    apart = open_corpus("tsv", {"path": f"{tmp_path}/{{source}}/{{target}}/x.tsv"})
    assert read(together, Pair("zh-Hans", "en")) == [("一。", "One.")]
    assert read(apart, Pair("sr-Latn", "en")) == [("Jedan.", "One.")]


def test_one_file_with_a_column_a_language(write: Write, tmp_path: Path) -> None:
    path = write("all.tsv", "id\tdeu_Latn\tEnglish\tfr\n1\tEins.\tOne.\tUn.\n2\tZwei.\t\tDeux.\n")
    corpus = open_corpus("tsv", {"path": str(path)})
    assert corpus.missing(all_pairs(["de", "en", "fr"]), Split.TRAIN) == {}
    assert read(corpus) == [ONE]
    assert read(corpus, Pair("fr", "de")) == [("Un.", "Eins."), ("Deux.", "Zwei.")]
    missing = corpus.missing([Pair("de", "sw"), Pair("ta", "sw")], Split.TRAIN)
    assert [reason.partition(", only of ")[0] for reason in missing.values()] == [
        f"{path} has no column of sw",
        f"{path} has no column of ta and sw",
    ]


def test_a_column_map_by_name_and_by_number(write: Write, tmp_path: Path) -> None:
    path = write("named.tsv", "quelle\tnotiz\tziel\nEins.\tx\tOne.\n")
    assert read(open_corpus("tsv", {"path": str(path), "columns": {"German": "quelle", "eng": "ziel"}})) == [ONE]
    path = write("numbered.csv", "Eins.,x,One.\n")
    options = {"path": str(path), "columns": {"de": 0, "en": 2}, "delimiter": ","}
    assert read(open_corpus("tsv", options)) == [ONE]
    pattern = f"{tmp_path}/{{source}}-{{target}}.tsv"
    write("en-de.tsv", "ziel\tquelle\nOne.\tEins.\n")
    assert read(open_corpus("tsv", {"path": pattern, "columns": {"source": "ziel", "target": "quelle"}})) == [ONE]


def test_rows_that_name_their_languages(write: Write, tmp_path: Path) -> None:
    rows = "lang_from\tlang_to\ta\tb\ndeu\teng\tEins.\tOne.\nfr\tde\tDeux.\tZwei.\nxx?\tde\tq\tq\n"
    path = write("long.tsv", rows)
    columns = {"source": "a", "target": "b", "source_language": "lang_from", "target_language": "lang_to"}
    corpus = open_corpus("tsv", {"path": str(path), "columns": columns})
    assert read(corpus) == [ONE]
    assert read(corpus, Pair("de", "fr")) == [("Zwei.", "Deux.")]
    assert corpus.missing([DE_EN, Pair("en", "fr")], Split.TRAIN) == {Pair("en", "fr"): f"{path} has no row of en-fr"}


@pytest.mark.parametrize("header", ["source\ttarget\n", "src\tTGT\n", "de\ten\n"])
def test_a_first_line_that_names_sides_or_languages_is_no_segment(write: Write, tmp_path: Path, header: str) -> None:
    write("de-en.tsv", f"{header}Eins.\tOne.\n")
    corpus = open_corpus("tsv", {"path": f"{tmp_path}/{{source}}-{{target}}.tsv"})
    assert read(corpus) == [ONE]
    kept = open_corpus("tsv", {"path": f"{tmp_path}/{{source}}-{{target}}.tsv", "header": False})
    assert len(read(kept)) == 2


def test_quoted_columns_may_hold_tabs_line_breaks_and_quotes(write: Write, tmp_path: Path) -> None:
    path = write("q.tsv", 'de\ten\n"Er sagte ""ja""."\t"He\tsaid\nyes."\nEins.\tOne.\n')
    corpus = open_corpus("tsv", {"path": str(path), "quoted": True})
    assert read(corpus) == [('Er sagte "ja".', "He\tsaid yes."), ONE]
    plain = write("plain.tsv", 'de\ten\n"Eins.\t"One.\n')
    assert read(open_corpus("tsv", {"path": str(plain)})) == [('"Eins.', '"One.')]
    with pytest.raises(CorpusError, match=f"{plain}, line 2: .* double quote is left open"):
        read(open_corpus("tsv", {"path": str(plain), "quoted": True}))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_carriage_return_within_a_quoted_line_is_a_character(write: Write, end: str) -> None:
    # RFC 4180 ends a record with CRLF, and wc -l counts \n alone: a CR by itself ends nothing.
    path = write("train.csv", end.join(["de,en", "ein\rs,one", '"zwei\r","t\rwo"', ""]))
    corpus = open_corpus("tsv", {"path": str(path), "quoted": True, "delimiter": ","})
    assert read(corpus) == [("ein\rs", "one"), ("zwei", "t\rwo")]


def test_a_byte_order_mark_before_a_sentence_is_no_part_of_it(write: Write) -> None:
    # https://unicode.org/faq/utf_bom.html: files that were joined have one in the middle, where it is to be ignored.
    path = write("train.jsonl", jsonl({"de": "\ufeffEins.", "en": "One."}, {"de": "\ufeff", "en": "Two."}))
    assert read(open_corpus("jsonl", {"path": str(path)})) == [ONE]
    nothing = write("nothing.jsonl", jsonl({"de": "\ufeff", "en": "Two."}))
    reasons = open_corpus("jsonl", {"path": str(nothing)}).missing([DE_EN], Split.TRAIN)
    assert reasons == {DE_EN: f"{nothing} has no sentence of de-en"}


def test_a_tab_inside_one_of_two_neighbouring_sentences(write: Write, tmp_path: Path) -> None:
    path = write("t.tsv", "de\ten\nEin kurzer\tSatz hier.\tA short sentence.\r\n\r\nEins.\tOne.\r\n")
    assert read(open_corpus("tsv", {"path": str(path)})) == [("Ein kurzer\tSatz hier.", "A short sentence."), ONE]
    apart = write("apart.tsv", "de\tx\ten\nEin\tSatz.\tx\tA sentence.\n")
    with pytest.raises(CorpusError, match=f"{apart}, line 2, has 4 columns where the first has 3"):
        read(open_corpus("tsv", {"path": str(apart)}))


def test_a_tsv_cut_off_names_file_and_line(write: Write, tmp_path: Path) -> None:
    path = write("cut.tsv", "de\ten\nEins.\tOne.\nZwei.\tTw")
    with pytest.raises(CorpusError, match=f"{path}, line 3: the file ends without a line break"):
        read(open_corpus("tsv", {"path": str(path)}))
    path = write("short.tsv", "de\ten\nEins.\tOne.\nZw")
    with pytest.raises(CorpusError, match=f"{path}, line 3, has 1 columns where the first has 2"):
        read(open_corpus("tsv", {"path": str(path)}))


@pytest.mark.parametrize(
    "record",
    [
        {"de": "Eins.", "en": "One.", "id": 7},
        {"translation": {"de": "Eins.", "en": "One."}},
        {"id": "x", "deu_Latn": "Eins.", "eng_Latn": "One."},
    ],
)
def test_json_lines_with_a_key_a_language(write: Write, tmp_path: Path, record: dict[str, Any]) -> None:
    path = write("data.jsonl", "\ufeff" + jsonl(record) + "\r\n" + jsonl(dict.fromkeys(record)))
    corpus = open_corpus("jsonl", {"path": {"test": str(path)}})
    assert read(corpus, split=Split.TEST) == [ONE]
    assert corpus.missing([DE_EN], Split.TRAIN) == {DE_EN: "corpus.path names no train file, only test"}


def test_json_lines_a_pair_with_mapped_keys(write: Write, tmp_path: Path) -> None:
    write("de-en.jsonl.gz", jsonl({"in": {"text": "Eins."}, "out": "One."}))
    options = {"path": f"{tmp_path}/{{source}}-{{target}}.jsonl.gz", "columns": {"source": "in.text", "target": "out"}}
    assert read(open_corpus("jsonl", options), DE_EN.reverse) == [("One.", "Eins.")]


def test_damaged_json_lines_name_file_and_line(write: Write, tmp_path: Path) -> None:
    good = jsonl({"de": "Eins.", "en": "One."})
    for damage, problem in (
        ('{"de": "Zw', "is not JSON"),
        ("[1]\n", "is no JSON object"),
        ('{"de": 1, "en": "x"}\n', "no text"),
    ):
        path = write("data.jsonl", good + damage)
        with pytest.raises(CorpusError, match=f"{path}, line 2.* {problem}"):
            read(open_corpus("jsonl", {"path": str(path)}))


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (
            {"path": "{root}/d.tsv"},
            r"corpus.path is '.*/d.tsv': there is no such file or folder; did you mean 'de.tsv'",
        ),
        ({"path": "{root}"}, "it is a folder; write how its files are named, such as .*{source}-{target}.tsv"),
        ({"path": "{root}/{source}.{target}.tsv"}, "but no file named like {source}.{target}.tsv"),
        (
            {"path": "{root}/de.tsv", "columns": {"de": 0}},
            "corpus.columns is .*: needs the columns of two languages at least",
        ),
        (
            {"path": "{root}/de.tsv", "columns": {"de": 0, "sorce": 1}},
            "'sorce', which is no language; did you mean 'source'",
        ),
        ({"path": "{root}/de.tsv", "columns": {"source": 0}}, "needs both source and target"),
        (
            {"path": "{root}/de.tsv", "columns": {"source": 0, "target": 1, "de": 2}},
            "mixes languages with source, target",
        ),
        ({"path": "{root}/de.tsv", "colums": {}}, "has no option 'colums'; did you mean 'columns'"),
        ({}, "corpus.path is missing"),
    ],
)
def test_options_that_cannot_be_meant(write: Write, tmp_path: Path, options: dict[str, Any], problem: str) -> None:
    write("de.tsv", "de\ten\n")
    write("fr.tsv", "fr\ten\n")
    if "path" in options:
        options = {**options, "path": options["path"].replace("{root}", str(tmp_path))}
    with pytest.raises(CorpusError, match=problem.replace("{", r"\{")):
        open_corpus("tsv", options)


def test_columns_that_are_not_there_or_tell_nothing(write: Write, tmp_path: Path) -> None:
    path = write("x.tsv", "german\tenglsh\nEins.\tOne.\n")
    with pytest.raises(CorpusError, match=r"corpus.columns names 'english', but .*; did you mean 'englsh'"):
        read(open_corpus("tsv", {"path": str(path), "columns": {"de": "german", "en": "english"}}))
    with pytest.raises(CorpusError, match=r"corpus.columns does not tell the languages of .* \{de: 0, en: 1\}"):
        read(open_corpus("tsv", {"path": str(path), "header": False}))
    path = write("x.jsonl", jsonl({"frage": "Eins.", "antwort": "One."}))
    with pytest.raises(CorpusError, match=r"corpus.columns is missing: .* such as \{source: frage, target: antwort\}"):
        read(open_corpus("jsonl", {"path": str(path)}))


@pytest.mark.parametrize("kind", ["tsv", "jsonl"])
def test_a_line_break_in_a_sentence_is_a_space_and_is_counted(write: Write, kind: str) -> None:
    """FLORES+ is released with line breaks in sentences, which are read as spaces too."""
    rows = [
        ("Guten\r\nMorgen.\n", "Good\nmorning."),
        ONE,
        ("Zwei.\u2028Drei.", "Two.\x85Three.\x0b4"),
        ("Vier.", "F\nour."),
    ]
    if kind == "tsv":
        path = write("x.tsv", "de\ten\n" + "".join(f'"{de}"\t"{en}"\n' for de, en in rows))
    else:
        path = write("x.jsonl", jsonl(*({"de": de, "en": en} for de, en in rows)))
    corpus = open_corpus(kind, {"path": str(path), **({"quoted": True} if kind == "tsv" else {})})
    expected = [
        ("Guten Morgen.", "Good morning."),
        ONE,
        ("Zwei.\u2028Drei.", "Two.\x85Three.\x0b4"),
        ("Vier.", "F our."),
    ]
    for _ in range(2):  # however often they are read
        assert read(corpus) == expected
        assert next(iter(corpus.together([DE_EN, DE_EN.reverse], Split.TRAIN)))[1] == expected
    assert [corpus.line_breaks(DE_EN, Split.TRAIN, sentences) for sentences in (None, 3, 0)] == [2, 1, 0]
    assert corpus.line_breaks(DE_EN.reverse, Split.TRAIN, None) == 2
    assert corpus.line_breaks(DE_EN, Split.TEST, None) == 0


def test_half_a_character_names_file_and_line(write: Write) -> None:
    """A lone surrogate is valid JSON (RFC 8259, section 8.2) and has no UTF-8; the two halves of a pair are one."""
    path = write("x.jsonl", '{"de": "Eins. \\ud83d\\ude00", "en": "One."}\n{"de": "Zwei \\uD83D", "en": "Two."}\n')
    with pytest.raises(CorpusError, match=rf"{path}, line 2: 'de' holds half a character \(\\ud83d\); mend the line"):
        read(open_corpus("jsonl", {"path": str(path)}))
    write("x.jsonl", '{"de": "Eins. \\ud83d\\ude00", "en": "One.", "note": "\\ud83d"}\n')
    assert read(open_corpus("jsonl", {"path": str(path)})) == [("Eins. 😀", "One.")]


def test_a_word_list_whose_first_words_are_codes_has_no_header(write: Write, tmp_path: Path) -> None:
    """`the` (Chitwania Tharu) and `der` (Deori) are ISO 639-3 codes, as many of the shortest words are."""
    write("en-de.tsv", "the\tder\nof\tvon\n")
    corpus = open_corpus("tsv", {"path": f"{tmp_path}/{{source}}-{{target}}.tsv"})
    assert read(corpus, DE_EN.reverse) == [("the", "der"), ("of", "von")]
    write("en-de.tsv", "id\teng_Latn\tdeu_Latn\n1\tOne.\tEins.\n")
    assert read(open_corpus("tsv", {"path": f"{tmp_path}/{{source}}-{{target}}.tsv"})) == [ONE]


def test_two_columns_of_a_language_are_refused_where_it_is_asked_for(write: Write, tmp_path: Path) -> None:
    path = write("x.tsv", "en\teng\tde\tfr\nOne.\tXOne.\tEins.\tUn.\n")
    corpus = open_corpus("tsv", {"path": str(path)})
    with pytest.raises(
        CorpusError, match=r"x.tsv has 2 columns of en \(en, eng\): say in corpus.columns .* \{en: en\}"
    ):
        corpus.missing([DE_EN], Split.TRAIN)
    assert read(corpus, Pair("de", "fr")) == [("Eins.", "Un.")]
    assert read(open_corpus("tsv", {"path": str(path), "columns": {"de": "de", "en": "en"}})) == [ONE]
    with pytest.raises(CorpusError, match="names en twice, the second time as 'English'; name each language once"):
        open_corpus("tsv", {"path": str(path), "columns": {"de": "de", "en": "en", "English": "eng"}})
    path = write("y.tsv", "de\tde\ten\nEins.\tEin\tOne.\n")
    with pytest.raises(CorpusError, match=r"y.tsv has 2 columns of de \(de, de\): name them apart"):
        read(open_corpus("tsv", {"path": str(path), "columns": {"de": "de", "en": "en"}}))
    write("de-en.jsonl", jsonl({"source": "wikipedia", "src": "Eins.", "tgt": "One."}))
    with pytest.raises(CorpusError, match=r"de-en.jsonl has 2 columns of source \(source, src\)"):
        read(open_corpus("jsonl", {"path": f"{tmp_path}/{{source}}-{{target}}.jsonl"}))


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("tsv", ""),
        ("tsv", "\ufeff"),
        ("tsv", " \t \n\n"),
        ("tsv", "de\ten\n"),
        ("tsv", "de\ten\nEins.\t\n\t \n"),
        ("jsonl", ""),
        ("jsonl", "\n"),
        ("jsonl", '{"de": "", "en": "One."}\n{"de": "Eins.", "en": null}\n'),
    ],
)
def test_a_table_without_a_sentence_is_missing(write: Write, tmp_path: Path, kind: str, content: str) -> None:
    path = write(f"de-en.{kind}", content)
    for where in (str(path), f"{tmp_path}/{{source}}-{{target}}.{kind}"):
        corpus = open_corpus(kind, {"path": where})
        assert corpus.missing([DE_EN], Split.TRAIN) == {DE_EN: f"{path} has no sentence of de-en"}
        with pytest.raises(CorpusError, match=f"no train text of de-en: {path} has no sentence of de-en"):
            read(corpus)


def test_an_empty_column_is_missing_with_all_its_pairs(write: Write) -> None:
    path = write("x.tsv", "de\ten\tfr\tes\nEins.\tOne.\t\t\n\tTwo.\t\tDos.\n")
    corpus = open_corpus("tsv", {"path": str(path)})
    asked = [DE_EN, Pair("en", "fr"), Pair("es", "en"), Pair("es", "de")]
    reasons = {pair: f"{path} has no sentence of {pair}" for pair in asked[1::2]}
    assert corpus.missing(asked, Split.TRAIN) == reasons
    tagged = write(
        "long.jsonl", jsonl({"s": "Eins.", "t": "", "a": "de", "b": "en"}, {"s": "x", "t": "y", "a": "fr", "b": "de"})
    )
    columns = {"source": "s", "target": "t", "source_language": "a", "target_language": "b"}
    corpus = open_corpus("jsonl", {"path": str(tagged), "columns": columns})
    assert list(corpus.missing([DE_EN, Pair("de", "fr")], Split.TRAIN)) == [DE_EN]


def test_the_revision_follows_the_files(write: Write, tmp_path: Path) -> None:
    path = write("all.tsv", "de\ten\nEins.\tOne.\n")
    before = open_corpus("tsv", {"path": str(path)}).revision
    assert before == open_corpus("tsv", {"path": str(path)}).revision
    write("all.tsv", "de\ten\nEins.\tOne!\n")
    assert before != open_corpus("tsv", {"path": str(path)}).revision


def test_columns_of_a_region_are_the_language_s_unless_there_are_two(write: Write, tmp_path: Path) -> None:
    path = write("all.tsv", "de-DE\ten_US\tpt_PT\nEins.\tOne.\tUm.\n")
    corpus = open_corpus("tsv", {"path": str(path)})
    assert read(corpus) == [ONE]
    missing = corpus.missing([Pair("de", "pt"), Pair("de", "ja")], Split.TRAIN)
    columns = "de (de-DE), en (en_US), pt-PT (pt_PT)"
    assert missing[Pair("de", "ja")] == f"{path} has no column of ja, only of {columns}"
    assert f"only of {columns}; it has pt-PT in place of pt: " in missing[Pair("de", "pt")]
    mapped = open_corpus("tsv", {"path": str(path), "columns": {"de": "de-DE", "pt": "pt_PT"}})
    assert read(mapped, Pair("de", "pt")) == [("Eins.", "Um.")]


def test_two_columns_of_one_language_are_asked_about_and_two_regions_stay_apart(write: Write, tmp_path: Path) -> None:
    path = write("all.tsv", "de\tpt\tpt_BR\tpt_PT\nEins.\tUm.\tUm (BR).\tUm (PT).\n")
    corpus = open_corpus("tsv", {"path": str(path)})
    assert read(corpus, Pair("de", "pt-PT")) == [("Eins.", "Um (PT).")]
    with pytest.raises(
        CorpusError, match=r"has 2 columns of pt \(pt, pt_BR\): say in corpus.columns which is read, .* \{pt: pt\}"
    ):
        corpus.missing([Pair("de", "pt")], Split.TRAIN)
    for column in ("pt", "pt_BR"):
        mapped = open_corpus("tsv", {"path": str(path), "columns": {"de": "de", "pt": column}})
        assert len(read(mapped, Pair("de", "pt"))) == 1


def test_a_map_that_names_a_language_twice_is_refused(write: Write, tmp_path: Path) -> None:
    path = write("all.tsv", "a\tb\tc\n1\t2\t3\n")
    with pytest.raises(CorpusError, match="names fil twice, the second time as 'tl'"):
        open_corpus("tsv", {"path": str(path), "columns": {"en": "a", "Tagalog": "b", "tl": "c"}})


def test_rows_of_a_language_s_own_code_come_before_those_of_a_region(write: Write, tmp_path: Path) -> None:
    rows = [{"s": "Eins.", "t": code, "from": "de", "to": code} for code in ("pt_BR", "pt", "pt_PT", "no")]
    path = write("rows.jsonl", jsonl(*rows))
    columns = {"source": "s", "target": "t", "source_language": "from", "target_language": "to"}
    corpus = open_corpus("jsonl", {"path": str(path), "columns": columns})
    read_of = {tag: [each.target for each in read(corpus, Pair("de", tag))] for tag in ("pt", "pt-PT", "nb")}
    assert read_of == {"pt": ["pt"], "pt-PT": ["pt_PT"], "nb": ["no"]}
