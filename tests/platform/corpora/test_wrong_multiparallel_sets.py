"""Wrong files of WMT24++, NTREX-128, TICO-19 and BOUQuET, each refused in one sentence."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.fixtures.multiparallel_sets import (
    IDS,
    TICO_COLUMNS,
    WHOLE,
    Write,
    bouquet,
    bouquet_rows,
    ntrex,
    tico19,
    whole_ntrex,
    wmt24pp,
    wmt24pp_line,
)

from dragoman.corpora.factory import open_corpus
from dragoman.errors import CorpusError
from dragoman.pair import Pair
from dragoman.segment import Split

EN_DE = Pair("en", "de")
EN_FR = Pair("en", "fr")


def _short(write: Write, root: Path, kind: str) -> None:
    match kind:
        case "wmt24pp":
            wmt24pp(write, "en-fr_FR", [("One.", "Un.", "Une."), ("Two.", "Deux.", "Deux.")])
        case "ntrex":
            ntrex(write, "fra", ["Un.", "Deux."])
        case "tico19":
            tico19(write, "fr", [(IDS[0], "One", "Un"), (IDS[2], "Three", "Trois")])
        case _:
            bouquet(root, "fra_Latn", bouquet_rows(["Un.", "Deux.", "Trois."], ["", "", ""])[:2])


def _long(write: Write, root: Path, kind: str) -> None:
    match kind:
        case "wmt24pp":
            wmt24pp(write, "en-fr_FR", [(f"{n}", f"{n}", f"{n}") for n in range(4)])
        case "ntrex":
            ntrex(write, "fra", ["Un.", "Deux.", "Trois.", "Quatre."])
        case "tico19":
            tico19(write, "fr", [(key, "One", "Un") for key in (*IDS, "Wikinews_3:1")])
        case _:
            rows = bouquet_rows(["Un.", "Deux.", "Trois."], ["", "", ""])
            bouquet(root, "fra_Latn", [*rows, {**rows[0], "uniq_id": "P003-S1"}])


def _twice(write: Write, root: Path, kind: str) -> None:
    match kind:
        case "wmt24pp":
            lines = [wmt24pp_line("en-fr_FR", number, "x", "y", "z") for number in (1, 2, 3, 2)]
            write("wmt/en-fr_FR.jsonl", "".join(lines))
        case "tico19":
            tico19(write, "fr", [(key, "One", "Un") for key in (*IDS, IDS[1])])
        case _:
            rows = bouquet_rows(["Un.", "Deux.", "Trois."], ["", "", ""])
            bouquet(root, "fra_Latn", [*rows, rows[1]])


def _without_column(write: Write, root: Path, kind: str) -> None:
    match kind:
        case "wmt24pp":
            write("wmt/en-fr_FR.jsonl", wmt24pp_line("en-fr_FR", 1, "x", "y", "z").replace('"target"', '"translation"'))
        case "tico19":
            write("tico19-testset/test/test.en-fr.tsv", "sourceLang\ttargetLang\tsourceString\ttarget\tstringID\n")
        case _:
            row = {"uniq_id": "P001-S1", "tgt_text": "One.", "orig_text": "x", "par_id": "P001"}
            bouquet(root, "fra_Latn", [row])


def _other_encoding(write: Write, root: Path, kind: str) -> None:
    match kind:
        case "wmt24pp":
            write("wmt/en-fr_FR.jsonl", wmt24pp_line("en-fr_FR", 1, "x", "y", "z").encode() + b'{"lp": "\xe9t\xe9"}\n')
        case "ntrex":
            write("NTREX/NTREX-128/newstest2019-ref.fra.txt", "Un.\r\nÉté.\r\nTrois.\r\n".encode("latin-1"))
        case _:
            line = f"en\tfr\tOne\tÉté\t{IDS[0]}\tx\tpublic\t7\n"
            write("tico19-testset/test/test.en-fr.tsv", f"{TICO_COLUMNS}\n{line}".encode("latin-1"))


def _other_language(write: Write, root: Path, kind: str) -> None:
    if kind == "wmt24pp":
        lines = [wmt24pp_line("en-es_MX", number, "x", "y", "z") for number in range(4)]
        write("wmt/en-fr_FR.jsonl", "".join(lines))
    else:
        bouquet(
            root, "fra_Latn", [{**row, "src_lang": "spa_Latn"} for row in bouquet_rows(["a", "b", "c"], ["", "", ""])]
        )


def _cut(write: Write, root: Path, kind: str) -> None:
    match kind:
        case "wmt24pp":
            whole = "".join(wmt24pp_line("en-fr_FR", number, "x", "y", "z") for number in range(4))
            write("wmt/en-fr_FR.jsonl", whole[:-40])
        case "ntrex":
            write("NTREX/NTREX-128/newstest2019-ref.fra.txt", "Un.\r\nDeux.\r\nTro")
        case "tico19":
            lines = [f"en\tfr\tOne\tUn\t{key}\tx\tpublic\t7\n" for key in IDS]
            write("tico19-testset/test/test.en-fr.tsv", f"{TICO_COLUMNS}\n{''.join(lines)}"[:-3])
        case _:
            path = root / "bouquet/data/sentence_level/test/fra_Latn.parquet"
            path.write_bytes(path.read_bytes()[:-30])


WRONG = [
    (_short, "wmt24pp", r"en-fr_FR.jsonl has no segment_id 3, which is in \S+en-de_DE.jsonl, line 4: one of them is"),
    (_short, "ntrex", r"ref.fra.txt has no line 3, which is in \S+src.eng.txt, line 3: one of them is cut off"),
    (_short, "tico19", rf"test.en-fr.tsv has no stringID {IDS[1]}, which is in \S+test.en-de.tsv, line 3"),
    (_short, "bouquet", r"fra_Latn.parquet has no uniq_id P002-S1, which is in \S+eng_Latn.parquet, line 3"),
    (_long, "wmt24pp", r"en-de_DE.jsonl has no segment_id 4, which is in \S+en-fr_FR.jsonl, line 5"),
    (_long, "ntrex", r"src.eng.txt has no line 4, which is in \S+ref.fra.txt, line 4"),
    (_long, "tico19", r"test.en-de.tsv has no stringID Wikinews_3:1, which is in \S+test.en-fr.tsv, line 5"),
    (_long, "bouquet", r"eng_Latn.parquet has no uniq_id P003-S1, which is in \S+fra_Latn.parquet, line 4"),
    (_twice, "wmt24pp", r"en-fr_FR.jsonl, line 4, has the segment_id 2 of line 2: each should be there once"),
    (_twice, "tico19", rf"test.en-fr.tsv, line 5, has the stringID {IDS[1]} of line 3"),
    (_twice, "bouquet", r"fra_Latn.parquet, line 4, has the uniq_id P001-S2 of line 2"),
    (_without_column, "wmt24pp", r"en-fr_FR.jsonl, line 1, has no 'target' such as WMT24\+\+ has it"),
    (_without_column, "tico19", r"test.en-fr.tsv, line 1, names no column targetString; "),
    (_without_column, "bouquet", r"fra_Latn.parquet has no column src_text; "),
    (_other_encoding, "wmt24pp", r"en-fr_FR.jsonl, line 2, is not UTF-8 text"),
    (_other_encoding, "ntrex", r"ref.fra.txt, line 2, is not UTF-8 text"),
    (_other_encoding, "tico19", r"test.en-fr.tsv, line 2, is not UTF-8 text"),
    (_other_language, "wmt24pp", r"en-fr_FR.jsonl, line 1, is of en-es_MX: it is another pair's file"),
    (_other_language, "bouquet", r"fra_Latn.parquet, line 1, is of spa_Latn: it is another language's file"),
    (_cut, "wmt24pp", r"en-fr_FR.jsonl, line 4, is not JSON"),
    (_cut, "ntrex", r"ref.fra.txt, line 3: the file ends without a line break"),
    (_cut, "tico19", r"test.en-fr.tsv, line 4, has 7 columns where the first has 8"),
    (_cut, "bouquet", r"fra_Latn.parquet is damaged"),
]


@pytest.mark.parametrize(("spoil", "kind", "sentence"), WRONG, ids=lambda value: getattr(value, "__name__", None))
def test_a_wrong_file_is_refused_in_one_sentence(
    spoil: Callable[[Write, Path, str], None], kind: str, sentence: str, write: Write, tmp_path: Path
) -> None:
    WHOLE[kind][0](write, tmp_path)
    spoil(write, tmp_path, kind)
    corpus = open_corpus(kind, {"path": str(tmp_path / WHOLE[kind][1])})
    assert not corpus.missing([EN_FR], Split.TEST)  # it is there, and damaged
    for read in (lambda: list(corpus.segments(EN_FR, Split.TEST)), lambda: corpus.content(EN_FR, Split.TEST, None)):
        with pytest.raises(CorpusError, match=sentence) as caught:
            read()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["wmt24pp", "ntrex", "tico19"])
def test_an_empty_file_is_no_text(kind: str, write: Write, tmp_path: Path) -> None:
    WHOLE[kind][0](write, tmp_path)
    empty = {
        "wmt24pp": "wmt/en-fr_FR.jsonl",
        "ntrex": "NTREX/NTREX-128/newstest2019-ref.fra.txt",
        "tico19": "tico19-testset/test/test.en-fr.tsv",
    }[kind]
    write(empty, "")
    corpus = open_corpus(kind, {"path": str(tmp_path / WHOLE[kind][1])})
    assert corpus.missing([EN_FR], Split.TEST)[EN_FR].endswith(" has no sentence of en-fr")
    assert len(list(corpus.segments(EN_DE, Split.TEST))) == 3


@pytest.mark.parametrize(
    ("spoilt", "lines", "sentence"),
    [
        ("DOCUMENT_IDS.tsv", "a\na\n", r"DOCUMENT_IDS.tsv ends before line 3, which the files beside it have"),
        ("DOCUMENT_IDS.tsv", "a\na\na\na\n", r"src.eng.txt ends before line 4, which the files beside it have"),
        ("NTREX-128/newstest2019-ref-2.spa.txt", "Uno.\n", r"ref-2.spa.txt ends before line 2, which the files beside"),
    ],
)
def test_the_files_beside_a_text_of_ntrex_have_as_many_lines(
    spoilt: str, lines: str, sentence: str, write: Write, tmp_path: Path
) -> None:
    whole_ntrex(write, tmp_path)
    write(f"NTREX/{spoilt}", lines)
    corpus = open_corpus("ntrex", {"path": str(tmp_path / "NTREX"), "references": 2})
    with pytest.raises(CorpusError, match=sentence):
        list(corpus.segments(Pair("en", "es"), Split.TEST))
