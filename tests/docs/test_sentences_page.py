"""docs/sentences.md: its commands run on a grid of the names that it uses."""

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dragoman.metrics.lookup import installed_metric
from dragoman.metrics.serialization import pack
from dragoman.pair import Pair
from dragoman.partition import TrainingGraph
from dragoman.segment import Segment
from dragoman.settings import settings
from dragoman.store.records import ModelRecord, StoredScore
from dragoman.store.store import Store
from dragoman.testing import GridBuilder

PAGE = (Path(__file__).parents[2] / "docs" / "sentences.md").read_text()
COMMANDS = re.findall(r"^\$ dragoman (.*)$", PAGE, re.MULTILINE)
LINES = [Segment("It rains.", "Es regnet."), Segment("A house of 3 rooms.", "Ein Haus mit 3 Zimmern.")]
TEXTS = {
    "base": ["It rains.", "Haus"],
    "english-centric": ["Es schneit.", "Haus mit 3 Zimmern."],
    "roles": ["Es regnet.", "A house of 3 rooms."],
}


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A store of the settings with the grid `demo`."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("home")
        patch.setenv("DRAGOMAN_HOME", str(folder))
        patch.chdir(folder)
        settings.cache_clear()
        store = Store.open(settings().store_url, settings().blobs_url)
        pair = Pair("en", "de")
        models = [ModelRecord(id=name, name=name, graph=TrainingGraph()) for name in TEXTS]
        grid = GridBuilder(
            store, models, [pair], name="demo", metrics=("bleu", "chrf++"), lines={pair: LINES},
            names={name: name for name in TEXTS},
        ).add()  # fmt: skip
        metric = installed_metric("chrf++")(pair)
        for record in grid.cells:
            own = TEXTS[record.cell.model]
            rows = metric.statistics([each.source for each in LINES], own, [each.target for each in LINES])
            score = StoredScore(
                metric="chrf++", signature=metric.signature, value=metric.score(rows), statistics=pack(rows)
            )
            grid.translate(record.cell, [score], hypotheses=[(text, "stop", 3) for text in own])
        store.close()
        yield
    settings.cache_clear()


def test_the_commands_of_the_page_run(dragoman: Callable[..., Any]) -> None:
    for command in COMMANDS:
        outcome = dragoman(*shlex.split(command))
        assert outcome.code == 0, outcome.err
        assert "roles" in outcome.out or "They are in" in outcome.out
    written = re.findall(r"^en-de-texts/.*$", PAGE, re.MULTILINE)
    assert written and all(Path(name).is_file() for name in written)
