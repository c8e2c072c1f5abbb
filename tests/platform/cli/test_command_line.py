"""What all commands have in common: groups, examples, forms of output, counts, and names that are not there."""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from dragoman import plugins
from dragoman.cli.groups import Group
from dragoman.cli.main import build_app, main
from dragoman.errors import nearest
from dragoman.settings import settings
from dragoman.store.maintenance.renaming import rename
from dragoman.store.store import Store

PRINTING = (
    "add-scores", "add-system", "align", "audit export", "audit verify", "champions", "claims", "compare", "config",
    "delete", "detectors", "diff", "doctor", "effect", "env list", "errors", "explain", "gate", "gc", "history",
    "instructions", "judge agreement", "judge choose", "judge import", "judge metrics", "judge results",
    "judge-consistency", "likelihood", "list", "metrics", "plan", "promote", "prompts", "publish", "query", "rank",
    "results", "rollback", "score", "sentences", "status", "stop", "suggest", "verify",
)  # fmt: skip
FORMS = {"--json", "--csv", "--markdown", "--latex", "--table"}


def walk(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every command that can be run, by its words after `dragoman`."""
    if not hasattr(command, "commands"):
        yield " ".join(path), command
    for name, child in dict(getattr(command, "commands", {})).items():
        yield from walk(child, (*path, name))


@pytest.fixture(scope="module")
def commands() -> dict[str, Any]:
    return dict(walk(typer.main.get_command(build_app())))


@pytest.fixture(scope="module")
def top() -> Any:
    return typer.main.get_command(build_app())


@pytest.fixture
def grids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_grid: Any) -> Iterator[None]:
    """A store with two grids, in use."""
    monkeypatch.setenv("DRAGOMAN_HOME", str(tmp_path))
    settings.cache_clear()
    store = Store.open(settings().store_url, settings().blobs_url)
    for name in ("small", "other"):
        small_grid(store, name).add()
    store.close()
    yield
    settings.cache_clear()


def options(command: Any, hidden: bool = False) -> set[str]:
    shown = [each for each in command.params if hidden or not getattr(each, "hidden", False)]
    return {name for each in shown for name in (*each.opts, *each.secondary_opts)}


@pytest.mark.parametrize("name", PRINTING)
def test_what_prints_a_table_has_every_form(commands: dict[str, Any], name: str) -> None:
    assert options(commands[name]) >= FORMS


def test_no_other_command_has_a_form_of_its_own(commands: dict[str, Any]) -> None:
    assert [name for name, command in commands.items() if name not in PRINTING and options(command) & FORMS] == []


def test_every_help_ends_with_examples_that_can_be_typed(commands: dict[str, Any]) -> None:
    for name, command in commands.items():
        last = " ".join(re.split(r"\n\s*\n", (command.help or "").strip())[-1].split())
        assert last.startswith("Examples: dragoman "), name
        for example in last.removeprefix("Examples: ").split(" · "):
            words = re.sub(r'"[^"]*"', "x", example).split()[1:]
            while words[0] == "--set":
                words = words[2:]
            assert " ".join(words).startswith(name), f"{name}: {example}"
            given = {word for word in words if word.startswith("--")}
            assert given <= options(command), f"{name}: {example}"


def test_a_count_is_called_limit(commands: dict[str, Any]) -> None:
    for name, old in (("compare", "--top"), ("prompts", "--number")):
        assert {"--limit", "-n"} <= options(commands[name])
        assert old not in options(commands[name])
        assert old in options(commands[name], hidden=True)


def test_the_help_lists_commands_by_group(top: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    of_ours = [str(group) for group in Group][: list(Group).index(Group.PLUGINS)]
    panels = {str(command.rich_help_panel) for command in dict(top.commands).values()}
    assert panels == set(of_ours)
    monkeypatch.setattr(sys, "argv", ["dragoman", "--help"])
    with pytest.raises(SystemExit):
        main()
    text = capsys.readouterr().out
    places = [re.search(rf"^\W*{panel} ", text, re.MULTILINE) for panel in of_ours]
    assert all(places)
    assert [place.start() for place in places if place] == sorted(place.start() for place in places if place)


def test_a_command_of_another_package_has_a_group_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    class Entry:
        def __init__(self, command: Callable[..., Any]) -> None:
            self.load = lambda: command

    def hello() -> None:
        """Say hello."""

    own = typer.Typer(rich_help_panel="Team", help="Ours.")
    own.command("hello")(hello)
    found = {"hello": Entry(hello), "team": Entry(own)}  # type: ignore[arg-type]
    monkeypatch.setattr(plugins, "available", lambda group: found)
    commands = typer.main.get_command(build_app()).commands  # type: ignore[attr-defined]
    assert {name: str(command.rich_help_panel) for name, command in dict(commands).items()} == {
        "hello": "Plugins", "team": "Team",
    }  # fmt: skip


@pytest.mark.parametrize("arguments", [["query"], ["compare"], ["rank"], ["score", "--metric", "bleu"]])
def test_a_missing_name_says_which_grids_there_are(
    grids: None, dragoman: Callable[..., Any], arguments: list[str]
) -> None:
    outcome = dragoman(*arguments)
    assert outcome.code == 2
    assert outcome.err == "dragoman: The name of a grid is missing (there are: other, small).\n"


def test_results_without_a_name_are_of_the_grid_that_was_run_last(grids: None, dragoman: Callable[..., Any]) -> None:
    outcome = dragoman("results", "--csv")
    assert outcome.err == "The latest grid, other; `dragoman list` shows all 2.\n"
    assert (outcome.code, outcome.out) == dragoman("results", "other", "--csv")[:2]
    store = Store.open(settings().store_url, settings().blobs_url)
    store.annotations.archive("other")
    store.close()
    assert dragoman("results", "--csv").err == "The only grid, small.\n"


def test_a_former_name_is_understood_and_said(grids: None, dragoman: Callable[..., Any]) -> None:
    store = Store.open(settings().store_url, settings().blobs_url)
    rename(store, "small", "large", candidates="large-dev")
    store.close()
    outcome = dragoman("results", "small", "--csv")
    assert outcome.err == "small is called large now.\n"
    assert (outcome.code, outcome.out) == dragoman("results", "large", "--csv")[:2]


@pytest.mark.parametrize(
    ("name", "allowed", "remedy"),
    [
        ("sweep", ["sweep-a", "sweep-b", "demo"], "did you mean 'sweep-a' or 'sweep-b'?"),
        ("demi", ["demo", "domain"], "did you mean 'demo'?"),
        ("zzz", ["demo", "small"], "use one of: demo, small."),
    ],
)
def test_the_nearest_names_are_offered(name: str, allowed: list[str], remedy: str) -> None:
    assert nearest(name, allowed) == remedy
