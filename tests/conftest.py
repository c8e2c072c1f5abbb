"""A real Chromium for tests of pages, which fail with whatever it complains of; pictures of what it shows.

Pictures land in the folder `.screenshots` of the project, or the one that DRAGOMAN_SCREENSHOTS names.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

PICTURES = Path(os.environ.get("DRAGOMAN_SCREENSHOTS") or Path(__file__).parents[1] / ".screenshots")


PATIENCE = 60_000
"""Milliseconds that anything may take to show, on a machine that has much else to do."""


pytest_plugins = ["tests.fixtures.commands", "tests.fixtures.stores"]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser that is there already."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip("These tests need a Chromium: on Debian `apt-get install chromium`.")
    api = pytest.importorskip("playwright.sync_api")
    api.expect.set_options(timeout=PATIENCE)
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    """What browsers complained of during a test, which fails if anything is left of it at the end."""
    found: list[str] = []
    yield found
    assert not found


@pytest.fixture
def forgive(complaints: list[str]) -> Callable[[str, str], None]:
    """Forgets what browsers said of answers that a test asked for: their address, and lines on the console.

    Anything else they complain of stays, whether it came before or after.
    """

    def forget(address: str, what: str) -> None:
        assert any(each.startswith(address) for each in complaints), f"nothing was said of {address}"
        complaints[:] = [each for each in complaints if not each.startswith(address) and what not in each]

    return forget


@pytest.fixture
def new_page(chromium: Any, complaints: list[str]) -> Iterator[Callable[..., Any]]:
    """Opens an empty page of a browser of its own: its errors, dialogs and failed requests are complaints."""
    contexts: list[Any] = []

    def heard(message: Any) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    def failed(request: Any) -> None:
        if request.failure != "net::ERR_ABORTED":  # given up for the next page, or for a download
            complaints.append(f"{request.url} {request.failure}")

    def make(**options: Any) -> Any:
        contexts.append(chromium.new_context(**options))
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE)
        page.on("console", heard)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("requestfailed", failed)
        page.on("response", lambda answer: complaints.append(answer.url) if answer.status >= 400 else None)
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        return page

    yield make
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def settled() -> Callable[[Any], Any]:
    """Waits until the parts of a page that come late are there; returns the page."""

    expect = pytest.importorskip("playwright.sync_api").expect

    def wait(page: Any) -> Any:
        expect(page.locator("[data-part], [data-wait]")).to_have_count(0)
        return page

    return wait


@pytest.fixture(scope="session")
def choose() -> Callable[[Any, str, str], None]:
    """Chooses something in a form of a page once its script, which sends the form off then, has run."""

    def take(page: Any, label: str, value: str) -> None:
        page.locator(".scripted").get_by_label(label).select_option(value)

    return take


@pytest.fixture(scope="session")
def tab_to() -> Callable[[Any, str], None]:
    """Presses Tab until what has the focus says a text, or is labelled with it."""
    here = "(document.activeElement.labels?.[0]?.firstChild ?? document.activeElement).textContent.trim()"

    def go(page: Any, text: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate(here) == text:
                return
        pytest.fail(f"no Tab leads to {text}")

    return go


@pytest.fixture(scope="session")
def picture() -> Callable[[Any, str], None]:
    """Takes a picture of a whole page."""

    def take(page: Any, name: str) -> None:
        page.screenshot(path=PICTURES / f"{name}.png", full_page=True)

    return take


@pytest.fixture(scope="session")
def hard_to_use() -> Callable[[Any], list[tuple[str, str]]]:
    """What axe-core finds wrong with a page: each rule with the first element that breaks it."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()

    def find(page: Any) -> list[tuple[str, str]]:
        return [(rule["id"], rule["nodes"][0]["html"]) for rule in axe.run(page).response["violations"]]

    return find
