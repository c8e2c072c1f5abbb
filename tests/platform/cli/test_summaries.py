"""The help lists commands by what their packages declare, without importing them."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from dragoman.cli import summaries
from dragoman.cli.groups import Group
from dragoman.cli.summaries import FILE, Summary, summary_of

LISTED = """
import sys
from dragoman.cli.main import main
try:
    main()
finally:
    heavy = {"sqlalchemy", "numpy", "mlflow", "torch", "ray", "dragoman.cli.results"} & {*sys.modules}
    print("IMPORTED", sorted(heavy))
"""


@pytest.mark.parametrize(
    ("arguments", "variables", "listed"),
    [
        (["--help"], {}, "Show each model's scores by partition"),
        ([], {}, "Show each model's scores by partition"),
        ([], {"_DRAGOMAN_COMPLETE": "complete_bash", "COMP_WORDS": "dragoman resu", "COMP_CWORD": "1"}, "results"),
    ],
)
def test_the_help_and_the_shell_list_commands_without_importing_them(
    arguments: list[str], variables: dict[str, str], listed: str
) -> None:
    code = f"import sys; sys.argv = {['dragoman', *arguments]!r}; sys.orig_argv = sys.argv\n{LISTED}"
    env = {"PATH": "", "COLUMNS": "200", **variables}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    assert listed in done.stdout + done.stderr
    assert "IMPORTED []" in done.stdout


@pytest.mark.parametrize(
    ("words", "found", "is_light"),
    [("results de", ["demo", "demo-dev"], True), ("results --mo", ["--model"], False), ("champions de", [], False)],
)
def test_the_shell_completes_the_name_of_a_grid_without_importing_the_command(
    tmp_path: Path, words: str, found: list[str], is_light: bool
) -> None:
    with closing(sqlite3.connect(tmp_path / "store.db")) as connection, connection:
        connection.execute("CREATE TABLE grid (name TEXT)")
        connection.executemany("INSERT INTO grid VALUES (?)", [("other",), ("demo-dev",), ("demo",)])
    code = f"import sys; sys.argv = ['dragoman']; sys.orig_argv = sys.argv\n{LISTED}"
    env = {"PATH": "", "DRAGOMAN_HOME": str(tmp_path), "_DRAGOMAN_COMPLETE": "complete_bash"}
    env |= {"COMP_WORDS": f"dragoman {words}", "COMP_CWORD": "2"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    assert [line for line in done.stdout.splitlines()[:-1] if line] == found
    assert ("IMPORTED []" in done.stdout) is is_light


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of another distribution."""
    folder = tmp_path / "elsewhere_commands"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    summaries._declared.cache_clear()
    return folder


def entry(name: str = "guess") -> EntryPoint:
    return EntryPoint(name, "elsewhere_commands.cli:guess", "dragoman.commands")


def test_a_package_that_declares_nothing_is_asked_itself(package: Path) -> None:
    assert summary_of(entry()) is None


def test_a_package_may_declare_its_own_commands(package: Path) -> None:
    (package / FILE).write_text('[guess]\ngroup = "Results"\nsummary = "Guess – à peu près."\n', encoding="utf-8")
    assert summary_of(entry()) == Summary("Results", "Guess – à peu près.")
    assert summary_of(entry("another")) is None


def test_a_command_whose_package_is_not_installed_is_listed_as_that(package: Path) -> None:
    (package / FILE).write_text('[guess]\ngroup = "Results"\nsummary = "Guess."\nneeds = ["json", "no_such_package"]\n')
    assert summary_of(entry()) == Summary(Group.UNAVAILABLE, "(needs the Python package no_such_package)")
