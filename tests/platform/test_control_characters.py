r"""Names and messages of others are shown harmlessly: no control character reaches a terminal, a log or a document.

Which characters reorder text or end lines: Unicode Technical Report 36, section 3.2 (Bidirectional Text Spoofing), and
Unicode Standard Annex 9. What moves a terminal's cursor: ECMA-48, C0 and C1.
"""

import csv
import io
import json
import logging
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.cli import main as command_line
from dragoman.control_characters import hidden_character, visible, visible_json, visible_sentence
from dragoman.logs import JsonLine, TextLine
from dragoman.tables.render import Form, render
from dragoman.tables.table import Table, number, word
from dragoman.terminal import say

SPOOFS = {
    "red": "\x1b[31m", "CSI of one byte": "\x9b2J", "NUL": "\0", "bell": "\a", "backspace": "\b", "return": "\r",
    "delete": "\x7f", "next line": "\x85", "line separator": "\u2028", "paragraph separator": "\u2029",
    "right-to-left override": "\u202e", "left-to-right embedding": "\u202a", "isolate": "\u2067",
    "end of isolate": "\u2069", "digit shapes": "\u206e", "byte-order mark": "\ufeff", "annotation": "\ufffa",
    "tag": "\U000e0041", "half a character": "\ud83d",
}  # fmt: skip

WRITTEN = {
    "Persian with a zero-width non-joiner": "می\u200cخواهم",
    "Sinhala with a zero-width joiner": "ශ්\u200dරී",
    "Hindi": "क्\u200dष विश्वविद्यालय",
    "Hebrew with a mark": "\u200fשלום (1)\u200f",
    "Arabic": "مرحبا بالعالم",
    "Khmer with zero-width spaces": "សួស្តី\u200bពិភពលោក",
    "Mongolian with a vowel separator": "ᠬᠠᠷ\u180eᠠ",
    "a family": "👨\u200d👩\u200d👧",
    "combining marks": "e\u0301 ȩ̈ ṩ",
    "soft hyphen": "Donau\u00addampf",
}

TEXTS = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from([*"\x1b\x9b\0\r\n\t\u2028\u202e\u2067\ufeff"])
)
TURNS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
"""Bidirectional classes of characters that turn the order of others."""


def raw(text: str, keep: str = "\n") -> set[str]:
    """Characters of a text that a terminal obeys or that turn its order, by their categories and classes."""
    hidden = {each for each in text if unicodedata.category(each) in ("Cc", "Zl", "Zp", "Cs")}
    return (hidden | {each for each in text if unicodedata.bidirectional(each) in TURNS}) - set(keep)


@pytest.mark.parametrize("name", SPOOFS)
def test_what_is_hidden_is_an_escape(name: str) -> None:
    text = f"model {SPOOFS[name]} b"
    shown = visible(text)
    assert shown.isprintable()
    assert shown.encode().decode("unicode_escape") == text
    assert hidden_character(text) == visible(SPOOFS[name])[: len(hidden_character(text) or "")]


@pytest.mark.parametrize("name", WRITTEN)
def test_what_writing_needs_stays(name: str) -> None:
    assert visible(WRITTEN[name]) == WRITTEN[name]
    assert hidden_character(WRITTEN[name]) is None
    assert visible_json(json.dumps(WRITTEN[name], ensure_ascii=False)) == json.dumps(WRITTEN[name], ensure_ascii=False)


def test_lines_stay_where_they_may() -> None:
    assert visible("a\tb\nc\r", "\n\t") == "a\tb\nc\\r"
    assert visible("a\tb\nc") == "a\\tb\\nc"
    assert visible_sentence("one\ndragoman: all is well") == "one\n  dragoman: all is well"


@given(TEXTS)
def test_json_says_the_same(text: str) -> None:
    shown = visible_json(json.dumps({text: [text]}, ensure_ascii=False, indent=1))
    assert json.loads(shown) == {text: [text]}
    assert raw(shown) == set()


@given(TEXTS, TEXTS, TEXTS, TEXTS)
def test_tables_hold_none(name: str, title: str, heading: str, note: str) -> None:
    rows = [{"model": name, "score": 1.0}, {"model": "b", "score": None}]
    table = Table("t", title, [word("model", heading), number("score")], rows, notes=[note])
    for form in (Form.TEXT, Form.MARKDOWN, Form.LATEX):
        assert raw(render([table], form)) == set()
    assert json.loads(render([table], Form.JSON))["t"] == rows
    assert raw(render([table], Form.JSON)) == set()


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0")))
def test_csv_is_exact(text: str) -> None:
    table = Table("t", "", [word("model")], [{"model": text}])
    assert list(csv.DictReader(io.StringIO(render([table], Form.CSV), newline=""))) == [{"model": text}]


def test_latex_shows_the_escape() -> None:
    table = Table("t", "a\x1b", [word("model")], [{"model": "\u202eb"}])
    text = render([table], Form.LATEX)
    assert r"\caption{a\textbackslash{}x1b}" in text
    assert r"\textbackslash{}u202eb" in text


def _record(message: str, *arguments: str) -> logging.LogRecord:
    return logging.LogRecord("dragoman", logging.ERROR, __file__, 1, message, arguments, None)


@given(TEXTS, TEXTS)
def test_log_lines_hold_none(message: str, argument: str) -> None:
    record = _record(message.replace("%", "") + "%s", argument)
    assert raw(TextLine().format(record), "\n\t") == set()
    line = JsonLine().format(record)
    assert raw(line, "") == set()
    assert isinstance(json.loads(line)["message"], str)


def test_a_message_makes_no_second_log_line() -> None:
    record = _record("a\n2026-11-30 00:00:00,000 INFO all well")
    _, second = TextLine().format(record).split("\n")
    assert second.startswith("  2026")


def test_what_is_said_holds_none(capsys: pytest.CaptureFixture[str]) -> None:
    say("model \x1b[31m\u202e\n\tb", err=True)
    assert capsys.readouterr().err == "model \\x1b[31m\\u202e\n\tb\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["plan", "{}.yaml"],
        ["{}"],
        ["init", "/{}/grid.yaml"],
        ["plan", "--{}"],
        ["import", "{}"],
        ["--set", "{}=1", "list"],
    ],
    ids=str,
)
def test_errors_hold_none(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: object
) -> None:
    monkeypatch.setenv("DRAGOMAN_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["dragoman", *(each.format("a\x1b[31m\u202eb") for each in arguments)])
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert "\\x1b[31m\\u202eb" in said
    assert raw(said) == set()
