"""docs/systems-from-files.md says what is read: its pieces of specs are some, and its tables are those of the code."""

import re
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from jsonschema import Draft202012Validator

from dragoman.quoted.table import TABLES
from dragoman.spec.json_schema import json_schema
from dragoman.spec.loading import load_spec
from dragoman.spec.quoted import ROLES as SCORE_ROLES
from dragoman.spec.quoted import QuotedScores
from dragoman.spec.translations import ROLES, Format
from dragoman.translations.opening import ENDINGS
from dragoman.translations.tables import NAMES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "systems-from-files.md").read_text()


@pytest.mark.parametrize("block", re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL))
def test_every_piece_of_a_spec_is_one(block: str, tmp_path: Path) -> None:
    demo: dict[str, Any] = yaml.safe_load((ROOT / "examples" / "demo.yaml").read_text())
    content = {**demo, **yaml.safe_load(block), "promotion": None}
    path = tmp_path / "spec.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    assert Draft202012Validator(json_schema()).is_valid(content)
    expected = ["nllb-54b", "last-year"] if "scores:" in block else ["nllb-54b", "online-b", "last-year"]
    assert [each.name for each in load_spec(path).baselines] == expected


def test_every_layout_and_ending_has_its_row() -> None:
    rows = re.findall(r"^\| (`[^|]*`) \| [^|]* \| ([^|]*) \|$", PAGE.partition("A table is one file")[0], re.MULTILINE)
    assert {name for names, _ in rows for name in re.findall(r"`([^`]+)`", names)} - {"format"} == set(get_args(Format))
    assert all(f"`{ending}`" in " ".join(told for _, told in rows) for ending in ENDINGS)


def test_every_part_of_a_row_and_its_names_are_there() -> None:
    table = PAGE.partition("| part |")[2].partition("\n\n")[0]
    rows = dict(re.findall(r"^\| (`[^|]*`) \| [^|]* \| ([^|]*) \|$", table, re.MULTILINE))
    assert {part for parts in rows for part in re.findall(r"`([^`]+)`", parts)} == set(ROLES)
    for parts, names in rows.items():
        (first, *_) = re.findall(r"`([^`]+)`", parts)
        assert re.findall(r"`([^`]+)`", names) == list(NAMES[first])


def test_every_part_of_a_table_of_scores_is_there() -> None:
    section = PAGE.partition("## Scores without translations")[2]
    said = set(re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", section, flags=re.DOTALL)))
    assert {*SCORE_ROLES, *TABLES} - {"source", "target"} <= said
    keys = QuotedScores.model_fields.keys() - {"folder", "format"}
    assert all(key in said or f"{key}:" in section for key in keys), keys - said


def test_the_sentence_is_the_one_that_is_said() -> None:
    """`tests/platform/translations/test_wrong_files.py` has it from the command."""
    said = (ROOT / "tests" / "platform" / "translations" / "test_wrong_files.py").read_text()
    (shown,) = re.findall(r"```text\ndragoman: outputs/(.*)\n```", PAGE)
    assert shown[: shown.index(" (")] in said.replace("\\", "")
