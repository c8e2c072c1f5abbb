"""A published site as its readers meet it: opened from its folder in a real Chromium, without any server."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.two_test_sets import LINES, METRIC, NEWS, PAIRS, TALKS, fill
from tests.ui_plugins import test_publishing_names
from tests.ui_plugins.test_publishing_names import FURTHER, translated
from tests.ui_plugins.test_publishing_test_sets import quote

from dragoman.cli.arguments import open_snapshot
from dragoman.settings import settings
from dragoman.store.store import Store
from dragoman.testing import GridBuilder
from dragoman_ui.publishing.folder import SiteFolder
from dragoman_ui.publishing.publish import Publication, publish
from dragoman_ui.viewmodels.store import shared_store

expect = pytest.importorskip("playwright.sync_api").expect

Do = Callable[..., Any]
PAGES = (
    "index.html", "roles-bleu-score.html", "roles-bleu-gain.html", "roles-bleu-partition.html",
    "roles-against-base-bleu.html", "ranking-bleu-all.html", "ranking-bleu-unseen.html", "pairs/en-ar.html",
    "pairs/de-zh-hans.html", "pairs/hi-ar.html",
)  # fmt: skip


def put(folder: Path, **asked: Any) -> Path:
    with open_snapshot() as store, SiteFolder(folder) as made:
        publish(store, Publication(**{"grid": "demo", "metrics": ("bleu",), **asked}), made, lambda *said: None)
    return folder


@pytest.fixture(scope="module")
def site(filled_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The site of two models of the grid `demo`, in a folder whose name needs escapes in a URL."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRAGOMAN_HOME", str(filled_home))
        settings.cache_clear()
        shared_store.cache_clear()
        yield put(tmp_path_factory.mktemp("published") / "a site #1 50%", models=("base", "roles"))
    settings.cache_clear()
    shared_store.cache_clear()


@pytest.fixture
def open_file(new_page: Do, complaints: list[str]) -> Do:
    """Opens a file of a site; any request for something outside its folder is a complaint."""

    def open_(site: Path, name: str, page: Any = None, **options: Any) -> Any:
        if page is None:
            page = new_page(**options)
            inside = (site.resolve().as_uri() + "/", "data:", "blob:")
            page.on("request", lambda asked: None if asked.url.startswith(inside) else complaints.append(asked.url))
        page.goto((site / name).resolve().as_uri())
        expect(page.locator("[data-wait]")).to_have_count(0)
        expect(page.get_by_text("Loading ")).to_have_count(0)
        assert complaints == [], name
        return page

    return open_


@pytest.fixture(scope="session")
def faults() -> Do:
    """What axe-core finds wrong with a page. It may not fetch style sheets by itself, which no page of a folder can."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()

    def find(page: Any) -> list[tuple[str, str]]:
        found = axe.run(page, options={"preload": False}).response["violations"]
        return [(rule["id"], rule["nodes"][0]["html"]) for rule in found]

    return find


CLIPPED = """
() => [...document.querySelectorAll("table.figures")]
  .filter((table) => table.scrollWidth > table.parentElement.clientWidth)
  .map((table) => table.dataset.table)
"""
"""The tables of which a column is out of sight."""


@pytest.mark.parametrize(("scheme", "width"), [("light", 1920), ("dark", 1024), ("light", 390)])
def test_pages_of_a_folder_are_whole_and_usable(
    site: Path, open_file: Do, faults: Do, picture: Do, scheme: str, width: int
) -> None:
    page = None
    for name in PAGES:
        page = open_file(site, name, page, viewport={"width": width, "height": 900}, color_scheme=scheme)
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert page.evaluate(CLIPPED) == [], name
        assert faults(page) == [], name
        picture(page, f"published-{name.replace('/', '-').removesuffix('.html')}-{scheme}-{width}")


def test_the_way_from_the_overview_to_a_sentence(site: Path, open_file: Do) -> None:
    page = open_file(site, "index.html")
    page.get_by_role("link", name="roles: gain over the base").click()
    page.get_by_role("navigation", name="Colour").get_by_role("link", name="score").click()
    tile = page.get_by_role("link", name="English to Russian: reversed; bleu")
    tile.hover()
    assert page.locator(".tip").inner_text().startswith("English to Russian\nreversed\nbleu")
    tile.click()
    assert page.get_by_role("heading", level=1).inner_text() == "English → Russian"
    expect(page.locator(".segment")).to_have_count(16)
    page.get_by_label("Search").fill("riyal")
    expect(page.locator(".segment")).to_have_count(1)
    assert "1 of 16 sentences" in page.locator(".found").inner_text()
    page.get_by_role("combobox", name="Target").select_option("ar")
    page.get_by_role("button", name="Open the pair").click()
    page.wait_for_url("**/pairs/en-ar.html")
    assert page.locator(".segment dd[lang=ar]").first.get_attribute("dir") == "auto"


