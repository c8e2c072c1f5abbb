"""docs/ranking.md: its commands run, its numbers are the code's, and its examples of clusters are ones."""

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dragoman.analysis import entrants
from dragoman.analysis.clusters import standings
from dragoman.analysis.detectable import smallest_detectable, units_to_detect
from dragoman.analysis.human_agreement import NOTICED, curve
from dragoman.cli.rank import rank
from dragoman.pair import Pair, all_pairs
from dragoman.partition import TrainingGraph
from dragoman.settings import settings
from dragoman.store.records import ModelRecord
from dragoman.store.store import Store
from dragoman.testing import GridBuilder, random_score

PAGE = (Path(__file__).parents[2] / "docs" / "ranking.md").read_text()
COMMANDS = re.findall(r"^\$ dragoman rank (.*)$", PAGE, re.MULTILINE)
GRAPHS = {"base": TrainingGraph(), "roles": TrainingGraph.of([Pair("en", "de")]), "other": TrainingGraph()}


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A store of the settings with the grid `demo`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRAGOMAN_HOME", str(tmp_path_factory.mktemp("home")))
        settings.cache_clear()
        store = Store.open(settings().store_url, settings().blobs_url)
        models = [ModelRecord(id=name, name=name, graph=graph) for name, graph in GRAPHS.items()]
        names, pairs = {name: name for name in GRAPHS}, all_pairs(("en", "de", "fr"))
        grid = GridBuilder(store, models, pairs, name="demo", names=names).add()
        for record in grid.cells:
            score = random_score(
                "bleu", record.cell.model, record.cell.pair, segments=30, quality=0.6, signature="tok:13a"
            )
            grid.translate(record.cell, [score], segments=30)
        store.close()
        yield
    settings.cache_clear()


@pytest.mark.parametrize("command", COMMANDS)  # with BLEU, of which there are made-up statistics
def test_the_commands_of_the_page_run(command: str, dragoman: Callable[..., Any]) -> None:
    outcome = dragoman("rank", *shlex.split(command.replace("chrf++", "bleu")), "--samples", "100")
    assert outcome.code == 0, outcome.err
    assert "roles" in outcome.out


def test_the_options_that_it_names_are_there() -> None:
    named = {name.replace("-", "_") for name in re.findall(r"`--([a-z]+)", PAGE)} - {"table"}
    assert named <= set(rank.__annotations__) and named >= {"over", "prompt", "model"}


def test_the_bounds_are_those_of_the_code() -> None:
    assert f"Up to {entrants.MOST_SYSTEMS} systems are ranked at once, on up to {entrants.MOST_PAIRS:,} pairs" in PAGE
    assert f"up to {entrants.MOST_DIFFERENCES:,} differences of two systems on a pair" in PAGE


def test_the_curves_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", PAGE, re.MULTILINE)
    assert len(rows) == 4
    for metric, fields, a, b, noticed in rows:
        eff = "yes" if metric == "chrf" else "no"
        rest = "nc:6|nw:0|space:no" if metric == "chrf" else f"{re.findall(r'tok:[a-z0-9]+', fields)[0]}|smooth:exp"
        found = curve(metric, [f"{metric}|nrefs:1|case:mixed|eff:{eff}|{rest}"])
        assert found is not None and (round(found.a, 2), round(found.b, 3)) == (float(a), float(b))
        assert found.agreement(float(noticed)) == pytest.approx(NOTICED, abs=0.2)
    assert "three of four" in PAGE and NOTICED == 75


def test_the_formulas_are_those_of_the_code() -> None:
    assert "= 2.80 s at 5%" in PAGE and round(smallest_detectable(1.0), 2) == 2.80
    assert units_to_detect(1000, 0.5, 1.0) == pytest.approx(1000 * (2.8016 * 0.5 / 1.0) ** 2, abs=1)


def test_the_first_and_the_last_of_a_cluster_may_differ() -> None:
    # the first of three is better than the last, and the one between them is not told apart from either
    is_better = np.zeros((3, 3), np.bool_)
    is_better[0, 2] = True
    assert [each.cluster for each in standings(is_better)] == [1, 1, 1]
