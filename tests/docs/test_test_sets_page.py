"""docs/test-sets.md: its specs are some, its commands run on a grid with two test sets, its keys are the code's."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.fixtures.two_test_sets import NEWS, TALKS, fill

from dragoman.settings import settings
from dragoman.spec.grid import Evaluation, GridSpec
from dragoman.spec.promotion import Promotion
from dragoman.spec.test_sets import NamedTestSet

PAGE = (Path(__file__).parents[2] / "docs" / "test-sets.md").read_text()
SPECS = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
COMMANDS = re.findall(r"^\$ dragoman (.*)$", PAGE, re.MULTILINE)


def test_its_specs_are_some_and_the_two_forms_are_one() -> None:
    mapping, listed, policy = SPECS
    common = {"name": "g", "base": "x/y", "languages": ["de", "en"], "corpus": "cldr"}
    both = [GridSpec.model_validate({**common, **part}) for part in (mapping, listed)]
    assert both[0].test_sets == both[1].test_sets
    assert both[0].evaluation.metrics == both[1].evaluation.metrics
    assert "champion-unseen_both-talks" in Promotion.model_validate(policy["promotion"]).by_scope


def test_its_keys_are_those_of_the_code() -> None:
    (table,) = re.findall(r"\| key of a test set.*?\n\n", PAGE, re.DOTALL)
    keys = {key for row in table.strip().splitlines()[2:] for key in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert keys == set(NamedTestSet.model_fields)
    (shared,) = re.findall(r"^((?:`\w+`(?:, | and )?)+) are the evaluation's", PAGE, re.MULTILINE)
    assert set(re.findall(r"\w+(?=`)", shared)) == Evaluation.model_fields.keys() - keys - {"test_sets"}


@pytest.mark.parametrize("command", COMMANDS)
def test_its_commands_run(
    command: str, dragoman: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRAGOMAN_HOME", str(tmp_path))
    settings.cache_clear()
    fill(tmp_path)
    outcome = dragoman(*shlex.split(command))
    assert outcome.code == 0, outcome.err
    assert TALKS in outcome.out and (NEWS in outcome.out) is ("--test-set" not in command)
    settings.cache_clear()
