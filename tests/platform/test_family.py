"""Language families."""

from dragoman.family import language_family, language_groups


def test_families_of_the_paper_and_the_kinds_of_place_they_have_in_cldr():
    assert language_family("en") == language_family("hi") == "Indo-European languages"
    assert language_family("fi") == "Uralic languages"
    assert language_family("zh-Hans") == "Sino-Tibetan languages"
    assert language_family("ar") == "Afro-Asiatic languages"
    assert language_family("sw") == "Niger-Kordofanian languages"
    assert language_family("ta") == "Dravidian languages"
    assert language_family("ko") == "Korean"  # an isolate is a family of its own


def test_a_language_cldr_puts_nowhere_has_none():
    assert language_family("qaa") is None


def test_the_groups_of_a_language_lead_from_its_family_to_itself():
    assert language_groups("de") == ("ine", "gem", "gmw", "de")
    assert language_groups("zh-Hant") == ("sit", "zhx", "zh")
    assert language_groups("ko") == ("ko",)
    assert language_groups("qaa") == ()
