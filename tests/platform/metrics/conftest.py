"""Seeded made-up text in several scripts: references, and two systems that get some of it wrong."""

import random
from collections.abc import Callable
from typing import NamedTuple

import pytest

ALPHABETS = {
    "de": "abcdefghiklmnoprstuäöüß",
    "zh-Hans": "我们在学校学习新的语言今天天气很好他去北京看朋友",
    "ja": "私は学校で新しい言葉を学ぶ今日は天気がいい東京カメラ",
    "ko": "나는학교에서새로운말을배운다오늘날씨가좋다",
    "th": "ฉันเรียนภาษาใหม่ที่โรงเรียนวันนี้อากาศดี",
}
SPACED = ("de", "ko")


class MadeUp(NamedTuple):
    """What two systems made of the same sources."""

    references: list[str]
    baseline: list[str]
    system: list[str]


def _make_up(segments: int, seed: int = 0, language: str = "de", errors: tuple[float, float] = (0.4, 0.37)) -> MadeUp:
    rng = random.Random(f"{seed}-{language}")
    words = ["".join(rng.choices(ALPHABETS[language], k=rng.randint(1, 7))) for _ in range(80)] + ["3,5", "(2024)"]
    lines = [rng.choices(words, k=rng.randint(3, 15)) for _ in range(segments)]
    space = " " if language in SPACED else ""

    def translate(share: float) -> list[str]:
        return [
            space.join(rng.choice(words) if rng.random() < share else word for word in line) + "." for line in lines
        ]

    return MadeUp([space.join(line) + "." for line in lines], translate(errors[0]), translate(errors[1]))


@pytest.fixture(scope="session")
def make_up() -> Callable[..., MadeUp]:
    """Makes segments of 3 to 15 words, and systems that replace the given shares of them."""
    return _make_up
