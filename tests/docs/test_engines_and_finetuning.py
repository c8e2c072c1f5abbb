"""The specs in the pages on engines and on finetuning are ones that can be run."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from dragoman.pair import Pair
from dragoman.spec.grid import GridSpec
from dragoman.spec.method import Method
from dragoman_jobs.engines.openai import OpenAIEndpoint

DOCS = Path(__file__).parents[2] / "docs"
REST: dict[str, Any] = {"name": "page", "base": "a/b", "languages": ["en", "de", "fr"], "corpus": "cldr"}


def blocks(page: str) -> list[dict[str, Any]]:
    return [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", (DOCS / page).read_text(), re.S)]


@pytest.mark.parametrize("page", ["engines.md", "finetuning.md"])
def test_the_specs_of_a_page_are_valid(page: str) -> None:
    found = blocks(page)
    assert found
    for block in found:
        GridSpec.model_validate({**REST, **block})


def test_the_variables_of_endpoints_are_all_there() -> None:
    text = (DOCS / "engines.md").read_text()
    for name, field in OpenAIEndpoint.model_fields.items():
        assert f"`{field.validation_alias or f'DRAGOMAN_OPENAI_{name.upper()}'}`" in text


def test_the_methods_keys_are_ones_there_are() -> None:
    methods = Method.__origin__.__args__  # type: ignore[attr-defined]
    known = {name for method in methods for name in method.model_fields}
    table = (DOCS / "finetuning.md").read_text().split("## Memory")[1]
    named = re.findall(r"^\| `(\w+):", table, re.M)
    assert named
    assert set(named) <= known


def test_pairs_that_are_declared_are_pairs() -> None:
    spec = GridSpec.model_validate({**REST, "base": {"model": "a/b", "trained_on": ["de-en", "fr-en"]}})
    assert spec.base.trained_on == (Pair("de", "en"), Pair("fr", "en"))
    assert GridSpec.model_validate(spec.model_dump(mode="json")) == spec
    (careful,) = GridSpec.model_validate({**REST, **blocks("finetuning.md")[0]}).models
    assert careful.method.selection is not None
    assert careful.method.selection.pairs[0] == Pair("de", "en")
