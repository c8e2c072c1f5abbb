"""The page of a grid that runs, in Chromium: news that come or don't while someone reads, writes that fail."""

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from dragoman.store.jobs import control
from dragoman.store.records import JobLine, JobState, LineKind
from dragoman.store.store import Store
from dragoman_ui.viewmodels.store import open_store

expect = pytest.importorskip("playwright.sync_api").expect

Do = Callable[..., Any]
TRACEBACK = "Traceback\n" + "".join(f"  in frame {number}\n" for number in range(60))


@pytest.fixture
def filled(copied: Path) -> Path:
    """The store, to run in."""
    return copied


@pytest.fixture
def running(filled: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Store, int]]:
    """The grid while a driver works at it on a cluster, looked at every second."""
    monkeypatch.setattr(import_module("dragoman_ui.pages.job"), "SOON", 1)
    store = open_store()
    queued = store.jobs.queue("demo", "http://head.example:8265")
    store.jobs.submitted(queued, "raysubmit_1")
    job = store.jobs.start("demo", "another-host-1", queued)
    lines = [JobLine(text=f"line {number}") for number in range(1, 80)]
    failure = JobLine(kind=LineKind.FAILURE, text="roles de-zh-Hans failed: the worker died", detail=TRACEBACK)
    measured = {"tokens_per_second": 5120.0, "segments_per_second": 17.5, "seconds_left": 90}
    store.jobs.beat(job, measured, [*lines, failure])
    yield store, job
    store.jobs.end(job, JobState.DONE)


@pytest.fixture
def watch(filled: Path, address: str, new_page: Do) -> Do:
    """Opens the page of the running grid once it says how it stands."""

    def open_(**options: Any) -> Any:
        page = new_page(**options)
        page.goto(f"{address}/job?grid=demo")
        expect(page.get_by_role("heading", name="86 of 90 cells done")).to_be_visible()
        return page

    return open_


def test_numbers_move_under_a_reader_who_keeps_the_place(running: tuple[Store, int], watch: Do) -> None:
    store, job = running
    page = watch()
    assert page.locator(".log").evaluate("(log) => log.scrollTop + log.clientHeight >= log.scrollHeight - 4")
    expect(page.locator(".failure")).to_contain_text("the worker died")
    page.get_by_text("Details").press("Enter")
    behind = page.locator(".failure pre")
    expect(behind).to_contain_text("in frame 59")
    behind.focus()
    behind.evaluate("(behind) => { behind.scrollTop = 120; }")
    page.locator(".log").evaluate("(log) => { log.scrollTop = 60; }")
    control.retry(store, "demo")
    store.jobs.beat(job, None, [JobLine(text="the failed cell is tried again")])
    expect(page.get_by_role("heading", name="86 of 90 cells done, 1 left")).to_be_visible()
    expect(page.locator(".log")).to_contain_text("tried again")
    assert behind.is_visible()
    assert behind.evaluate("(behind) => [behind === document.activeElement, behind.scrollTop]") == [True, 120]
    assert page.locator(".log").evaluate("(log) => log.scrollTop") == 60
    assert page.locator(".downloads").count() == 1
    store.jobs.end(job, JobState.DONE)
    expect(page.locator("[data-part]")).to_have_count(0)
    expect(page.locator(".facts")).to_contain_text("Ended")


def test_the_way_to_ray_and_how_fast_it_goes(running: tuple[Store, int], watch: Do) -> None:
    page = watch()
    link = page.get_by_role("link", name="dashboard")
    assert link.get_attribute("href") == "http://head.example:8265/#/jobs/raysubmit_1"
    assert link.get_attribute("rel") == "noreferrer"
    expect(page.locator(".facts")).to_contain_text("5,120 tokens/s, 17.5 sentences/s")


def test_a_grid_is_stopped_by_a_button(running: tuple[Store, int], watch: Do) -> None:
    store, _ = running
    page = watch()
    page.get_by_role("button", name="Stop").press("Enter")
    expect(page.locator("[data-answer]")).to_have_text("Stop requested: the driver stops within seconds.")
    expect(page.locator(".facts")).to_contain_text("asked to stop by")
    assert store.jobs.of_grid("demo")[0].stop_asked is not None


def test_news_that_do_not_come_are_asked_for_again(running: tuple[Store, int], watch: Do, forgive: Do) -> None:
    store, _ = running
    page, news = watch(), "**/dragoman/working?**"
    page.route(news, lambda route: route.abort())
    expect(page.locator("[data-stale]")).to_contain_text("the server can't be reached; tried again in 2 seconds")
    expect(page.get_by_role("heading", name="86 of 90 cells done")).to_be_visible()
    page.unroute(news)
    page.route(news, lambda route: route.fulfill(status=502, body="<h1>Bad gateway</h1>"))
    expect(page.locator("[data-stale]")).to_contain_text("the server answered 502; tried again in 4 seconds")
    page.unroute(news)
    control.retry(store, "demo")
    expect(page.get_by_role("heading", name="86 of 90 cells done, 1 left")).to_be_visible()
    assert page.locator("[data-stale]").count() == 0
    forgive(f"{page.url.partition('/job')[0]}/working", "Failed to load resource")


def test_a_grid_that_is_gone_is_not_asked_for_again(running: tuple[Store, int], watch: Do, forgive: Do) -> None:
    page = watch()
    page.route("**/dragoman/working?**", lambda route: route.fulfill(status=404, body="gone"))
    expect(page.locator("[data-stale]")).to_contain_text("the server answered 404; load the page again")
    assert page.locator("[data-part]").count() == 0
    forgive(f"{page.url.partition('/job')[0]}/working", "Failed to load resource")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"status": 502, "body": "<h1>Bad gateway</h1>"}, "Not done: the server answered 502 Bad Gateway"),
        ({"status": 500, "json": {"message": "The store is locked: try again."}}, "The store is locked: try again."),
        (None, "The server can't be reached"),
    ],
)  # fmt: skip
def test_a_write_that_fails_never_says_it_is_done(watch: Do, forgive: Do, answer: Any, said: str) -> None:
    page = watch()
    button = page.get_by_role("button", name="Try failed cells again")
    page.route("**/retry", lambda route: route.fulfill(**answer) if answer else route.abort())
    button.press("Enter")
    expect(page.locator("[data-answer]")).to_contain_text(said)
    expect(page.locator("[data-answer]")).to_have_class("alert")
    expect(button).to_be_enabled()
    expect(button).to_be_focused()
    origin = page.url.partition("/dragoman")[0]
    forgive(f"{origin}/ajax-api", "Failed to load resource")
    page.unroute("**/retry")
    button.press("Enter")
    expect(page.locator("[data-answer]")).to_contain_text("1 failed cell is planned again")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_a_running_grid_is_easy_to_read(
    running: tuple[Store, int], watch: Do, hard_to_use: Do, picture: Do, scheme: str,
    width: int,
) -> None:  # fmt: skip
    page = watch(color_scheme=scheme, viewport={"width": width, "height": 900})
    page.get_by_text("Details").click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert hard_to_use(page) == []
    picture(page, f"running-{scheme}-{width}")
