from itertools import islice

import numpy as np
import pytest
from tests.fixtures.sentences import SENTENCES

from dragoman.corpora.kinds.cldr import CORE_LANGUAGES, Cldr, CldrOptions
from dragoman.metrics.base import MetricError
from dragoman.metrics.language_detector import Detector, Verdict
from dragoman.metrics.off_target import OffTarget
from dragoman.metrics.resampling import confidence_interval
from dragoman.pair import Pair
from dragoman.segment import Split


@pytest.mark.parametrize("target", SENTENCES)
def test_sentences_are_told_apart(target: str) -> None:
    detector = Detector(Pair("en" if target != "en" else "fr", target), SENTENCES)
    for language, sentence in SENTENCES.items():
        verdict = detector.judge(sentence)
        if language == target:
            assert verdict is Verdict.ON_TARGET
        else:
            # close kin may stay undecided, but nothing foreign passes
            assert verdict.is_off_target or {language, target} in ({"bg", "ru"}, {"ca", "fr"}), language


@pytest.mark.parametrize(("target", "text", "verdict"), [
    ("ar", "Angola", Verdict.OTHER_SCRIPT),
    ("ar", "أنغولا", Verdict.ON_TARGET),
    ("de", "Αγκόλα", Verdict.OTHER_SCRIPT),  # a script of no candidate
    ("zh-Hans", "我喜欢 YouTube", Verdict.ON_TARGET),
    ("ko", "사과와 배", Verdict.ON_TARGET),
    ("ta", "அங்கோலா BBC", Verdict.ON_TARGET),
    ("de", "12.05.2024", Verdict.UNDECIDED),
    ("de", "", Verdict.UNDECIDED),
    ("ar", "… 3 €", Verdict.UNDECIDED),
    ("fr", "Angola", Verdict.UNDECIDED),
])  # fmt: skip
def test_scripts_decide_first(target: str, text: str, verdict: Verdict) -> None:
    assert Detector(Pair("en", target), CORE_LANGUAGES).judge(text) is verdict


def test_share_of_all_segments() -> None:
    sources = [SENTENCES["en"], "Angola", SENTENCES["en"], "A house"]
    references = [SENTENCES["de"], "Angola", SENTENCES["de"], "Ein Haus"]
    hypotheses = [SENTENCES["de"], "Angola", SENTENCES["fr"], "42"]
    metric = OffTarget(Pair("en", "de"), CORE_LANGUAGES)
    statistics = metric.statistics(sources, hypotheses, references)
    assert statistics[:, 4].tolist() == [1, 1, 1, 1]
    assert statistics[:, 0].tolist() == [0, 0, 1, 0]
    assert metric.score(statistics) == 25
    assert metric.details(statistics)["undecided"] == pytest.approx(100 * statistics[:, 1].mean())
    low, high = confidence_interval(metric, statistics, 200)
    assert 0 <= low <= 25 <= high <= 100
    assert OffTarget.higher_is_better is False


def test_copies_of_the_source_are_off_target_if_they_look_like_it() -> None:
    """Even where a text is too short to be sure of: nobody translates by copying."""
    metric = OffTarget(Pair("bg", "ru"), CORE_LANGUAGES)
    copy, other = "преди пет дни", "преди пет часа"
    assert Detector(Pair("bg", "ru"), CORE_LANGUAGES).judge(copy) is Verdict.UNDECIDED
    statistics = metric.statistics([copy, other], [copy, copy], ["5 дней назад", "5 дней назад"])
    assert statistics[:, 0].tolist() == [1, 0]
    # a name is the same in both languages: its reference is a copy too
    assert metric.statistics([copy], [copy], [copy])[0, 0] == 0


def test_a_correct_translation_is_never_off_target() -> None:
    """What the detector gets wrong on the reference is its own error, and is shown as such."""
    metric = OffTarget(Pair("de", "en"), CORE_LANGUAGES)
    references = list(SENTENCES.values())
    sources = [SENTENCES["de"]] * len(references)
    statistics = metric.statistics(sources, references, references)
    assert metric.score(statistics) == 0
    assert metric.details(statistics)["reference_off_target"] > 50
    # but another script stays off-target, whatever is thought of the reference
    assert metric.score(metric.statistics(["x"], [SENTENCES["ta"]], [SENTENCES["fr"]])) == 100


def test_error_rate_on_short_phrases() -> None:
    """The threshold's figures: measured on dev, where it was chosen."""
    corpus = Cldr(CldrOptions())
    for language, bound in (("de", 2.5), ("en", 7), ("bg", 0.5), ("hi", 0)):
        detector = Detector(Pair("sw", language), CORE_LANGUAGES)
        verdicts = [detector.judge(text) for text in islice(corpus.sentences(language, Split.DEV), 400)]
        assert 100 * np.mean([verdict.is_off_target for verdict in verdicts]) <= bound


@pytest.mark.parametrize(("pair", "languages", "reason"), [
    (Pair("en", "zh-Hans"), ["zh-Hant"], "can't tell zh-Hans from zh-Hant"),
    (Pair("pt-BR", "pt-PT"), [], "can't tell pt-PT from pt-BR"),
    (Pair("en", "ckb"), [], "doesn't know ckb"),
    (Pair("ckb", "ar"), [], "doesn't know ckb, so text left untranslated"),
])  # fmt: skip
def test_what_it_cannot_tell_it_does_not_score(pair: Pair, languages: list[str], reason: str) -> None:
    with pytest.raises(MetricError, match=reason):
        _ = OffTarget(pair, languages).signature


def test_languages_are_the_detectors_by_any_tag() -> None:
    serbian = Detector(Pair("en", "sr-Latn"), ["sr-Cyrl", "zh-Hant", "de"])
    assert serbian.judge("Библиотека се отвара сваког дана.") is Verdict.OTHER_SCRIPT
    assert serbian.judge("Biblioteka se otvara svakog dana u devet sati ujutru.") is Verdict.ON_TARGET
    assert Detector(Pair("zh-Hant", "en"), []).judge(SENTENCES["en"]) is Verdict.ON_TARGET
    assert Detector(Pair("en", "nb"), ["fil"]).judge("Biblioteket åpner hver dag klokka ni.") is Verdict.ON_TARGET
    # a source it doesn't know, but in another script, does no harm
    assert Detector(Pair("ckb", "en"), ["de"]).judge(SENTENCES["de"]) is Verdict.OTHER_LANGUAGE


def test_signature_names_what_a_verdict_depends_on() -> None:
    signature = OffTarget(Pair("en", "de"), ["fr", "de"]).signature
    assert signature.startswith("detector:py3langid-")
    assert signature.endswith("|candidates:de,en,fr|threshold:0.9|rule:1")
    assert signature == OffTarget(Pair("de", "fr"), ("en",)).signature
