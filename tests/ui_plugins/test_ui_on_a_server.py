"""The real MLflow server, clicked through as a user would: from the grids to a promotion."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin

import pytest
import requests
from sqlalchemy import update

from dragoman.store.schema import GridModelRow, GridRow
from dragoman.store.store import Store
from dragoman_registry.registry_client.client import client_at

expect = pytest.importorskip("playwright.sync_api").expect

SCRIPT = "<script>alert('dragoman')</script>"
"""A hypothesis, the name of a run, and part of a version's description and of a reason: never more than text."""
NAMED = "<img src=x onerror=alert('dragoman')>"
"""The name of a model in the store, where a slash would part a grid from its model."""
PREFIX = "/lab"


@pytest.fixture(scope="module")
def home(filled_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the filled store, a run of it renamed, with an MLflow that holds what Dragoman did not make."""
    home = tmp_path_factory.mktemp("served") / "home"
    shutil.copytree(filled_home, home)
    store = Store.open_existing(f"sqlite:///{home}/store.db", f"file://{home}/blobs")
    with store.database.writing() as connection:
        connection.execute(update(GridModelRow).where(GridModelRow.name == "roles").values(name=NAMED))
        policy = {"model": "translator", "rules": [{"over": "seen", "at_least": 20}]}
        spec = {**store.grids.get("demo").spec, "promotion": policy}
        connection.execute(update(GridRow).where(GridRow.name == "demo").values(spec=spec))
    store.close()
    client = client_at(f"sqlite:///{home}/mlflow.db")
    client.create_registered_model("translator")
    client.create_model_version("translator", "file:///nowhere", description=f"# Good\n\n{SCRIPT}")
    experiment = client.create_experiment("demo", artifact_location=f"file://{home}/artifacts")
    run = client.create_run(experiment, run_name=SCRIPT).info.run_id
    client.log_metric(run, "bleu/seen", 12.5)
    client.log_text(run, "kept", "note.txt")
    return home


@pytest.fixture(scope="module")
def address(home: Path, chromium: Any, serve: Callable[..., Any]) -> str:
    """A server with the plugin, below a static prefix."""
    return str(serve(home, "dragoman", PREFIX).address)


@pytest.fixture(scope="module")
def plain(home: Path, serve: Callable[..., Any]) -> str:
    """MLflow's own server on the same stores."""
    return str(serve(home, None, PREFIX).address)


@pytest.fixture
def page(new_page: Callable[..., Any]) -> Any:
    """A page of a browser that may not complain."""
    return new_page()


def test_from_the_grids_to_mlflow(page: Any, address: str) -> None:
    page.goto(f"{address}/dragoman/")
    page.get_by_role("link", name="demo", exact=True).click()
    assert page.get_by_role("link", name="runs in MLflow").get_attribute("href").startswith("../#/experiments/")
    page.get_by_role("link", name="All runs").click()
    expect(page.get_by_role("row", name="english-centric")).to_contain_text("10")
    assert page.locator("svg.chart circle").count() == 3
    page.get_by_role("link", name="demo").first.click()
    page.get_by_role("link", name="model card").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Model card"


def test_script_in_names_texts_and_descriptions_is_shown_as_text(
    page: Any, address: str, settled: Callable[[Any], Any]
) -> None:
    named = urlencode({"grid": "demo", "model": NAMED})
    for path in (
        f"grid?{named}", f"grid?{named}&show=difference", f"partitions?{named}", f"compare?{named}",
        "runs?grid=demo", "job?grid=demo", f"cell?{named}&source=en&target=de", "model?name=translator",
    ):  # fmt: skip
        page.goto(f"{address}/dragoman/{path}")
        text = settled(page).locator("main").text_content()
        assert (SCRIPT if path.startswith("model?") else NAMED) in text, path
        assert page.locator("main img").count() == 0, path
        assert page.locator("body script").count() == 0, path
    assert SCRIPT in page.locator(".markdown").inner_text()
    page.goto(f"{address}/dragoman/cell?{named}&source=en&target=de")
    assert SCRIPT in page.locator("#s1 .made dd").nth(1).inner_text()


def test_failed_cells_are_tried_again_by_a_button(page: Any, address: str) -> None:
    page.goto(f"{address}/dragoman/job?grid=demo")
    expect(page.get_by_role("heading", name="86 of 90 cells done, 0 left")).to_be_visible()
    page.get_by_role("button", name="Try failed cells again").press("Enter")
    expect(page.get_by_role("heading", name="86 of 90 cells done, 1 left")).to_be_visible()
    expect(page.locator("[data-answer]")).to_contain_text("1 failed cell is planned again")


def test_a_version_is_refused_by_a_button_and_the_trail_says_so(page: Any, address: str) -> None:
    page.goto(f"{address}/dragoman/model?name=translator")
    expect(page.get_by_text("was not registered by Dragoman")).to_be_visible()
    page.get_by_label("Reason to refuse").fill(f"no scores {SCRIPT}")
    page.get_by_role("button", name="Refuse version 1").click()
    expect(page.locator(".decisions")).to_contain_text(f"no scores {SCRIPT}")
    page.get_by_role("link", name="Promotions").first.click()
    assert page.get_by_role("heading", name="translator@champion").count() == 1


def test_mlflow_answers_byte_for_byte_as_without_the_plugin(address: str, plain: str, home: Path) -> None:
    client = client_at(f"sqlite:///{home}/mlflow.db")
    (run,) = client.search_runs([client.get_experiment_by_name("demo").experiment_id])
    of_run, name = {"run_id": run.info.run_id}, {"name": "translator"}
    script = re.search(r'src="([^"]*static-files/[^"]*\.js)"', requests.get(f"{plain}/").text)
    assert script
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", urljoin(f"{plain}/", script[1]).removeprefix(plain), {}),
        ("GET", "/health", {}),
        ("GET", "/version", {}),
        ("GET", "/get-artifact", {"params": {**of_run, "path": "note.txt"}}),
        *(
            (method, f"/{root}/2.0/mlflow/{path}", question)
            for root in ("api", "ajax-api")
            for method, path, question in (
                ("GET", "experiments/get-by-name", {"params": {"experiment_name": "demo"}}),
                ("POST", "experiments/search", {"json": {"max_results": 10}}),
                ("POST", "runs/search", {"json": {"experiment_ids": [run.info.experiment_id]}}),
                ("GET", "runs/get", {"params": of_run}),
                ("GET", "runs/get", {"params": {"run_id": "none"}}),
                ("POST", "runs/search", {"json": {"filter": "no filter", "experiment_ids": ["1"]}}),
                ("GET", "artifacts/list", {"params": of_run}),
                ("GET", "metrics/get-history", {"params": {**of_run, "metric_key": "bleu/seen"}}),
                ("GET", "registered-models/get", {"params": name}),
                ("GET", "registered-models/search", {}),
                ("GET", "registered-models/alias", {"params": {**name, "alias": "none"}}),
                ("GET", "model-versions/search", {}),
                ("OPTIONS", "runs/search", {}),
            )
        ),
    ]
    for method, path, question in asked:
        ours, theirs = (requests.request(method, server + path, timeout=60, **question) for server in (address, plain))
        assert (ours.status_code, ours.content) == (theirs.status_code, theirs.content), (method, path)
        assert _headers(ours) == _headers(theirs), (method, path)
    assert len({path for _, path, _ in asked}) > 20


