"""docs/slices.md: its commands run, its example of a corpus is one, and its bounds are the code's."""

import json
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dragoman.analysis import grid_copy
from dragoman.corpora.factory import open_corpus
from dragoman.metrics.sacrebleu import Bleu
from dragoman.pair import Pair, all_pairs
from dragoman.partition import TrainingGraph
from dragoman.segment import Located, Segment, Split
from dragoman.settings import settings
from dragoman.spec.promotion import Rule
from dragoman.store.line_labels import labels_of
from dragoman.store.records import ModelRecord
from dragoman.store.store import Store
from dragoman.testing import GridBuilder, random_score

PAGE = (Path(__file__).parents[2] / "docs" / "slices.md").read_text()
COMMANDS = re.findall(r"^\$ dragoman (.*)$", PAGE, re.MULTILINE)
GRAPHS = {"base": TrainingGraph(), "roles": TrainingGraph.of([Pair("en", "de")])}
LINES = 40


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A store of the settings with the grids `demo` and `wmt`, whose lines have labels."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRAGOMAN_HOME", str(tmp_path_factory.mktemp("home")))
        settings.cache_clear()
        store = Store.open(settings().store_url, settings().blobs_url)
        models = [ModelRecord(id=name, name=name, graph=graph) for name, graph in GRAPHS.items()]
        pairs = all_pairs(("en", "de", "fr"))
        for name in ("demo", "wmt"):
            grid = GridBuilder(store, models, pairs, name=name, names={each: each for each in GRAPHS}).add()
            for record in grid.cells:
                score = random_score(
                    "bleu", record.cell.model, record.cell.pair, segments=LINES, quality=0.6, signature="tok:13a"
                )
                grid.translate(record.cell, [score], segments=LINES)
        lines = [
            Located(Segment(f"s{row}", f"t{row}"), row, f"d{row // 9}", (("domain", domain), ("original", origin)))
            for row in range(LINES)
            for domain in [("dates", "news", "news, sports", "amounts")[row // 2 % 4]]
            for origin in [("en", "de", "fr")[row % 3]]
        ]
        contents = {(record.cell.pair, record.cell.content): labels_of(lines) for record in grid.cells}
        store.conditions.add_labels("test1-a", contents)
        store.close()
        yield
    settings.cache_clear()


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_of_the_page_run(command: str, dragoman: Callable[..., Any]) -> None:
    outcome = dragoman(*shlex.split(command))
    assert outcome.code == 0, outcome.err
    assert "roles" in outcome.out


def table(outcome: Any, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(outcome.out)[name]
    return found


def test_the_table_of_slices_has_a_row_for_each_value_and_model(dragoman: Callable[..., Any]) -> None:
    found = table(dragoman("results", "demo", "--by", "domain", "--json"), "slices")
    rows = {(row["value"], row["model"]): row for row in found}
    assert {value for value, _ in rows} == {"dates", "news", "news, sports", "amounts"}
    for (value, model), row in rows.items():
        lines = f'domain="{value}"' if "," in value else f"domain={value}"
        alone = table(dragoman("results", "demo", "--lines", lines, "--json"), "partitions")
        (same,) = (each for each in alone if (each["model"], each["scope"]) == (model, "all"))
        figures = ("lines", "mean", "low", "high", "gain", "gain_low", "done", "sentences_least", "sentences_most")
        assert {key: row[key] for key in figures} == {key: same[key] for key in figures}
        assert row["lines"] == lines and row["sentences_least"] == LINES // 4
    shown = dragoman("results", "demo", "--by", "domain").out
    assert " ".join(shown.split()).count("With fewer than 100 lines bleu hangs on single sentences") == 1


def test_by_within_a_slice_and_by_the_side_of_the_original(dragoman: Callable[..., Any]) -> None:
    rows = table(dragoman("results", "demo", "--by", "original", "--lines", "domain=news", "--json"), "slices")
    assert [row["value"] for row in rows] == ["source", "source", "target", "target", "other", "other"]
    assert {row["lines"] for row in rows} == {f"domain=news,original={side}" for side in ("source", "target", "other")}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ("results", "demo", "--by", "domian"),
            "The test lines of 'demo' have no label 'domian'; did you mean 'domain'?",
        ),
        (("rank", "demo", "--lines", "domain=datez"), "No test line of 'demo' has domain=datez; did you mean 'dates'?"),
        (("compare", "demo", "base", "roles", "--lines", "dates"), "'dates' chooses no lines: write LABEL=VALUE"),
    ],
)
def test_a_mistake_is_a_sentence(arguments: tuple[str, ...], sentence: str, dragoman: Callable[..., Any]) -> None:
    outcome = dragoman(*arguments)
    assert outcome.code == 2 and sentence in " ".join(outcome.err.split()) and "Traceback" not in outcome.err


def test_the_example_of_a_corpus_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "test.tsv").write_text("en\tde\tgenre\toriglang\nOne\tEins\tnews\tde\n")
    (written,) = re.findall(r"```yaml\n(corpus:.*?)```", PAGE, re.DOTALL)
    options = yaml.safe_load(written)["corpus"]
    corpus = open_corpus(options.pop("kind"), options)
    (line,) = corpus.located(Pair("en", "de"), Split.TEST)
    assert line.labels == (("domain", "news"), ("original", "de"))


def test_the_bounds_and_the_rule_are_those_of_the_code() -> None:
    assert f"of up to {grid_copy.MOST_PAIRS:,} pairs and of up to {grid_copy.MOST_SCORES:,} scores" in PAGE
    assert f"With fewer than {Bleu.fewest_lines} lines BLEU" in PAGE
    (rule,) = re.findall(r"`(\{metric: bleu, .*?\})`", PAGE)
    assert Rule.model_validate(yaml.safe_load(rule)).lines == "original=source"
