"""What the pages on prompts and sweeps show is what happens."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from dragoman.cli.init import init
from dragoman.spec.json_schema import json_schema
from dragoman.spec.loading import load_campaign
from dragoman.spec.prompt import NAMED
from dragoman_jobs.cli.prompts import prompts

ROOT = Path(__file__).parents[2]
PAGES = {name: (ROOT / "docs" / f"{name}.md").read_text() for name in ("prompts", "sweeps")}
BLOCKS = [
    pytest.param(yaml.safe_load(block), id=f"{name}-{number}")
    for name, page in PAGES.items()
    for number, block in enumerate(re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL))
]


@pytest.mark.parametrize("block", BLOCKS)
def test_every_piece_of_a_spec_is_one(block: dict[str, Any], tmp_path: Path) -> None:
    demo = yaml.safe_load((ROOT / "examples" / "demo.yaml").read_text())
    del demo["promotion"]
    path = tmp_path / "spec.yaml"
    path.write_text(yaml.safe_dump(demo | block, sort_keys=False))
    assert Draft202012Validator(json_schema()).is_valid(demo | block)
    names = [grid.name for grid in load_campaign(path).grids]
    if "evaluation.decoding.beam" in block.get("sweep", {}):
        assert (names[0], names[-1], len(names)) == ("demo-examples-100-beam-1", "demo-examples-1000-beam-4", 4)


def test_the_names_of_templates() -> None:
    assert dict(re.findall(r"^\| `(mfti[a-z-]*)` \| `(.*)` \|$", PAGES["prompts"], flags=re.MULTILINE)) == NAMED


def test_the_prompts_of_the_demo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    demo = yaml.safe_load((ROOT / "examples" / "demo.yaml").read_text())
    del demo["promotion"]
    demo |= {"base": str(ROOT / "examples" / "tiny-xglm")}
    demo["evaluation"]["pairs"] = ["de-fr"]  # the pair that is shown, for the others need not be read
    (tmp_path / "demo.yaml").write_text(yaml.safe_dump(demo))
    as_text: dict[str, Any] = {"json": False, "csv": False, "markdown": False, "latex": False, "table": None}
    prompts(spec=tmp_path / "demo.yaml", pair="de-fr", grid=None, limit=1, count=None, **as_text)
    (shown,) = re.findall(r"```text\n(.*?)\n```", PAGES["prompts"], flags=re.DOTALL)
    assert capsys.readouterr().out.strip() == shown


def test_what_init_writes_is_the_pages_spec(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    init(tmp_path / "my-grid.yaml")
    assert "dragoman plan" in capsys.readouterr().out
    assert load_campaign(tmp_path / "my-grid.yaml").name == "my-grid"
