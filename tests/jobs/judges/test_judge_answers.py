"""What is read from a judge's answer, held against GEMBA's own rules, and the places of what it quotes."""

import pytest

from dragoman.metrics.error_span import NOWHERE, ErrorSpan
from dragoman_jobs.judges.answers import (
    Marked,
    at_path,
    mqm_score,
    number_of,
    placed,
    read_errors,
    read_json,
    read_number,
)
from dragoman_jobs.judges.quotations import Quotations


@pytest.mark.parametrize(
    ("text", "number"),
    # what `validate_number` of gemba/prompt.py gives (https://github.com/MicrosoftTranslator/GEMBA, a7a7eff)
    [
        ("95", 95), ("Score: 88.", 88), ("['70']", 70), ("95/100", 95), ("0", 0), ("100", 100), ("-5", 5),
        ("101", None), ("between 70 and 80", None), ("87.5", None), ("good", None), ("", None), ("95/100!", None),
        ("1000000000000000000000", None),
    ],
)  # fmt: skip
def test_a_number_is_read_as_gemba_reads_it(text, number):
    assert read_number(text) == number


FOUR = """Critical:
no-error
Major:
accuracy/mistranslation - "involvement"
accuracy/omission - "the account holder"
Minor:
fluency/grammar - "wäre"
fluency/register - "dir"
"""


@pytest.mark.parametrize(
    ("text", "cost"),
    # what `parse_mqm_answer` of gemba/gemba_mqm_utils.py gives, without its sign (same revision)
    [
        (FOUR, 12),
        ("Critical:\nno-error\nMajor:\nno-error\nMinor:\nno-error", 0),
        ("No error", 0),
        ('Minor:\nstyle/awkward - "a"\n' * 7, 5),
        ('Critical:\naccuracy/addition - "x"\nMajor:\naccuracy/omission - "y"', 25),
        ('Major:\nfluency/grammar - "a"\nfluency/grammar - "b"', 10),
        ('Minor:\nnon-translation - "all of it"', 25),
        ('Minor:\nfluency/spelling - "a"\nMajor:\n' + 'accuracy/addition - "b"\n' * 4, 21),
        ('Minor:\nfluency/spelling - "a"\nMajor:\n' + 'accuracy/addition - "b"\n' * 6, 25),
    ],
)
def test_errors_cost_what_they_cost_in_gemba(text, cost):
    assert mqm_score(read_errors(text) or []) == 100 - 4 * cost


def test_errors_are_read_with_their_words():
    assert read_errors(FOUR) == [
        Marked("major", "accuracy/mistranslation", "involvement"),
        Marked("major", "accuracy/omission", "the account holder"),
        Marked("minor", "fluency/grammar", "wäre"),
        Marked("minor", "fluency/register", "dir"),
    ]
    assert read_errors('**Major:**\n- accuracy/addition – „Haus - Boot“\n2. fluency/spelling: "so"') == [
        Marked("major", "accuracy/addition", "Haus - Boot"),
        Marked("major", "fluency/spelling", "so"),
    ]
    assert read_errors("Minor: other") == [Marked("minor", "other", "")]


def test_an_answer_without_severities_is_unreadable_and_not_perfect():
    assert read_errors("I can't help with that.") is None
    assert read_errors("") is None
    assert read_errors("no-error") == []


def test_right_to_left_text_is_counted_in_code_points():
    hypothesis = "\u200fالسلام عليكم يا صديقي، عليكم"
    spans = placed(
        [Marked("major", "accuracy/addition", "عليكم"), Marked("minor", "style/awkward", "عليكم"),
         Marked("minor", "fluency/punctuation", "صديقي،")],
        "Peace", hypothesis,
    )  # fmt: skip
    assert [hypothesis[each.start : each.end] for each in spans] == ["عليكم", "عليكم", "صديقي،"]
    assert [(each.start, each.end) for each in spans] == [(8, 13), (24, 29), (17, 23)]


def test_text_without_spaces_is_found_at_each_next_place():
    text = "我们的博物馆的博物馆😀关门"
    found = Quotations(text)
    places = [found.place("博物馆"), found.place("「博物馆」"), found.place("关门"), found.place("博物馆")]
    assert places == [(3, 6), (7, 10), (11, 13), (3, 6)]


def test_combining_marks_belong_to_their_letters():
    decomposed = "cafe\u0301 e"
    assert Quotations(decomposed).place("e") == (6, 7)
    assert Quotations(decomposed).place("café") == (0, 5)
    assert Quotations("café").place("cafe\u0301") == (0, 4)
    assert Quotations("कि क").place("क") == (3, 4)
    assert Quotations("می\u200cخواهم بروم").place("میخواهم") == (0, 8)


def test_whole_words_come_first_and_case_and_space_last():
    assert Quotations("This is it").place("is") == (5, 7)
    assert Quotations("Der  Hund").place("der hund") == (0, 9)
    assert Quotations("ein Hund.").place("Hund,") == (4, 8)
    assert Quotations("ein Hund").place("Katze") is None
    assert Quotations("ein Hund").place('""') is None


def test_what_is_left_out_lies_in_the_source_and_what_is_nowhere_keeps_its_category():
    spans = placed(
        [Marked("major", "accuracy/omission", "two"), Marked("minor", "fluency/spelling", "xyz"),
         Marked("minor", "accuracy/untranslated text", "dogs")],
        "two dogs", "zwei",
    )  # fmt: skip
    assert spans == (
        ErrorSpan(0, 3, "major", "accuracy/omission", on_source=True),
        ErrorSpan(NOWHERE, NOWHERE, "minor", "fluency/spelling"),
        ErrorSpan(4, 8, "minor", "accuracy/untranslated text", on_source=True),
    )


def test_json_is_found_among_other_words():
    assert read_json('Sure [as you like]:\n```json\n{"a": {"b": [1, "2"]}}\n```') == {"a": {"b": [1, "2"]}}
    assert read_json("nothing {here}") is None
    assert read_json("[" * 100_000) is None
    assert at_path({"a": {"b": [1, "2"]}}, "a.b.1") == "2"
    assert at_path({"a": 1}, "a.b") is None
    assert [number_of(value) for value in (3, "4.5", True, None, "NaN", float("inf"))] == [
        3,
        4.5,
        None,
        None,
        None,
        None,
    ]
