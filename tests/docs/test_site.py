"""The documentation site is built strictly and needs nothing from elsewhere; its links and anchors lead somewhere."""

import re
import subprocess
import sys
from collections import defaultdict
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml

ROOT = Path(__file__).parents[2]
LARGEST_PICTURE = 200_000
"""Bytes."""


class Page(HTMLParser):
    """The ids and the addresses of one page; those that a browser fetches by itself apart."""

    FETCHED = (("link", "href"), ("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "src"))

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = dict(attrs)
        self.ids |= {held[name] or "" for name in ("id", "name") if name in held}
        if tag == "a" and held.get("href"):
            self.links.append(str(held["href"]))
        if tag == "link" and held.get("rel") in ("prev", "next", "canonical"):
            return
        self.fetched += [str(held[name]) for kind, name in self.FETCHED if kind == tag and held.get(name)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path.read_text()) for path in site.rglob("*.html")}


def target(site: Path, page: Path, address: str) -> Path:
    """The file that an address on a page means."""
    path = unquote(urlsplit(address).path)
    start = site if path.startswith("/") else page.parent
    found = (start / path.lstrip("/")).resolve() if path else page
    return found / "index.html" if found.is_dir() else found


def test_every_link_and_anchor_leads_somewhere(site: Path, pages: dict[Path, Page]) -> None:
    broken = defaultdict(list)
    for path, page in pages.items():
        for address in page.links:
            if urlsplit(address).scheme or path.name == "404.html":
                continue
            found, anchor = target(site, path, address), unquote(urlsplit(address).fragment)
            if not found.exists() or (anchor and anchor not in pages[found].ids):
                broken[str(path.relative_to(site))].append(address)
    assert dict(broken) == {}
    assert sum(len(page.links) for page in pages.values()) > 500


def test_nothing_is_fetched_from_elsewhere(site: Path, pages: dict[Path, Page]) -> None:
    for path, page in pages.items():
        for address in page.fetched:
            assert not urlsplit(address).scheme and not address.startswith("//"), f"{path} fetches {address}"
            assert path.name == "404.html" or target(site, path, address).exists(), f"{path} lacks {address}"
    for sheet in site.rglob("*.css"):
        assert not re.findall(r"@import|url\(['\"]?(?:https?:)?//", sheet.read_text())


def test_every_page_is_in_the_navigation() -> None:
    def leaves(node: object) -> list[str]:
        if isinstance(node, dict):
            return [leaf for child in node.values() for leaf in leaves(child)]
        return [leaf for child in node for leaf in leaves(child)] if isinstance(node, list) else [str(node)]

    named = leaves(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"])
    there = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    there |= {f"{path.stem}.md" for path in (ROOT / "docs").glob("*.ipynb")}
    assert sorted(named) == sorted(there | {"index.md", "contributing.md", "changelog.md"})


@pytest.mark.parametrize("picture", sorted((ROOT / "docs" / "figures").glob("*.png")), ids=lambda path: path.stem)
def test_pictures_are_small_shown_and_described(picture: Path) -> None:
    assert picture.stat().st_size < LARGEST_PICTURE
    texts = [path.read_text() for path in (ROOT / "docs").glob("*.md")] + [(ROOT / "README.md").read_text()]
    assert any(re.search(rf"!\[[^\]]{{10,}}\]\((?:docs/)?figures/{picture.name}\)", text) for text in texts)
