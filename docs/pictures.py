"""Take the pictures of the pages that the documentation shows: `python docs/pictures.py HOME`.

HOME is a Dragoman home in which `make demo` has finished. The pages are served from it and opened in Chromium, and
figures are drawn as in a notebook, so that all show the demo's own numbers. Needs the extras `ui`, `figures` and `dev`.
"""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from playwright.sync_api import Page, sync_playwright

import dragoman
from dragoman_ui.auth import access_token

FOLDER = Path(__file__).parent / "figures"
WIDTH = 1280
"""Pixels."""
PICTURES = {
    "grids": ("/", 360),
    "grid": ("/grid?grid=demo&model=roles&metric=bleu", 1150),
    "partitions": ("/partitions?grid=demo&model=roles&metric=bleu", 900),
    "cell": ("/cell?grid=demo&source=en&target=de&model=roles", 900),
    "compare": ("/compare?grid=demo&model=roles&against=english-centric", 900),
    "model": ("/model?name=demo-translator", 900),
}
"""Name of each picture: the page's address below `/dragoman`, and the picture's greatest height in pixels."""


def draw(home: Path) -> None:
    """Draw the figures of a paper that the README shows, as SVG."""
    os.environ["DRAGOMAN_HOME"] = str(home)
    store = dragoman.open_store()
    store.pairs("demo", "roles").plot().save(FOLDER / "heat-map.svg")
    store.compare("demo", "english-centric", "roles").plot().save(FOLDER / "comparison.svg")
    store.close()


def take(page: Page, address: str, name: str, height: int) -> None:
    """Open a page, wait until all of it is there, and keep a picture of it."""
    page.goto(address)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(500)  # what is drawn after the last answer
    full = page.evaluate("document.documentElement.scrollHeight")
    page.screenshot(
        path=FOLDER / f"{name}.png", clip={"x": 0, "y": 0, "width": WIDTH, "height": min(full, height)}, full_page=True
    )


def main() -> None:
    """Draw the figures, serve the home, and take every picture."""
    draw(Path(sys.argv[1]).resolve())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).with_name("dragoman")), "ui", "--port", str(port), "--no-browser"]
    token = access_token.made()
    served = {"DRAGOMAN_HOME": str(Path(sys.argv[1]).resolve()), "DRAGOMAN_UI_TOKEN": token}
    server = subprocess.Popen(command, env={**os.environ, **served})
    try:
        wait_for(f"http://127.0.0.1:{port}/health")
        FOLDER.mkdir(exist_ok=True)
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"))
            page = browser.new_page(
                viewport={"width": WIDTH, "height": 900}, color_scheme="light",
                extra_http_headers={"Authorization": f"Bearer {token}"},
            )  # fmt: skip
            for name, (path, height) in PICTURES.items():
                take(page, f"http://127.0.0.1:{port}/dragoman{path}", name, height)
            browser.close()
    finally:
        server.terminate()
        server.wait()


def wait_for(address: str, seconds: float = 120) -> None:
    """Wait until a server answers.

    Raises:
        TimeoutError: it does not within so many seconds.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            urlopen(address, timeout=10).close()
            return
        except (URLError, OSError):
            time.sleep(0.5)
    raise TimeoutError(f"{address} does not answer.")


if __name__ == "__main__":
    main()
