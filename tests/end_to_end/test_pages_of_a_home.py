"""Every page of a home that exists, such as the one that `make demo` makes: DRAGOMAN_DEMO_HOME names it.

What the grids are called does not matter: links are followed from the first page, a few of each kind of page.
"""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.end_to_end.conftest import Home

Do = Callable[..., Any]
VARIABLE = "DRAGOMAN_DEMO_HOME"
OF_A_KIND = 3
"""Pages of one kind that are visited."""
KINDS = {"", "grid", "partitions", "runs", "cell", "compare", "job", "promotions", "card", "model"}
LINKS = "(links) => links.map((link) => link.href.split('#')[0])"


@pytest.fixture
def address(tmp_path: Path, chromium: Any, serve_home: Do) -> Iterator[str]:
    """Where a copy of the home is served."""
    named = os.environ.get(VARIABLE)
    if not named:
        pytest.skip(
            f"To click through the pages of a home, name it in {VARIABLE}, such as .dragoman after `make demo`."
        )
    home = Home(tmp_path, {})
    shutil.copytree(named, home.home)
    with serve_home(home) as address:
        yield address


def test_every_page_of_a_home(
    address: str, new_page: Do, settled: Do, hard_to_use: Do, picture: Do, let_in: Do
) -> None:
    start = f"{address}/dragoman/"
    page, waiting, known, seen = new_page(viewport={"width": 1280, "height": 900}), [start], {start}, Counter[str]()
    let_in(page, address)
    while waiting:
        link = waiting.pop(0)
        kind = urlsplit(link).path.rpartition("/")[2]
        if seen[kind] == OF_A_KIND:
            continue
        seen[kind] += 1
        assert page.goto(link).ok, link
        assert page.locator("h1").count() == 1, link
        assert settled(page).evaluate("document.documentElement.scrollWidth") <= 1280, link
        if seen[kind] == 1:
            assert hard_to_use(page) == [], link
            for file in page.locator(".downloads a").evaluate_all(LINKS):
                assert page.request.get(file).ok, file
            picture(page, f"home-{kind or 'grids'}")
        for found in page.locator("main a:not(.downloads a), nav a").evaluate_all(LINKS):
            if found not in known and found.startswith(start) and "form=" not in found:
                known.add(found)
                waiting.append(found)
    assert {*seen} >= KINDS
