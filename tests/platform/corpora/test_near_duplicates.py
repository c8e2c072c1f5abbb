"""Every copy is found: the fast search held to a comparison of each sentence with each."""

import random
import time
from collections.abc import Iterable, Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance.Levenshtein import normalized_similarity as likeness

from dragoman.corpora.base import Corpus
from dragoman.corpora.sampling import edit_filter
from dragoman.corpora.sampling.near_duplicates import LEAST, Known, Match, normalised
from dragoman.corpora.sampling.overlap import HeldOut
from dragoman.pair import Pair
from dragoman.segment import Segment, Split

WORDS = {
    "Latin": ["the", "quick", "brown", "fox", "jumps", "over", "lazy", "dogs", "naïve", "Größe,", "Überraschung!"],
    "Cyrillic": ["быстрая", "лиса", "прыгает", "через", "ленивую", "собаку,", "которую", "никто", "не", "видел."],
    "Devanagari": ["तेज़", "भूरी", "लोमड़ी", "आलसी", "कुत्ते", "के", "ऊपर", "कूदती", "है।"],
    "Han": list("敏捷的棕色狐狸跳过了那只懒惰的狗因为它今天不想走路"),
    "Arabic": ["الثعلب", "البني", "السريع", "يقفز", "فوق", "الكلب", "الكسول"],
}
NUMBERS = st.integers(0, 120).map(str)


def compared(known: list[str], sentences: list[str], similarity: float) -> set[Match]:
    """What the docstrings of `Match`, `Known` and `LEAST` say, for each pair of sentences."""
    found = set()
    for number, sentence in enumerate(map(normalised, sentences)):
        for place, text in enumerate(map(normalised, known)):
            if sentence and sentence == text:
                found.add(Match(number, place, True))
            elif sentence and len(text.encode()) >= LEAST and likeness(sentence, text) >= similarity:
                found.add(Match(number, place, False))
    return found


@st.composite
def texts(draw: st.DrawFn) -> list[str]:
    """Sentences of a script: templates, duplicates in other dress, near duplicates, and others."""
    words = WORDS[draw(st.sampled_from(sorted(WORDS)))]
    gap = "" if words is WORDS["Han"] else " "
    sentence = st.lists(st.sampled_from(words), min_size=1, max_size=24)
    template = draw(sentence)
    made = [draw(sentence) for _ in range(draw(st.integers(1, 5)))]
    for _ in range(draw(st.integers(2, 12))):
        kind = draw(st.sampled_from(["template", "duplicate", "near", "long"]))
        chosen = list(draw(st.sampled_from(made)))
        if kind == "template":
            chosen = [*template, draw(NUMBERS)]
        elif kind == "near":
            chosen[draw(st.integers(0, len(chosen) - 1))] = draw(st.sampled_from(words))
        elif kind == "long":
            chosen = (chosen + template) * draw(st.integers(1, 5))
        made.append(chosen)
    dressed = [gap.join(each) for each in made]
    dress = st.sampled_from([str, str.upper, lambda text: f"«{text}»!", lambda text: text.replace(" ", ", ")])
    return [draw(dress)(each) for each in dressed]


@settings(max_examples=150, deadline=None)
@given(data=st.data(), similarity=st.sampled_from([0.51, 0.6, 0.75, 0.75, 0.9, 1.0]))
def test_the_search_finds_what_comparing_each_with_each_finds(data: st.DataObject, similarity: float) -> None:
    both = data.draw(texts())
    cut = data.draw(st.integers(0, len(both)))
    shared = data.draw(st.lists(st.sampled_from(both), max_size=4))
    known, sentences = [*both[:cut], *shared], [*both[cut:], *shared]
    found = list(Known(known, similarity).matches(sentences))
    assert len(found) == len(set(found))
    assert set(found) == compared(known, sentences, similarity)


