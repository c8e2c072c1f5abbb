"""The page about explanations names every factor, measure, figure and table that there is."""

import re
from pathlib import Path

from dragoman.cli.explain import explain
from dragoman.explanation.factors import FACTORS
from dragoman.explanation.similarity import MEASURES

PAGE = (Path(__file__).parents[2] / "docs" / "explain.md").read_text()


def test_the_table_of_factors_is_that_of_the_code() -> None:
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE) == list(FACTORS)


def test_every_measure_is_named() -> None:
    assert [name for name in MEASURES if f"`{name}`" not in PAGE and f"`-{name.partition('-')[2]}`" not in PAGE] == []


def test_options_that_it_names_are_there() -> None:
    known = {f"--{name.replace('_', '-')}" for name in explain.__signature__.parameters}  # type: ignore[attr-defined]
    assert set(re.findall(r"--[a-z][a-z-]+", PAGE)) <= known
