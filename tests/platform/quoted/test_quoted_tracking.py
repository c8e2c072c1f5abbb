"""Systems that were not run here have runs in MLflow, wherever that knows their grid."""

from pathlib import Path
from typing import Any

import pytest
from tests.platform.quoted.conftest import CITED, LONG, PAIRS, TEXT

from dragoman.settings import settings
from dragoman.store.store import Store
from dragoman.tracking.grid_runs import SOURCE_TAG, GridRuns, experiment_id
from dragoman.tracking.logged_models import KEY_TAG


@pytest.fixture
def client(store: Store, tmp_path: Path) -> Any:
    """MLflow as a run of the grid leaves it."""
    from mlflow import MlflowClient

    from dragoman.tracking.mlflow import import_mlflow

    import_mlflow()
    uri = settings().mlflow_url
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    experiment = experiment_id(client, "g", (tmp_path / "artifacts").as_uri())
    runs = GridRuns(client, experiment, "g", store.grids.get("g").spec_hash)
    client.set_terminated(runs._grid_run)
    return client


def runs_of(client: Any) -> dict[str, Any]:
    experiment = client.get_experiment_by_name("g")
    return {run.data.tags["mlflow.runName"]: run for run in client.search_runs([experiment.experiment_id])}


def test_both_commands_write_their_runs_once(store: Store, client: Any, files: Path, dragoman: Any) -> None:
    (files / "table.csv").write_text(LONG)
    for pair in PAIRS:
        (files / f"{pair}.txt").write_text("".join(f"{line[1:]}\n" for line in TEXT[pair.target]))
    commands = (
        ("add-scores", "g", "paper", str(files / "table.csv"), *CITED),
        ("add-system", "g", "online", f"{files}/{{source}}-{{target}}.txt", "--workers", "1"),
    )
    for command in commands:
        done = dragoman(*command)
        assert done.code == 0 and "MLflow has its run" in done.out + done.err
    before = runs_of(client)
    assert set(before) == {"g", "paper", "paper evaluation", "online", "online evaluation"}
    assert before["paper"].data.tags["mlflow.parentRunId"] == before["g"].info.run_id
    paper, online = before["paper evaluation"].data, before["online evaluation"].data
    assert paper.metrics["chrfpp/all"] == pytest.approx((61.5 + 48.25 + 55) / 3)
    assert paper.metrics["chrfpp/all/pairs"] == 3 and not any("gain" in name for name in paper.metrics)
    assert paper.tags[SOURCE_TAG] == "quoted from Doe et al. 2026, table 5 (sacrebleu 13a)"
    assert "paper (quoted)" in paper.tags["mlflow.note.content"]
    assert online.tags[SOURCE_TAG] == "translations from files" and online.metrics["chrfpp/all/gain"] > 0
    assert not any(name.startswith("decoding.") for name in {**paper.params, **online.params})
    files_of = {name: {each.path for each in client.list_artifacts(before[name].info.run_id)} for name in before}
    assert "samples.json" in files_of["online evaluation"] and "samples.json" not in files_of["paper evaluation"]
    assert "heat-map-chrfpp.html" in files_of["paper evaluation"]
    for command in commands:
        assert dragoman(*command).code == 0
    again = runs_of(client)
    assert {name: run.info.run_id for name, run in again.items()} == {
        name: run.info.run_id for name, run in before.items()
    }
    assert all(again[name].data.metrics == before[name].data.metrics for name in before)
    assert len({run.data.tags[KEY_TAG] for run in again.values()}) == 5


def test_where_mlflow_does_not_know_the_grid_nothing_is_written(store: Store, files: Path, dragoman: Any) -> None:
    (files / "table.csv").write_text(LONG)
    done = dragoman("add-scores", "g", "paper", str(files / "table.csv"))
    assert done.code == 0 and "MLflow" not in done.out + done.err
    assert not (settings().home / "mlflow.db").exists()


def test_a_server_that_is_away_is_said_and_keeps_nothing_back(
    store: Store, files: Path, dragoman: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRAGOMAN_MLFLOW", "http://127.0.0.1:9")
    settings.cache_clear()
    (files / "table.csv").write_text(LONG)
    done = dragoman("add-scores", "g", "paper", str(files / "table.csv"))
    assert done.code == 0 and "MLflow at http://127.0.0.1:9 was not told" in done.out + done.err
    assert "paper" in store.grids.get("g").names.values()
