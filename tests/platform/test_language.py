"""One language has one tag, over all codes of the data sets and models that are read and all names of CLDR."""

import tomllib
from collections import defaultdict
from functools import cache
from pathlib import Path

import langcodes
import pytest
from langcodes.registry_parser import parse_registry

from dragoman.language import (
    LanguageError,
    canonical_tag,
    english_name,
    is_byname,
    native_name,
    related,
    tag_among,
    tags_as_they_are,
    without_region,
)
from dragoman.script import likely_script

LISTS = {
    name: listed["codes"].split()
    for name, listed in tomllib.loads(Path(__file__).with_name("language_codes.toml").read_text()).items()
}

REFUSED = {
    "ns": "M2M-100's own code for Northern Sotho, which its engine knows; no standard has it",
    "foo": "a placeholder in GNOME's files",
    "gr": "no language code: Greece, which the corpus means Greek by",
    "jp": "no language code: Japan, which the corpus means Japanese by",
    "no_nb": "NB is no region",
    "simple": "a Wikipedia in simple English, which no standard has a code for",
    "ze_en": "lines of two languages at once",
    "ze_zh": "lines of two languages at once",
    "zhs": "not in ISO 639: simplified Chinese is zh_CN",
    "zht": "not in ISO 639: traditional Chinese is zh_TW",
    "eml": "retired from ISO 639-3 in 2009: split into egl and rgn",
}
"""Codes of public lists that name no language, with the reason."""

SEVERAL_SCRIPTS = {
    "ace": "Arab", "ar": "Latn", "bjn": "Arab", "zh": "Hant", "ks": "Deva", "kr": "Arab", "min": "Arab", "taq": "Tfng",
    "mn": "Mong", "sd": "Deva", "mni": "Mtei",
}  # fmt: skip
"""Languages that FLORES has in a script beside the usual one, and that script."""

UNUSUAL_SCRIPTS = {
    "crh_Latn": "CLDR's usual script of Crimean Tatar is Cyrillic",
    "kaa_Latn": "CLDR's usual script of Karakalpak is Cyrillic",
    "sat_Beng": "CLDR's usual script of Santali is Ol Chiki, as FLORES+ has it",
    "tzm_Tfng": "CLDR's usual script of Central Atlas Tamazight is Latin",
}
"""Codes of languages that a list has in another script alone than CLDR's usual one."""

ONE_TAG = {
    "ak": "CLDR: Twi (tw) is Akan",
    "apc": "FLORES+ has northern and southern Levantine by Glottolog's codes",
    "ca": "FLORES+ has Valencian by Glottolog's code",
    "lld": "FLORES+ has two Ladin varieties by Glottolog's codes",
    "nb": "FLORES+ has a radical variety",
    "oc": "FLORES+ has Aranese by Glottolog's code",
}
"""Tags that several codes of one FLORES list or NLLB stand for, with the reason."""


SAME_NAMES = {"Moldavian": "CLDR's name of ro-MD; its code mo is Romanian"}
"""English names that lead to another tag than that of their code, with the reason."""


def plain(name: str, code: str) -> str:
    """A code as the corpora of this kind read it: without what is in no standard."""
    if name == "flores101":
        return code.replace("_simpl", "_Hans").replace("_trad", "_Hant")
    return "_".join(code.split("_")[:2]) if name == "flores_plus" else code


@cache
def registry() -> dict[str, dict[str, str]]:
    """The language subtags of the IANA registry, which holds ISO 639-1, -2 and -3."""
    return {
        record["Subtag"]: record
        for record in parse_registry()
        if record.get("Type") == "language" and ".." not in record["Subtag"]
    }


