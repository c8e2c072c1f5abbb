"""Test lines: all, the first n, or a sample that takes the same sentences for all pairs."""

import json
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.corpora.base import Corpus
from dragoman.corpora.factory import open_corpus
from dragoman.corpora.sampling.overlap import HeldOut
from dragoman.corpora.sampling.test_lines import TestLines
from dragoman.identity import hash_lines
from dragoman.pair import Pair, all_pairs
from dragoman.segment import Located, Segment, Split
from dragoman.spec.sentences import SentenceSample

Write = Callable[[str, str | bytes], Path]

LANGUAGES = ["de", "en", "nl", "sw"]
PAIRS = all_pairs(LANGUAGES)


class Rows(Corpus):
    """A corpus of rows that have some of the languages."""

    def __init__(self, rows: list[set[str]]) -> None:
        self._rows = rows

    @property
    def revision(self) -> str:
        return "1"

    def missing(self, pairs, split):
        return {}

    def located(self, pair, split):
        for number, there in enumerate(self._rows):
            if there.issuperset(pair):
                yield Located(Segment(f"{pair.source}{number}", f"{pair.target}{number}"), number)

    def segments(self, pair, split):
        return (line.segment for line in self.located(pair, split))


holes = st.lists(st.sets(st.sampled_from(LANGUAGES), min_size=1), max_size=40)


@given(holes, st.integers(1, 12), st.integers(0, 3))
def test_a_sample_takes_the_rows_that_most_pairs_have(rows: list[set[str]], n: int, seed: int) -> None:
    corpus = Rows(rows)
    lines = TestLines(corpus, PAIRS, Split.TEST, SentenceSample(n=n, seed=seed))
    having = {row: sum(there.issuperset(pair) for pair in PAIRS) for row, there in enumerate(rows)}
    for pair in PAIRS:
        whole = [line.row for line in corpus.located(pair, Split.TEST)]
        taken = [line.row for line in lines.located(pair)]
        assert taken == [row for row in whole if row in set(taken)]
        assert len(taken) == min(n, len(whole))
        left = [having[row] for row in whole if row not in taken]
        assert min((having[row] for row in taken), default=0) >= max(left, default=0)
        assert taken == [line.row for line in lines.located(pair.reverse)]
        assert lines.segments(pair) == [line.segment for line in lines.located(pair)]
        assert lines.content(pair) == hash_lines(text for line in lines.located(pair) for text in line.segment)
        smaller = TestLines(corpus, PAIRS, Split.TEST, SentenceSample(n=1, seed=seed))
        assert {line.row for line in smaller.located(pair)} <= set(taken)


def test_all_pairs_have_the_same_rows_while_there_are_enough_that_all_have() -> None:
    rng = random.Random(1)
    rows = [set(LANGUAGES) if rng.random() < 0.5 else set(rng.sample(LANGUAGES, 2)) for _ in range(200)]
    whole = sum(len(there) == len(LANGUAGES) for there in rows)
    lines = TestLines(Rows(rows), PAIRS, Split.TEST, SentenceSample(n=whole))
    (taken,) = {tuple(line.row for line in lines.located(pair)) for pair in PAIRS}
    assert len(taken) == whole


def test_seeds_take_every_row_equally_often() -> None:
    """Of 20 rows each is in a sample of 5 with probability 1/4: 100 of 400 seeds, to 4 standard deviations."""
    found: Counter[int | None] = Counter()
    for seed in range(400):
        lines = TestLines(Rows([set(LANGUAGES)] * 20), PAIRS, Split.TEST, SentenceSample(n=5, seed=seed))
        found.update(line.row for line in lines.located(PAIRS[0]))
    assert len(found) == 20
    assert all(abs(count - 100) < 4 * (400 * 0.25 * 0.75) ** 0.5 for count in found.values())


def test_more_than_there_are_is_all_in_their_order() -> None:
    corpus = Rows([{"de", "en"}, {"en", "nl"}, {"de", "en"}])
    lines = TestLines(corpus, [Pair("de", "en")], Split.TEST, SentenceSample(n=9))
    assert lines.segments(Pair("de", "en")) == list(corpus.segments(Pair("de", "en"), Split.TEST))
    assert lines.segments(Pair("de", "en"), 1) == [("de0", "en0")]


