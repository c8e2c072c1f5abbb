"""CITATION.cff says what the package says of itself."""

import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def test_the_citation_is_of_this_version() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    package = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (cited["title"].lower(), cited["version"], cited["license"]) == (
        package["name"], package["version"], package["license"],
    )  # fmt: skip
    assert {"cff-version", "message", "authors"} <= cited.keys()
