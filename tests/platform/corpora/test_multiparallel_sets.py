"""WMT24++, NTREX-128, TICO-19 and BOUQuET in small files of their real layouts."""

from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.multiparallel_sets import (
    WHOLE,
    Write,
    bouquet,
    bouquet_rows,
    ntrex,
    tico19,
    wmt24pp,
)

from dragoman.corpora.base import Corpus
from dragoman.corpora.factory import open_corpus
from dragoman.errors import CorpusError
from dragoman.language import canonical_tag
from dragoman.pair import Pair
from dragoman.segment import Split

EN_DE = Pair("en", "de")
EN_FR = Pair("en", "fr")
DE_FR = Pair("de", "fr")


def opened(kind: str, write: Write, root: Path, **options: Any) -> Corpus:
    make, folder = WHOLE[kind]
    make(write, root)
    return open_corpus(kind, {"path": str(root / folder), **options})


def test_wmt24pp_leaves_bad_sources_out_and_joins_other_pairs_by_segment(write: Write, tmp_path: Path) -> None:
    corpus = opened("wmt24pp", write, tmp_path)
    lines = list(corpus.located(EN_DE, Split.TEST))
    assert [line.segment for line in lines] == [("One.", "Eins."), ("Two.", "Zwei."), ("Three.", "Drei.")]
    assert [line.row for line in lines] == [0, 1, 2]
    assert [line.document for line in lines] == ["test-en-news_paper.0"] * 2 + ["test-en-news_paper.1"]
    assert lines[0].labels == (("domain", "news"), ("original", "en"))
    assert next(iter(corpus.segments(EN_DE.reverse, Split.TEST))) == ("Eins.", "One.")
    # the third has no French, and the second a line break
    assert list(corpus.segments(DE_FR, Split.TEST)) == [("Eins.", "Un."), ("Zwei.", "Deux lignes.")]
    assert [line.row for line in corpus.located(DE_FR, Split.TEST)] == [0, 1]
    assert corpus.line_breaks(DE_FR, Split.TEST, None) == 1 and corpus.line_breaks(DE_FR, Split.TEST, 1) == 0
    assert "WMT24++ has test text, but no train text" in corpus.missing([EN_DE], Split.TRAIN)[EN_DE]


def test_what_was_post_edited_is_a_second_reference_of_wmt24pp(write: Write, tmp_path: Path) -> None:
    one, two = (opened("wmt24pp", write, tmp_path, references=count) for count in (1, 2))
    assert [line.references for line in one.located(EN_DE, Split.TEST)] == [(), (), ()]
    assert [line.references for line in two.located(EN_DE, Split.TEST)] == [("Ein.",), ("Zwo.",), ("Drei.",)]
    assert list(two.segments(EN_DE, Split.TEST)) == list(one.segments(EN_DE, Split.TEST))
    for without in (Pair("en", "is"), EN_DE.reverse):  # where there is none nothing changes
        assert not any(line.references for line in two.located(without, Split.TEST))
        assert two.content(without, Split.TEST, None) == one.content(without, Split.TEST, None)
    assert two.content(EN_DE, Split.TEST, None) != one.content(EN_DE, Split.TEST, None)
    with pytest.raises(CorpusError, match=r"corpus.references .*less than or equal to 2"):
        open_corpus("wmt24pp", {"path": str(tmp_path / "wmt"), "references": 3})


def test_ntrex_reads_lines_with_their_documents(write: Write, tmp_path: Path) -> None:
    corpus = opened("ntrex", write, tmp_path, references=2)
    lines = list(corpus.located(EN_DE, Split.TEST))
    assert [line.segment for line in lines] == [("One.", "Eins."), ("Two.", "Zwei."), ("Three.", "Drei.")]
    assert [line.document for line in lines] == ["bbc.381790", "bbc.381790", "rt.com.1"]
    assert {line.labels for line in lines} == {(("original", "en"),)}
    spanish = Pair("de", "es")
    assert [line.references for line in corpus.located(spanish, Split.TEST)] == [("Uno 2.",), ("Dos 2.",), ("Tres 2.",)]
    assert len(corpus.files_of(spanish, Split.TEST) or ()) == 3
    assert "no test file for gsw" in corpus.missing([Pair("en", "gsw")], Split.TEST)[Pair("en", "gsw")]