def bitexts(write: Write, root: Path) -> Corpus:
    """Two bitexts with English that share every other English sentence, in another order."""
    german = [(f"Satz {number}", f"sentence {number}") for number in range(40)]
    dutch = [(f"zin {number}", f"sentence {number}") for number in range(0, 80, 2)][::-1]
    write("test.de-en.tsv", "".join(f"{one}\t{other}\n" for one, other in german))
    write("test.nl-en.tsv", "".join(f"{one}\t{other}\n" for one, other in dutch))
    return open_corpus("tsv", {"path": {"test": str(root / "test.{source}-{target}.tsv")}})


def test_bitexts_take_the_sentences_that_they_share_and_a_reverse_the_same_ones(write: Write, tmp_path: Path) -> None:
    corpus = bitexts(write, tmp_path)
    pairs = [Pair("de", "en"), Pair("en", "de"), Pair("nl", "en"), Pair("en", "nl")]
    lines = TestLines(corpus, pairs, Split.TEST, SentenceSample(n=12, seed=4))
    german, dutch = ([segment.target for segment in lines.segments(pair)] for pair in (pairs[0], pairs[2]))
    for pair in pairs:
        turned = [(target, source) for source, target in lines.segments(pair)]
        assert lines.segments(pair.reverse) == turned
        assert len(turned) == 12
    texts = {pair: [segment.target for segment in corpus.segments(pair, Split.TEST)] for pair in pairs[::2]}
    shared = {*texts[pairs[0]]} & {*texts[pairs[2]]}
    # what one has and the other could have, it has, but for those that are ranked behind the other's own
    assert {*german} & {*dutch}
    missed = ({*german} ^ {*dutch}) & shared
    assert not (missed & {*german} and missed & {*dutch})


def test_the_first_n_and_all_are_read_as_ever(write: Write, tmp_path: Path) -> None:
    corpus, pair = bitexts(write, tmp_path), Pair("de", "en")
    whole = list(corpus.segments(pair, Split.TEST))
    for sentences, expected in ((None, whole), (3, whole[:3]), (99, whole)):
        lines = TestLines(corpus, [pair], Split.TEST, sentences)
        assert lines.segments(pair) == expected == [line.segment for line in lines.located(pair)]
        assert lines.content(pair) == corpus.content(pair, Split.TEST, sentences)
        assert lines.segments(pair, 2) == expected[:2]


def test_line_breaks_are_those_of_the_sample(write: Write, tmp_path: Path) -> None:
    rows = [{"de": f"Satz {number}" + "\nzwei" * (number % 2), "en": f"sentence {number}"} for number in range(20)]
    write("test.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    corpus, pair = open_corpus("jsonl", {"path": {"test": str(tmp_path / "test.jsonl")}}), Pair("de", "en")
    for seed in range(5):
        lines = TestLines(corpus, [pair], Split.TEST, SentenceSample(n=7, seed=seed))
        taken = lines.located(pair)
        assert lines.line_breaks(pair) == sum((line.row or 0) % 2 for line in taken)
    assert TestLines(corpus, [pair], Split.TEST, 7).line_breaks(pair) == 3


@pytest.mark.parametrize("kind", ["flores200", "cldr"])
def test_what_is_searched_for_in_training_text_is_the_sample(kind: str, write: Write, tmp_path: Path) -> None:
    for code in ("deu_Latn", "eng_Latn", "swh_Latn"):
        write(f"devtest/{code}.devtest", "".join(f"{code} {number}\n" for number in range(50)))
    corpus = open_corpus(kind, {"path": str(tmp_path)} if kind != "cldr" else {})
    pairs = all_pairs(["de", "en", "sw"])
    sample = SentenceSample(n=20, seed=3)
    lines = TestLines(corpus, pairs, Split.TEST, sample)
    held_out = HeldOut(corpus, pairs, Split.TEST, sample)
    expected = {segment.target for segment in lines.segments(Pair("de", "en"))}
    assert set(held_out.sentences("en")) == expected
