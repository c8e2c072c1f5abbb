"""Every file, module and name of the code that the documentation names is there."""

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
PACKAGES = r"dragoman(?:_jobs|_registry|_ui)?"
FOLDERS = r"(?:platform|jobs|registry|ui_plugins|tests|benchmarks|examples|deploy|docs)"
GROUPS = {
    "dragoman.corpora",
    "dragoman.metrics",
    "dragoman.detectors",
    "dragoman.environments",
    "dragoman.engines",
    "dragoman.questions",
    "dragoman.commands",
    "dragoman.finishers",
    "dragoman.translators",
}
"""Entry-point groups: dotted names that are no modules."""
OTHERS = re.compile(r"dragoman\.(?:toml|schema\.json|model|grid|NAME|\*)$")
"""Files, and tags and prompts of MLflow."""


def prose(page: Path) -> str:
    """A page without its blocks of code, which are executed or checked elsewhere."""
    return re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def is_name(dotted: str) -> bool:
    """Whether a dotted name is a module, or something in one."""
    parts = dotted.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for part in parts[end:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_module_that_is_named_exists(page: Path) -> None:
    names = set(re.findall(rf"`({PACKAGES}(?:\.\w+)+)`", prose(page)))
    assert sorted(name for name in names - GROUPS if not OTHERS.match(name) and not is_name(name)) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_is_named_exists(page: Path) -> None:
    names = set(re.findall(rf"`({FOLDERS}/[\w./-]*)`", prose(page)))
    assert sorted(name for name in names if not (ROOT / name).exists()) == []


def test_names_that_are_gone_are_noticed() -> None:
    assert is_name("dragoman.metrics.base.Metric") and is_name("dragoman.partition")
    assert not is_name("dragoman.metrics.base.Metrics") and not is_name("dragoman.metric")
