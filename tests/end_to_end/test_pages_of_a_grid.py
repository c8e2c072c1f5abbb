"""A grid that was really run, in `dragoman ui`: every page clicked through as its users would, by mouse and by keys."""

import csv
import json
import shutil
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.end_to_end.conftest import PROMOTION, Home

from dragoman_registry.registry_client.client import client_at
from dragoman_registry.registry_client.versions import aliases_of

expect = pytest.importorskip("playwright.sync_api").expect

Do = Callable[..., Any]
MODEL = PROMOTION["model"]
PATIENCE = 60_000
"""Milliseconds that MLflow's pages may take."""
WIDTH = 1280


@pytest.fixture(scope="module")
def home(undisturbed: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The mini grid in a home of its own, with its model registered a second time."""
    shown = Home(tmp_path_factory.mktemp("shown"), {})
    shutil.copytree(undisturbed.home, shown.home)
    client = client_at(shown.mlflow_url)
    first = client.get_model_version(MODEL, "1")
    source = client.get_model_version_download_uri(MODEL, first.version)
    client.create_model_version(MODEL, source, first.run_id, tags=first.tags, description=first.description)
    return shown


@pytest.fixture(scope="module")
def address(home: Home, chromium: Any, serve_home: Do) -> Iterator[str]:
    """Where `dragoman ui` serves it; started only where there is a browser."""
    with serve_home(home) as address:
        yield address


@pytest.fixture
def visit(new_page: Do, address: str, settled: Do, let_in: Do) -> Do:
    """Opens one of the pages and waits until all of it is there."""

    def go(path: str, page: Any = None, **options: Any) -> Any:
        page = page or let_in(new_page(**{"viewport": {"width": WIDTH, "height": 900}, **options}), address)
        assert page.goto(f"{address}/dragoman{path}").ok
        return settled(page)

    return go


def heading(page: Any) -> str:
    return str(page.get_by_role("heading", level=1).inner_text())


def test_from_the_grids_to_a_sentence_and_back(
    visit: Do,
    choose: Do,
    settled: Do,
    picture: Do,
) -> None:
    page = visit("/")
    expect(page.get_by_text("24 done")).to_be_visible()
    picture(page, "real-grids")
    page.get_by_role("link", name="mini", exact=True).click()
    choose(page, "Order", "name")
    page.wait_for_url("**order=name**")
    choose(page, "Colour", "difference")
    page.wait_for_url("**show=difference**")
    settled(page)
    picture(page, "real-grid")
    copied = page.url
    tile = page.get_by_role("link", name="German to English: seen; bleu")
    tile.hover()
    assert page.locator(".tip").inner_text().startswith("German to English\nseen\nbleu")
    tile.click()
    assert heading(page) == "German → English"
    assert page.locator(".segment").count() == 12
    expect(page.locator("details.prompt pre")).to_contain_text("[English]:")
    first = page.locator("#s1 .given dd").first.inner_text()
    page.get_by_role("searchbox", name="Search").fill(first)
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".segment").first).to_contain_text(first)
    picture(page, "real-cell")
    page.get_by_role("link", name="The other direction").click()
    assert heading(page) == "English → German"
    for _ in range(3):
        page.go_back()
    assert page.url == copied
    assert page.get_by_label("Order").input_value() == "name"
    again = visit(copied.partition("/dragoman")[2])  # a link sent to somebody shows the same
    assert again.locator(".matrix").inner_text() == settled(page).locator(".matrix").inner_text()


def test_from_a_grid_to_its_other_pages(
    visit: Do,
    choose: Do,
    settled: Do,
    picture: Do,
) -> None:
    page = visit("/grid?grid=mini")
    page.get_by_role("link", name="Compare", exact=True).click()
    assert heading(settled(page)) == "to-english against base"
    assert page.get_by_role("status").inner_text().startswith("* significant at 0.05 by paired randomization")
    picture(page, "real-compare")
    page.get_by_role("link", name="mini").click()
    page.get_by_role("link", name="Filter the pairs, see how they are spread").click()
    choose(page, "Source script", "Hans")
    page.wait_for_url("**source_script=Hans**")
    expect(page.get_by_role("heading", name="3 pairs")).to_be_visible()
    picture(page, "real-partitions")
    page.get_by_role("link", name="mini").click()
    page.get_by_role("link", name="All runs").click()
    expect(settled(page).get_by_role("row", name="to-english")).to_contain_text("10 of 10")
    assert page.locator("svg.chart circle").count() == 2
    picture(page, "real-runs")
    page.get_by_role("link", name="mini").first.click()
    page.get_by_role("link", name="progress").click()
    expect(page.get_by_role("heading", name="24 of 24 cells done, 0 left")).to_be_visible()
    # the log is the last run's; that may be one that found every cell done
    expect(page.locator(".log")).to_contain_text("candidate for champion: to-english")
    picture(page, "real-job")
    page.get_by_role("link", name="mini").first.click()
    page.get_by_role("link", name="model card").click()
    expect(page.locator("article")).to_contain_text("to-english")
    picture(page, "real-card")


def reads(text: str, form: str) -> bool:
    """Whether a table is there in a form."""
    if form == "json":
        return bool(json.loads(text))
    if form == "csv":
        head, *rows = csv.reader(text.splitlines())
        return all(len(row) == len(head) for row in rows)
    return r"\begin{tabular}" in text if form == "latex" else "|:-" in text or "|-" in text


def test_every_table_is_a_file_of_every_form(visit: Do) -> None:
    asked, page = "grid=mini&model=to-english", None
    for path, tables in {
        f"/grid?{asked}": 5, f"/partitions?{asked}": 2, f"/compare?{asked}": 4, "/runs?grid=mini": 1,
        "/job?grid=mini": 3, "/cell?grid=mini&source=de&target=en": 2, "/promotions": 3, f"/model?name={MODEL}": 3,
    }.items():  # fmt: skip
        page = visit(path, page)
        links = page.locator(".downloads a")
        assert links.count() == 4 * tables, path
        for link in links.evaluate_all("(links) => links.map((link) => link.href)"):
            answer = page.request.get(link)
            assert answer.ok, link
            assert answer.headers["content-disposition"].startswith("attachment; filename="), link
            assert reads(answer.text(), parse_qs(urlsplit(link).query)["form"][0]), link
        with page.expect_download() as waiting:
            links.first.click()
        assert waiting.value.suggested_filename.endswith(".csv")


def test_by_keys_alone(visit: Do, tab_to: Do) -> None:
    page = visit("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    tab_to(page, "mini")
    page.keyboard.press("Enter")
    page.wait_for_url("**/grid?grid=mini")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("!!document.activeElement.closest('.matrix')"):
            break
    label = "document.activeElement.getAttribute('aria-label')"
    assert page.evaluate(label).startswith("English to German: ")
    for key in ("ArrowDown", "Home"):
        page.keyboard.press(key)
    assert page.evaluate(label).startswith("French to English: seen; ")
    page.keyboard.press("Enter")
    page.wait_for_url("**source=fr&target=en")
    tab_to(page, "Grids")
    page.keyboard.press("Enter")
    page.wait_for_url("**/dragoman/")


def test_a_version_is_promoted_rolled_back_and_refused(
    visit: Do,
    choose: Do,
    settled: Do,
    tab_to: Do,
    home: Home,
    picture: Do,
) -> None:
    def stands() -> dict[str, str]:
        return aliases_of(home.mlflow_url, MODEL)

    assert stands() == {"champion": "1"}
    page = visit("/promotions")
    picture(page, "real-promotions")
    stand = page.get_by_role("group", name="aliases")
    stand.get_by_role("row", name="champion").get_by_role("link", name=MODEL, exact=True).click()
    assert heading(page) == MODEL
    page.get_by_role("link", name="2", exact=True).click()
    expect(settled(page).get_by_text("Against version 1, the incumbent: it passes.")).to_be_visible()
    said = page.locator("[data-answer]")
    page.get_by_role("button", name="Promote version 2 to champion").press("Enter")
    expect(said).to_contain_text(f"{MODEL}@2 is the champion now, in place of version 1.")
    assert stands() == {"champion": "2"}
    tab_to(page, "Reason to roll back")
    page.keyboard.type("a try")
    page.keyboard.press("Enter")
    expect(said).to_have_text("Rolled back.")
    assert stands() == {"champion": "1"}
    choose(page, "For the alias", "champion-seen")
    page.wait_for_url("**alias=champion-seen**")
    expect(settled(page).get_by_text("There is no incumbent: it fails.")).to_be_visible()
    page.get_by_role("button", name="Promote version 2 to champion-seen").click()
    expect(said).to_contain_text("is not promoted to champion-seen")
    tab_to(page, "Reason to refuse")
    page.keyboard.type("worse to read")
    tab_to(page, "Refuse version 2")
    page.keyboard.press("Enter")
    expect(said).to_have_text("Refused, and recorded.")
    assert stands() == {"champion": "1"}
    told = page.locator(".decisions h3").all_inner_texts()
    assert [text.partition(":")[2].partition(",")[0].strip() for text in told[:4]] == [
        "promotion refused", "promotion refused", "rollback done", "promotion done",
    ]  # fmt: skip
    assert page.locator(".decisions p").filter(has_text="worse to read").count() == 1
    picture(page, "real-model")


@pytest.mark.parametrize(("scheme", "width"), [("light", WIDTH), ("dark", 360)])
def test_registered_models_are_easy_to_use(
    visit: Do, hard_to_use: Do, picture: Do, scheme: str,
    width: int,
) -> None:  # fmt: skip
    page = None
    for name, path in {
        "model": f"/model?name={MODEL}", "promotions": "/promotions", "card": "/card?grid=mini&model=to-english",
    }.items():  # fmt: skip
        page = visit(path, page, color_scheme=scheme, viewport={"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert hard_to_use(page) == [], name
        picture(page, f"real-{name}-{scheme}-{width}")


def test_the_way_to_mlflow_and_back(
    visit: Do, address: str, home: Home, chromium: Any, settled: Do, let_in: Do
) -> None:
    link = visit("/grid?grid=mini").get_by_role("link", name="runs in MLflow").get_attribute("href")
    assert link == "../#/experiments/1/runs?workflowType=machine_learning&viewStateShareKey=dragoman"
    runs = client_at(home.mlflow_url).search_runs(["1"])
    run = next(each.info.run_id for each in runs if each.info.run_name == "to-english evaluation")
    context = chromium.new_context(viewport={"width": 1400, "height": 900})  # MLflow's own pages may complain
    try:
        page = let_in(context.new_page(), address)
        page.set_default_timeout(PATIENCE)
        page.goto(f"{address}/dragoman/{link}")
        expect(page.get_by_role("link", name="base evaluation")).to_be_visible()
        expect(page.get_by_text("bleu/seen", exact=True).first).to_be_visible()
        expect(page.get_by_role("link", name="pair matrix")).to_be_visible()
        page.goto(f"{address}/#/experiments/1/runs/{run}/artifacts/heat-map-bleu.html")
        shown = page.frame_locator("iframe").get_by_role("heading", name="to-english in mini: bleu")
        expect(shown).to_be_visible()
        page.goto(f"{address}/#/experiments/1/runs/{run}")
        with context.expect_page() as opened:
            page.get_by_role("link", name="Pair matrix").click()
        assert heading(settled(opened.value)) == "mini"
        assert opened.value.url.endswith("/dragoman/grid?grid=mini&model=to-english")
    finally:
        context.close()
