"""Rows and documents of segments: which sentence of the corpus a segment is, whatever its pair lacks."""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sacrebleu.utils

from dragoman.corpora.base import Corpus
from dragoman.corpora.factory import open_corpus
from dragoman.pair import Pair, all_pairs
from dragoman.segment import Split

Write = Callable[[str, str | bytes], Path]

TEXTS = {
    "en": ["One", "Two", "Three", "Four", "Five"],
    "de": ["Eins", "Zwei", "", "Vier", "Fünf"],
    "nl": ["", "Twee", "Drie", "Vier", ""],
}
"""Five sentences, with holes at the beginning, in the middle and at the end."""

CODES = {"en": "eng", "de": "deu", "nl": "nld"}
ARTICLES = ["https://en.wikinews.org/wiki/A"] * 2 + ["https://en.wikinews.org/wiki/B"] * 3
ROWS = [dict(zip(TEXTS, row, strict=True)) for row in zip(*TEXTS.values(), strict=True)]


def _tsv(write: Write, root: Path) -> Corpus:
    write("test.tsv", "".join("\t".join(row) + "\n" for row in [list(TEXTS), *(list(row.values()) for row in ROWS)]))
    return open_corpus("tsv", {"path": {"test": str(root / "test.tsv")}})


def _tsv_with_documents(write: Write, root: Path) -> Corpus:
    lines = [["en", "doc_id", "de", "nl"]]
    lines += [[row["en"], url, row["de"], row["nl"]] for row, url in zip(ROWS, ARTICLES, strict=True)]
    write("test.tsv", "".join("\t".join(line) + "\n" for line in lines))
    return open_corpus("tsv", {"path": {"test": str(root / "test.tsv")}})


def _jsonl(write: Write, root: Path) -> Corpus:
    lines = [json.dumps({key: text for key, text in row.items() if text}) for row in ROWS]
    write("test.jsonl", "\n\n".join(lines) + "\n")
    return open_corpus("jsonl", {"path": {"test": str(root / "test.jsonl")}})


