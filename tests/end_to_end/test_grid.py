"""From a spec to scores with the real thing, and what happens when its driver is killed."""

import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.end_to_end.conftest import MINI, ROOT, Home, kill
from tests.sacrebleu_command import reports

from dragoman.cell import CellState
from dragoman.store.records import JobState
from dragoman.store.store import Store


def _scores(store: Store) -> dict[str, Any]:
    return {
        cell.cell.id: (
            cell.hypotheses,
            [(score.metric, score.signature, score.value) for score in store.cells.scores(cell.cell.id)],
        )
        for cell in store.cells.of_grid("mini")
    }


def test_every_cell_is_translated_once_and_scored(undisturbed: Home) -> None:
    cells = undisturbed.store.cells.of_grid("mini")
    assert len(cells) == 24
    assert {cell.state for cell in cells} == {CellState.DONE}
    assert {cell.attempts for cell in cells} == {1}
    assert {cell.engine for cell in cells} == {"ctranslate2"}


def test_a_second_run_does_nothing_and_says_the_same(undisturbed: Home) -> None:
    before = _scores(undisturbed.store)
    done = undisturbed.dragoman("run", str(undisturbed.spec))
    assert done.returncode == 0, done.stderr
    assert "Ray" not in done.stdout
    table = undisturbed.results()
    assert "to-english" in table
    _, begin, rest = table.partition("mini: mean bleu by partition")
    assert begin + rest in undisturbed.said.read_text()  # its overview was printed before there was a champion
    assert table in done.stdout
    assert _scores(undisturbed.store) == before
    assert {cell.attempts for cell in undisturbed.store.cells.of_grid("mini")} == {1}


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_killed_driver_loses_only_what_was_in_flight_and_other_workers_change_no_byte(
    undisturbed: Home, tmp_path: Path, chance: random.Random
) -> None:
    """The grid is begun with as many workers as there are cores, and ended with another number of them."""
    begun = False
    moments = (chance.randrange(20), chance.randrange(12), 0)  # a grid that got past its moment is begun anew
    for number, cells in enumerate(moments):
        folder = tmp_path / str(number)
        folder.mkdir()
        home = Home(folder, MINI)
        process = home.start("run", str(home.spec))
        try:
            begun = _wait_for_cells(home, process, cells)
            time.sleep(chance.uniform(0, 0.2))
        finally:
            kill(process)
        if begun:
            break
    assert begun, "the driver was to be killed in the middle"
    in_flight = {cell.cell.id for cell in home.store.cells.of_grid("mini") if cell.state is CellState.RUNNING}

    again = home.dragoman("run", str(home.spec), "--workers", "1" if (os.cpu_count() or 1) > 1 else "2")
    assert again.returncode == 0, again.stdout + again.stderr
    begin = "mini: mean bleu by partition"  # the overview has a star for the other one's champion
    assert home.results().partition(begin)[1:] == undisturbed.results().partition(begin)[1:]
    assert _scores(home.store) == _scores(undisturbed.store)
    again = {cell.cell.id for cell in home.store.cells.of_grid("mini") if cell.attempts != 1}
    assert again == in_flight, "what was in flight, and nothing else, is translated again"


def _wait_for_cells(home: Home, process: "subprocess.Popen[str]", wanted: int) -> bool:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        time.sleep(0.05)
        if process.poll() is not None:
            return False
        if not (home.home / "store.db").exists():
            continue
        try:
            cells = home.store.cells.of_grid("mini")
        except Exception:  # the store is being made at this very moment
            continue
        done = sum(cell.state is CellState.DONE for cell in cells)
        if wanted <= done < len(cells):
            return True
    return False