def test_tico19_has_its_domain_and_document_of_the_string_id(write: Write, tmp_path: Path) -> None:
    corpus = opened("tico19", write, tmp_path)
    for split in (Split.DEV, Split.TEST):
        lines = list(corpus.located(DE_FR, split))
        assert [line.segment for line in lines] == [("Eins", "Un"), ("Zwei", "Deux"), ("Drei", "Trois")]
    assert [dict(line.labels)["domain"] for line in lines] == ["CMU", "Wikipedia_handpicked", "Wikinews"]
    assert [line.document for line in lines] == ["CMU_1", "Wikipedia_handpicked_4", "Wikinews_2"]
    assert "TICO-19 has dev and test text" in corpus.missing([DE_FR], Split.TRAIN)[DE_FR]


def test_quotes_of_tico19_are_read_as_each_file_has_them(write: Write, tmp_path: Path) -> None:
    # as in the files of Tamil and of French
    tico19(write, "ta", [("CMU_1:1", '"said ""yes"" to it"', '"""அ"" ஆ"'), ("CMU_1:2", '"""Two."""', "இ")])
    tico19(write, "fr", [("CMU_1:1", 'said "yes" to it', "« oui »"), ("CMU_1:2", '"Two."', '"Deux')])
    corpus = open_corpus("tico19", {"path": str(tmp_path / "tico19-testset")})
    assert list(corpus.segments(Pair("en", "ta"), Split.TEST)) == [('said "yes" to it', '"அ" ஆ'), ('"Two."', "இ")]
    assert list(corpus.segments(EN_FR, Split.TEST)) == [('said "yes" to it', "« oui »"), ('"Two."', '"Deux')]


def test_bouquet_tells_the_language_a_paragraph_was_written_in(write: Write, tmp_path: Path) -> None:
    corpus = opened("bouquet", write, tmp_path)
    lines = list(corpus.located(DE_FR, Split.TEST))
    assert [line.segment for line in lines] == [("OK.", "OK."), ("Zwei.", "Deux."), ("Drei.", "Trois.")]
    assert [dict(line.labels)["original"] for line in lines] == ["de", "de", "fr"]
    assert [line.document for line in lines] == ["P001", "P001", "P002"]
    assert dict(lines[0].labels) == {
        "domain": "how-to", "register": "fff", "level": "sentence_level", "original": "de",
    }  # fmt: skip
    assert list(corpus.segments(EN_FR, Split.DEV))[2] == ("Three.", "Trois.")
    # what no language alone has is not told
    bouquet(tmp_path, "ita_Latn", bouquet_rows(["OK.", "Zwei.", "Tre."], ["OK.", "Zwei.", "Trois."]))
    bouquet(tmp_path, "arz_Arab", bouquet_rows(["OK.", "Z", "T"], ["OK.", "Zwei.", "?"]))
    unclear = list(open_corpus("bouquet", {"path": str(tmp_path / "bouquet")}).located(DE_FR, Split.TEST))
    assert ["original" in dict(line.labels) for line in unclear] == [False, False, True]


def test_bouquet_by_paragraph(tmp_path: Path) -> None:
    for code, text in {"deu_Latn": "Eins.\nZwei.", "fra_Latn": "Un.\nDeux."}.items():
        row = {"uniq_id": "P001", "par_id": "P001", "src_text": text, "tgt_text": "One.\nTwo.", "orig_text": text}
        bouquet(tmp_path, code, [row], "paragraph_level/test")
    corpus = open_corpus("bouquet", {"path": str(tmp_path / "bouquet"), "level": "paragraph"})
    assert list(corpus.segments(EN_DE, Split.TEST)) == [("One. Two.", "Eins. Zwei.")]
    assert corpus.line_breaks(EN_DE, Split.TEST, None) == 1
    with pytest.raises(CorpusError, match="no file such as data/sentence_level/test"):
        open_corpus("bouquet", {"path": str(tmp_path / "bouquet")})


