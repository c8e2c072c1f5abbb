import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.errors import DragomanError
from dragoman.pair import Pair, all_pairs

TAGS = st.sampled_from(["en", "de", "zh-Hans", "zh-Hant", "sr-Latn", "ar", "pt-PT"])


@given(TAGS, TAGS)
def test_what_is_printed_can_be_read_back(source: str, target: str) -> None:
    if source != target:
        assert Pair.parse(str(Pair(source, target))) == Pair(source, target)


def test_arrows_and_codes_are_read() -> None:
    assert Pair.parse("deu_Latn-zho_Hant") == Pair("de", "zh-Hant")
    assert Pair.parse("de → fr") == Pair("de", "fr")
    assert Pair.parse("English>German") == Pair("en", "de")


@pytest.mark.parametrize("text", ["de", "de-de", "deu-ger", "de-xx", "", "-", "de-fr-ru"])
def test_no_pair_is_a_sentence(text: str) -> None:
    with pytest.raises(DragomanError):
        Pair.parse(text)


def test_all_pairs_are_ordered_and_complete() -> None:
    assert all_pairs(["b", "a", "c", "a"]) == [("a", "b"), ("a", "c"), ("b", "a"), ("b", "c"), ("c", "a"), ("c", "b")]