def test_edits_at_the_bound_of_the_similarity_are_found() -> None:
    rng = random.Random(1)
    for length in (32, 33, 40, 63, 64, 65, 100, 127, 128, 129, 256, 257, 1000):
        text = "".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=length))
        for loss in (0.25, 0.1):
            edits = int(loss * length + 1e-9)
            places = [round(place) for place in np.linspace(0, length - 1, edits)]  # spread, so that most bigrams go
            changed = "".join("Ж" if place in places else letter for place, letter in enumerate(text))
            known = Known([text], 1 - loss)
            assert [match.exact for match in known.matches([changed])] == [False], (length, loss)
            one_more = changed.replace(next(letter for letter in reversed(changed) if letter != "ж"), "Ж")
            assert compared([text], [one_more], 1 - loss) == set(known.matches([one_more]))


def test_texts_longer_than_the_largest_sets_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edit_filter, "MOST", 512)
    rng = random.Random(2)
    text = "".join(rng.choices("abcdefgh ", k=3000))
    known = Known([text, text[:2400], text[:100]], 0.75)
    assert {match.known for match in known.matches([text])} == {0, 1}
    assert {match.known for match in known.matches([text[:2000], text[1000:]])} == {1}


def test_a_sentence_counts_for_every_test_sentence_it_is_like() -> None:
    known = [f"The quick brown fox jumps over the lazy dog number {word}" for word in ("two", "six", "ten")]
    known += ["Hello world", "Hello, world!"]
    training = ["The quick brown fox jumps over the lazy dog number one", "Hello world"]
    found = list(Known(known, 0.75).matches(training))
    assert {match.known for match in found if match.exact} == {3, 4}
    assert {match.known for match in found if not match.exact} == {0, 1, 2}


class Given(Corpus):
    """A corpus of some segments, the same for every split."""

    revision = "1"

    def __init__(self, segments: list[Segment]) -> None:
        self._segments = segments

    def missing(self, pairs: Iterable[Pair], split: Split) -> dict[Pair, str]:
        return {}

    def segments(self, pair: Pair, split: Split) -> Iterator[Segment]:
        return iter(self._segments)


def test_what_is_found_in_a_stream_is_what_is_found_in_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from dragoman.corpora.sampling import overlap

    monkeypatch.setattr(overlap, "BATCH", 3)
    rng = random.Random(3)

    def sentence() -> str:
        return " ".join(rng.choices(WORDS["Latin"], k=rng.randint(2, 5)))

    tested = [Segment(sentence(), f"Die Nummer in der langen Straße ist {number}.") for number in range(60)]
    training = [Segment(sentence(), f"Die Nummer in der langen Straße ist {number}!") for number in range(50, 250)]
    pair = Pair("en", "de")
    held_out = HeldOut(Given(tested), [pair])
    for side, found in enumerate(held_out.overlap(pair, training)):
        known = held_out.sentences(pair[side])
        matches = compared(known, [segment[side] for segment in training], 0.75)
        exact = {match.known for match in matches if match.exact}
        assert found.exact == exact
        assert found.near == {match.known for match in matches} - exact
    target = held_out.overlap(pair, training)[1]
    assert (len(target.exact), len(target.near)) == (10, 50)
    assert all(held_out.examine(pair, segment) == "test_overlap" for segment in training)


def test_templates_take_about_as_long_as_other_text() -> None:
    """Of sentences that are all alike, each test sentence is looked for until it is found, and then no more."""
    rng = random.Random(4)

    def seconds(known: list[str], training: list[str]) -> float:
        held_out = HeldOut(Given([Segment(text, "x") for text in known]), [Pair("en", "de")])
        segments = [Segment(text, "y") for text in training]
        list(held_out.overlap(Pair("en", "de"), segments[:1]))
        begun = time.process_time()
        held_out.overlap(Pair("en", "de"), segments)
        return time.process_time() - begun

    alike = [f"The number of the house in the long street is {number}." for number in range(6000)]
    other = [" ".join("".join(rng.choices("etaoinshrdlu", k=rng.randint(2, 7))) for _ in range(9)) for _ in alike]
    ordinary = min(seconds(other[:1000], other[1000:]) for _ in range(2))
    templates = min(seconds(alike[:1000], alike[1000:]) for _ in range(2))
    assert templates < 5 * ordinary
