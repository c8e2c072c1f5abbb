"""Labels of test lines, as each kind of corpus has them: they stand by the right line, and change no text."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sacrebleu.utils

from dragoman.corpora.base import Corpus
from dragoman.corpora.factory import open_corpus
from dragoman.errors import CorpusError
from dragoman.pair import Pair
from dragoman.segment import Split

Write = Callable[[str, str | bytes], Path]

PAIR = Pair("en", "de")


def labels(corpus: Corpus, pair: Pair = PAIR) -> list[Mapping[str, str]]:
    lines = list(corpus.located(pair, Split.TEST))
    assert [line.segment for line in lines] == list(corpus.segments(pair, Split.TEST))
    return [dict(line.labels) for line in lines]


def table(kind: str, path: Path, **options: Any) -> Corpus:
    return open_corpus(kind, {"path": {"test": str(path)}, **options})


def test_columns_of_a_table_are_labels(write: Write) -> None:
    rows = "en\tde\tgenre\torig\nOne\tEins\tnews\ten\n\tZwei\tnews\tde\nThree\tDrei\tchat\tde\nFour\tVier\t\tcs\n"
    path = write("test.tsv", rows)
    plain = table("tsv", path)
    assert labels(plain) == [{}, {}, {}]
    mapped = table("tsv", path, labels={"domain": "genre", "original": "orig"})
    assert labels(mapped) == [
        {"domain": "news", "original": "en"}, {"domain": "chat", "original": "de"}, {"original": "cs"},
    ]  # fmt: skip
    assert labels(mapped, PAIR.reverse) == labels(mapped)
    assert labels(table("tsv", path, labels=["genre"])) == [{"genre": "news"}, {"genre": "chat"}, {}]
    assert mapped.content(PAIR, Split.TEST, None) == plain.content(PAIR, Split.TEST, None)
    assert (mapped.revision, mapped.name_of(Split.TEST)) == (plain.revision, plain.name_of(Split.TEST))


def test_a_label_called_document_is_the_document(write: Write) -> None:
    path = write("test.tsv", "en\tde\turl\tstory\nOne\tEins\tx\ta\nTwo\tZwei\ty\ta\n")
    assert [line.document for line in table("tsv", path).located(PAIR, Split.TEST)] == ["x", "y"]
    lines = list(table("tsv", path, labels={"document": "story"}).located(PAIR, Split.TEST))
    assert [line.document for line in lines] == ["a", "a"]


def test_columns_are_named_by_a_header_or_numbered(write: Write) -> None:
    path = write("en-de.tsv", "source\ttarget\tdomain\nOne\tEins\tnews\n")
    pattern = path.with_name("{source}-{target}.tsv")
    assert labels(table("tsv", pattern, labels=["domain"])) == [{"domain": "news"}]
    path = write("one.tsv", "first\tsecond\tdomain\nOne\tmore\tEins\tnews\n")
    columns = {"en": 0, "de": 1}
    assert labels(table("tsv", path, columns=columns, labels=["domain"])) == [{"domain": "news"}]
    path = write("none.tsv", "One\tEins\tnews\nTwo\tZwei\tchat\n")
    found = labels(table("tsv", path, columns=columns, labels={"domain": 2}))
    assert found == [{"domain": "news"}, {"domain": "chat"}]


def test_rows_of_many_pairs_have_their_labels(write: Write) -> None:
    rows = [
        ("en", "de", "One", "Eins", "a"), ("en", "fr", "Two", "Deux", "b"), ("de", "en", "Drei", "Three", "c"),
        ("en", "de", "Four", "Vier", "d"),
    ]  # fmt: skip
    names = ("source_language", "target_language", "source", "target", "domain")
    path = write("test.jsonl", "".join(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in rows))
    corpus = table("jsonl", path, labels=["domain"])
    assert labels(corpus) == [{"domain": "a"}, {"domain": "d"}]
    assert labels(corpus, Pair("de", "en")) == [{"domain": "c"}]
    assert labels(corpus, Pair("fr", "en")) == [{"domain": "b"}]


def test_a_key_within_another_and_a_number_are_labels(write: Write) -> None:
    rows = [{"en": "One", "de": "Eins", "meta": {"domain": "news", "year": 2024}}, {"en": "Two", "de": "Zwei"}]
    path = write("test.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    corpus = table("jsonl", path, labels={"domain": "meta.domain", "year": "meta.year"})
    assert labels(corpus) == [{"domain": "news", "year": "2024"}, {}]


def test_parquet_has_labels(write: Write, tmp_path: Path) -> None:
    pytest.importorskip("datasets")
    path = write("data/test.parquet", "")
    pq.write_table(pa.table({"en": ["One", "Two"], "de": ["Eins", "Zwei"], "domain": ["news", None]}), path)
    corpus = open_corpus("huggingface", {"path": str(tmp_path / "data"), "labels": ["domain"]})
    assert labels(corpus) == [{"domain": "news"}, {}]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"labels": ["domian"]}, "corpus.labels names the column 'domian' for domian, but .* did you mean 'domain'"),
        ({"labels": {"domain": 7}}, "corpus.labels names column 7, but .*test.tsv has 3 columns, from 0"),
        ({"labels": {"do main": "domain"}}, "corpus.labels"),
        ({"labels": "domain"}, "corpus.labels"),
        ({"label": ["domain"]}, "the kind tsv has no option 'label'; did you mean 'labels'"),
    ],
)
def test_a_column_that_is_not_there_is_a_sentence(write: Write, options: dict[str, Any], sentence: str) -> None:
    path = write("test.tsv", "en\tde\tdomain\nOne\tEins\tnews\n")
    with pytest.raises(CorpusError, match=sentence):
        labels(table("tsv", path, **options))


def test_flores_has_domains_and_topics(write: Write, tmp_path: Path) -> None:
    """The columns of the metadata in https://dl.fbaipublicfiles.com/nllb/flores200_dataset.tar.gz."""
    for code, texts in {"eng": "One\nTwo\n", "deu": "Eins\nZwei\n"}.items():
        write(f"flores200_dataset/devtest/{code}_Latn.devtest", texts)
    metadata = "URL\tdomain\ttopic\thas_image\thas_hyperlink\nu1\twikinews\tcrime\tno\tno\nu2\twikibooks\t\tno\tno\n"
    write("flores200_dataset/metadata_devtest.tsv", metadata)
    found = [{"domain": "wikinews", "topic": "crime"}, {"domain": "wikibooks"}]
    assert labels(open_corpus("flores200", {"path": str(tmp_path)})) == found
    # and those of https://huggingface.co/datasets/openlanguagedata/flores_plus, where a line may lack a language
    about = [{"domain": "wikinews", "topic": "crime"}, {"domain": "wikibooks", "topic": ""}, {"domain": "x"}]
    for code, texts in {"eng": ("One", "Two", ""), "deu": ("Eins", "Zwei", "Drei")}.items():
        rows = [
            {"id": number, "text": text, "url": f"u{number}", **its}
            for number, (text, its) in enumerate(zip(texts, about, strict=True), 1)
            if text
        ]
        write(f"plus/devtest/{code}_Latn.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    assert labels(open_corpus("flores-plus", {"path": str(tmp_path / "plus")})) == found


def test_wmt_sets_have_original_languages_and_domains(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files sacreBLEU's `process_to_text` makes: `origlang` and, before 2021, `genre` (dataset/fake_sgml.py)."""
    monkeypatch.setattr(sacrebleu.utils, "SACREBLEU_DIR", str(tmp_path))
    for name, reference, domain in (("wmt17", "ref", "genre"), ("wmt23", "ref-A", "domain")):
        write(f"{name}/{name}.en-de.src", "One.\n\nThree.\n")
        write(f"{name}/{name}.en-de.{reference}", "Eins.\n\nDrei.\n")
        write(f"{name}/{name}.en-de.origlang", "en\nde\nde\n")
        write(f"{name}/{name}.en-de.{domain}", "news\nnews\n\n")
        corpus = open_corpus("sacrebleu", {"test": name})
        assert labels(corpus) == [{"original": "en", "domain": "news"}, {"original": "de"}]
    write("wmt23/wmt23.en-de.origlang", "en\n")
    with pytest.raises(CorpusError, match="origlang has 1 lines where the source has 3: remove both"):
        labels(open_corpus("sacrebleu", {"test": "wmt23"}))


def test_phrases_of_cldr_have_a_domain() -> None:
    found = Counter(line["domain"] for line in labels(open_corpus("cldr", {})))
    assert {*found} == {"territories", "languages", "amounts", "dates", "spans", "measures", "mixed"}
    assert sum(found.values()) == 1000
