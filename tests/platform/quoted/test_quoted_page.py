"""docs/systems-from-files.md, its section on scores: the commands do what it says, with the tables that it shows."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from dragoman.analysis.pair_scores import pair_scores
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.pair import Pair
from dragoman.store.store import Store

PAGE = (Path(__file__).parents[3] / "docs" / "systems-from-files.md").read_text()
SECTION = PAGE.partition("## Scores without translations")[2]


def test_the_commands_run_on_the_tables_of_the_page(
    store: Store, files: Path, dragoman: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = dict(re.findall(r"`(\w+\.\w+)`[^`]*:\n\n```text\n(.*?)```", SECTION, flags=re.DOTALL))
    assert set(tables) == {"table5.csv", "leaderboard.tsv", "matrix.csv"}
    for name, content in tables.items():
        (files / name).write_text(content)
    monkeypatch.chdir(files)
    commands = re.findall(r"^\$ dragoman (.*)$", SECTION, flags=re.MULTILINE)
    printed = {}
    for command in commands:
        done = dragoman(*shlex.split(command.replace("my-grid", "g")))
        assert done.code == 0, (command, done.err)
        printed[command.split()[0]] = done.out
    question = ScoreQuestion("g", "chrf++")
    first = {each.pair: each for each in pair_scores(store, question, model="nllb-54b")}
    assert (first[Pair("de", "en")].value, first[Pair("de", "en")].low) == (61.5, 60.9)
    assert {each.value for each in pair_scores(store, question, model="board")} == {None, 51.02, 57.31}
    assert [each.value for each in pair_scores(store, ScoreQuestion("g", "bleu"), model="last-year")] == [
        33.0, 27.5, 35.25,
    ]  # fmt: skip
    assert "nllb-54b (quoted)" in printed["results"] and "not tested" in printed["results"]
    assert "Not tested" in printed["compare"] and "unranked" in printed["rank"]
