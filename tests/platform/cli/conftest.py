"""The command line, run inside the test."""

import sys
from collections.abc import Callable
from typing import NamedTuple

import pytest

from dragoman import plugins
from dragoman.cli.main import main

READERS = ("results", "compare", "query", "score")
"""The commands that read a store; the others would bring in torch and MLflow."""


class Outcome(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def dragoman(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Runs a command and returns its exit code and what it printed."""
    commands = {name: entry for name, entry in plugins.available("commands").items() if name in READERS}
    available = plugins.available
    monkeypatch.setattr(plugins, "available", lambda group: commands if group == "commands" else available(group))

    def run(*arguments: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["dragoman", *arguments])
        try:
            main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        return Outcome(code, *capsys.readouterr())

    return run
