"""Names of systems: how they are read and written."""

import pytest

from dragoman.analysis.systems import System
from dragoman.errors import StoreError


@pytest.mark.parametrize(
    ("text", "system"),
    [
        ("m", System("g", "m")),
        ("m:p", System("g", "m", "p")),
        ("h/m", System("h", "m")),
        ("h/m:p", System("h", "m", "p")),
        ("m:a/b", System("g", "m", "a/b")),
        ("m:a:b", System("g", "m", "a:b")),
        ("h/m:a/b:c", System("h", "m", "a/b:c")),
    ],
)
def test_a_system_is_read_as_it_is_written(text, system):
    assert System.parse(text, "g") == system
    assert system.within("g") == text
    assert System.parse(str(system)) == system


def test_without_a_grid_a_name_must_say_one():
    with pytest.raises(StoreError, match=r"'m:a/b' names no grid: write GRID/MODEL or GRID/MODEL:PROMPT\."):
        System.parse("m:a/b")


@pytest.mark.parametrize(
    ("text", "system"),
    [
        ("org/m", System("g", "org/m")),
        ("org/m:mfti", System("g", "org/m", "mfti")),
        ("org/m:v2:a/b", System("g", "org/m:v2", "a/b")),  # the longest name that fits
        ("g/m", System("g", "g/m")),
        ("org/other", System("org", "other")),
        ("org/m2", System("org", "m2")),
        ("other/org/m", System("other", "org/m")),
    ],
)
def test_a_model_of_the_grid_comes_before_another_grid(text, system):
    assert System.parse(text, "g", ["org/m", "org/m:v2", "g/m"]) == system
