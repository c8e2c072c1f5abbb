"""docs/human-evaluation.md: its commands run one after another, and its tables are those of the code."""

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer.main

from dragoman.cli.judge import judge
from dragoman.judgement.formats.mqm import COLUMNS
from dragoman.judgement.importing import Format
from dragoman.judgement.selection import Method
from dragoman.pair import Pair
from dragoman.partition import TrainingGraph
from dragoman.rating import Protocol, Severity, Span
from dragoman.segment import Segment
from dragoman.settings import settings
from dragoman.store.maintenance.rescoring import rescore
from dragoman.store.records import ModelRecord
from dragoman.store.store import Store
from dragoman.testing import GridBuilder

PAGE = (Path(__file__).parents[2] / "docs" / "human-evaluation.md").read_text()
COMMANDS = re.findall(r"^\$ (dragoman judge .*)$", PAGE, re.MULTILINE)
LINES = ["Ein Hund schläft heute.", "Es regnet in der Stadt.", "Sie liest ein Buch.", "Wir gehen am Fluss entlang."]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a store that has the grid `demo`."""
    monkeypatch.setenv("DRAGOMAN_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    settings.cache_clear()
    store = Store.open(settings().store_url, settings().blobs_url)
    pairs = [Pair("en", "de"), Pair("de", "en")]
    names = {"m1": "base", "m2": "roles", "m3": "other"}
    models = [
        ModelRecord(id=each, name=name, recipe={"m": name}, graph=TrainingGraph()) for each, name in names.items()
    ]
    lines = {pair: [Segment(f"Line {number}.", line) for number, line in enumerate(LINES)] for pair in pairs}
    grid = GridBuilder(store, models, pairs, name="demo", metrics=("chrf",), names=names, lines=lines).add()
    for record in grid.cells:
        kept = 5 - int(record.cell.model[1])
        grid.translate(record.cell, [], hypotheses=[(" ".join(line.split()[:kept]), "stop", 1) for line in LINES])
    rescore(store, "demo", ["chrf"])
    store.close()
    return tmp_path


def annotate(folder: Path) -> None:
    """What Pearmut's dashboard downloads once two raters have judged each translation."""
    campaign = json.loads((folder / "campaign.json").read_text())
    log = [
        {
            "annotation": [
                {name: {"score": 10 * len(text.split()) + rater} for name, text in item["tgt"].items()}
                for item in document
            ],
            "actions": [{"time": 1.0}], "item": document, "user_id": f"rater{rater}", "item_i": 0,
        }
        for rater, documents in enumerate(campaign["data"], 1)
        for document in documents
    ]  # fmt: skip
    (folder / "annotations.json").write_text(json.dumps({campaign["campaign_id"]: log}))


def test_the_commands_of_the_page_run(folder: Path, dragoman: Callable[..., Any]) -> None:
    assert [shlex.split(command)[2] for command in COMMANDS] == [
        "choose", "campaign", "import", "results", "agreement", "metrics",
    ]  # fmt: skip
    for command in COMMANDS:
        if " import " in command:
            annotate(folder)
        outcome = dragoman(*shlex.split(command)[1:])
        assert outcome.code == 0, outcome.err
    for name, expected in (("results", "roles"), ("agreement", "rater1"), ("metrics", "chrf")):
        rows = json.loads(dragoman("judge", name, "demo", "--json").out)
        assert expected in json.dumps(rows)
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    with Store.open_snapshot(settings().store_url, settings().blobs_url) as store:
        exec(code, {"store": store})
    assert dragoman("judge", "export", "demo", "mqm.tsv", "--pair", "en-de").code == 0
    assert (folder / "mqm.tsv").read_text().startswith("\t".join(COLUMNS))
    assert dragoman("judge", "export", "demo", "mqm.tsv", "--pair", "en-de").code == 2  # it is there already


@pytest.mark.parametrize("form", Format)
def test_a_campaign_of_every_format_is_written(folder: Path, dragoman: Callable[..., Any], form: Format) -> None:
    outcome = dragoman(
        "judge", "campaign", "demo", "file.json", "--pair", "en-de", "--format", form, "--by", "diversity"
    )
    assert outcome.code == 0 and "4 sentences in 4 documents, 3 systems, 12 translations" in outcome.err
    assert "are not means of the test set" in outcome.err
    assert (folder / "file.manifest.json").exists() == (form is Format.APPRAISE)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["choose", "demo"], "Grid 'demo' has 2 pairs: name one with --pair."),
        (["choose", "demo", "--pair", "en-fr"], "Grid 'demo' has no pair 'en-fr'; did you mean 'en-de'?"),
        (["choose", "demo", "--pair", "en-de", "--system", "role"], "No system 'role' has translated en-de"),
        (["campaign", "demo", "f", "--pair", "en-de", "--each", "3"], "3 raters can't judge each document"),
        (["campaign", "demo", "f", "--pair", "en-de", "--raters", "9"], "9 raters are more than 4 documents"),
        (["campaign", "demo", "no/f", "--pair", "en-de"], "no/f can't be written (No such file or directory)"),
        (["export", "demo", "f", "--pair", "en-de", "--format", "pearmut"], "Judgements are written as mqm or esa"),
        (["metrics", "demo", "--metric", "comet"], "Grid 'demo' has no scores of 'comet'"),
        (["import", "demo", "none", "--format", "esa"], "none can't be read"),
    ],
)  # fmt: skip
def test_mistakes_are_one_sentence(folder: Path, dragoman: Callable[..., Any], arguments: list[str], said: str) -> None:
    outcome = dragoman("judge", *arguments)
    assert outcome.code == 2 and said in outcome.err and outcome.err.count("\n") == 1


def table(heading: str) -> dict[str, str]:
    """The first and the second column of the table with a heading."""
    body = PAGE.partition(f"| {heading} |")[2].partition("\n\n")[0]
    return dict(re.findall(r"^\| ([^|]*) \| ([^|]*) \|", body, re.MULTILINE)[1:])


def test_the_weights_are_those_of_the_code() -> None:
    rows = table("error")
    for name, weight in rows.items():
        word = name.split()[0].rstrip(",")
        category = re.search("`(.*)`", name)
        assert Span(severity=Severity(word), category=category[1] if category else None).weight == float(weight), name
    assert len(rows) == 6


def test_the_words_are_those_of_the_code() -> None:
    assert set(table("`--by`")) == {f"`{each}`" for each in Method}
    assert set(table("`--format`")) == {f"`{each}`" for each in Format}
    assert all(f"`{each}`" in PAGE for each in Protocol)
    commands = typer.main.get_command(judge).commands.values()  # type: ignore[attr-defined]
    options = {option for command in commands for each in command.params for option in each.opts}
    assert set(re.findall(r"(?<!-)--[a-z][a-z-]+", PAGE)) - {"--batches-json"} <= options