def test_an_interrupt_is_a_sentence(tmp_path: Path) -> None:
    home = Home(tmp_path, MINI)
    process = home.start("run", str(home.spec))
    time.sleep(3)
    os.kill(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in output
    said = [line for line in output.splitlines() if line.startswith("dragoman: interrupted. ")]
    assert len(said) == 1 and "the same command" in said[0]


@pytest.mark.slow
def test_a_sigterm_at_any_moment_from_rays_start_on_is_a_sentence(tmp_path: Path, chance: random.Random) -> None:
    home = Home(tmp_path, MINI)
    process = home.start("run", str(home.spec))
    assert process.stdout
    while "starting Ray" not in (line := process.stdout.readline()):
        assert line, "it ended"
    time.sleep(chance.uniform(0, 6))
    process.terminate()
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert home.store.jobs.of_grid("mini")[0].state is JobState.STOPPED


def test_scores_equal_the_sacrebleu_command_line(undisturbed: Home, tmp_path: Path) -> None:
    """Every BLEU and chrF++ in the store, to the last digit the command prints, under the stored signature."""
    store = undisturbed.store
    commands, scores = [], []
    for cell in store.cells.of_grid("mini"):
        _, references = store.blobs.test(str(cell.test))
        texts = [row[0] for row in store.blobs.translation(str(cell.hypotheses))]
        (tmp_path / f"{cell.cell.id}.ref").write_text("".join(f"{line}\n" for line in references))
        (tmp_path / f"{cell.cell.id}.hyp").write_text("".join(f"{line}\n" for line in texts))
        for score in store.cells.scores(cell.cell.id):
            if score.metric not in ("bleu", "chrf++"):
                continue
            fields = dict(part.split(":", 1) for part in score.signature.split("|"))
            metric = (
                ["-m", "chrf", "--chrf-word-order", "2"]
                if score.metric == "chrf++"
                else ["-m", "bleu", "-tok", fields["tok"]]
            )
            commands.append([f"{cell.cell.id}.ref", "-i", f"{cell.cell.id}.hyp", *metric, "-w", "8"])
            scores.append(score)
    assert len(scores) == 2 * 24
    for score, report in zip(scores, reports(commands, tmp_path), strict=True):
        assert report["score"] == float(f"{score.value:.8f}")
        assert f"{report['signature']}" == score.signature


def test_models_and_scores_are_in_mlflow(undisturbed: Home) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=undisturbed.mlflow_url)
    experiment = client.get_experiment_by_name("mini")
    assert experiment is not None
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert set(runs) == {"mini", "base", "base evaluation", "to-english", "to-english evaluation"}
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    evaluation = runs["to-english evaluation"]
    assert evaluation.data.tags["mlflow.parentRunId"] == runs["to-english"].info.run_id
    assert runs["to-english"].data.tags["mlflow.parentRunId"] == runs["mini"].info.run_id

    # what leads from MLflow's pages to ours
    assert "dragoman/grid?grid=mini&model=to-english" in evaluation.data.tags["mlflow.note.content"]
    artifacts = {each.path for each in client.list_artifacts(evaluation.info.run_id)}
    assert {"samples.json", "heat-map-bleu.html"} <= artifacts
    assert evaluation.inputs.dataset_inputs
    experiment = client.get_experiment_by_name("mini")
    assert "viewStateShareKey=dragoman" in experiment.tags["mlflow.note.content"]
    view = json.loads(experiment.tags["mlflow.sharedViewState.dragoman"])
    assert "metrics.`bleu/seen`" in view["selectedColumns"]
    assert evaluation.data.metrics["bleu/seen/pairs"] == 2
    assert runs["to-english"].data.params["method.kind"] == "full"
    assert len(client.get_metric_history(runs["to-english"].info.run_id, "loss")) == 6
    assert {item.dataset.name for item in runs["to-english"].inputs.dataset_inputs} == {"cldr/train"}


def _without_tokenizer(folder: Path) -> Path:
    return Path(shutil.copytree(ROOT / "examples" / "tiny-xglm", folder, ignore=shutil.ignore_patterns("tokenizer*")))


def _refused(home: Home) -> str:
    """What the installed command says of a grid that it can't run: one sentence, with exit code 2."""
    done = home.dragoman("run", "spec.yaml")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    return done.stderr


PLACES = [
    ({"DRAGOMAN_HOME": "/dev/null/home"}, ["Nothing can be written to /dev/null/home", "DRAGOMAN_HOME"]),
    ({"DRAGOMAN_STORE": "postgresql+psycopg://ada:hush@127.0.0.1:1/x"}, ["ada:***@", "refused"]),
    ({"DRAGOMAN_BLOBS": "file:///dev/null/blobs"}, ["Blobs can't be written to", "/dev/null/blobs"]),
]


@pytest.mark.parametrize(("environment", "words"), PLACES)
def test_a_place_that_can_not_be_written_to_is_one_sentence(
    tmp_path: Path, refused_here: Callable[..., str], environment: dict[str, str], words: list[str]
) -> None:
    home = Home(tmp_path, MINI)
    home.environment |= environment
    said = refused_here(home, "run", "spec.yaml")
    assert all(word in said for word in words), said


def test_the_installed_command_says_the_same_of_a_place(tmp_path: Path, refused_here: Callable[..., str]) -> None:
    home = Home(tmp_path, MINI)
    home.environment |= PLACES[1][0]
    assert _refused(home) == refused_here(home, "run", "spec.yaml")


def test_a_model_without_a_tokenizer_is_one_sentence_and_nothing_is_written(tmp_path: Path) -> None:
    home = Home(tmp_path, {**MINI, "base": str(_without_tokenizer(tmp_path / "base"))})
    assert "base has no tokenizer: save the one" in _refused(home)
    assert not home.home.exists()


WRONG = [
    ({"languages": ["en", "xx"]}, ["languages.1", "'xx'"]),
    ({"models": [], "evaluation": {"pairs": ["en-en"]}}, ["evaluation.pairs", "en-en"]),
    ({"evaluation": {"pairs": []}}, ["evaluation.pairs", "empty"]),
    ({"evaluaton": {}}, ["evaluaton", "did you mean 'evaluation'?"]),
    ({"corpus": {"kind": "tsv", "path": "no/such/folder"}}, ["corpus.path", "no/such/folder"]),
    ({"base": "no/such/model"}, ["base.model", "no/such/model"]),
]


@pytest.mark.parametrize(("change", "words"), WRONG)
def test_a_wrong_spec_ends_in_one_sentence_and_writes_nothing(
    tmp_path: Path, refused_here: Callable[..., str], change: dict[str, Any], words: list[str]
) -> None:
    home = Home(tmp_path, {**MINI, **change})
    said = refused_here(home, "run", "spec.yaml")
    for word in words:
        assert word in said
    assert not home.home.exists()


def test_the_installed_command_says_the_same_of_a_wrong_spec(tmp_path: Path, refused_here: Callable[..., str]) -> None:
    home = Home(tmp_path, {**MINI, **WRONG[-1][0]})
    assert _refused(home) == refused_here(home, "run", "spec.yaml")
    assert not home.home.exists()
