"""The grid page of a campaign of 200 languages, 39,800 pairs and 100 models, in the server and in a real Chromium.

    python benchmarks/pages.py                          fill a store (minutes, 1.3 GB), serve it, and measure
    python benchmarks/pages.py --languages 50 --models 20
    python benchmarks/pages.py --store sqlite:///FILE   a store that benchmarks/store.py or an earlier run has filled

The server is MLflow's own with the pages. Each page is asked for with the answers that it keeps made anew (another
model each time: cold), then again (warm). First paint is Chromium's `first-contentful-paint`; "matrix drawn" is when
every tile is on the screen. Goals: an answer within 300 ms, the first paint within 1.5 s. Beside each answer stands how
much of it the server computed: on a busy machine the rest is waiting. From 100 languages on a page begins with the
matrix by family.
"""

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from dragoman.settings import Settings
from dragoman_ui.auth import access_token
from dragoman_ui.cli import environment, stop, wait_until_healthy

TOKEN = access_token.made()
"""What the server asks for."""
ANSWER, PAINT = 0.300, 1.5
"""The goals, in seconds."""

JUDGED = ("grid page", "its pairs, to draw", "its matrix by family", "its overview, means")
"""The answers that the first goal is about."""

ROUNDS = 7

ORDERS = ("grid", "model", "seen", "unseen", "all", "seen.off_target", "unseen.off_target")
"""Orders of the overview, one for each of the first models: each is another answer."""

PAINTED = """() => ({
  paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime,
  drawn: performance.getEntriesByName("dragoman-drawn")[0]?.startTime,
})"""


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--languages", type=int, default=200)
    parser.add_argument("--models", type=int, default=100)
    parser.add_argument("--store", metavar="URL", help="a store that holds the campaign already")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dragoman") as name:
        url = arguments.store or f"sqlite:///{name}/store.db"
        if not arguments.store:
            _fill(url, arguments.languages, arguments.models)
        with _served(url, Path(name)) as (address, server):
            _answers(address, server, arguments.models)
            _paints(address)
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def _fill(url: str, languages: int, models: int) -> None:
    from campaign import Campaign, fill

    from dragoman.store.store import Store

    store = Store.open(url, "memory://benchmark")
    fill(store, Campaign(languages, models))
    store.close()


@contextmanager
def _served(url: str, folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    """MLflow's server with the pages on a store: their address, and its process."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    words = [
        sys.executable, "-m", "mlflow", "server", "--app-name", "dragoman", "--workers", "1", "--port", str(port),
        "--uvicorn-opts", "--log-level warning",
    ]  # fmt: skip
    places = {"DRAGOMAN_HOME": str(folder), "DRAGOMAN_STORE": url, "DRAGOMAN_BLOBS": f"file://{folder}/blobs"}
    log = folder / "server.log"
    with log.open("wb") as file:
        server = subprocess.Popen(
            words, cwd=folder, env=environment(Settings(home=folder), token=TOKEN) | places, stdout=file, stderr=file,
            start_new_session=True,
        )  # fmt: skip
    try:
        address = f"http://127.0.0.1:{port}"
        wait_until_healthy(server, f"{address}/health", log)
        yield f"{address}/dragoman", psutil.Process(server.pid)
    finally:
        stop(server)


def _answers(address: str, server: psutil.Process, models: int) -> None:
    """The server's answers."""
    names = [f"m{number:03}" for number in range(1, models)]
    _asked(f"{address}/grid?grid=campaign&model={names[-1]}", server)  # imports and caches of the first request of all
    pages: dict[str, Callable[[str], str]] = {
        "grid page": lambda model: f"{address}/grid?grid=campaign&model={model}",
        "its pairs, to draw": lambda model: f"{address}/drawing?grid=campaign&model={model}",
        "their differences to another run": lambda model: (
            f"{address}/drawing?grid=campaign&model={model}&show=difference&against={names[-1]}"
        ),
        "its overview, means": lambda model: f"{address}/overviewed?grid=campaign&sort={ORDERS[int(model[1:]) - 1]}",
        "its matrix by family": lambda model: f"{address}/families?grid=campaign&model={model}",
        "its partition table": lambda model: f"{address}/seen?grid=campaign&model={model}",
    }
    for name, page in pages.items():
        for state in ("cold", "warm"):
            taken, computing = zip(*(_asked(page(model), server) for model in names[:ROUNDS]), strict=True)
            verdict = _verdict(statistics.median(taken), ANSWER) if name in JUDGED else ""
            worked = f"of which computing {statistics.median(computing) * 1000:4.0f}"
            print(f"{f'{name}, {state}':40} {_shown(taken)}, {worked}{verdict}", flush=True)


def _paints(address: str) -> None:
    """What a browser shows, and when."""
    from playwright.sync_api import sync_playwright

    browser_at = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser_at is None:
        print("First paint is measured in a Chromium: on Debian `apt-get install chromium`.")
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_at, args=["--no-sandbox"])
        found: dict[str, list[float]] = {"paint": [], "families": [], "drawn": []}
        for number in range(1, ROUNDS + 1):
            for key, value in _painted(
                browser, f"{address}/grid?grid=campaign&model=m{number:03}&order=family"
            ).items():
                found[key].append(value / 1000)
        browser.close()
    print(f"{'first paint':40} {_shown(found['paint'])}{_verdict(statistics.median(found['paint']), PAINT)}")
    print(f"{'matrix by family on the screen':40} {_shown(found['families'])}")
    print(f"{'matrix drawn, with its languages':40} {_shown(found['drawn'])}")


def _painted(browser: Any, address: str) -> dict[str, float]:
    signed = {"Authorization": f"Bearer {TOKEN}"}
    page = browser.new_page(viewport={"width": 1440, "height": 900}, extra_http_headers=signed)
    page.goto(address)
    page.locator("table.families").wait_for()
    families = page.evaluate("performance.now()")
    page.locator("[data-wait]").wait_for(state="detached")
    timings: dict[str, float] = page.evaluate(PAINTED)
    page.close()
    return {**timings, "families": families}


def _asked(address: str, server: psutil.Process) -> tuple[float, float]:
    """Seconds until an answer was there, and those the server computed."""
    worked, began = _computed(server), time.perf_counter()
    with urllib.request.urlopen(
        urllib.request.Request(address, headers={"Authorization": f"Bearer {TOKEN}"})
    ) as answer:
        answer.read()
    taken = time.perf_counter() - began
    return taken, _computed(server) - worked


def _computed(server: psutil.Process) -> float:
    """Seconds that a process and those it started have computed, to a hundredth."""
    times = [process.cpu_times() for process in (server, *server.children(recursive=True))]
    return float(sum(each.user + each.system for each in times))


def _shown(seconds: Sequence[float]) -> str:
    return f"{statistics.median(seconds) * 1000:6.0f} ms (at most {max(seconds) * 1000:.0f})"


def _verdict(seconds: float, goal: float) -> str:
    return "" if seconds <= goal else f"   over the goal of {goal * 1000:.0f} ms"


if __name__ == "__main__":
    main()