def _jsonl_with_documents(write: Write, root: Path) -> Corpus:
    rows = [
        {"translation": row, "docid": 7 if url == ARTICLES[0] else 8} for row, url in zip(ROWS, ARTICLES, strict=True)
    ]
    write("test.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    return open_corpus("jsonl", {"path": {"test": str(root / "test.jsonl")}})


def _huggingface(write: Write, root: Path) -> Corpus:
    pytest.importorskip("datasets")
    rows = [{**row, "URL": url} for row, url in zip(ROWS, ARTICLES, strict=True)]
    write("data/test.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    return open_corpus("huggingface", {"path": str(root / "data")})


def _flores101(write: Write, root: Path) -> Corpus:
    for tag, texts in TEXTS.items():
        write(f"flores/devtest/{CODES[tag]}.devtest", "".join(text + "\n" for text in texts))
    return open_corpus("flores101", {"path": str(root / "flores")})


def _flores200(write: Write, root: Path) -> Corpus:
    for tag, texts in TEXTS.items():
        name = f"flores200_dataset/devtest/{CODES[tag]}_Latn.devtest"
        write(name, "".join(text + "\n" for text in texts))
    # the columns of the files that are in https://dl.fbaipublicfiles.com/nllb/flores200_dataset.tar.gz
    rows = ["URL\tdomain\ttopic\thas_image\thas_hyperlink", *(f"{url}\twikinews\tcrime\tno\tno" for url in ARTICLES)]
    write("flores200_dataset/metadata_devtest.tsv", "".join(row + "\n" for row in rows))
    return open_corpus("flores200", {"path": str(root)})


def _flores_plus(write: Write, root: Path) -> Corpus:
    """With the columns of https://huggingface.co/datasets/openlanguagedata/flores_plus; ids are lacking, not empty."""
    for tag, texts in TEXTS.items():
        columns = {
            "id": [number for number, text in enumerate(texts) if text],
            "text": [text for text in texts if text],
            "url": [url for url, text in zip(ARTICLES, texts, strict=True) if text],
        }
        path = write(f"plus/devtest/{CODES[tag]}_Latn.parquet", "")
        pq.write_table(pa.table(columns), path)
    return open_corpus("flores-plus", {"path": str(root / "plus")})


def _flores_plus_without_urls(write: Write, root: Path) -> Corpus:
    for tag, texts in TEXTS.items():
        rows = [{"id": number, "text": text} for number, text in enumerate(texts) if text]
        write(f"plus/devtest/{CODES[tag]}_Latn.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    return open_corpus("flores-plus", {"path": str(root / "plus")})


KINDS = {
    _tsv: [None] * 5,
    _tsv_with_documents: ARTICLES,
    _jsonl: [None] * 5,
    _jsonl_with_documents: ["7", "7", "8", "8", "8"],
    _huggingface: ARTICLES,
    _flores101: [None] * 5,
    _flores200: ARTICLES,
    _flores_plus: ARTICLES,
    _flores_plus_without_urls: [None] * 5,
}
"""Kinds of multi-parallel corpora, and the document of each row."""


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_row_of_a_multiparallel_corpus_is_one_sentence_whatever_is_lacking_before_it(
    kind: Callable[[Write, Path], Corpus], write: Write, tmp_path: Path
) -> None:
    corpus, documents = kind(write, tmp_path), KINDS[kind]
    for pair in all_pairs(list(TEXTS)):
        rows = [number for number, row in enumerate(ROWS) if row[pair.source] and row[pair.target]]
        assert [located[:3] for located in corpus.located(pair, Split.TEST)] == [
            ((ROWS[row][pair.source], ROWS[row][pair.target]), row, documents[row]) for row in rows
        ]
        assert list(corpus.segments(pair, Split.TEST)) == [each.segment for each in corpus.located(pair, Split.TEST)]


def test_what_a_language_of_flores_plus_lacks_at_either_end_is_a_change_of_content(
    write: Write, tmp_path: Path
) -> None:
    """Whole files are hashed as ever; with a hole the hash is of the lines that stand side by side."""
    corpus = _flores_plus(write, tmp_path)
    contents = {pair: corpus.content(pair, Split.TEST, None) for pair in all_pairs(["en", "de", "nl"])}
    assert len(set(contents.values())) == 6
    assert contents[Pair("en", "nl")] != corpus.content(Pair("en", "nl"), Split.TEST, 2)
    assert corpus.content(Pair("en", "nl"), Split.TEST, 5) == contents[Pair("en", "nl")]
    assert corpus.line_breaks(Pair("nl", "en"), Split.TEST, None) == 0


def test_a_tab_in_a_sentence_does_not_shift_the_document(write: Write, tmp_path: Path) -> None:
    write("test.tsv", "document\tde\ten\turl\na\tEins\tOne\tx\nb\tZwei\tTwo\tmore or less\ty\n")
    corpus = open_corpus("tsv", {"path": {"test": str(tmp_path / "test.tsv")}})
    assert [(each.row, each.document) for each in corpus.located(Pair("de", "en"), Split.TEST)] == [(0, "a"), (1, "b")]
    write("test.tsv", "de\ten\turl\nEins\tOne\tx\nZwei\tTwo\tmore or less\ty\n")
    corpus = open_corpus("tsv", {"path": {"test": str(tmp_path / "test.tsv")}})
    assert [(each.row, each.document) for each in corpus.located(Pair("en", "de"), Split.TEST)] == [(0, "x"), (1, "y")]


def test_files_for_each_pair_have_rows_of_their_own_and_documents(write: Write, tmp_path: Path) -> None:
    write("test.de-en.tsv", "source\ttarget\tdocid\nEins\tOne\ta\n\tTwo\ta\nDrei\tThree\tb\n")
    corpus = open_corpus("tsv", {"path": {"test": str(tmp_path / "test.{source}-{target}.tsv")}})
    pair = Pair("de", "en")
    found = [line[:3] for line in corpus.located(pair, Split.TEST)]
    assert found == [(("Eins", "One"), None, "a"), (("Drei", "Three"), None, "b")]
    assert [each.segment for each in corpus.located(pair.reverse, Split.TEST)] == [("One", "Eins"), ("Three", "Drei")]
    write("many.jsonl", '{"source": "Eins", "target": "One", "source_language": "de", "target_language": "en"}\n')
    corpus = open_corpus("jsonl", {"path": {"test": str(tmp_path / "many.jsonl")}})
    assert [line[:3] for line in corpus.located(pair.reverse, Split.TEST)] == [(("One", "Eins"), None, None)]


def test_wmt_has_documents(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files that `sacrebleu -t wmt22 -l en-de --echo src` leaves: a field each, of which `docid` is one."""
    monkeypatch.setattr(sacrebleu.utils, "SACREBLEU_DIR", str(tmp_path))
    write("wmt22/wmt22.en-de.src", "One.\n\nThree.\n")
    write("wmt22/wmt22.en-de.ref-A", "Eins.\n\nDrei.\n")
    write("wmt22/wmt22.en-de.docid", "news_1\nnews_1\nnews_2\n")
    corpus = open_corpus("sacrebleu", {"test": "wmt22"})
    found = [(line.row, line.document) for line in corpus.located(Pair("en", "de"), Split.TEST)]
    assert found == [(None, "news_1"), (None, "news_2")]


def test_a_meaning_of_cldr_is_a_row() -> None:
    corpus = open_corpus("cldr", {})
    german = {line.row: line.segment for line in corpus.located(Pair("de", "en"), Split.TEST)}
    yoruba = {line.row: line.segment for line in corpus.located(Pair("yo", "en"), Split.TEST)}
    assert len(yoruba) < len(german) == 1000
    assert all(segment.target == german[row].target for row, segment in yoruba.items())
