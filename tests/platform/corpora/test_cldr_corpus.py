import unicodedata
from itertools import islice

import pytest

from dragoman.corpora.factory import open_corpus
from dragoman.corpora.kinds.cldr import CORE_LANGUAGES, Cldr, CldrOptions
from dragoman.corpora.kinds.cldr_phrases import render
from dragoman.errors import CorpusError
from dragoman.pair import Pair
from dragoman.segment import Split

TRAIN_READ = 1500
"""Meanings of train the tests read."""


@pytest.fixture(scope="module")
def corpus() -> Cldr:
    return Cldr(CldrOptions())


def test_the_splits_share_no_meaning(corpus: Cldr) -> None:
    test, dev = set(corpus.meanings(Split.TEST)), set(corpus.meanings(Split.DEV))
    train = set(islice(corpus.meanings(Split.TRAIN), TRAIN_READ))
    assert len(test) == len(dev) == 1000
    assert not test & dev
    assert not train & (test | dev)


@pytest.mark.parametrize("language", CORE_LANGUAGES)
def test_no_test_or_dev_sentence_is_in_train_in_any_language(corpus: Cldr, language: str) -> None:
    test = set(corpus.sentences(language, Split.TEST))
    dev = set(corpus.sentences(language, Split.DEV))
    train = set(islice(corpus.sentences(language, Split.TRAIN), TRAIN_READ))
    assert not test & dev
    assert not train & (test | dev)


def test_one_meaning_is_rendered_in_every_language(corpus: Cldr) -> None:
    for split in (Split.TEST, Split.DEV):
        for meaning in corpus.meanings(split):
            texts = [render(meaning, language) for language in CORE_LANGUAGES]
            assert all(texts), meaning


def test_nothing_broken_is_emitted(corpus: Cldr) -> None:
    """No raw keys ("3 length-kilometer" is what zh would give), no stray whitespace, no decomposed letters."""
    for language in CORE_LANGUAGES:
        for sentence in corpus.sentences(language, Split.TEST):
            assert sentence == unicodedata.normalize("NFC", " ".join(sentence.split()))
            assert not {"length-", "mass-", "speed-", "temperature-", "duration-", "digital-"} & {
                sentence[start : start + size] for size in (5, 6, 7, 9, 12) for start in range(len(sentence))
            }
            assert "{0}" not in sentence


def test_meanings_a_language_has_no_proper_form_for_are_left_out() -> None:
    assert render(("unit", "length-kilometer", 3), "zh-Hans") is None
    assert render(("unit", "length-kilometer", 3), "de") == "3 Kilometer"
    assert render(("territory", "nowhere"), "de") is None


def test_golden_renderings() -> None:
    # from CLDR 47 by way of babel 2.18
    assert render(("list", "standard", ("territory", "EE"), ("territory", "AD")), "fi") == "Viro ja Andorra"
    assert render(("amount", "QAR", 215, 75), "de") == "215,75 Katar-Riyal"
    assert render(("date", "2005-05-15", "full"), "sw") == "Jumapili, 15 Mei 2005"
    assert render(("relative", "week", 3, "future"), "zh-Hans") == "3周后"


def test_pairs_are_aligned_and_repeatable(corpus: Cldr) -> None:
    there = list(corpus.segments(Pair("de", "ar"), Split.TEST))
    back = list(corpus.segments(Pair("ar", "de"), Split.TEST))
    assert [(source, target) for target, source in back] == there
    assert there == list(Cldr(CldrOptions()).segments(Pair("de", "ar"), Split.TEST))
    assert there != list(Cldr(CldrOptions(seed=2)).segments(Pair("de", "ar"), Split.TEST))


def test_languages_beyond_the_thirteen_work_and_others_are_reported(corpus: Cldr) -> None:
    assert len(list(corpus.segments(Pair("ja", "th"), Split.TEST))) > 900
    assert "ace" in corpus.missing([Pair("ace", "de"), Pair("de", "fr")], Split.TEST)[Pair("ace", "de")]
    with pytest.raises(CorpusError, match="ace"):
        next(corpus.segments(Pair("ace", "de"), Split.TEST))


def test_wrong_options_are_sentences() -> None:
    with pytest.raises(CorpusError, match="no option 'sed'; did you mean 'seed'"):
        open_corpus("cldr", {"sed": 1})
    with pytest.raises(CorpusError, match=r"corpus\.seed is 'one'"):
        open_corpus("cldr", {"seed": "one"})