def test_sentences_are_ordered_and_filtered(site: Path, open_file: Do) -> None:
    page = open_file(site, "pairs/en-de.html")
    scores = page.locator(".segment .made > div:last-child .score")
    for order, is_rising in (("worst of roles first", True), ("best of roles first", False)):
        page.get_by_label("Order").select_option(label=order)
        shown = [float(text) for text in scores.all_inner_texts()]
        assert len(shown) == 16 and shown == sorted(shown, reverse=not is_rising)
    page.locator("summary", has_text="Systems side by side").click()
    page.get_by_label("base", exact=True).uncheck()
    expect(page.locator(".segment").first.locator(".made dt")).to_have_count(1)
    page.get_by_label("Order").select_option("file")
    page.locator(".place").nth(4).click()
    assert page.url.endswith("#s5")
    assert page.locator(".segment:target .place").inner_text() == "5"
    page.goto("about:blank")
    page.goto((site / "pairs/en-de.html").resolve().as_uri() + "#s7")
    expect(page.locator(".segment:target .place")).to_have_text("7")


def test_the_matrix_by_keyboard(site: Path, open_file: Do) -> None:
    page = open_file(site, "roles-bleu-score.html")
    page.locator(".matrix td > a").first.focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("English to Russian")
    page.keyboard.press("Enter")
    page.wait_for_url("**/pairs/en-ru.html")


def test_without_scripts_the_numbers_are_there(site: Path, open_file: Do, new_page: Do) -> None:
    page = new_page(java_script_enabled=False)
    page.goto((site / "pairs/en-de.html").resolve().as_uri())
    assert page.locator("table[data-table=models] tbody tr").count() == 2
    assert "need JavaScript" in page.locator("noscript").inner_text()
    page.goto((site / "index.html").resolve().as_uri())
    page.get_by_role("link", name="roles: score").click()
    assert page.locator(".matrix td > a").count() == 30


def test_the_chart_can_be_taken(site: Path, open_file: Do) -> None:
    page = open_file(site, "roles-bleu-score.html")
    for form in ("SVG", "PNG"):
        with page.expect_download() as taken:
            page.get_by_role("button", name=f"The chart as {form}").click()
        assert taken.value.suggested_filename == f"demo-roles-bleu-score.{form.lower()}"


