import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from dragoman.corpora.base import BATCH, Corpus
from dragoman.corpora.factory import open_corpus
from dragoman.corpora.kinds.cldr import Cldr, CldrOptions
from dragoman.corpora.sampling.bloom_filter import Repetition
from dragoman.corpora.sampling.sampling import draw, take
from dragoman.pair import Pair
from dragoman.segment import Segment, Split
from dragoman.spec.filters import Filters

Write = Callable[[str, str | bytes], Path]

DE_EN = Pair("de", "en")
ALL = 1_000_000


class Made(Corpus):
    """A corpus of given segments of any pair; the other direction has them turned round."""

    def __init__(self, segments: Collection[Segment], shuffled: bool = False) -> None:
        self._segments = segments
        self.shuffled = shuffled  # type: ignore[misc]
        self.asked = 0

    @property
    def revision(self) -> str:
        return "1"

    def missing(self, pairs: Collection[Pair], split: Split) -> dict[Pair, str]:
        return {}

    def segments(self, pair: Pair, split: Split) -> Iterator[Segment]:
        for segment in self._segments:
            self.asked += 1
            yield segment if pair < pair.reverse else Segment(segment.target, segment.source)


class Bitext(Made):
    reversible: ClassVar[bool] = True


def numbered(count: int) -> list[Segment]:
    return [Segment(f"Satz {number}.", f"Sentence {number}.") for number in range(count)]


def test_a_sample_does_not_depend_on_the_order_of_the_text() -> None:
    segments = numbered(3 * BATCH + 17)
    there, back = Made(segments), Made(segments[::-1])
    sample = take(there, DE_EN, Split.TRAIN, 50, seed=7)
    assert sample == take(back, DE_EN, Split.TRAIN, 50, seed=7)
    assert len(set(sample)) == 50
    assert set(sample) <= set(segments)


def test_seeds_and_directions_draw_differently_and_the_first_n_are_the_sample_of_n() -> None:
    corpus = Made(numbered(5000))
    one = take(corpus, DE_EN, Split.TRAIN, 100, seed=1)
    assert one[:10] == take(corpus, DE_EN, Split.TRAIN, 10, seed=1)
    for other in (take(corpus, DE_EN, Split.TRAIN, 100, seed=2), take(corpus, DE_EN.reverse, Split.TRAIN, 100, seed=1)):
        turned = {Segment(*sorted(segment)) for segment in other}
        assert len(turned & {Segment(*sorted(segment)) for segment in one}) < 20


def test_a_sample_is_fair() -> None:
    # each of 200 segments is in a sample of 50 with chance 1/4: in 100 samples 25 times, give or take 4.3
    corpus = Made(numbered(200))
    counts = Counter(segment for seed in range(100) for segment in take(corpus, DE_EN, Split.TRAIN, 50, seed))
    assert len(counts) == 200
    deviations = (np.array(list(counts.values())) - 25) / 4.33
    assert abs(deviations).max() < 5
    assert 0.7 < deviations.std() < 1.3


# what the first version drew: if it changes, so does every sample that was ever trained on
GOLDEN = ["Satz 1.", "Satz 7.", "Satz 9."]


def test_samples_are_the_same_on_every_machine() -> None:
    assert [segment.source for segment in take(Made(numbered(10)), DE_EN, Split.TRAIN, 3, seed=1)] == GOLDEN


def test_samples_do_not_depend_on_the_process(write: Write, tmp_path: Path) -> None:
    lines = "".join(f"1.1\tSatz {number}.\tSentence {number}.\n" for number in range(2000))
    write("WikiMatrix.de-en.tsv.gz", lines)
    code = (
        "import hashlib, sys; from dragoman.corpora.base import Split;"
        "from dragoman.corpora.sampling.sampling import take;"
        "from dragoman.corpora.factory import open_corpus; from dragoman.pair import Pair;"
        "corpus = open_corpus('wikimatrix', {'path': sys.argv[1]});"
        "print(hashlib.sha256(repr(take(corpus, Pair('en', 'de'), Split.TRAIN, 100, 1)).encode()).hexdigest())"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path)], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_repeated_segments_are_drawn_once_and_counted() -> None:
    segments = numbered(2 * BATCH)
    sample = draw(Made([*segments, *segments[:300], *segments[:100]]), {DE_EN: ALL}, Split.TRAIN, seed=1)[DE_EN]
    assert sorted(sample.segments) == sorted(segments)
    assert sample.read == 2 * BATCH + 400
    assert sample.removed == {"duplicate": 400}


def test_both_directions_are_drawn_from_one_reading() -> None:
    corpus = Bitext(numbered(3000))
    together = draw(corpus, {DE_EN.reverse: 20, DE_EN: 10}, Split.TRAIN, seed=1)
    assert corpus.asked <= 3000 + 2 * BATCH
    assert together[DE_EN].segments == take(corpus, DE_EN, Split.TRAIN, 10, seed=1)
    assert together[DE_EN.reverse].segments == take(corpus, DE_EN.reverse, Split.TRAIN, 20, seed=1)
    assert all(segment.target.startswith("Satz") for segment in together[DE_EN.reverse].segments)
    assert together[DE_EN].read == 3000


