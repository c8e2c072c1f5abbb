"""Further references of test lines: columns of tables, references of WMT sets, their hash, and one of them alone."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sacrebleu.utils

from dragoman.corpora.base import Corpus, content_hash
from dragoman.corpora.factory import open_corpus
from dragoman.corpora.sampling.test_lines import TestLines
from dragoman.errors import CorpusError
from dragoman.identity import hash_lines
from dragoman.pair import Pair
from dragoman.segment import Located, Segment, Split
from dragoman.spec.sentences import SentenceSample

Write = Callable[[str, str | bytes], Path]

EN_DE = Pair("en", "de")
ROWS = [("One", "Eins", "Ein", "I"), ("Two", "Zwei", "", "II"), ("", "Null", "Nix", "0"), ("Three", "Drei", "Dri", "")]
LANGUAGES = {"en": "english", "de": ["german", "german_b", "german_c"]}
NAMES = ("english", "german", "german_b", "german_c")


def tsv(write: Write, columns: Any = LANGUAGES, **options: Any) -> Corpus:
    path = write("test.tsv", "".join("\t".join(row) + "\n" for row in [NAMES, *ROWS]))
    return open_corpus("tsv", {"path": {"test": str(path)}, "columns": columns, **options})


def jsonl(write: Write, columns: Any = LANGUAGES, **options: Any) -> Corpus:
    lines = [json.dumps({key: text for key, text in zip(NAMES, row, strict=True) if text}) for row in ROWS]
    path = write("test.jsonl", "".join(f"{line}\n" for line in lines))
    return open_corpus("jsonl", {"path": {"test": str(path)}, "columns": columns, **options})


def references(corpus: Corpus, pair: Pair = EN_DE) -> list[tuple[str, ...]]:
    return [line.references for line in corpus.located(pair, Split.TEST)]


@pytest.mark.parametrize("kind", [tsv, jsonl])
@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (1, [(), (), ()]),
        (2, [("Ein",), (), ("Dri",)]),
        (3, [("Ein", "I"), ("II",), ("Dri",)]),
    ],
)  # fmt: skip
def test_further_columns_are_further_references(
    kind: Callable[..., Corpus], count: int, expected: list[tuple[str, ...]], write: Write
) -> None:
    corpus = kind(write, references=count)
    assert references(corpus) == expected
    assert references(corpus, EN_DE.reverse) == [(), (), ()]  # English has one
    assert [line.row for line in corpus.located(EN_DE, Split.TEST)] == [0, 1, 3]
    assert [line.segment for line in corpus.located(EN_DE, Split.TEST)] == list(corpus.segments(EN_DE, Split.TEST))


def test_sides_of_a_file_for_a_pair(write: Write) -> None:
    write("test.en-de.tsv", "".join("\t".join(row) + "\n" for row in [NAMES, *ROWS]))
    path = {"test": str(write("x", "").parent / "test.{source}-{target}.tsv")}
    columns = {"source": "english", "target": ["german", "german_b"]}
    corpus = open_corpus("tsv", {"path": path, "columns": columns, "references": 2})
    assert references(corpus) == [("Ein",), (), ("Dri",)]
    assert references(corpus, EN_DE.reverse) == [(), (), ()]


def test_the_hash_is_as_before_without_and_another_with_further_references(write: Write) -> None:
    one, two, three = (tsv(write, references=count) for count in (1, 2, 3))
    plain = tsv(write, {"en": "english", "de": "german"})
    assert plain.content(EN_DE, Split.TEST, None) == one.content(EN_DE, Split.TEST, None)
    assert one.content(EN_DE, Split.TEST, None) == hash_lines(["One", "Eins", "Two", "Zwei", "Three", "Drei"])
    assert len({each.content(EN_DE, Split.TEST, None) for each in (one, two, three)}) == 3
    assert two.content(EN_DE.reverse, Split.TEST, None) == one.content(EN_DE.reverse, Split.TEST, None)
    for sentences in (None, 2, SentenceSample(n=3, seed=1)):
        hashes = [TestLines(each, [EN_DE], Split.TEST, sentences).content(EN_DE) for each in (one, two, three)]
        assert len(set(hashes)) == 3
        left_out = TestLines(two, [EN_DE], Split.TEST, sentences).but({EN_DE: [2]})
        assert left_out.content(EN_DE) not in hashes


def test_a_reference_that_moves_to_another_line_is_another_text() -> None:
    def content(*further: tuple[str, ...]) -> str:
        return content_hash([Located(Segment("a", "b"), references=each) for each in further])

    hashes = [
        content((), ()),
        content(("x",), ()),
        content((), ("x",)),
        content(("x", "y"), ()),
        content(("x",), ("y",)),
    ]
    assert len(set(hashes)) == 5 and hashes[0] == hash_lines(["a", "b", "a", "b"])


def test_one_reference_alone(write: Write) -> None:
    lines = TestLines(tsv(write), [EN_DE], Split.TEST)
    assert lines.further_reference(EN_DE, 2) == ["Ein", None, "Dri"]
    assert lines.further_reference(EN_DE, 3) == ["I", "II", None]
    assert lines.further_reference(EN_DE, 4) == [None, None, None]
    sample = TestLines(tsv(write), [EN_DE], Split.TEST, SentenceSample(n=2, seed=1))
    texts = dict(zip(["One", "Two", "Three"], ["Ein", None, "Dri"], strict=True))
    assert sample.further_reference(EN_DE, 2) == [texts[each.source] for each in sample.segments(EN_DE)]


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"en": "english", "de": ["german", "german_d"]}, "corpus.columns names 'german_d', but .* no such column"),
        ({"en": "english", "de": []}, "corpus.columns"),
        (
            {"source": "a", "target": ["b", "c"], "source_language": "d", "target_language": "e"},
            "gives a side several columns where rows name their languages",
        ),
    ],
)
def test_columns_that_are_not_there_are_refused(columns: Any, sentence: str, write: Write) -> None:
    with pytest.raises(CorpusError, match=sentence):
        references(tsv(write, columns, references=2))


def test_references_of_a_wmt_set(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sacrebleu.utils, "SACREBLEU_DIR", str(tmp_path))
    # wmt22 prefers reference A of German and B of Czech
    write("wmt22/wmt22.en-de.src", "One.\n\nThree.\n")
    write("wmt22/wmt22.en-de.ref-A", "Eins.\n\nDrei.\n")
    write("wmt22/wmt22.en-de.ref-B", "Ein.\n\nDri.\n")
    write("wmt22/wmt22.en-de.docid", "a\na\nb\n")
    write("wmt22/wmt22.en-cs.src", "One.\n")
    write("wmt22/wmt22.en-cs.ref-B", "Jedna.\n")
    write("wmt22/wmt22.en-cs.ref-C", "Jeden.\n")
    one, two = (open_corpus("sacrebleu", {"test": "wmt22", "references": count}) for count in (1, 2))
    assert references(one) == [(), ()] and references(two) == [("Ein.",), ("Dri.",)]
    assert [line.document for line in two.located(EN_DE, Split.TEST)] == ["a", "b"]
    assert [line.segment.target for line in two.located(EN_DE, Split.TEST)] == ["Eins.", "Drei."]
    assert references(two, Pair("en", "cs")) == [("Jeden.",)]
    assert one.content(EN_DE, Split.TEST, None) != two.content(EN_DE, Split.TEST, None)
    write("wmt22/wmt22.en-de.ref-B", "Ein.\n")
    with pytest.raises(CorpusError, match=r"ref-B has 1 lines where \S+ref-A has 3: fetch the set again"):
        references(open_corpus("sacrebleu", {"test": "wmt22", "references": 2}))


def test_kinds_of_one_reference_say_so(write: Write) -> None:
    for corpus in (open_corpus("cldr", {}), tsv(write)):
        assert corpus.references == 1
    with pytest.raises(CorpusError, match="has no reference 2 of a line: this kind of corpus has one of each"):
        open_corpus("cldr", {}).with_references(2)