def test_hundreds_of_languages_are_drawn_from_files(
    filled: Path, tmp_path: Path, open_file: Do, faults: Do, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dragoman_ui.charts.heatmap.MEDIUM", 5)
    monkeypatch.setattr("dragoman_ui.publishing.publish.MEDIUM", 5)
    monkeypatch.setattr("dragoman_ui.charts.heatmap.LARGE", 4)
    site = put(tmp_path / "site", models=("base", "roles"))
    assert not (site / "pairs").exists()
    for name in ("roles-bleu-gain.html", "roles-against-base-bleu.html"):
        page = open_file(site, name)
        canvas = page.locator("canvas[tabindex]")
        canvas.focus()
        page.keyboard.press("ArrowRight")
        assert page.locator("#at").text_content().startswith("English to German: seen; bleu")
        page.keyboard.press("Enter")  # leads nowhere
        page.get_by_role("button", name="Larger tiles").click()
        assert faults(page) == []


def test_two_test_sets_side_by_side(tmp_path: Path, new_home: Path, open_file: Do, faults: Do, picture: Do) -> None:
    fill(new_home)
    quote(new_home)
    site = put(tmp_path / "site", grid="asked", metrics=())
    page = open_file(site, "index.html")
    page.get_by_role("navigation", name="Test set").get_by_role("link", name=TALKS).click()
    assert page.get_by_text(f"{METRIC} on {TALKS}").count()
    page.get_by_role("link", name="tuned: gain over the base").click()
    assert page.locator(".matrix td > a").count() == len(PAIRS[TALKS])
    page.get_by_role("link", name="English to German: seen").click()
    page.wait_for_url(f"**/pairs/en-de-{TALKS}.html")
    expect(page.locator(".segment")).to_have_count(len(LINES[TALKS]))
    expect(page.locator(".segment .given dd").first).to_have_text(LINES[TALKS][0])
    page.get_by_role("combobox", name="Target").select_option("en")
    page.get_by_role("button", name="Open the pair").click()
    expect(page.locator("[data-answer]")).to_have_text("There is no such pair.")
    page.get_by_role("combobox", name="Source").select_option("de")
    page.get_by_role("button", name="Open the pair").click()
    page.wait_for_url(f"**/pairs/de-en-{TALKS}.html")
    page.get_by_role("navigation", name="Test set").get_by_role("link", name=NEWS).click()
    page.wait_for_url(f"**/pairs/de-en-{NEWS}.html")
    expect(page.locator(".segment")).to_have_count(len(LINES[NEWS]))
    for name in ("index.html", f"pairs/en-de-{NEWS}.html", f"paper-chrfpp-{NEWS}-score.html"):
        for width in (390, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            open_file(site, name, page)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name
            assert (page.evaluate(CLIPPED), faults(page)) == ([], []), name
            picture(page, f"published-test-sets-{Path(name).stem}-{width}")


def test_all_references_are_shown_and_searched(tmp_path: Path, new_home: Path, open_file: Do) -> None:
    translated({"base": "base"}, further=dict.fromkeys(test_publishing_names.PAIRS, FURTHER))
    page = open_file(put(tmp_path / "site", grid="asked"), "pairs/en-de.html")
    first, second = page.locator(".segment").nth(0), page.locator(".segment").nth(1)
    assert first.locator(".given dt").all_inner_texts() == ["Source", "Reference", "Reference 2", "Reference 3"]
    assert first.locator(".given dd").all_inner_texts()[2:] == list(FURTHER[0])
    assert second.locator(".given dt").all_inner_texts() == ["Source", "Reference"]
    page.get_by_label("Search").fill("another")
    expect(page.locator(".segment")).to_have_count(1)


HOSTILE = (
    "<script>alert(1)</script>", '"); alert(1); ("', "</script><img src=x onerror=alert(1)>",
    "line\u2028and\u2029paragraph", "nul\x00 bell\x07 escape\x1b[31m", "\u202eturned",
    "&lt;b&gt; & 'quotes' \\ `${1}`", "  two  spaces ", "", "\U0001d4b3 \U0001f469\u200d\U0001f467 e\u0301",
)  # fmt: skip


def test_hostile_text_is_text(new_home: Path, tmp_path: Path, open_file: Do) -> None:
    from dragoman.pair import Pair
    from dragoman.partition import TrainingGraph
    from dragoman.segment import Segment
    from dragoman.store.records import ModelRecord
    from dragoman.testing import random_score

    store = Store.open(settings().store_url, settings().blobs_url)
    pair, name = Pair("en", "de"), "<img src=x onerror=alert(1)>"
    lines = {pair: [Segment(f"source {text}", f"reference {text}") for text in HOSTILE]}
    models = [ModelRecord(id="base", name="base", graph=TrainingGraph()), ModelRecord(id="m", name=name, base="base")]
    names = {"base": "base", "m": name}
    grid = GridBuilder(store, models, [pair], name=name, languages=("en", "de"), names=names, lines=lines).add()
    for record in grid.cells:
        score = random_score("bleu", record.cell.model, pair, segments=len(HOSTILE), quality=0.5, signature="tok:13a")
        grid.translate(record.cell, [score], hypotheses=[(text, "stop", 1) for text in HOSTILE])
    store.close()
    site = put(tmp_path / "site", grid=name)
    page = open_file(site, "pairs/en-de.html")
    shown = page.locator(".segment .made > div:last-child dd")
    texts = [shown.nth(number).evaluate("(each) => each.textContent") for number in range(len(HOSTILE))]
    assert texts[0] == HOSTILE[0] and texts[2] == HOSTILE[2] and texts[6] == HOSTILE[6]
    assert texts[1] == HOSTILE[1] and texts[7] == HOSTILE[7] and texts[9] == HOSTILE[9]
    assert texts[3] == "line\\u2028and\\u2029paragraph" and texts[4] == "nul\\u0000 bell\\u0007 escape\\u001b[31m"
    assert texts[5] == "\\u202eturned" and texts[8] == "nothing"
    for path in sorted(site.glob("*.html")):
        open_file(site, path.name, page)
        assert page.locator("main img").count() == 0


@pytest.fixture
def new_home(tmp_path: Path, use_home: Do) -> Path:
    """An empty home, in use."""
    (tmp_path / "home").mkdir()
    use_home(tmp_path / "home")
    return tmp_path / "home"
