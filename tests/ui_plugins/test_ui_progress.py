"""Finetunings under way, and what people say of grids, on the pages."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from typer.testing import CliRunner

from dragoman.cli.main import build_app
from dragoman.store.heartbeat import driver_name
from dragoman.store.maintenance.renaming import rename
from dragoman.store.records import GridRecord, JobState, ModelRecord
from dragoman.store.store import Store
from dragoman.store.training_records import TrainingReport
from dragoman_ui.app import ServerError
from dragoman_ui.auth import access_token
from dragoman_ui.viewmodels.store import shared_store


@pytest.fixture
def pages(copied: Path, browse: Callable[..., FlaskClient]) -> FlaskClient:
    del copied
    return browse()


@pytest.fixture
def training(pages: FlaskClient) -> Iterator[tuple[Store, int]]:
    """The grid `trained`, one of whose models this process finetunes, and the number of its job."""
    store = shared_store()
    recipe = {"method": {"kind": "full", "steps": 200}}
    store.models.add(ModelRecord(id="model1-t", name="tuned", parent="model1-base", base="model1-base", recipe=recipe))
    demo = store.grids.get("demo")
    grid = GridRecord(
        name="trained", spec={}, spec_hash="s", models=("model1-base", "model1-t"), base="model1-base",
        metrics=("bleu",), languages=demo.languages,
    )  # fmt: skip
    base = [each for each in store.cells.iterate("demo") if each.cell.model == "model1-base"]
    its = [each.model_copy(update={"cell": each.cell.model_copy(update={"model": "model1-t"})}) for each in base]
    store.grids.add(grid, [*base, *its])
    job = store.jobs.start("trained", driver_name())
    report = TrainingReport(
        model="model1-t", step=51, steps=200, loss=2.45, tokens_per_second=1234.0, seconds_left=200.0,
        losses=tuple((step, 5.0 - step / 20) for step in range(1, 52)),
    )  # fmt: skip
    store.jobs.beat(job, None, (), [report])
    yield store, job
    store.jobs.end(job, JobState.DONE)


def test_a_finetuning_is_on_the_card_and_on_the_page_of_its_grid(
    pages: FlaskClient, training: tuple[Store, int]
) -> None:
    store, job = training
    card = pages.get("/dragoman/progress?grid=trained").text
    said = "step 51 of 200, loss 2.45, 1,234 target tokens/s, 3 min 20 s left"
    assert said in card and said in pages.get("/dragoman/").text
    state = pages.get("/dragoman/working?grid=trained").text
    assert "51 of 200" in state and "3 min 20 s" in state
    for page in (card, state):
        assert 'aria-label="loss from 4.95 at step 1 to 2.45 at step 51"' in page
        points = re.findall(r"([\d.]+),([\d.]+) ", page.split('points="')[1].split('"')[0])
        assert len(points) == 51 and points[0] == ("0.00", "1.00") and points[-1] == ("100.00", "23.00")
    rows = pages.get("/dragoman/job?grid=trained&table=trainings&form=json").json
    assert rows is not None and rows["trainings"][0]["step"] == 51
    store.jobs.end(job, JobState.FAILED, "killed")
    card = pages.get("/dragoman/progress?grid=trained").text
    assert "interrupted, step 51 of 200, loss 2.45" in card and "left" not in card.split("</ul>")[0]


def test_grids_are_found_by_words_and_tags_and_archived_ones_are_put_away(pages: FlaskClient) -> None:
    store = shared_store()
    store.grids.add(store.grids.get("demo").model_copy(update={"name": "second"}), store.cells.iterate("demo"))
    store.annotations.tag("second", ["paper"])
    store.annotations.note("second", "**Bold** <script>alert(1)</script>\n\nmore")

    def listed(query: str) -> list[str]:
        return re.findall(r'<h2><a href="/dragoman/grid\?grid=(\w+)">', pages.get(f"/dragoman/?{query}").text)

    assert listed("") == ["second", "demo"] and listed("sort=name") == ["demo", "second"]
    assert listed("tag=paper") == listed("search=BOLD") == ["second"]
    assert listed("search=klingon") == [] and "None of the 2 grids" in pages.get("/dragoman/?search=klingon").text
    job = pages.get("/dragoman/job?grid=second").text
    assert "<strong>Bold</strong>" in job and "<script>alert" not in job + pages.get("/dragoman/").text
    store.annotations.archive("second")
    assert listed("") == ["demo"] and listed("all=on") == ["second", "demo"]


def test_an_imported_grid_that_is_complete_is_done(pages: FlaskClient) -> None:
    store = shared_store()
    every = [each for each in store.cells.iterate("demo") if not each.state.is_open]
    store.grids.add(store.grids.get("demo").model_copy(update={"name": "imported"}), every)
    assert "done, not run here" in pages.get("/dragoman/progress?grid=imported").text
    assert "done, not run here" in pages.get("/dragoman/working?grid=imported").text


def test_an_old_name_leads_to_the_page_of_the_renamed_grid(pages: FlaskClient) -> None:
    rename(shared_store(), "demo", "large", candidates="large-dev")
    found = pages.get("/dragoman/grid?grid=demo&model=roles&only=seen")
    assert (found.status_code, found.location) == (302, "/dragoman/grid?grid=large&model=roles&only=seen")
    assert "Was called demo." in pages.get("/dragoman/job?grid=large").text


def test_open_prints_the_address_of_the_running_server_with_its_token(copied: Path) -> None:
    def opened(*arguments: str) -> str:
        result = CliRunner().invoke(build_app(), ["open", *arguments])
        assert result.exit_code == 0, result.exception
        return result.stdout

    result = CliRunner().invoke(build_app(), ["open", "demo", "--print"])
    assert isinstance(result.exception, ServerError) and "start one with `dragoman ui`" in str(result.exception)
    gone = {"url": "http://localhost:5001", "token": "t", "pid": 2**22 + 1}
    (copied / "ui-5001.json").write_text(json.dumps(gone))
    with access_token.announced(copied, "http://localhost:5000/dragoman/", "secret-token-of-it"):
        assert opened("demo", "--print") == "http://localhost:5000/dragoman/grid?grid=demo&token=secret-token-of-it\n"
        assert opened("--print").startswith("http://localhost:5000/dragoman/grid?grid=demo&")
        server = access_token.running(copied)
        assert server is not None and server.port == 5000
        page = access_token.leading_to(copied, "http://localhost:5000/dragoman/grid?grid=demo", server)
        file = Path(page.removeprefix("file://"))
        assert "secret" not in page and "grid=demo&amp;token=secret-token-of-it" in file.read_text()
        assert Path(file).stat().st_mode & 0o077 == 0
    assert not file.exists()
