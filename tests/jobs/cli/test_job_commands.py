"""What a person sees of a running grid: all of it from the store."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dragoman.cell import Cell
from dragoman.cli.main import build_app
from dragoman.errors import StoreError
from dragoman.pair import all_pairs
from dragoman.settings import settings
from dragoman.store import records
from dragoman.store.heartbeat import driver_name
from dragoman.store.records import (
    CellRecord,
    DecodingRecord,
    GridRecord,
    JobLine,
    JobState,
    LineKind,
    ModelRecord,
    PromptRecord,
    Translation,
)
from dragoman.store.store import Store
from dragoman_jobs.driver.throughput import Throughput
from dragoman_jobs.evaluation.worker import CellOutcome, CellTask


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store with the grid `small`: one model, six pairs."""
    monkeypatch.setenv("DRAGOMAN_HOME", str(tmp_path))
    settings.cache_clear()
    made = Store.open(settings().store_url, settings().blobs_url)
    made.models.add(ModelRecord(id="m", name="base", recipe={}))
    made.conditions.add_test_set(records.TestSetRecord(id="t", corpus="cldr", revision="1", split="test", sentences=1))
    made.conditions.add_prompt(PromptRecord(id="p", template="{source}"))
    made.conditions.add_decoding(DecodingRecord(id="d", settings={}))
    grid = GridRecord(
        name="small", spec={}, spec_hash="s", models=("m",), base="m", metrics=("bleu",), languages=("de", "en", "fr")
    )
    cells = [
        CellRecord(cell=Cell(model="m", test_set="t", content="c", pair=pair, prompt="p", decoding="d"))
        for pair in all_pairs(grid.languages)
    ]
    made.grids.add(grid, cells)
    yield made
    made.close()
    settings.cache_clear()


def _shown(*arguments: str) -> str:
    result = CliRunner().invoke(build_app(), list(arguments), env={"COLUMNS": "160"})
    assert result.exit_code == 0, result.output
    return result.output


def test_the_first_failure_and_the_end_of_its_log_are_on_the_first_screen(store: Store) -> None:
    job = store.jobs.start("small", driver_name())
    trace = "\n".join(["Traceback (most recent call last):", *(f"  frame {n}" for n in range(30)), "ZeroDivisionError"])
    failures = [("de-en failed: by nought", trace), ("en-de failed: something else", None)]
    store.jobs.beat(
        job,
        {"seconds_left": 4000.0, "tokens_per_second": 1234.5, "segments_per_second": 7.0, "workers": 3, "busy": 0.97},
        [JobLine(kind=LineKind.FAILURE, text=text, detail=detail) for text, detail in failures],
    )
    store.cells.advance(failed=[records.Untranslated(store.cells.of_grid("small")[0].cell.id, "by nought")])
    screen = _shown("status", "small").splitlines()[:36]
    text = "\n".join(screen)
    assert "running" in text
    assert "1 h 06 min" in text
    assert "97%" in text
    assert "de-en failed: by nought" in text
    assert "ZeroDivisionError" in text
    assert "something else" not in text
    assert "frame 3\n" not in text
    assert "dragoman logs small" in text
    log = _shown("logs", "small")
    assert "frame 3\n" in log
    assert "something else" in log


def test_a_grid_that_was_never_run_is_to_do(store: Store) -> None:
    assert "to do" in _shown("list")
    assert "to do" in _shown("status", "small")
    assert '"state": "planned"' in _shown("status", "small", "--json")
    result = CliRunner().invoke(build_app(), ["logs", "small"])
    assert "was never run" in str(result.exception)


def test_a_failure_of_an_earlier_program_is_found_in_the_cells(store: Store) -> None:
    store.cells.advance(failed=[records.Untranslated(store.cells.of_grid("small")[0].cell.id, "out of disk")])
    assert "failed: out of disk" in _shown("status", "small")


def test_a_run_that_ended_says_how_to_go_on(store: Store) -> None:
    job = store.jobs.start("small", driver_name())
    store.jobs.end(job, JobState.STOPPED, "stopped by ada")
    shown = _shown("status", "small")
    assert "(stopped by ada)" in shown
    assert "`dragoman resume small` goes on with it." in shown
    store.cells.advance(failed=[records.Untranslated(store.cells.of_grid("small")[0].cell.id, "out of disk")])
    assert "`dragoman retry small --failed`" in _shown("status", "small")


def test_rates_are_those_of_the_last_minute_and_time_goes_by_size() -> None:
    now = [0.0]
    throughput = Throughput(lambda: now[0])
    assert throughput.pace(100) == (None, None, None)
    throughput.begin()
    for second in range(1, 121):
        now[0] = float(second)
        size = 10 if second <= 60 else 20
        throughput.count(_task(size), _outcome(tokens=size, segments=2))
    pace = throughput.pace(400)
    assert pace.tokens_per_second == pytest.approx(20, rel=0.05)
    assert pace.segments_per_second == pytest.approx(2, rel=0.05)
    assert pace.seconds_left == pytest.approx(20, rel=0.05)


def _task(size: int) -> CellTask:
    return CellTask.model_construct(size=size)


def _outcome(**measured: Any) -> CellOutcome:
    return CellOutcome.model_construct(translation=Translation.model_construct(**measured))


def test_a_retry_says_which_cells_are_meant(store: Store) -> None:
    result = CliRunner().invoke(build_app(), ["retry", "small"])
    assert isinstance(result.exception, StoreError)
    assert str(result.exception).startswith("Say which cells of small to try again: with --failed, --damaged, or both")
    assert "0 failed cells of small planned again." in _shown("retry", "small", "--failed")
    shown = _shown("retry", "small", "--damaged")
    assert "0 cells of small whose hypotheses are lost planned again; test texts of 0 pairs are lost." in shown


def test_a_grid_that_was_never_run_here_and_has_nothing_left_to_do_is_done(store: Store) -> None:
    for cell in store.cells.of_grid("small"):
        store.cells.advance(failed=[records.Untranslated(cell.cell.id, "out of disk")])
    assert "to do" not in _shown("list")
    assert "done" in _shown("list").split("small", 1)[1]
