import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.metrics.errors.label import Label
from dragoman.pair import Pair
from dragoman.sentences.labels import found_labels, with_language
from dragoman.store.blobs import Bitext, Line
from dragoman_ui.responses.markdown import rendered
from dragoman_ui.viewmodels.error_labels import Guess, pieces
from dragoman_ui.viewmodels.text_diff import parts

PROMPT = "[{source_language}]: {source} [{target_language}]:"


def labelled(hypothesis: str, reference: str, end: str = "stop", source: str = "a very long way home"):
    text = Bitext([source], [reference], [()])
    (found,) = found_labels(Pair("en", "de"), ("en", "de"), text, [Line(hypothesis, end, 5)], PROMPT)
    return found


def test_labels_of_pages_are_those_of_the_metrics() -> None:
    assert labelled("ein weiter Weg heim", "ein weiter Weg heim") == {}
    assert list(labelled("ein ein ein ein Weg", "ein weiter Weg heim", end="length")) == [Label.OSCILLATION, Label.CUT]
    assert list(labelled("", "ein weiter Weg heim", end="no_room")) == [Label.EMPTY, Label.NO_ROOM]
    # how a translation from a file ended is not known, and its prompt was not this one
    assert labelled("ein weiter Weg heim", "ein weiter Weg heim", end="file") == {}


def test_the_language_stands_at_its_place() -> None:
    found = with_language({Label.COPY: ((0, 3),), Label.CUT: ((2, 3),)}, "far")
    assert list(found) == [Label.COPY, Label.LANGUAGE, Label.CUT]


def test_stretches_are_marked_where_they_are() -> None:
    text, reference = "weit [German]: weit weit weit weg", "weit weg von hier"
    found = labelled(text, reference)
    assert list(found) == [Label.OSCILLATION, Label.PROMPT]
    marked = pieces(parts(text, reference), found)
    assert "".join(piece.text for piece in marked) == text
    by_label = {label: "".join(piece.text for piece in marked if label in piece.labels) for label in found}
    assert by_label == {Label.PROMPT: "[German]", Label.OSCILLATION: "weit weit weit"}


@given(st.text("ab כ你", max_size=30), st.text("ab כ你", max_size=30), st.data())
def test_pieces_joined_are_the_text(text: str, reference: str, data: st.DataObject) -> None:
    ends = st.integers(0, len(text))
    places = data.draw(st.lists(st.tuples(ends, ends).filter(lambda place: place[0] < place[1]), max_size=3))
    marked = pieces(parts(text, reference), {Label.NUMBERS: tuple(places)})
    assert "".join(piece.text for piece in marked) == text
    covered = "".join("x" * len(piece.text) if piece.labels else "-" * len(piece.text) for piece in marked)
    for place, mark in enumerate(covered):
        inside = any(start <= place < end and (start, end) != (0, len(text)) for start, end in places)
        assert (mark == "x") == inside


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
