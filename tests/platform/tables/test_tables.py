"""The forms in which tables are printed."""

import io
import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text

from dragoman.tables.render import Form, OutputError, render
from dragoman.tables.sparkline import sparkline
from dragoman.tables.table import Column, Table, figure, interval, number, probability, sentence, word
from dragoman.tables.table import p_value as p_value_column

ROWS = [
    {"name": "a_b|c", "value": 41.25, "low": 40.0, "high": 42.123456789},
    {"name": "déjà & 5 %", "value": None, "low": None, "high": None},
]
TABLE = Table("some", "A title_x", [word("name"), number("value"), interval("low", "high")], ROWS, ["A note."])


def test_figures_have_fixed_digits_and_no_negative_zero():
    assert [figure(-0.04), figure(None), figure(2, 0), figure(1.25, 2, sign=True)] == ["0.0", "-", "2", "+1.25"]


def test_json_rounds_once_and_keeps_what_is_not_there():
    assert json.loads(render([TABLE], Form.JSON)) == {"some": [{**ROWS[0], "high": 42.123457}, ROWS[1]]}


def test_no_p_value_is_printed_as_zero():
    bounds = [probability(0.0), probability(3e-9), probability(0.00004), probability(1 / 401, is_floor=True)]
    assert bounds == ["< 0.0001", "< 0.0001", "< 0.0001", "< 0.0025"]
    assert [probability(0.00005001), probability(0.04996, digits=2), probability(1.0)] == ["0.0001", "0.05", "1.0000"]
    rows = [{"p_value": p_value, "p_is_floor": False} for p_value in (2e-7, 0.012345678)]
    table = Table("tests", "Tests", [p_value_column("p_value")], rows)
    assert [row["p_value"] for row in json.loads(render([table], Form.JSON))["tests"]] == [2e-7, 0.012346]
    assert render([table], Form.CSV).splitlines()[1:] == ["2e-07,False", "0.012346,False"]
    assert "< 0.0001" in render([table], Form.MARKDOWN)


def test_the_caption_stands_below_in_every_form_for_people_and_once(monkeypatch):
    table = Table("some", "A title", [word("name"), number("value")], ROWS, ["A note."], caption="Test set: a_b test.")
    for form in (Form.TEXT, Form.MARKDOWN):
        lines = [line.strip() for line in render([table], form).splitlines() if line.strip()]
        assert lines[-2:] == ["Test set: a_b test.", "A note."]
    latex = render([table], Form.LATEX)
    assert r"\footnotesize Test set: a\_b test." in latex and r"\caption{A title}" in latex


def test_markdown_and_latex_escape_what_they_must():
    assert r"a_b\|c" in render([TABLE], Form.MARKDOWN)
    assert r"| x\|y " in render([Table("some", "A title", [word("name", "x|y")], ROWS)], Form.MARKDOWN)
    latex = render([TABLE], Form.LATEX)
    assert r"a\_b|c" in latex and r"déjà \& 5 \%" in latex and r"\caption{A title\_x}" in latex


def test_details_are_shown_only_when_asked_for():
    detail = Table("more", "More", [word("name")], ROWS, detail=True)
    assert "More" not in render([TABLE, detail], Form.TEXT)
    assert "More" in render([TABLE, detail], Form.TEXT, only="more")
    assert json.loads(render([TABLE, detail], Form.JSON)).keys() == {"some", "more"}
    with pytest.raises(OutputError, match="did you mean 'more'"):
        render([TABLE, detail], Form.TEXT, only="mor")


def test_a_file_gets_no_colour_and_no_cut(monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    columns = [Column(f"c{n}", f"column {n}", lambda row: row["name"] * 5, values=("name",)) for n in range(9)]
    wide = Table("wide", "Wide", columns, ROWS)
    text = render([wide], Form.TEXT)
    assert "\x1b" not in text and "…" not in text and text.count("column") == 9 and "continued" not in text


def test_a_narrow_terminal_gets_the_columns_in_parts(monkeypatch):
    terminal = {"force_terminal": True}
    monkeypatch.setattr("dragoman.tables.formats.Console", lambda **options: Console(**{**terminal, **options}))
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setenv("TERM", "xterm")
    text = render([TABLE], Form.TEXT)
    assert "(continued)" in text and text.count("name") == 2 and text.count("A note.") == 1 and "[40.0, 42.1]" in text


@given(st.lists(st.tuples(st.text(), st.none() | st.floats(allow_nan=False, allow_infinity=False)), max_size=5))
def test_any_text_can_be_printed_in_every_form(rows):
    table = Table("t", "t", [word("name"), number("value")], [{"name": name, "value": value} for name, value in rows])
    for form in Form:
        assert isinstance(render([table], form), str)


def test_latex_has_minus_signs_and_a_label_of_its_own():
    rows = [{"name": "en-de", "value": -1.5}]
    tables = [
        Table("partitions", f"{grid}: mean bleu", [word("name"), number("value", digits=1)], rows)
        for grid in ("demo", "other")
    ]
    first, second = (render([table], Form.LATEX) for table in tables)
    assert "$-$1.5" in first and "en-de" in first
    assert r"\label{tab:partitions:demo-mean-bleu}" in first and r"\label{tab:partitions:other-mean-bleu}" in second


def test_csv_writes_several_values_side_by_side():
    rows = [{"name": "failed", "which": ["en-de", "en-fr"]}]
    assert render([Table("reasons", "r", [word("name")], rows)], Form.CSV) == "name,which\nfailed,en-de en-fr\n"


def on_a_terminal(monkeypatch, table):
    """The lines of a table on a terminal of 80 columns, without their styles."""
    out = io.StringIO()
    out.isatty = lambda: True  # type: ignore[method-assign]
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", out)
        patched.setenv("COLUMNS", "80")
        patched.setenv("TERM", "xterm")
        return Text.from_ansi(render([table], Form.TEXT)).plain.split("\n")


LONG = "a sentence of many words that no terminal of eighty columns has room for beside the other columns"


def test_sentences_are_wrapped_where_a_terminal_is_too_narrow(monkeypatch):
    table = Table(
        "t", "T", [word("name"), sentence("why"), number("value")], [{"name": "n", "why": LONG, "value": 1.5}]
    )
    lines = on_a_terminal(monkeypatch, table)
    assert max(map(len, lines)) <= 80 and sum("T (continued)" in line for line in lines) == 0
    assert "1.5" in lines[4] and " ".join(" ".join(lines[4:]).replace("1.5", "").split()) == f"n {LONG}"


def test_records_stand_below_one_another_with_a_line_for_each_column(monkeypatch):
    rows = [{"no": 1, "who": "ann", "why": LONG}, {"no": 2, "who": None, "why": "short"}]
    table = Table("t", "Trail", [word("no", "no."), word("who"), sentence("why", "reason")], rows, is_of_records=True)
    lines = on_a_terminal(monkeypatch, table)
    assert max(map(len, lines)) <= 80
    assert lines[1:3] == [" 1", "   who     ann"] and lines[3].startswith("   reason  a sentence of")
    assert lines[4].startswith("           ") and [line for line in lines if line][-2:] == [" 2", "   reason  short"]
    assert render([table], Form.CSV).splitlines()[0] == "no,who,why"  # other forms are tables


def test_a_small_curve_goes_from_the_greatest_to_the_least():
    assert sparkline([5, 4, 3, 2, 1, 0, 0, 0], 8) == "█▇▅▄▂▁▁▁"
    assert (sparkline([], 8), sparkline([2.0], 8), sparkline([1, 1, 3, 3], 2)) == ("", "▁", "▁█")