@pytest.mark.parametrize(
    ("tag", "written"),
    [
        ("en", "en eng eng_Latn English en_XX en_US en-001 en-Latn-US"),
        ("de", "ger deu deu_Latn German de_DE de_XX de-Latf"),
        # facebookresearch/flores, flores200/README.md: kor_Hang is FLORES-101's kor; ISO 15924: Kore is Hangul and Han
        ("ko", "ko kor Korean kor_Hang kor_Kore ko_KR ko-Hang"),
        # unicode-org/cldr#964: nb has no as its macrolanguage
        ("nb", "no nb nob nob_Latn Norwegian nb_NO no_NO nor"),
        ("nn", "nn nno nno_Latn nn_NO"),
        # CLDR, languageAlias: tl is fil
        ("fil", "tl tgl fil Tagalog Filipino tgl_Latn fil_PH tl_XX"),
        # CLDR, likelySubtags: zh is zh_Hans_CN, zh_TW is zh_Hant_TW
        ("zh-Hans", "zh zho_Hans Chinese zh_CN zh_cn zh-Hans-CN cmn cmn_Hans cmn_Hani"),
        ("zh-Hant", "zho_Hant zh_TW zh_tw cmn_Hant zh-Hant-TW"),
        ("zh-Hant-HK", "zh_HK zh-Hant-HK"),
        ("pt", "pt por por_Latn pt_BR pt_br pt_XX"),
        ("pt-PT", "pt_PT pt-Latn-PT"),
        ("ar", "ar arb arb_Arab ar_EG"),
        ("ar-SA", "ar_SA ar-Arab-SA"),
        ("fr", "fr fr_FR fr_XX"),
        ("fr-CA", "fr_CA fra_Latn_CA"),
        ("es-MX", "es_MX"),
        ("sw", "swh_Latn Swahili sw_TZ"),
        ("sr-Cyrl", "sr srp_Cyrl sr_RS"),
        ("sr-Latn", "srp_Latn sh hbs Serbo-Croatian sr-Latn-RS"),
        ("ps", "ps pus pbt pbt_Arab ps_AF"),
        ("fa-AF", "prs prs_Arab fa_AF Dari"),
        ("azb", "azb azb_Arab"),
        ("acm", "acm acm_Arab"),
        ("ajp", "ajp ajp_Arab"),
        ("ks-Arab", "ks kas kas_Arab"),
        ("ks-Deva", "kas_Deva"),
        ("ur", "ur urd_Arab ur-Aran"),
        ("bg", "bg bul_Zyyy bg_BG"),
        ("ace-Arab", "ace_Arab"), ("ace", "ace_Latn"), ("hi", "hin_Deva"), ("ary", "ary_Arab"),
        ("ja", "ja_XX jpn_Jpan"),
    ],
)  # fmt: skip
def test_every_notation_leads_to_one_tag(tag: str, written: str) -> None:
    for text in (tag, *written.split()):
        assert canonical_tag(text) == tag, text


@pytest.mark.parametrize("name", LISTS)
def test_the_tag_of_a_tag_is_the_tag_for_every_code_of_a_public_list(name: str) -> None:
    for code in LISTS[name]:
        if code in REFUSED:
            with pytest.raises(LanguageError):
                canonical_tag(code)
            continue
        tag = canonical_tag(plain(name, code))
        assert canonical_tag(tag) == tag, code
        assert "Unknown" not in english_name(tag)


@pytest.mark.parametrize("name", ["flores101", "flores200", "flores_plus", "nllb", "m2m100", "mbart50", "wikimatrix"])
def test_no_two_languages_of_a_list_share_a_tag(name: str) -> None:
    codes = defaultdict(list)
    for code in set(LISTS[name]) - REFUSED.keys():
        codes[canonical_tag(plain(name, code))].append(code)
    assert {tag for tag, several in codes.items() if len(several) > 1} <= ONE_TAG.keys()


@pytest.mark.parametrize("name", ["flores200", "flores_plus", "nllb"])
def test_the_usual_script_of_a_language_tells_nothing(name: str) -> None:
    for code in (plain(name, code) for code in LISTS[name]):
        language, script = code.split("_")
        bare = canonical_tag(language)
        if script == SEVERAL_SCRIPTS.get(bare.partition("-")[0]) or code in UNUSUAL_SCRIPTS:
            assert canonical_tag(code) == f"{bare.partition('-')[0]}-{script}"
        else:
            assert canonical_tag(code) == bare, code


def test_codes_of_flores_101_and_200_are_those_of_its_own_map() -> None:
    # facebookresearch/flores, flores200/README.md, "Map between FLORES-101 Language Codes and FLORES-200 Language
    # Codes", where the codes differ otherwise than by a script
    own = {
        "arb": "ara", "fuv": "ful", "lvs": "lav", "khk": "mon", "gaz": "orm", "pes": "fas", "pbt": "pus", "swh": "swa",
        "uzn": "uzb", "zsm": "msa", "azj": "aze", "npi": "nep", "ory": "ori", "est": "ekk", "plt": "mlg", "als": "sqi",
    }  # fmt: skip
    assert {new for new, old in own.items() if canonical_tag(new) != canonical_tag(old)} == {"fuv"}
    # Nigerian Fulfulde is one of nine languages of Fulah (ISO 639-3), and other data sets have others of them under ff


def test_every_code_of_iso_639_has_a_tag_that_is_its_own() -> None:
    codes = defaultdict(list)
    for code in registry().keys() - {"und"}:  # undetermined: no language
        tag = canonical_tag(code)
        assert canonical_tag(tag) == tag, code
        codes[langcodes.Language.get(tag).language].append(code)
    for tag, several in codes.items():
        assert len({_root(code) for code in several}) == 1 or _aliased(several), (tag, several)


