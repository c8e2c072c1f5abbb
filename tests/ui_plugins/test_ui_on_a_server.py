"""The real MLflow server, clicked through as a user would: from the grids to a promotion."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
if BROWSER is None:
    pytest.skip("These tests need a Chromium: on Debian `apt-get install chromium`.", allow_module_level=True)
playwright = pytest.importorskip("playwright.sync_api")

SCRIPT = "<script>alert('dragoman')</script>"
"""Part of a version's description and of a reason, which must never be more than text."""


@pytest.fixture(scope="module")
def address(filled_home: Path, tmp_path_factory: pytest.TempPathFactory, serve: Callable[..., Any]) -> str:
    """A server on a copy of the filled store, with a registered model that Dragoman did not make."""
    home = tmp_path_factory.mktemp("served") / "home"
    shutil.copytree(filled_home, home)
    from mlflow import MlflowClient

    uri = f"sqlite:///{home}/mlflow.db"
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    client.create_registered_model("translator")
    client.create_model_version("translator", "file:///nowhere", description=f"# Good\n\n{SCRIPT}")
    client.create_experiment("demo", artifact_location=f"file://{home}/artifacts")
    return str(serve(home, "dragoman").address)


@pytest.fixture
def page(address: str) -> Iterator[Any]:
    """A page of a browser that may not complain."""
    complaints: list[str] = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        found = browser.new_page()
        found.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        found.on("pageerror", lambda error: complaints.append(str(error)))
        found.on("requestfailed", lambda request: complaints.append(request.url))
        found.on("response", lambda answer: complaints.append(answer.url) if answer.status >= 400 else None)
        found.on("dialog", lambda dialog: complaints.append(dialog.message))
        yield found
        browser.close()
    assert not complaints


def test_from_the_grids_to_mlflow(page: Any, address: str) -> None:
    page.goto(f"{address}/dragoman/")
    page.get_by_role("link", name="demo", exact=True).click()
    assert page.get_by_role("link", name="runs in MLflow").get_attribute("href").startswith("../#/experiments/")
    page.get_by_role("link", name="All runs").click()
    playwright.expect(page.get_by_role("row", name="english-centric")).to_contain_text("10")
    assert page.locator("svg.chart circle").count() == 3
    page.get_by_role("link", name="demo").first.click()
    page.get_by_role("link", name="model card").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Model card"


def test_failed_cells_are_tried_again_by_a_button(page: Any, address: str) -> None:
    page.goto(f"{address}/dragoman/job?grid=demo")
    playwright.expect(page.get_by_role("heading", name="86 of 90 cells done, 0 left")).to_be_visible()
    page.get_by_role("button", name="Try failed cells again").press("Enter")
    playwright.expect(page.get_by_role("heading", name="86 of 90 cells done, 1 left")).to_be_visible()
    assert page.locator("[data-answer]").inner_text() == "Failed cells are planned again."


def test_a_version_is_refused_by_a_button_and_the_trail_says_so(page: Any, address: str) -> None:
    page.goto(f"{address}/dragoman/model?name=translator")
    playwright.expect(page.get_by_text("was not registered by Dragoman")).to_be_visible()
    assert SCRIPT in page.locator(".markdown").inner_text()
    page.get_by_label("Why not").fill(f"no scores {SCRIPT}")
    page.get_by_role("button", name="Refuse version 1").click()
    playwright.expect(page.locator(".decisions")).to_contain_text(f"no scores {SCRIPT}")
    page.get_by_role("link", name="Promotions").first.click()
    assert page.get_by_role("heading", name="translator@champion").count() == 1
