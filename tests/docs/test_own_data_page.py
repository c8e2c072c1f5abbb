"""docs/own-data.md: its files and its spec are read as it says; commands of the pages for beginners exist."""

import re
import shlex
from pathlib import Path

import pytest
import typer.main

from dragoman.cli.main import build_app
from dragoman.corpora.factory import open_corpus
from dragoman.pair import Pair, all_pairs
from dragoman.partition import Partition, TrainingGraph
from dragoman.segment import Split
from dragoman.spec.loading import load_campaign

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "own-data.md").read_text()
BEGINNERS = ("own-data", "troubleshooting", "sharing-with-a-reviewer")


def test_the_files_and_the_spec_of_the_page_go_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    for name, text in zip(("train", "test"), re.findall(r"```text\n(en\t.*?)```", PAGE, re.DOTALL), strict=True):
        Path("data", f"{name}.tsv").write_text(text)
    (spec,) = re.findall(r"```yaml\n(name:.*?)```", PAGE, re.DOTALL)
    Path("my-grid.yaml").write_text(spec)
    (grid,) = load_campaign(Path("my-grid.yaml")).grids
    assert grid.name == "my-grid" and list(grid.languages) == ["en", "de", "fr"]
    corpus = open_corpus("tsv", {"path": {"train": "data/train.tsv", "test": "data/test.tsv"}})
    lines = [len(list(corpus.located(pair, Split.TRAIN))) for pair in (Pair("en", "de"), Pair("en", "fr"))]
    assert lines == [2, 3], "a cell may be empty"
    assert all(len(list(corpus.located(pair, Split.TEST))) == 2 for pair in all_pairs(("en", "de", "fr")))
    graph = TrainingGraph.of(pair for pair in all_pairs(("en", "de", "fr")) if "en" in pair)
    assert {graph.partition(Pair("de", "fr")), graph.partition(Pair("fr", "de"))} == {Partition.RECOMBINED}


@pytest.mark.parametrize("page", BEGINNERS)
def test_every_command_and_option_of_a_page_exists(page: str) -> None:
    text = (DOCS / f"{page}.md").read_text()
    written = re.findall(r"^(?:\$ )?dragoman (.*)$", text, re.MULTILINE) + re.findall(r"`dragoman (.*?)`", text)
    assert written
    root = typer.main.get_command(build_app())
    for line in written:
        command, words = root, shlex.split(line)
        while words and hasattr(command, "commands"):
            assert words[0] in command.commands, line
            command = command.commands[words.pop(0)]
        known = {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
        assert {word for word in words if word.startswith("--")} - {"--help"} <= known, line
