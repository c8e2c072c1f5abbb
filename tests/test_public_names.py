"""The public packages: every name of their `__all__` is there, and documentation and examples import nothing else."""

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PUBLIC = (
    "dragoman",
    "dragoman.analysis",
    "dragoman.claims",
    "dragoman.corpora",
    "dragoman.environments",
    "dragoman.judgement",
    "dragoman.metrics",
    "dragoman.spec",
    "dragoman.store",
    "dragoman.testing",
    "dragoman_jobs.engines",
    "dragoman_jobs.testing",
)
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
EXAMPLES = sorted((ROOT / "examples").rglob("*.py"))


def _imports(code: str) -> Iterator[tuple[str, str]]:
    """What some code imports of ours: package and name."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("dragoman"):
            for alias in node.names:
                yield str(node.module), alias.name
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("dragoman"):
                    yield alias.name, "__name__"


@pytest.mark.parametrize("package", PUBLIC)
def test_every_public_name_is_there(package: str) -> None:
    module = importlib.import_module(package)
    assert module.__all__ == sorted(module.__all__)
    for name in module.__all__:
        assert getattr(module, name) is not None
    assert not hasattr(module, "no_such_name")


@pytest.mark.parametrize("package", PUBLIC)
def test_what_is_imported_lazily_is_what_type_checkers_see(package: str) -> None:
    module = importlib.import_module(package)
    if not hasattr(module, "_NAMES"):
        return
    tree = ast.parse(Path(str(module.__file__)).read_text())
    (guarded,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {
        (node.module, alias.name)
        for node in guarded.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name in module.__all__
    }
    assert seen == {(home, name) for home, names in module._NAMES.items() for name in names}
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert {name for _, name in seen} | defined == set(module.__all__)


@pytest.mark.parametrize("package", PUBLIC)
def test_each_public_name_is_the_same_whichever_module_comes_first(package: str) -> None:
    module = importlib.import_module(package)
    for name in module.__all__:
        home = getattr(getattr(module, name), "__module__", None)
        if isinstance(home, str) and home.startswith("dragoman"):
            assert getattr(importlib.import_module(home), name) is getattr(module, name)


def test_documentation_and_examples_import_public_names_alone() -> None:
    texts = [
        (path.name, block) for path in PAGES for block in re.findall(r"```python\n(.*?)```", path.read_text(), re.S)
    ]
    texts += [(path.name, path.read_text()) for path in EXAMPLES]
    found = [(where, package, name) for where, text in texts for package, name in _imports(text)]
    assert {where for where, _, _ in found} >= {"python.md", "pretrain.py"}
    for where, package, name in found:
        assert package in PUBLIC, f"{where} imports {package}"
        assert name in {"__name__", *importlib.import_module(package).__all__}, f"{where} imports {name} of {package}"


def test_importing_the_package_imports_no_library() -> None:
    script = (
        "import sys; before = {name.partition('.')[0] for name in sys.modules}\n"
        "import dragoman, dragoman.store, dragoman.metrics, dragoman.corpora, dragoman.spec, dragoman_jobs.engines\n"
        "new = {name.partition('.')[0] for name in sys.modules} - before - sys.stdlib_module_names\n"
        "assert new <= {'dragoman', 'dragoman_jobs'}, new"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)
