"""What a person sees of a running grid: all of it from the store."""

import json
import os
import signal
import subprocess
import sys
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
from dragoman.store.training_records import TrainingReport
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


@pytest.fixture
def training(store: Store) -> int:
    """A driver of this process that finetunes the model `tuned` of the grid; returns the number of its job."""
    store.models.add(
        ModelRecord(id="t", name="tuned", parent="m", base="m", recipe={"method": {"kind": "full", "steps": 200}})
    )
    grid = store.grids.get("small")
    cells = list(store.cells.iterate("small"))
    its = [each.model_copy(update={"cell": each.cell.model_copy(update={"model": "t"})}) for each in cells]
    store.grids.add(grid.model_copy(update={"models": ("m", "t")}), [*cells, *its])
    job = store.jobs.start("small", driver_name())
    curve = tuple((step, 5.0 - step / 20) for step in range(1, 52))
    report = TrainingReport(
        model="t", step=51, steps=200, loss=2.45, tokens_per_second=1234.0, seconds_left=200.0, losses=curve
    )
    store.jobs.beat(job, None, (), [report])
    return job


def test_a_finetuning_is_seen_while_it_trains_and_after_its_driver_died(store: Store, training: int) -> None:
    line = next(line for line in _shown("status", "small").splitlines() if line.strip().startswith("tuned   training"))
    assert "51 of 200" in line
    for said in ("2.45", "█", "1234", "3 min 20 s", "ago"):
        assert said in line
    (row,) = json.loads(_shown("status", "small", "--json"))["trainings"]
    assert (row["step"], row["steps"], row["loss"], row["losses"][0]) == (51, 200, 2.45, [1, 4.95])
    store.jobs.end(training, JobState.FAILED, "killed")
    shown = _shown("status", "small")
    assert "interrupted" in shown and "3 min 20 s" not in shown
    assert "tuned was at step 51 of 200 when its driver ended: the next run goes on from the last checkpoint." in shown


def test_a_status_that_is_watched_ends_with_the_run(store: Store, training: int) -> None:
    store.jobs.end(training, JobState.DONE)
    assert "small" in _shown("status", "--watch") and "done" in _shown("status", "small", "--watch")


def test_lists_are_searched_ordered_and_leave_out_what_is_archived(store: Store) -> None:
    for name in ("older", "paper-2"):
        store.grids.add(store.grids.get("small").model_copy(update={"name": name}), store.cells.iterate("small"))

    def listed(*arguments: str) -> list[str]:
        result = CliRunner().invoke(build_app(), ["list", *arguments, "--json"])
        return [row["grid"] for row in json.loads(result.stdout)["grids"]]

    assert listed() == ["paper-2", "older", "small"] == listed("--sort", "created")
    assert listed("--sort", "name") == ["older", "paper-2", "small"]
    _shown("tag", "older", "+paper", "+draft")
    _shown("tag", "older", "-draft", "+fr-hard")
    _shown("note", "small", "the **first** run with 7 languages")
    assert listed("--tag", "paper") == ["older"] and listed("--search", "paper") == ["paper-2", "older"]
    assert listed("--search", "FIRST languages") == ["small"] and listed("--search", "first klingon") == []
    assert "None of the grids is like that." in _shown("list", "--search", "klingon")
    _shown("archive", "paper-2")
    assert listed() == ["older", "small"] and listed("--all") == ["paper-2", "older", "small"]
    assert "1 archived grid is left out: `dragoman list --all`." in _shown("list")
    assert _shown("tag", "older") == "older: fr-hard paper\n"
    _shown("unarchive", "paper-2")
    assert listed()[0] == "paper-2"


def test_notes_are_written_read_edited_and_removed(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "notes.md").write_text("# From a file\n")
    _shown("note", "small", "--file", str(tmp_path / "notes.md"))
    assert _shown("note", "small") == "# From a file\n"
    editor = f"{sys.executable} -c \"import sys; open(sys.argv[1], 'a').write(' and an editor')\""
    monkeypatch.setenv("VISUAL", editor)
    _shown("note", "small", "--edit")
    assert store.annotations.of("small").notes == "# From a file and an editor"
    monkeypatch.setenv("VISUAL", "false")
    assert isinstance(CliRunner().invoke(build_app(), ["note", "small", "--edit"]).exception, StoreError)
    _shown("note", "small", "")
    assert _shown("note", "small") == "There are no notes about small.\n"


@pytest.mark.parametrize("change", ["paper", "+", "+two words", "-lacking", "+\x1b[31m"])
def test_what_is_no_change_of_tags_changes_nothing(store: Store, change: str) -> None:
    store.annotations.tag("small", ["old"])
    result = CliRunner().invoke(build_app(), ["tag", "small", "-old", change])
    assert isinstance(result.exception, StoreError)
    assert store.annotations.of("small").tags == ("old",)


def test_an_interrupted_command_says_in_a_sentence_that_the_run_goes_on(store: Store, training: int) -> None:
    store.jobs.log(training, [JobLine(text="it has begun")])
    command = [sys.executable, "-c", "from dragoman.cli.main import main; main()", "logs", "small", "-f"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)
    assert process.stdout is not None and "it has begun" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err == (
        "dragoman: interrupted. The run goes on without it, if it had not ended: `dragoman stop small` would stop it.\n"
    )
    assert store.jobs.of_grid("small")[0].is_alive
