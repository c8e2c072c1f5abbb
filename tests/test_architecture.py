"""The plan of the packages, held to their imports: every arrow points down, and none makes a circle.

A room is a folder or a file directly in a package. Imports are read from the source, those inside functions too, so
nothing has to be installed or imported for it.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = {
    "dragoman": "platform",
    "dragoman_jobs": "jobs",
    "dragoman_registry": "registry",
    "dragoman_ui": "ui_plugins",
}
MAY_IMPORT = {
    "dragoman": set(),
    "dragoman_jobs": {"dragoman"},
    "dragoman_registry": {"dragoman"},
    "dragoman_ui": {"dragoman", "dragoman_registry"},
}
"""The other packages that each may import."""

LAYERS = {
    "dragoman": (
        ("operations",),
        ("cli", "testing", "notebook"),
        ("reports", "tracking", "sharing", "sentences"),
        ("claims", "disagreement"),
        ("suggestion", "judgement"),
        ("effects", "explanation", "alignment", "instructions", "error_profile"),
        ("analysis", "planning"),
        ("quoted",),
        ("translations",),
        ("store", "corpora"),
        ("spec", "tables"),
        ("metrics",),
        ("figures", "environments"),
    ),
    "dragoman_jobs": (
        ("cli", "testing"),
        ("alignment",),
        ("driver",),
        ("evaluation", "finetune", "judges"),
        ("engines", "prompts"),
        ("models", "cluster"),
    ),
    "dragoman_registry": (
        ("cli", "finisher"),
        ("tables",),
        ("promotion", "packaging", "deletion"),
        ("gate",),
        ("audit",),
        ("registry_client",),
    ),
    "dragoman_ui": (
        ("cli",),
        ("app",),
        ("publishing",),
        ("pages",),
        ("api",),
        ("charts", "responses", "auth"),
        ("viewmodels",),
    ),
}
"""The rooms of each package from the top down. Below all of them are the nouns: the files directly in `dragoman`."""

LOWEST = {"redaction"}
"""Rooms below the nouns: errors and settings mask their secrets themselves."""

LONGEST = 400
LONGER = {
    # A released migration stays as it was released: stores were made by these lines.
    "platform/dragoman/store/migrations/versions/0001_first.py",
}


class Import(NamedTuple):
    """One module imports another (or a name of it)."""

    importer: str
    imported: str

    def __str__(self) -> str:
        return f"{self.importer} imports {self.imported}"


def modules() -> dict[str, Path]:
    """Every module of the four packages by its dotted name; a package is its `__init__`."""
    found = {}
    for package, folder in FOLDERS.items():
        for path in sorted((ROOT / folder / package).rglob("*.py")):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def resolved(name: str) -> str | None:
    """The module of ours that a dotted name is, or is in."""
    while name:
        if name in MODULES:
            return name
        name = name.rpartition(".")[0]
    return None


def imports_of(module: str) -> Iterator[Import]:
    """What a module imports of the four packages, anywhere in its file."""
    path = MODULES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            names = [".".join([*above, *filter(None, [node.module]), alias.name]) for alias in node.names]
        else:
            continue
        yield from (Import(module, found) for found in map(resolved, names) if found)


IMPORTS = sorted({one for module in MODULES for one in imports_of(module)})


def room(module: str) -> str:
    """The folder or file directly in its package that a module is in; empty for the package itself."""
    return [*module.split("."), ""][1]


def floor(module: str) -> int:
    """How far from the top a module's room is; the package's own face is above all, the nouns below all."""
    layers = LAYERS[module.split(".")[0]]
    if not room(module):
        return -1
    if room(module) in LOWEST:
        return len(layers) + 1
    return next((number for number, rooms in enumerate(layers) if room(module) in rooms), len(layers))


def is_cli(module: str) -> bool:
    return "cli" in module.split(".")


def circles(arrows: dict[str, set[str]]) -> list[list[str]]:
    """Every set of nodes that lead to one another."""
    reached: dict[str, set[str]] = {}
    for start in arrows:
        todo, seen = [start], set[str]()
        while todo:
            for following in arrows.get(todo.pop(), set()) - seen:
                seen.add(following)
                todo.append(following)
        reached[start] = seen
    groups = {tuple(sorted(b for b in reached[a] if a in reached.get(b, set()))) for a in arrows if a in reached[a]}
    return sorted(map(list, groups))


def test_packages_import_only_those_below_them() -> None:
    wrong = [
        str(one)
        for one in IMPORTS
        for mine, other in [(one.importer.split(".")[0], one.imported.split(".")[0])]
        if mine != other and other not in MAY_IMPORT[mine]
    ]
    assert wrong == []


def test_rooms_import_only_those_below_them() -> None:
    wrong = [
        str(one)
        for one in IMPORTS
        if one.importer.split(".")[0] == one.imported.split(".")[0]
        and room(one.importer) != room(one.imported)
        and floor(one.imported) < floor(one.importer)
    ]
    assert wrong == []


def test_every_folder_of_a_package_is_in_the_plan() -> None:
    for package, layers in LAYERS.items():
        planned = LOWEST | {name for rooms in layers for name in rooms}
        folders = {path.parent.name for path in (ROOT / FOLDERS[package] / package).glob("*/__init__.py")}
        assert folders <= planned


def test_nothing_outside_a_cli_imports_one() -> None:
    assert [str(one) for one in IMPORTS if is_cli(one.imported) and not is_cli(one.importer)] == []


def test_no_package_imports_the_operations_of_the_platform() -> None:
    """Backups and checks are for the command line: nothing is built on them."""
    wrong = [one for one in IMPORTS if one.imported.startswith("dragoman.operations") and not is_cli(one.importer)]
    assert [str(one) for one in wrong if not one.importer.startswith("dragoman.operations")] == []


def test_no_circle_between_rooms() -> None:
    arrows: dict[str, set[str]] = {}
    for importer, imported in IMPORTS:
        a, b = (".".join(name.split(".")[:2]) for name in (importer, imported))
        if a != b:
            arrows.setdefault(a, set()).add(b)
    assert circles(arrows) == []


def test_no_circle_between_modules() -> None:
    arrows: dict[str, set[str]] = {}
    for importer, imported in IMPORTS:
        if not importer.startswith(f"{imported}.") and importer != imported:
            arrows.setdefault(importer, set()).add(imported)
    assert circles(arrows) == []


@pytest.mark.parametrize(
    ("arrows", "found"),
    [
        ({"a": {"b"}, "b": {"c"}}, []),
        ({"a": {"b"}, "b": {"c"}, "c": {"a"}}, [["a", "b", "c"]]),
        ({"a": {"b"}, "b": {"a", "c"}, "c": {"d"}, "d": {"c"}}, [["a", "b"], ["c", "d"]]),
    ],
)
def test_circles_are_found(arrows: dict[str, set[str]], found: list[list[str]]) -> None:
    assert circles(arrows) == found


def test_imports_are_read() -> None:
    """The reader sees what stands there: an import at the top, one inside a function, a module and a name."""
    assert Import("dragoman.partition", "dragoman.pair") in IMPORTS
    assert Import("dragoman.cli.main", "dragoman.settings") in IMPORTS
    assert Import("dragoman.cli.main", "dragoman.plugins") in IMPORTS
    assert len(MODULES) > 200
    assert len(IMPORTS) > 800


def test_the_folder_platform_is_no_package() -> None:
    """With an `__init__.py` it would hide Python's own module `platform` from whatever runs in this folder."""
    assert not (ROOT / "platform" / "__init__.py").exists()


def test_files_are_short() -> None:
    long = {}
    for folder in (*FOLDERS.values(), "benchmarks", "docs", "examples", "tests"):
        for path in (ROOT / folder).rglob("*.py"):
            lines = len(path.read_text().splitlines())
            if lines > LONGEST:
                long[str(path.relative_to(ROOT))] = lines
    assert set(long) == LONGER, long
