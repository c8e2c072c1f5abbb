"""The off-target detector held to sentences of other languages."""

import pytest

from dragoman.corpora.factory import open_corpus
from dragoman.metrics.detector_misses import MOST, VERDICTS, misses, per_language, spread
from dragoman.metrics.language_detector import Detector, Verdict
from dragoman.pair import Pair
from dragoman.segment import Split

LANGUAGES = ("bg", "de", "en", "ru")
PAIRS = {"bg": Pair("en", "bg"), "de": Pair("en", "de"), "en": Pair("de", "en"), "ru": Pair("en", "ru")}


def sentences(language: str, count: int, phrases: int = 1) -> list[str]:
    """Phrases of the embedded corpus; several in a row make a sentence."""
    other = "en" if language != "en" else "de"
    segments = open_corpus("cldr", {}).segments(Pair(other, language), Split.DEV)
    return [" ".join(next(segments).target for _ in range(phrases)) for _ in range(count)]


def test_misses_are_what_judging_each_sentence_gives() -> None:
    texts = {language: sentences(language, 30) for language in LANGUAGES}
    detectors = {target: Detector(pair, LANGUAGES) for target, pair in PAIRS.items()}
    found = misses(detectors, texts)
    for target, detector in detectors.items():
        missed, undecided = [], []
        for language in set(LANGUAGES) - {target}:
            offered = [text for text in dict.fromkeys(texts[language]) if text not in texts[target]]
            verdicts = [detector.judge(text) for text in offered]
            missed.append(100 * sum(not verdict.is_off_target for verdict in verdicts) / len(verdicts))
            undecided.append(100 * verdicts.count(Verdict.UNDECIDED) / len(verdicts))
            assert found[target].by_language[language] == pytest.approx(missed[-1])
        assert found[target].missed == pytest.approx(sum(missed) / 3)
        assert found[target].undecided == pytest.approx(sum(undecided) / 3)
        assert found[target].undecided <= found[target].missed


def test_longer_text_is_missed_less_and_near_languages_more() -> None:
    detectors = {target: Detector(pair, LANGUAGES) for target, pair in PAIRS.items()}
    short = misses(detectors, {language: sentences(language, 60) for language in LANGUAGES})
    long = misses(detectors, {language: sentences(language, 30, phrases=8) for language in LANGUAGES})
    for target in LANGUAGES:
        assert long[target].missed <= short[target].missed
    assert short["ru"].by_language["bg"] > short["ru"].by_language["en"] == 0  # scripts tell English from Russian


def test_a_sentence_of_the_target_language_is_no_miss() -> None:
    detectors = {"de": Detector(PAIRS["de"], LANGUAGES)}
    shared = ["Hamburg", "Berlin"]
    assert misses(detectors, {"de": shared, "en": shared}) == {}
    assert misses(detectors, {"de": shared, "en": [*shared, "the weather of yesterday was not good at all"]})[
        "de"
    ].missed in (0, 100)


def test_many_languages_are_offered_fewer_sentences_each() -> None:
    assert per_language(2) == per_language(1) == MOST
    for languages in (13, 40, 101):
        assert per_language(languages) * languages * (languages - 1) <= VERDICTS
    assert spread(["a", "b", "b", "c", "d"], 2) == ["a", "c"]
    assert spread(["a"], 5) == ["a"]
    assert spread([], 5) == []
