"""Decodings: which settings go together, and which of them make another decoding."""

from typing import Any

import pytest
from pydantic import ValidationError

from dragoman.spec.decoding import Decoding


def test_identities_stay_where_nothing_new_is_used() -> None:
    """The ids that stores hold: what came later counts only where it is used."""
    assert Decoding().id == "decoding1-b1c3e745138713639b81910f3868a7ce"
    assert (
        Decoding(beam=4, max_new_tokens=99, length_penalty=0.6, precision="int8").id
        == "decoding1-4304e88f248ec1f6e616a71ab5354cd1"
    )
    assert Decoding(temperature=0, top_p=1, stop=[], seed=1).id == Decoding().id


@pytest.mark.parametrize(
    "settings",
    [
        {"temperature": 1}, {"temperature": 0.5}, {"temperature": 1, "seed": 2}, {"temperature": 1, "top_k": 5},
        {"temperature": 1, "top_p": 0.9}, {"stop": "x"}, {"stop": ["x", "y"]}, {"stop_at_newline": False},
        {"max_ratio": 2}, {},
    ],
)  # fmt: skip
def test_what_changes_the_text_makes_another_decoding(settings: dict[str, Any]) -> None:
    assert Decoding(**settings) == Decoding.model_validate(Decoding(**settings).model_dump(mode="json"))
    others = [Decoding(), Decoding(temperature=1), Decoding(temperature=1, seed=2), Decoding(stop="x")]
    for other in others:
        assert (Decoding(**settings).id == other.id) == (Decoding(**settings) == other)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"beam": 4, "temperature": 1}, "has both beam and temperature"),
        ({"top_k": 5}, "has top_k without temperature"),
        ({"top_p": 0.5}, "has top_p without temperature"),
        ({"seed": 2}, "has seed without temperature"),
        ({"stop": [""]}, "at least 1 character"),
        ({"temperature": -1}, "greater than or equal to 0"),
        ({"max_ratio": 0}, "greater than 0"),
    ],
)
def test_what_does_not_go_together(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        Decoding(**settings)
