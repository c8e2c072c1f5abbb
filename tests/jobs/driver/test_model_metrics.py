"""A grid with metrics that hold a model: scored by actors of their own, and resumed where they died."""

from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from tests.fixtures.model_metric import Notes
from tests.jobs.local_driver import plan_of

from dragoman.cell import CellState
from dragoman.planning.plan import Plan
from dragoman.settings import Settings
from dragoman.store.records import StoredScore
from dragoman.store.store import Store
from dragoman_jobs.testing import EchoEngine, run_plan


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "home").mkdir()
    return Settings(home=tmp_path / "home", workers=1)


def planned(tmp_path: Path, *metrics: Any) -> Plan:
    evaluation = {"sentences": 12, "metrics": list(metrics), "engine": "transformers"}
    return plan_of(tmp_path, models=[], evaluation=evaluation)


def scores_of(store: Store, grid: str = "grid") -> dict[tuple[str, str], StoredScore]:
    return {
        (str(cell.cell.pair), score.metric): score
        for cell in store.cells.of_grid(grid)
        for score in store.cells.scores(cell.cell.id)
    }


def test_cells_are_scored_by_one_model_that_is_loaded_once(
    tmp_path: Path, settings: Settings, stub: type[EchoEngine], overlap: Notes
) -> None:
    store = run_plan(planned(tmp_path, "bleu", {"metric": "overlap", "name": "mine", "revision": "2"}), settings)
    found = scores_of(store)
    assert {metric for _, metric in found} == {"bleu", "overlap:mine"} and len(found) == 12
    assert {cell.state for cell in store.cells.of_grid("grid")} == {CellState.DONE}
    mine = found["de-en", "overlap:mine"]
    assert mine.signature == "overlap|model:small|rev:2|empty:0"
    assert mine.low is not None and mine.high is not None and mine.low <= mine.value <= mine.high
    assert len(overlap.loads) == 1 and len(overlap.triples) == 6
    # done again there is nothing to do, and no model is loaded for it
    assert scores_of(run_plan(planned(tmp_path, "bleu", {"metric": "overlap", "name": "mine"}), settings)) == found
    assert len(overlap.loads) == 1


def test_two_metrics_share_an_actors_place_one_after_the_other(
    tmp_path: Path, settings: Settings, stub: type[EchoEngine], overlap: Notes
) -> None:
    store = run_plan(planned(tmp_path, "overlap", "distance"), settings.model_copy(update={"metric_workers": 1}))
    found = scores_of(store)
    assert len(found) == 12 and len(overlap.loads) == 2
    for cell in store.cells.of_grid("grid"):
        sources = store.blobs.test_text(str(cell.test)).sources
        hypotheses = [line.text for line in store.blobs.translation(str(cell.hypotheses))]
        words = [(set(one.split()), set(other.split())) for one, other in zip(sources, hypotheses, strict=True)]
        by_hand = [len(one & other) / len(one | other) for one, other in words]
        assert found[str(cell.cell.pair), "distance"].value == pytest.approx(fmean(by_hand))


def test_what_a_model_is_killed_by_stays_open_and_is_scored_by_the_next_run(
    tmp_path: Path, settings: Settings, stub: type[EchoEngine], overlap: Notes
) -> None:
    store = run_plan(planned(tmp_path, "bleu", {"metric": "overlap", "checkpoint": "poison"}), settings)
    found = scores_of(store)
    assert {pair for pair, metric in found if metric == "overlap"} == {"de-en", "en-de", "fr-de", "fr-en"}
    assert {cell.state for cell in store.cells.of_grid("grid")} == {CellState.DONE}
    (job,) = store.jobs.of_grid("grid")
    said = [line.text for line in store.jobs.lines(job.id)]
    assert said.count("overlap: 1 cell is not scored: The process of its model was killed.") == 2
    # each of the two cost three actors; the cells beside them cost none
    assert 6 <= len(overlap.loads) <= 7
    overlap.forget()
    resumed = scores_of(run_plan(planned(tmp_path, "bleu", "overlap"), settings))
    assert len(resumed) == 12 and len(overlap.triples) == 2
    assert {each: resumed[each] for each in found} == found


def test_a_model_that_is_not_there_is_one_sentence_and_the_grid_goes_on(
    tmp_path: Path, settings: Settings, stub: type[EchoEngine], overlap: Notes
) -> None:
    store = run_plan(planned(tmp_path, "bleu", {"metric": "overlap", "checkpoint": "none"}), settings)
    assert len(scores_of(store)) == 6
    (job,) = store.jobs.of_grid("grid")
    said = [line.text for line in store.jobs.lines(job.id) if "overlap" in line.text]
    assert len(said) == 1 and said[0].endswith("There is no checkpoint none: name one that there is.")
    assert len(scores_of(run_plan(planned(tmp_path, "bleu", "overlap"), settings))) == 12
