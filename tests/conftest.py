"""The tiers of the suite, and a real Chromium for tests of pages, which fail with whatever it complains of.

Pictures of pages land in the folder `.screenshots` of the project, or the one that DRAGOMAN_SCREENSHOTS names.
"""

import os
import shutil
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# on a busy machine an example may take long; and no run should find what another doesn't
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")

PICTURES = Path(os.environ.get("DRAGOMAN_SCREENSHOTS") or Path(__file__).parents[1] / ".screenshots")


PATIENCE = 60_000
"""Milliseconds that anything may take to show, on a machine that has much else to do."""

FAST = 10.0
"""Seconds of processor time that a test may take and not be marked slow."""

SOON = 30.0
"""Seconds of the clock in which such a test must be over; more where more processes run than there are cores."""

SERVICES = {"postgres": "postgresql", "new_postgres": "postgresql", "undisturbed": "a grid that is really run"}
"""The group of the tests that use a fixture which is costly to start: one process runs a group, and starts it once."""

STARTED = pytest.StashKey[float]()


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the twins on PostgreSQL slow; keep the tests of a service in one process, and otherwise those of a file."""
    for item in items:
        is_twin = _is_on_postgresql(item)
        if is_twin and item.get_closest_marker("fast_twin") is None:
            item.add_marker(pytest.mark.slow)
        if item.get_closest_marker("xdist_group") is None:
            used = [SERVICES[name] for name in getattr(item, "fixturenames", ()) if name in SERVICES]
            groups = used + ["postgresql"] * is_twin + [item.nodeid.partition("::")[0]]
            item.add_marker(pytest.mark.xdist_group(groups[0]))


def _is_on_postgresql(item: pytest.Item) -> bool:
    """Whether it is the twin of a test on SQLite."""
    parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return any(isinstance(value, str) and value == "postgresql" for value in parameters)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """Measure the processor time of a test's fixtures, for the report of its durations."""
    item.stash[STARTED] = _processor_seconds()
    yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Fail a test that takes too long for the fast tier and is not marked slow."""
    began, at = _processor_seconds(), time.monotonic()
    try:
        yield
    finally:
        over = _processor_seconds()
        item.user_properties.append(("processor", f"{over - item.stash[STARTED]:.2f}"))
    worked, passed = over - began, time.monotonic() - at
    soon = SOON * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    if item.get_closest_marker("slow") is None and (worked > FAST or passed > soon):
        pytest.fail(
            f"It took {worked:.0f} s of processor time and {passed:.0f} s of the clock; a test may take {FAST:.0f} "
            f"and {soon:.0f}. Make it faster, or mark it: @pytest.mark.slow.",
            pytrace=False,
        )


def _processor_seconds() -> float:
    """Of this process, and of the processes that it has waited for."""
    return sum(os.times()[:4])


pytest_plugins = ["tests.fixtures.commands", "tests.fixtures.model_metric", "tests.fixtures.stores"]


@pytest.fixture(autouse=True)
def own_search_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that runs inside a test keeps the current folder from the processes it starts, not the next tests'."""
    monkeypatch.setenv("PYTHONSAFEPATH", "")  # noted, so that it is unset after the test, too
    monkeypatch.delenv("PYTHONSAFEPATH")


@pytest.fixture(autouse=True)
def short_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver that seems lost is watched for a moment only."""
    monkeypatch.setattr("dragoman.store.heartbeat.WATCH_SECONDS", 0.05)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser that is there already; where CI is set, it must be.

    Not for a whole session: while Playwright's synchronous API is open, its thread can't run another event loop, as
    engines do. It starts within a second.
    """
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        missing = "These tests need a Chromium: on Debian `apt-get install chromium`."
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
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
