import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman_ui.viewmodels.text_diff import direction, lacking, parts


def marked(hypothesis: str, reference: str) -> str:
    """What differs, in brackets."""
    return "".join(part.text if part.matches else f"[{part.text}]" for part in parts(hypothesis, reference))


@pytest.mark.parametrize(
    ("hypothesis", "reference", "expected"),
    [
        ("three cats", "three cats", "three cats"),
        ("three dogs sleep.", "three cats sleep.", "three [dogs] sleep."),
        ("two, old cats", "two old cats", "two[,] old cats"),
        ("", "three cats", ""),
        ("cats", "", "[cats]"),
        # Chinese by characters, however short; Thai too, marks staying with their letters
        ("福兰群岛", "福克兰群岛", "福兰群岛"),
        ("福得兰", "福克兰", "福[得]兰"),
        ("วันจันทร์ที่หนึ่ง", "วันอังคารที่หนึ่ง", "วัน[จันทร์]ที่หนึ่ง"),
        # a Hindi word with its vowel signs is one word
        ("मुझे पानी दो", "मुझे रोटी दो", "मुझे [पानी] दो"),
    ],
)
def test_what_differs_is_marked(hypothesis: str, reference: str, expected: str) -> None:
    assert marked(hypothesis, reference) == expected


@pytest.mark.parametrize(
    ("hypotheses", "reference", "expected"),
    [
        (["three cats"], "three old cats", "three [old] cats"),
        (["three cats", "old cats"], "three old cats", "three old cats"),  # one of them has it
        (["three dogs", "two dogs"], "three old cats", "three [old] [cats]"),
        ([""], "three cats", "[three] [cats]"),
        ([], "three cats", "three cats"),  # nothing to hold it against
        (["福兰群岛"], "福克兰群岛", "福[克]兰群岛"),
        (["cats three"], "three cats", "[three] cats"),  # not at this place
    ],
)
def test_what_a_reference_has_and_hypotheses_lack_is_found(
    hypotheses: list[str], reference: str, expected: str
) -> None:
    found = lacking(reference, hypotheses)
    assert "".join(part.text if part.matches else f"[{part.text}]" for part in found) == expected


@given(st.text(), st.lists(st.text(), max_size=3))
def test_nothing_of_a_reference_is_lost(reference: str, hypotheses: list[str]) -> None:
    assert "".join(part.text for part in lacking(reference, hypotheses)) == reference
    assert all(part.matches for part in lacking(reference, [*hypotheses, reference]))


@given(st.text(), st.text())
def test_nothing_is_lost(hypothesis: str, reference: str) -> None:
    assert "".join(part.text for part in parts(hypothesis, reference)) == hypothesis
    assert all(part.matches for part in parts(hypothesis, hypothesis))


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["three cats"], "ltr"),
        (["ثلاث قطط"], "rtl"),
        (["שלושה חתולים"], "rtl"),
        (["15 مايو 2005"], "rtl"),
        (["iPhone هاتف محمول من شركة"], "rtl"),
        (["2005", "15 مايو 2005"], "rtl"),
        (["three cats", "ثلاث قطط"], "ltr"),
        (["…", ""], "ltr"),
    ],
)
def test_text_runs_as_its_letters_do(texts: list[str], expected: str) -> None:
    assert direction(*texts) == expected
