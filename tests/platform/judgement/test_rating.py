"""Ratings: what they may hold, and MQM scores by the weights of Freitag et al. (2021)."""

from typing import Any

import pytest
from pydantic import ValidationError

from dragoman.rating import Protocol, Rating, Severity, Side, Span, mqm_score

CASES = [
    # the weights of `score_mqm.py` in https://github.com/google-research/mt-metrics-eval, applied by hand
    (("major", "Accuracy/Mistranslation"), 5.0),
    (("minor", "Accuracy/Mistranslation"), 1.0),
    (("neutral", "Style/Awkward"), 0.0),
    (("major", "Non-translation!"), 25.0),
    (("major", "Non-translation"), 25.0),
    (("minor", "Non-translation!"), 1.0),
    (("minor", "Fluency/Punctuation"), 0.1),
    (("minor", "fluency/punctuation"), 0.1),
    (("major", "Fluency/Punctuation"), 5.0),
    (("minor", "Fluency/Punctuations"), 1.0),
    (("minor", None), 1.0),
    (("critical", "Accuracy/Omission"), 25.0),
]


@pytest.mark.parametrize(("error", "weight"), CASES)
def test_the_weight_of_an_error(error: tuple[str, str | None], weight: float) -> None:
    assert Span(severity=Severity(error[0]), category=error[1]).weight == weight


def test_the_score_is_minus_the_sum_of_the_weights_on_both_sides() -> None:
    spans = (
        Span(start=0, end=3, severity=Severity.MAJOR, category="Accuracy/Mistranslation"),
        Span(side=Side.SOURCE, start=0, end=3, severity=Severity.MINOR, category="Source error"),
        Span(start=4, end=5, severity=Severity.MINOR, category="Fluency/Punctuation"),
    )
    assert mqm_score(spans) == pytest.approx(-6.1)
    assert str(mqm_score(())) == "0.0"


@pytest.mark.parametrize(
    "wrong",
    [
        {"rater": ""},
        {"rater": "a\tb"},
        {"rater": "a\ud800"},
        {"score": 100.5},
        {"score": -1},
        {"score": float("nan")},
        {"score": None},
        {"seconds": -1},
        {"protocol": "mqm", "spans": [{"start": 0, "end": 2}]},
        {"spans": [{"start": 0, "end": 0}]},
        {"spans": [{"start": 3}]},
        {"spans": [{"start": -1, "end": 2}]},
        {"spans": [{"severity": "bad"}]},
        {"spans": [{"start": 0, "end": 2}, {"start": 0, "end": 2}]},
    ],
)
def test_what_is_no_rating(wrong: dict[str, Any]) -> None:
    right: dict[str, Any] = {"rater": "ann", "protocol": "esa", "score": 50.0}
    Rating(**right)
    with pytest.raises(ValidationError):
        Rating(**(right | wrong))


def test_the_value_of_a_protocol() -> None:
    span = Span(start=0, end=1, severity=Severity.MAJOR)
    assert Rating(rater="a", protocol=Protocol.ESA, score=70, spans=(span,)).value == 70
    assert Rating(rater="a", protocol=Protocol.MQM, score=70, spans=(span,)).value == -5
