import pytest

from dragoman.language import LanguageError, canonical_tag, english_name


@pytest.mark.parametrize(
    ("written", "tag"),
    [
        ("en", "en"), ("eng", "en"), ("eng_Latn", "en"), ("English", "en"), ("ger", "de"), ("deu_Latn", "de"),
        ("arb_Arab", "ar"), ("ary_Arab", "ary"), ("swh_Latn", "sw"), ("Swahili", "sw"), ("nob_Latn", "nb"),
        ("zh", "zh-Hans"), ("zho_Hans", "zh-Hans"), ("zho_Hant", "zh-Hant"), ("Chinese", "zh-Hans"),
        ("sr", "sr-Cyrl"), ("srp_Latn", "sr-Latn"), ("ace_Arab", "ace-Arab"), ("ace_Latn", "ace"), ("pt-BR", "pt-BR"),
        ("hin_Deva", "hi"), ("kor_Hang", "ko-Hang"),
    ],
)  # fmt: skip
def test_every_notation_leads_to_one_tag(written: str, tag: str) -> None:
    assert canonical_tag(written) == tag
    assert canonical_tag(tag) == tag


@pytest.mark.parametrize("text", ["xx", "qqq", "Germn", "Klingonish", "", "de_DE_de_DE", "12"])
def test_text_that_names_no_language_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(LanguageError, match="is not a language"):
        canonical_tag(text)


def test_script_variants_stay_apart_and_get_different_names() -> None:
    assert english_name("zh-Hans") == "Chinese"
    assert english_name("zh-Hant") == "Chinese (Traditional)"
    assert english_name("sr-Latn") == "Serbian (Latin)"
    assert english_name("de") == "German"
