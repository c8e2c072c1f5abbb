"""Filters of test lines: what is written is what is read, and the original language is told by any of its names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.line_filter import LineFilter, LineFilterError, side_of
from dragoman.pair import Pair

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,8}", fullmatch=True)
VALUES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(conditions=st.lists(st.tuples(NAMES, VALUES), min_size=1, max_size=4, unique=True))
def test_what_is_written_is_read_back(conditions: list[tuple[str, str]]) -> None:
    written = LineFilter(tuple(conditions))
    assert LineFilter.parse(str(written)) == written
    assert str(LineFilter.parse(str(written))) == str(written)


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        ("domain=news", [("domain", "news")]),
        (" domain = news , original=source", [("domain", "news"), ("original", "source")]),
        ('domain="news, sports",x=1', [("domain", "news, sports"), ("x", "1")]),
        ("document=https://example.org/a?b=c", [("document", "https://example.org/a?b=c")]),
        ("domain==", [("domain", "=")]),
        ("domain=two words", [("domain", "two words")]),
        ("domain=news,domain=news", [("domain", "news")]),
        (r'domain="say \"so\""', [("domain", 'say "so"')]),
    ],
)
def test_conditions_are_read(text: str, conditions: list[tuple[str, str]]) -> None:
    assert LineFilter.parse(text).conditions == tuple(conditions)


@pytest.mark.parametrize(
    "text",
    ["", " ", "news", "=news", "domain=", "domain=news,", ",domain=news", "domain=news, sports", 'domain="news',
     'domain=ne"ws', "dom ain=news", "1st=a", 'a="\\x"', "a=b" * 1000],
)  # fmt: skip
def test_what_chooses_nothing_is_a_sentence(text: str) -> None:
    with pytest.raises(LineFilterError, match=r"chooses no lines: write LABEL=VALUE, as in domain=news") as refused:
        LineFilter.parse(text)
    assert len(str(refused.value)) < 400 and refused.value.exit_code == 2


@pytest.mark.parametrize(
    ("language", "pair", "side"),
    [
        ("en", "en-de", "source"),
        ("de", "en-de", "target"),
        ("cs", "en-de", "other"),
        ("zh-Hant", "zh-Hans>en", "source"),
        ("en-GB", "zh-Hans>en", "target"),
        ("zh-Hant", "zh-Hans>zh-Hant", "target"),
        ("zh", "zh-Hans>zh-Hant", "other"),
        ("no idea", "en-de", "other"),
    ],
)
def test_a_line_was_first_written_on_one_side_or_neither(language: str, pair: str, side: str) -> None:
    assert side_of(language, Pair.parse(pair)) == side


def test_all_conditions_must_hold_and_a_lacking_label_meets_none() -> None:
    labels = {"domain": ("news", "news", "", "chat"), "original": ("en", "de", "en", "en")}
    pair = Pair("en", "de")

    def chosen(text: str) -> list[bool]:
        return LineFilter.parse(text).chosen(pair, labels, 4).tolist()

    assert chosen("domain=news") == [True, True, False, False]
    assert chosen("domain=news,original=source") == [True, False, False, False]
    assert chosen("original=deu_Latn") == chosen("original=target") == [False, True, False, False]
    assert chosen("original=other") == chosen("register=formal") == chosen('domain=""') == [False] * 4
    assert LineFilter.parse("domain=news").chosen(pair, {}, 2).tolist() == [False, False]
