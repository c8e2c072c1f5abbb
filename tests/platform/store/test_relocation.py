"""A home that is moved or copied: MLflow's paths and the store's are those of where it lies."""

import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from mlflow import MlflowClient

from dragoman.operations.checks.mlflow import check
from dragoman.operations.finding import State
from dragoman.settings import Settings
from dragoman.store.maintenance.relocation import former_roots, missing_models, settle_home
from dragoman.store.records import ModelRecord
from dragoman.store.store import Store

ODD = "grids #1, 50%2F?::*[x]{y} 'ü'\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home as a grid leaves it: a run of MLflow's with an artifact, a registered version, and a checkpoint."""
    home = tmp_path_factory.mktemp("made") / ODD
    home.mkdir()
    settings = Settings(home=home)
    client = MlflowClient(tracking_uri=settings.mlflow_url, registry_uri=settings.mlflow_url)
    experiment = client.create_experiment("grid", artifact_location=settings.artifacts_dir.as_uri())
    run = client.create_run(experiment, tags={"dragoman.grid": "grid"}).info.run_id
    client.log_text(run, "a note", "note.txt")
    model = client.create_logged_model(experiment, name="model", source_run_id=run, tags={"dragoman.grid": "grid"})
    (home.parent / "model").mkdir()
    (home.parent / "model" / "MLmodel").write_text("flavors: {}")
    client.log_model_artifacts(model.model_id, str(home.parent / "model"))
    client.finalize_logged_model(model.model_id, "READY")
    client.create_registered_model("model")
    # as the registry keeps it of a logged model
    client.create_model_version("model", model.artifact_location, run, model_id=model.model_id)
    assert [each.name for each in home.parent.iterdir() if each.name != "model"] == [ODD]
    return home


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    """The same in a place of its own, moved there, with a store whose training names the place before."""
    home = tmp_path / "moved"
    shutil.copytree(made, home)
    settings = Settings(home=home)
    store = Store.open(settings.store_url, settings.blobs_url)
    store.models.add(ModelRecord(id="model1-a", name="a", recipe={}))
    (home / "models" / "model1-a").mkdir(parents=True)
    store.models.add_training("model1-a", {"checkpoint": str(made / "models" / "model1-a")})
    store.close()
    return home


def notes(home: Path) -> list[str]:
    """What the home's MLflow has of its run, read from the file that it names."""
    client = MlflowClient(tracking_uri=Settings(home=home).mlflow_url)
    run = client.search_runs([client.get_experiment_by_name("grid").experiment_id])[0].info  # type: ignore[union-attr]
    folder = client.download_artifacts(run.run_id, "")
    assert Path(folder).is_relative_to(home)
    return [path.read_text() for path in Path(folder).glob("*.txt")]


def places(home: Path) -> set[str]:
    with sqlite3.connect(home / "mlflow.db") as database:
        return {
            str(row[0])
            for query in (
                "SELECT artifact_location FROM experiments WHERE name = 'grid'", "SELECT artifact_uri FROM runs",
                "SELECT artifact_location FROM logged_models", "SELECT storage_location FROM model_versions",
                "SELECT source FROM model_versions",
            )
            for row in database.execute(query)
        }  # fmt: skip


def test_a_moved_home_names_its_own_files(home: Path) -> None:
    settings = Settings(home=home)
    said = [finding for finding in check(settings) if finding.state is State.FAULT]
    assert ["artifacts are looked for in" in each.what for each in said] == [True, False]
    assert "1 checkpoints" in said[1].what
    assert {each.remedy for each in said} == {"dragoman deploy migrate"}
    settle_home(settings)
    assert all(place.startswith(f"{settings.artifacts_dir.as_uri()}") for place in places(home))
    assert notes(home) == ["a note"]
    training = Store.open_existing(settings.store_url, settings.blobs_url).models.training("model1-a")
    assert training == {"checkpoint": str(home / "models" / "model1-a")}
    assert {finding.state for finding in check(settings)} == {State.OK}


def test_it_is_done_once_however_many_do_it(home: Path) -> None:
    settings = Settings(home=home)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(settle_home, [settings] * 8))
    before = places(home)
    settle_home(settings)
    assert places(home) == before
    assert not former_roots(settings)


def test_a_copy_writes_nothing_into_the_first(home: Path, tmp_path: Path) -> None:
    settle_home(Settings(home=home))
    copy = tmp_path / "home of another user %2F"
    shutil.copytree(home, copy)
    settle_home(Settings(home=copy))
    client = MlflowClient(tracking_uri=Settings(home=copy).mlflow_url)
    experiment = client.get_experiment_by_name("grid")
    assert experiment is not None
    before = sorted(home.rglob("*"))
    # a run of its own: of one that it has seen MLflow remembers the place, as long as a process lives
    client.log_text(client.create_run(experiment.experiment_id).info.run_id, "another", "another.txt")
    assert len(list((copy / "artifacts").rglob("another.txt"))) == 1
    assert sorted(home.rglob("*")) == before
    assert all(place.startswith(Settings(home=copy).artifacts_dir.as_uri()) for place in places(copy))
    assert all(place.startswith(Settings(home=home).artifacts_dir.as_uri()) for place in places(home))


def test_what_lies_in_another_home_stays_there(home: Path, made: Path) -> None:
    shutil.rmtree(home / "artifacts")  # never here: another home logs to this database
    before = places(home)
    settle_home(Settings(home=home))
    assert places(home) == before
    assert made.as_uri() in next(iter(before))


def test_missing_files_of_registered_versions_are_named(home: Path) -> None:
    settings = Settings(home=home)
    settle_home(settings)
    shutil.rmtree(home / "artifacts" / "models")
    assert [each.partition(":")[0] for each in missing_models(settings)] == ["model@1"]
    (said,) = [finding for finding in check(settings) if finding.state is State.FAULT]
    assert "the files of 1 registered versions are missing (model@1" in said.what


def test_a_home_that_may_not_be_written_to_stops_nothing(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    with sqlite3.connect(home / "mlflow.db") as database:
        database.execute("CREATE TRIGGER still BEFORE UPDATE ON runs BEGIN SELECT RAISE(ABORT, 'not today'); END")
    before = places(home)
    settle_home(Settings(home=home))
    assert places(home) == before  # all or nothing
    assert "its databases still name the former place (not today)" in caplog.text
