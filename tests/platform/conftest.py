"""Specs and settings that every test of the platform can start from."""

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]


@pytest.fixture
def demo() -> dict[str, Any]:
    """The demo spec as plain data, to be changed and written."""
    content: dict[str, Any] = yaml.safe_load((ROOT / "examples" / "demo.yaml").read_text())
    content["base"] = str(ROOT / "examples" / "tiny-xglm")
    return content


@pytest.fixture
def spec_file(tmp_path: Path) -> Any:
    """Writes a spec and returns its path."""

    def write(content: Any) -> Path:
        path = tmp_path / "spec.yaml"
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content, allow_unicode=True))
        return path

    return write