@pytest.mark.parametrize("kind", WHOLE)
def test_a_hash_is_of_the_lines_and_a_pair_without_a_file_says_so(kind: str, write: Write, tmp_path: Path) -> None:
    corpus = opened(kind, write, tmp_path)
    contents = {
        (pair, first): corpus.content(pair, Split.TEST, first) for pair in (EN_DE, DE_FR) for first in (None, 1)
    }
    assert len(set(contents.values())) == 4
    again = opened(kind, write, tmp_path)
    assert {key: again.content(key[0], Split.TEST, key[1]) for key in contents} == contents
    assert again.revision == corpus.revision and again.name_of(Split.TEST) == ""
    japanese = Pair("de", "ja")
    reason = corpus.missing([japanese, DE_FR], Split.TEST)
    assert list(reason) == [japanese] and "has no test file for ja" in reason[japanese]
    with pytest.raises(CorpusError, match="There is no test text of de-ja"):
        list(corpus.segments(japanese, Split.TEST))


@pytest.mark.parametrize(
    ("kind", "files", "languages"),
    [
        # what the code stands for in BCP-47, or in the file: see the docstrings of the kinds
        (
            "wmt24pp",
            "ar_EG ar_SA bn_IN es_MX fil_PH fr_CA no_NO pt_BR pt_PT sr_RS sw_KE sw_TZ zh_CN zh_TW",
            "arz ar_SA bn_IN es_MX fil fr_CA nob por_BR por_PT srp_Cyrl swa_KE swa zho_Hans zho_Hant",
        ),
        (
            "ntrex",
            "arb aze-Latn ckb-Arab eng-GB fas fuc mey msa por por-BR prs shi srp-Latn swa zho-CN zho-TW nob",
            "ar az-Latn ckb en-GB fa ff-Latn mey-Arab ms pt-PT pt fa-AF shi-Arab sr-Latn sw zh-Hans zh-Hant no",
        ),
        (
            "tico19",
            "ckb es-LA fuv ku prs pt-BR ti ti_ER tl zh",
            "ckb es-419 fuv kmr prs pt ti ti-ER fil zh-Hans",
        ),
        (
            "bouquet",
            "arz_Arab cmn_Hans cmn_Hant kor_Kore pes_Arab por_Latn_braz1246 swh_Latn tgl_Latn zsm_Latn",
            "arz zh-Hans zh-Hant ko fa pt sw fil ms",
        ),
    ],
)  # fmt: skip
def test_codes_of_languages(kind: str, files: str, languages: str, write: Write, tmp_path: Path) -> None:
    folder = WHOLE[kind][1]
    for code in files.split():
        match kind:
            case "wmt24pp":
                wmt24pp(write, f"en-{code}", [("One.", f"{code}.", None)])
            case "ntrex":
                ntrex(write, code, [f"{code}."])
            case "tico19":
                tico19(write, code, [("CMU_1:1", "One.", f"{code}.")])
            case _:
                row = {"uniq_id": "P001-S1", "src_text": f"{code}.", "tgt_text": "One.", "par_id": "P001"}
                bouquet(tmp_path, code, [{**row, "orig_text": "x"}])
    if kind == "ntrex":
        ntrex(write, "eng", ["One."], kind="src")
    corpus = open_corpus(kind, {"path": str(tmp_path / folder)})
    for code, language in zip(files.split(), languages.split(), strict=True):
        pair = Pair(canonical_tag(language), "en")
        assert list(corpus.segments(pair, Split.TEST)) == [(f"{code}.", "One.")], code


@pytest.mark.parametrize("kind", ["wmt24pp", "tico19", "bouquet"])
def test_on_the_hub_a_revision_is_needed(kind: str) -> None:
    with pytest.raises(CorpusError, match=r"corpus.revision is missing: '[a-z]+/[a-z0-9]+' is on the Hugging Face hub"):
        open_corpus(kind, {})
