"""docs/publishing.md: its commands run, and what it says of files, options and bounds is so."""

import re
import shlex
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from dragoman import plugins
from dragoman.pair import all_pairs
from dragoman.partition import TrainingGraph
from dragoman.segment import Segment
from dragoman.settings import settings
from dragoman.store.records import ModelRecord
from dragoman.store.store import Store
from dragoman.testing import GridBuilder, random_score
from dragoman_ui.charts.heatmap import MEDIUM
from dragoman_ui.publishing.cli import publish
from dragoman_ui.publishing.site_map import MOST_COMPARED
from dragoman_ui.viewmodels.store import shared_store

PAGE = (Path(__file__).parents[2] / "docs" / "publishing.md").read_text()
COMMANDS = re.findall(r"^\$ dragoman publish (.*)$", PAGE, re.MULTILINE)


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A store of the settings with the grid `demo`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRAGOMAN_HOME", str(tmp_path_factory.mktemp("home")))
        settings.cache_clear()
        shared_store.cache_clear()
        store = Store.open(settings().store_url, settings().blobs_url)
        models = [ModelRecord(id=name, name=name, graph=TrainingGraph()) for name in ("base", "roles")]
        lines = {pair: [Segment("source", "reference")] * 8 for pair in all_pairs(("en", "de"))}
        names = {each.id: each.name for each in models}
        grid = GridBuilder(store, models, list(lines), name="demo", names=names, lines=lines).add()
        for record in grid.cells:
            score = random_score("bleu", record.cell.model, record.cell.pair, segments=8, quality=0.6, signature="a")
            grid.translate(record.cell, [score], hypotheses=[("hypothesis", "stop", 1)] * 8)
        store.close()
        yield
    settings.cache_clear()
    shared_store.cache_clear()


@pytest.mark.parametrize("command", COMMANDS)  # with BLEU, of which there are made-up statistics
def test_the_commands_of_the_page_run(
    command: str, dragoman: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    entries = {each.name: each for each in entry_points(group="dragoman.commands") if each.name == "publish"}
    available = plugins.available
    monkeypatch.setattr(plugins, "available", lambda group: entries if group == "commands" else available(group))
    monkeypatch.chdir(tmp_path)
    outcome = dragoman("publish", *shlex.split(command.replace("chrf++", "bleu")))
    assert outcome.code == 0, outcome.err
    assert "index.html" in outcome.out + outcome.err
    written = {path.relative_to("site").as_posix() for path in Path("site").rglob("*.html")}
    patterns = (r"index", r"(base|roles)-bleu-(score|gain|partition)", r"roles-against-base-bleu",
                r"ranking-bleu-(all|unseen)", r"pairs/(en-de|de-en)")  # fmt: skip
    assert all(any(re.fullmatch(f"{pattern}\\.html", name) for pattern in patterns) for name in written)
    assert Path("site/data/results-bleu.json").is_file() and Path("site/dragoman-site.json").is_file()


def test_the_options_that_it_names_are_there() -> None:
    found = {name.removeprefix("no-").replace("-", "_") for name in re.findall(r"`--([a-z-]+)", PAGE)}
    named = found - {"json", "csv"}
    assert named <= set(publish.__annotations__) and named >= {"metric", "system", "test_set", "sentences", "force"}


def test_the_bounds_are_those_of_the_code() -> None:
    assert f"more than {MEDIUM} languages" in PAGE
    assert MOST_COMPARED == 6 and "of up to six systems every two" in PAGE