def test_a_corpus_in_random_order_is_read_no_further_than_needed() -> None:
    segments = numbered(1000)
    corpus = Made([segments[0], *segments], shuffled=True)
    assert take(corpus, DE_EN, Split.TRAIN, 10, seed=1) == segments[:10]
    assert corpus.asked == 11
    assert take(corpus, DE_EN, Split.TRAIN, ALL, seed=1) == segments
    assert draw(corpus, {DE_EN: 10}, Split.TRAIN, 1)[DE_EN].removed == {"duplicate": 1}


def test_the_embedded_corpus_gives_its_first_meanings() -> None:
    corpus = Cldr(CldrOptions())
    stream = corpus.segments(Pair("de", "fr"), Split.TEST)
    first = list(dict.fromkeys(next(stream) for _ in range(30)))
    assert take(corpus, Pair("de", "fr"), Split.TEST, 20, seed=5) == first[:20]


def test_filters_remove_and_count() -> None:
    good = [Segment("ein guter Satz", "a good sentence"), Segment("noch ein Satz", "another sentence")]
    segments = [
        *good * 3,
        Segment("x", "too short on one side"),
        Segment("a sentence which is longer than it may be", "ein Satz"),
        Segment("dreizehn Zeichen", "four"),
    ]
    filters = Filters(min_length=3, max_length=30, max_length_ratio=2)
    sample = draw(Made(segments), {DE_EN: ALL}, Split.TRAIN, 1, filters)[DE_EN]
    assert set(sample.segments) == set(good)
    assert sample.removed == {"length": 2, "length_ratio": 1, "duplicate": 4}
    assert sample.read - sum(sample.removed.values()) == len(sample.segments)


def test_the_length_ratio_is_relative_to_what_is_usual_for_the_pair() -> None:
    segments = [
        Segment("这是一个句子" + "好" * (number % 3), "this is a sentence of the usual length") for number in range(50)
    ]
    odd = Segment("好" * 40, "all of the same length as the other one")
    filters = Filters(max_length_ratio=2)
    for corpus, pair in (
        (Made([*segments, odd]), Pair("en", "zh-Hans").reverse),
        (Bitext([*segments, odd]), Pair("ab", "cd")),
    ):
        sample = draw(corpus, {pair: ALL}, Split.TRAIN, 1, filters)[pair]
        assert sample.removed["length_ratio"] == 1
        assert odd not in sample.segments
        assert Segment(*odd[::-1]) not in sample.segments


def test_the_language_filter_finds_text_in_another_language() -> None:
    right = Segment("Der Hund schläft heute den ganzen Tag im Garten.", "The dog sleeps in the garden all day today.")
    wrong = [Segment(right.source, right.source), Segment("Собака спит в саду.", right.target)]
    sample = draw(Made([right, *wrong]), {DE_EN: ALL}, Split.TRAIN, 1, Filters(language=True))[DE_EN]
    assert sample.segments == [right]
    assert sample.removed["language"] == 2


def test_a_further_filter_is_asked_only_of_what_would_be_drawn() -> None:
    asked = []

    def examine(pair: Pair, segment: Segment) -> str | None:
        asked.append(segment)
        return "odd" if int(segment.source[5:-1]) % 2 else None

    segments = numbered(20 * BATCH)
    sample = draw(Made(segments), {DE_EN: 10}, Split.TRAIN, 1, examine=examine)[DE_EN]
    even = take(Made(segments[::2]), DE_EN, Split.TRAIN, 10, 1)
    assert sample.segments == even
    assert sample.removed["odd"] > 0
    assert len(asked) < BATCH + 1000


def test_a_multiway_file_is_read_once_for_all_pairs(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = "".join(f"D{number}\tE{number}\tF{number}\n" for number in range(500))
    corpus = open_corpus("tsv", {"path": str(write("all.tsv.gz", "de\ten\tfr\n" + rows))})
    pairs = [DE_EN, DE_EN.reverse, Pair("fr", "de"), Pair("en", "fr")]
    samples = draw(corpus, dict.fromkeys(pairs, 20), Split.TRAIN, 1)
    for pair in pairs:
        assert samples[pair].segments == take(corpus, pair, Split.TRAIN, 20, 1)
        assert all(
            text[0] == tag[0].upper()
            for segment in samples[pair].segments
            for text, tag in zip(segment, pair, strict=True)
        )
        assert samples[pair].read == 500


def test_repetition_is_counted_within_and_across_batches() -> None:
    repetition = Repetition()
    contents = np.random.default_rng(1).integers(0, 2**64, size=5000, dtype=np.uint64)
    assert repetition.count(contents[:3000]) == 0
    assert repetition.count(np.concatenate([contents[2000:], contents[4000:]])) == 1000 + 1000
    assert repetition.count(contents) == 5000