def _root(code: str) -> str:
    """What the registry says is preferred to a code, or is its macrolanguage."""
    seen = {code}
    while (above := registry()[code].get("Preferred-Value") or registry()[code].get("Macrolanguage")) not in {
        None,
        *seen,
    }:
        code = str(above)
        seen.add(code)
    return code


def _aliased(codes: list[str]) -> bool:
    """Whether CLDR, beyond the registry, takes all of these codes for one (languageAlias: tl is fil, bh is bho)."""
    return len({langcodes.standardize_tag(code, macro=True) for code in codes}) == 1


def test_every_english_name_leads_to_the_tag_of_its_code_or_to_a_question() -> None:
    names = defaultdict(set)
    for code in registry().keys() - {"und"}:
        names[langcodes.Language.make(language=code).language_name()].add(canonical_tag(code))
    asked = set()
    for name, tags in names.items():
        try:
            tag = canonical_tag(name)
        except LanguageError:  # langcodes finds another language of that name first: its code has to be given
            asked.add(name)
            continue
        assert canonical_tag(tag) == tag, name
        if not langcodes.tag_is_valid(name):  # of a name that is a code as well (Ga, Ron, Aka-Bo) the code is meant
            assert tag in tags or name in SAME_NAMES, (name, tag, tags)
    assert len(asked) < 0.01 * len(names)


@pytest.mark.parametrize(
    "text", ["xx", "qqq", "Germn", "Klingonish", "", "de_DE_de_DE", "12", "und", "en \ud83d", "\udcff", "one\0"]
)
def test_text_that_names_no_language_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(LanguageError, match="is not a language"):
        canonical_tag(text)


@pytest.mark.parametrize(
    ("name", "tag"),
    # CLDR's English names of variants
    [("Traditional Chinese", "zh-Hant"), ("Brazilian Portuguese", "pt"), ("European Portuguese", "pt-PT"),
     ("Ladino", "lad"), ("norwegian bokmål", "nb")],
)  # fmt: skip
def test_names_of_variants_are_names_too(name: str, tag: str) -> None:
    assert canonical_tag(name) == tag


def test_script_variants_stay_apart_and_get_different_names() -> None:
    assert english_name("zh-Hans") == "Chinese"
    assert english_name("zh-Hant") == "Chinese (Traditional)"
    assert english_name("sr-Latn") == "Serbian (Latin)"
    assert english_name("pt-PT") == "Portuguese (Portugal)"
    assert english_name("de") == "German"


@pytest.mark.parametrize(
    ("written", "name"),
    [("kor_Hang", "Korean"), ("en_XX", "English"), ("zh_CN", "Chinese"), ("azb_Arab", "South Azerbaijani")],
)
def test_a_name_says_nothing_that_tells_nothing(written: str, name: str) -> None:
    assert english_name(canonical_tag(written)) == name
    assert "(" not in native_name(canonical_tag(written))


def test_the_usual_script_of_small_languages_is_known() -> None:
    # Unicode CLDR 47, likelySubtags.xml
    assert [likely_script(tag) for tag in ("azb", "acm", "kjh", "ks-Deva", "grc", "en")] == [
        "Arab", "Arab", "Cyrl", "Deva", "Grek", "Latn",
    ]  # fmt: skip


def test_a_tag_of_an_earlier_version_is_found_by_any_notation_and_stays() -> None:
    older = ["en", "ko-Hang", "no"]
    assert [tag_among(text, older) for text in ("ko-Hang", "Korean", "nb", "no", "eng", "de")] == [
        "ko-Hang", "ko-Hang", "no", "no", "en", None,
    ]  # fmt: skip
    with tags_as_they_are(older):
        assert canonical_tag("ko-Hang") == "ko-Hang"
    assert canonical_tag("ko-Hang") == "ko"


def test_languages_beside_one_another_are_related() -> None:
    tags = ["zh-Hans", "zh-Hant", "yue-Hant", "nb", "nn", "de", "pt", "pt-PT", "hr", "bs"]
    assert related("zh-Hans", tags) == ["yue-Hant", "zh-Hant"]
    assert related("nb", tags) == ["nn"]
    assert related("pt-PT", tags) == ["pt"]
    assert related("bs", tags) == ["hr"]
    assert related("de", tags) == []
    assert without_region("ar-SA") == "ar"
    assert without_region("zh-Hant-HK") == "zh-Hant"


def test_a_language_s_own_code_is_told_from_those_that_only_mean_it() -> None:
    bynames = {
        code
        for code in ("pt", "pt_BR", "nb", "no", "zh_TW", "pt_PT", "kor_Hang")
        if is_byname(code, canonical_tag(code))
    }
    assert bynames == {"pt_BR", "no", "zh_TW"}
