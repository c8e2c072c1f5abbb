"""The docs say what the code does."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


def test_the_reference_pages_are_those_the_code_generates() -> None:
    done = subprocess.run([sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_and_option_that_is_shown_exists(page: Path) -> None:
    known = (ROOT / "docs" / "reference" / "commands.md").read_text()
    for block in re.findall(r"```(?:console|bash|sh)\n(.*?)```", page.read_text(), flags=re.DOTALL):
        for line in re.findall(r"^\$ (?:\.venv/bin/)?dragoman ([^#|\n]*)", block, flags=re.MULTILINE):
            words = line.split()
            names = (" ".join(map(re.escape, words[:count])) for count in (2, 1))  # a command of a group has its own
            sections = (re.search(rf"^## dragoman {name}\n(.*?)(?=^## |\Z)", known, re.S | re.M) for name in names)
            section = next(filter(None, sections), None)
            assert section, f"{page.name} shows `dragoman {line}`, which is no command"
            for option in (word for word in words if word.startswith("--")):
                assert f"`{option}`" in section[1], f"{page.name} shows `dragoman {line}`: there is no {option}"


def test_make_targets_that_are_shown_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for page in PAGES:
        for target in re.findall(r"^\$ make ([a-z-]+)", page.read_text(), flags=re.MULTILINE):
            assert f"\n{target}:" in makefile