def test_of_mlflows_own_page_only_the_preferences_are_added(address: str, plain: str) -> None:
    ours, theirs = (requests.get(f"{server}/", timeout=60).text for server in (address, plain))
    added = re.search(r"<head>(<script>.*?</script>)", ours, re.DOTALL)
    assert added and "localStorage" in added[1]
    assert ours.replace(added[1], "", 1) == theirs


def _headers(answer: requests.Response) -> dict[str, str]:
    """The headers that don't tell the time; the methods allowed are a set, printed in an order of each server's own."""
    headers = {name.lower(): value for name, value in answer.headers.items()}
    if "allow" in headers:
        headers["allow"] = ", ".join(sorted(headers["allow"].split(", ")))
    return {name: value for name, value in headers.items() if name not in ("date", "expires")}


def test_mlflows_client_works_as_without_the_plugin(address: str, plain: str, tmp_path: Path) -> None:
    with_plugin, without = (_worked(server, name, tmp_path) for server, name in ((address, "ours"), (plain, "theirs")))
    assert with_plugin == without
    assert with_plugin["note"] == "kept"


def _worked(server: str, name: str, folder: Path) -> dict[str, Any]:
    """What MLflow's client finds after a day's work with runs, artifacts and the registry; without ids and times."""
    client = client_at(server)
    experiment = client.create_experiment(name)
    run = client.create_run(experiment, run_name="one", tags={"team": "a"}).info.run_id
    client.log_param(run, "rank", 4)
    client.log_metric(run, "bleu/seen", 12.5, timestamp=1, step=3)
    client.log_text(run, "kept", "notes/note.txt")
    client.set_terminated(run)
    found = client.search_runs([experiment], "metrics.`bleu/seen` > 12 and params.rank = '4'")
    (folder / name).mkdir()
    artifact = Path(client.download_artifacts(run, "notes/note.txt", str(folder / name)))
    client.create_registered_model(name, {"team": "one"}, "a description")
    version = client.create_model_version(name, f"{client.get_run(run).info.artifact_uri}/notes", run, {"k": "v"})
    client.set_registered_model_alias(name, "champion", version.version)
    client.update_model_version(name, version.version, "told")
    client.set_model_version_tag(name, version.version, "k", "w")
    at_alias = client.get_model_version_by_alias(name, "champion")
    listed = [each.path for each in client.list_artifacts(run, "notes")]
    aliases = client.get_registered_model(name).aliases
    client.delete_registered_model_alias(name, "champion")
    client.delete_model_version(name, version.version)
    client.delete_registered_model(name)
    client.delete_run(run)
    client.delete_experiment(experiment)
    return {
        "runs": [(each.info.run_name, each.info.status, each.data.params, each.data.metrics) for each in found],
        "tags": {key: value for key, value in found[0].data.tags.items() if key != "mlflow.user"},
        "history": [(each.value, each.step) for each in client.get_metric_history(run, "bleu/seen")],
        "note": artifact.read_text(),
        "listed": listed,
        "version": (at_alias.version, at_alias.description, at_alias.tags, at_alias.status, at_alias.run_id == run),
        "aliases": aliases,
        "left": [model.name for model in client.search_registered_models()],
    }
