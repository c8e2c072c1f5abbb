import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.pair import Pair
from dragoman_ui.responses.markdown import rendered
from dragoman_ui.viewmodels.error_labels import _AGAIN, Guess, Label, _may_repeat, labels


def found(source: str, reference: str, hypothesis: str) -> set[Label]:
    return set(labels(source, reference, hypothesis, was_cut=False))


@pytest.mark.parametrize(
    ("source", "reference", "hypothesis", "expected"),
    [
        ("three cats sleep", "drei Katzen schlafen", "drei Katzen schlafen", set()),
        ("three cats sleep", "drei Katzen schlafen", "  ", {Label.EMPTY}),
        ("three cats sleep", "drei Katzen schlafen", "Three cats sleep.", {Label.COPIED}),
        ("Berlin 1990", "Berlin 1990", "Berlin 1990", set()),  # the reference is a copy too
        ("very good", "sehr sehr gut", "sehr sehr gut", set()),  # twice is how people speak
        ("a very long way", "ein weiter Weg", "ein ein ein ein Weg", {Label.REPEATED}),
        ("a very long way", "ein weiter Weg", "der Weg und der Weg und der Weg und der Weg und", {Label.REPEATED}),
        ("far", "很远", "很很很很很", {Label.REPEATED}),
        ("a hundred", "1000000000", "1000000000", set()),
        ("no, no, no, no", "nein, nein, nein, nein", "nein, nein, nein, nein", set()),
    ],
)
def test_labels(source: str, reference: str, hypothesis: str, expected: set[Label]) -> None:
    assert found(source, reference, hypothesis) == expected


def test_what_the_engine_said_is_a_label_too() -> None:
    assert labels("a", "b", "c", was_cut=True) == (Label.CUT,)


@given(st.text(), st.text())
def test_a_reference_is_never_at_fault_but_for_being_empty(source: str, reference: str) -> None:
    assert found(source, reference, reference) <= {Label.EMPTY}


def test_a_language_is_guessed_among_those_of_the_grid() -> None:
    guess = Guess(Pair("en", "ar"), ("en", "de", "ar", "ru"))
    assert guess("Мы были в школе") == "ru"
    assert guess("Die Katze schläft auf dem Tisch und träumt.") == "de"
    assert guess("القط نائم") == "ar"
    assert guess("12.5") is None
    assert guess("你好") is None  # no language of the grid is written so


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[click](javascript:alert(1))",
        "![](https://elsewhere.example/pixel.png)",
        "<style>body { display: none }</style>",
    ],
)
def test_markdown_can_do_nothing(text: str) -> None:
    html = rendered(text)
    for forbidden in ("<script", "<img", "<style", 'href="javascript'):
        assert forbidden not in html


def test_markdown_has_headings_below_the_pages_and_tables() -> None:
    html = rendered("# Name\n\n| a | b |\n| --- | ---: |\n| 1 | 2 |\n")
    assert "<h2>Name</h2>" in html
    assert '<td class="number">2</td>' in html
    assert "style=" not in html


@given(st.text("ab c", max_size=60), st.text("abcdefg h", max_size=12), st.integers(1, 6), st.text("xyz ", max_size=9))
def test_no_repetition_is_passed_over(before: str, stretch: str, times: int, after: str) -> None:
    text = f"{before}{stretch * times}{after} "
    if any(any(each.isalpha() for each in match[1]) for match in _AGAIN.finditer(text)):
        assert _may_repeat(text)
