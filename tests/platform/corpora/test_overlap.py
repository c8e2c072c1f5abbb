import random
from collections.abc import Callable
from pathlib import Path

import pytest

from dragoman.corpora.base import Corpus
from dragoman.corpora.factory import open_corpus
from dragoman.corpora.sampling.near_duplicates import Known, normalised
from dragoman.corpora.sampling.overlap import HeldOut
from dragoman.corpora.sampling.sampling import draw
from dragoman.pair import Pair, all_pairs
from dragoman.segment import Segment, Split

Write = Callable[[str, str | bytes], Path]

ALPHABETS = {
    "en": "etaoinshrdlcu",
    "de": "enisratdhulöäü",
    "ru": "оеаинтсрвлкмд",
    "hi": "कखगचजटडतदनपमरलवसहािीुूेैोौ",
    "zh-Hans": "",
}
CODES = {"en": "eng", "de": "deu", "ru": "rus", "hi": "hin", "zh-Hans": "zho_simpl"}
PAIRS = all_pairs(ALPHABETS)
TESTED = 150


def vocabulary(language: str) -> list[str]:
    rng = random.Random(language)
    if language == "zh-Hans":
        return [chr(rng.randrange(0x4E00, 0x5E00)) + chr(rng.randrange(0x4E00, 0x5E00)) for _ in range(600)]
    return ["".join(rng.choices(ALPHABETS[language], k=rng.randint(3, 9))) for _ in range(600)]


def join(language: str, words: list[str]) -> str:
    text = ("" if language == "zh-Hans" else " ").join(words)
    return text[:1].upper() + text[1:] + ("。" if language == "zh-Hans" else ".")


def sentences(language: str, count: int, seed: int) -> list[list[str]]:
    rng, words = random.Random(f"{language} {seed}"), vocabulary(language)
    return [rng.choices(words, k=rng.randint(7, 25)) for _ in range(count)]


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    root = tmp_path_factory.mktemp("flores")
    (root / "devtest").mkdir()
    for language, code in CODES.items():
        lines = [join(language, words) + "\n" for words in sentences(language, TESTED, seed=1)]
        (root / "devtest" / f"{code}.devtest").write_text("".join(lines))
    return open_corpus("flores101", {"path": str(root)})


@pytest.fixture(scope="module")
def held_out(tested: Corpus) -> HeldOut:
    return HeldOut(tested, PAIRS)


def clean(pair: Pair, count: int = 400) -> list[Segment]:
    sides = ([join(tag, words) for words in sentences(tag, count, seed=2)] for tag in pair)
    return [Segment(*both) for both in zip(*sides, strict=True)]


def exact(language: str, words: list[str]) -> str:
    return join(language, words)


def restyled(language: str, words: list[str]) -> str:
    return f"– «{join(language, words).upper()[:-1]}» !?"


def one_word_changed(language: str, words: list[str]) -> str:
    changed = list(words)
    changed[len(words) // 2] = vocabulary(language)[7]
    return join(language, changed)


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_clean_text_has_no_overlap(held_out: HeldOut, pair: Pair) -> None:
    for overlap in held_out.overlap(pair, clean(pair)):
        assert (overlap.exact, overlap.near, overlap.share) == (frozenset(), frozenset(), 0.0)
        assert overlap.sentences == TESTED


@pytest.mark.parametrize("plant", [exact, restyled, one_word_changed])
@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_planted_sentences_are_found_on_their_side(
    held_out: HeldOut, pair: Pair, plant: Callable[[str, list[str]], str]
) -> None:
    numbers = range(0, TESTED, 15)
    for side, tag in enumerate(pair):
        training = clean(pair, 300)
        for number in numbers:
            words = sentences(tag, TESTED, seed=1)[number]
            training[20 * number // 10 + 1] = training[0]._replace(**{("source", "target")[side]: plant(tag, words)})
        overlaps = held_out.overlap(pair, training)
        planted, other = overlaps[side], overlaps[1 - side]
        assert (planted.language, planted.side) == (tag, ("source", "target")[side])
        found, neither = (planted.near, planted.exact) if plant is one_word_changed else (planted.exact, planted.near)
        assert found == set(numbers)
        assert not neither
        assert planted.share == len(numbers) / TESTED
        assert not other.exact | other.near
        assert all(finding.test in held_out.sentences(tag) for finding in planted.examples)
        assert 0 < len(planted.examples) <= 3


def test_a_filter_leaves_overlapping_segments_out(held_out: HeldOut, write: Write, tmp_path: Path) -> None:
    pair = Pair("de", "en")
    words = sentences("en", TESTED, seed=1)
    good = clean(pair, 50)
    bad = [good[0]._replace(target=plant("en", words[3])) for plant in (exact, restyled, one_word_changed)]
    write("WikiMatrix.de-en.tsv.gz", "".join(f"1.1\t{source}\t{target}\n" for source, target in [*good, *bad]))
    corpus = open_corpus("wikimatrix", {"path": str(tmp_path)})
    sample = draw(corpus, {pair: 1000}, Split.TRAIN, 1, examine=held_out.examine)[pair]
    assert sorted(sample.segments) == sorted(good)
    assert sample.removed["test_overlap"] == 3


def test_only_the_sentences_that_are_tested_count(tested: Corpus) -> None:
    pair = Pair("de", "en")
    words = sentences("en", TESTED, seed=1)
    first_ten = HeldOut(tested, [pair], sentences=10)
    training = [Segment("x", exact("en", words[number])) for number in (3, 30)]
    _, target = first_ten.overlap(pair, training)
    assert (target.sentences, target.exact) == (10, {3})
    _, elsewhere = first_ten.overlap(Pair("de", "ru"), training)
    assert (elsewhere.sentences, elsewhere.share) == (0, 0.0)


def test_exact_copies_alone_can_be_asked_for(tested: Corpus) -> None:
    pair = Pair("de", "en")
    words = sentences("en", TESTED, seed=1)
    strict = HeldOut(tested, [pair], similarity=1)
    training = [Segment("x", one_word_changed("en", words[3])), Segment("x", restyled("en", words[4]))]
    assert strict.overlap(pair, training)[1].exact == {4}
    assert not strict.overlap(pair, training)[1].near


def test_pairs_without_test_text_are_left_out(tested: Corpus) -> None:
    held_out = HeldOut(tested, [Pair("de", "en"), Pair("fr", "en")])
    assert held_out.sentences("fr") == []
    assert len(held_out.sentences("en")) == TESTED


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Die „Größe“ – 12,5 %!", "die grösse 12 5"),
        ("ﬁne  ＡＢＣ…", "fine abc"),
        ("हिन्दी में, वाक्य।", "हिन्दी में वाक्य"),
        ("می‌خواهم.", "میخواهم"),
        ("İstanbul", "i̇stanbul"),
        ("!?", ""),
    ],
)
def test_copies_are_normalised_alike(one: str, other: str) -> None:
    assert normalised(one) == other == normalised(other)


def test_short_sentences_are_alike_only_if_equal() -> None:
    known = Known(["Guten Tag, Herr Maier!", "Ein viel längerer Satz über das Wetter von gestern."], similarity=0.75)
    asked = ["guten tag herr maier", "Guten Tag, Herr Meier!", "", "Ein viel längerer Satz über das Wetter von morgen."]
    assert [tuple(match) for match in known.matches(asked)] == [(0, 0, True), (3, 1, False)]
    assert list(Known([], 0.75).matches(asked)) == []
    assert list(known.matches([])) == []
