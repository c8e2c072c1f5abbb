"""The pages as people meet them: in a real Chromium, with mouse and keyboard, in light and dark, wide and narrow."""

import re
from collections.abc import Callable
from typing import Any

import pytest

expect = pytest.importorskip("playwright.sync_api").expect

Do = Callable[..., Any]
PAGES = {
    "grids": "/",
    "overview": "/overview?grid=demo",
    "grid": "/grid?grid=demo&model=roles",
    "gain": "/grid?grid=demo&model=roles&show=gain&only=seen",
    "partitions": "/grid?grid=demo&model=roles&show=partition&order=training",
    "difference": "/grid?grid=demo&model=roles&show=difference",
    "seen and unseen": "/partitions?grid=demo&model=roles",
    "rank": "/rank?grid=demo&over=unseen",
    "runs": "/runs?grid=demo",
    "job": "/job?grid=demo",
    "models": "/models?grid=demo",
    "card": "/card?grid=demo&model=roles",
    "cell": "/cell?grid=demo&source=en&target=ar",
    "cell from right to left": "/cell?grid=demo&source=ar&target=zh-Hans&sentences=worst",
    "compare": "/compare?grid=demo&model=roles&against=english-centric",
    "promotions": "/promotions",
    "error": "/grid?grid=none",
}


WIDTHS = (390, 1440, 1920)
CLIPPED = """
() => [...document.querySelectorAll("main table")]
  .filter((table) => table.scrollWidth > table.parentElement.clientWidth)
  .map((table) => table.dataset.table ?? table.className)
"""
"""The tables of which a column is out of sight."""
LAID_OUT = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
"""Waits until a page has heard of its new size."""


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_is_cut_off_or_hard_to_use(open_page: Do, hard_to_use: Do, picture: Do, scheme: str) -> None:
    page = None
    for name, path in PAGES.items():
        expected = 404 if name == "error" else 200
        page = open_page(path, expected, page, viewport={"width": WIDTHS[0], "height": 900}, color_scheme=scheme)
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            page.evaluate(LAID_OUT)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
            assert page.evaluate(CLIPPED) == [], (name, width)
            assert hard_to_use(page) == [], (name, width)
            picture(page, f"{name}-{scheme}-{width}")


def test_wide_tables_become_cards_and_a_matrix_fills_its_card(open_page: Do) -> None:
    page = open_page("/grid?grid=demo&model=roles", viewport={"width": 1440, "height": 900})
    assert page.evaluate(CLIPPED) == []
    assert page.locator(".carded").count() == 0
    tiles = page.locator(".matrix").bounding_box()
    beside = page.locator(".map .legend").bounding_box()
    assert beside["x"] - tiles["x"] - tiles["width"] < 0.1 * tiles["width"]
    page.set_viewport_size({"width": 390, "height": 900})
    page.evaluate(LAID_OUT)
    card = page.locator("[data-table=partitions] tbody tr").first
    assert page.locator("[data-table=partitions]").get_attribute("class") == "figures tight carded"
    assert page.evaluate(CLIPPED) == []
    assert re.fullmatch(r"\+\d+\.\d", card.locator("[data-heading=gain]").inner_text())
    assert card.get_by_role("cell").count() == card.locator("td:visible").count()  # a table for who listens to it
    headings = card.locator("[data-heading]").evaluate_all("(all) => all.map((each) => each.dataset.heading)")
    assert "95% interval of gain" in headings and len(set(headings)) == len(headings)


@pytest.mark.parametrize(("scheme", "width"), [("light", 2560), ("dark", 360)])
def test_hundreds_of_languages_are_no_harder_to_use(
    open_page: Do, hard_to_use: Do, picture: Do, monkeypatch: pytest.MonkeyPatch, scheme: str,
    width: int,
) -> None:  # fmt: skip
    monkeypatch.setattr("dragoman_ui.charts.heatmap.MEDIUM", 5)
    monkeypatch.setattr("dragoman_ui.charts.heatmap.LARGE", 4)
    page = None
    for name, path in {
        "drawn grid": "/grid?grid=demo&model=roles&order=family", "drawn comparison": "/compare?grid=demo&order=family",
    }.items():  # fmt: skip
        page = open_page(path, 200, page, viewport={"width": width, "height": 900}, color_scheme=scheme)
        assert page.locator("canvas[tabindex]").count() == 1
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert hard_to_use(page) == [], name
        picture(page, f"{name}-{scheme}-{width}")


CONTRAST = """
() => {
  const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const luminance = (colour) => {
    pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...pen.getImageData(0, 0, 1, 1).data].map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const row = document.querySelector(".matrix tbody tr");
  const looks = [...Array(21).keys()].flatMap((step) => [`q${step}`, `d${step}`]);
  return looks.map((look) => {
    const tile = row.insertCell();
    tile.className = look;
    const { backgroundColor, color } = getComputedStyle(tile);
    const [low, high] = [luminance(backgroundColor), luminance(color)].sort((a, b) => a - b);
    return [look, luminance(backgroundColor), (high + 0.05) / (low + 0.05)];
  });
}
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_numbers_are_legible_on_every_colour_and_colours_go_one_way(open_page: Do, scheme: str) -> None:
    # contrast as in WCAG 2.2, success criterion 1.4.3 (level AA): 4.5 to 1
    measured = open_page("/grid?grid=demo", color_scheme=scheme).evaluate(CONTRAST)
    assert len(measured) == 42
    assert {look: contrast for look, _, contrast in measured if contrast < 4.5} == {}
    scores = [luminance for look, luminance, _ in measured if look.startswith("q")]
    assert scores == sorted(scores, reverse=scheme == "light")


def test_the_way_from_a_grid_to_a_sentence_by_mouse(open_page: Do, choose: Do) -> None:
    page = open_page("/")
    page.get_by_role("link", name="demo").click()
    choose(page, "Model", "roles")
    page.wait_for_url("**model=roles**")
    choose(page, "Colour", "gain")
    page.wait_for_url("**show=gain**")
    page.get_by_role("link", name="reversed", exact=True).click()
    page.wait_for_url("**only=reversed**")
    assert "model=roles" in page.url
    tile = page.get_by_role("link", name="English to Russian: reversed; bleu")
    tile.hover()
    assert page.locator(".tip").inner_text().startswith("English to Russian\nreversed\nbleu")
    tile.click()
    assert page.get_by_role("heading", level=1).inner_text() == "English → Russian"
    page.get_by_label("Search").fill("riyal")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**search=riyal**")
    assert page.locator(".segment").count() == 1
    page.get_by_role("link", name="demo").click()
    assert "only=reversed" in page.url


def test_the_matrix_by_keyboard(open_page: Do) -> None:
    page = open_page("/grid?grid=demo&model=roles")
    page.locator(".matrix td > a").first.focus()
    here = "document.activeElement.getAttribute('aria-label').split(':')[0]"
    assert page.evaluate(here) == "English to German"
    walked = []
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowLeft", "End", "Home", "ArrowUp"):
        page.keyboard.press(key)
        walked.append(page.evaluate(here))
    assert walked == [
        "English to Russian",
        "German to Russian",
        "German to English",  # over the gap
        "German to English",  # at the rim
        "German to Hindi",
        "German to English",
        "German to English",  # English to English is no pair
    ]
    assert page.locator(".tip").is_visible()
    page.keyboard.press("Escape")
    assert page.locator(".tip").is_hidden()
    page.keyboard.press("Tab")  # the matrix is one stop
    assert page.evaluate("document.activeElement.closest('.matrix')") is None
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**source=de&target=en**")


def test_a_choice_made_with_keys_waits_for_its_button(open_page: Do) -> None:
    page = open_page("/grid?grid=demo&model=roles")
    here, choice = page.url, page.get_by_label("Colour")
    choice.focus()
    for value in ("gain", "difference", "partition"):
        page.keyboard.press("ArrowDown")
        expect(choice).to_have_value(value)
    expect(choice).to_be_focused()
    assert page.url == here
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Show", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**show=partition**")


def test_comparisons_runs_and_filters_by_keyboard(open_page: Do, settled: Do, tab_to: Do) -> None:
    page = open_page("/compare?grid=demo&model=roles&against=base")
    tab_to(page, "Against")
    page.keyboard.press("ArrowDown")
    tab_to(page, "Show")
    page.keyboard.press("Enter")
    page.wait_for_url("**against=english-centric**")
    settled(page)
    lost = page.locator("section[aria-labelledby=losses] a").first.get_attribute("aria-label")
    tab_to(page, lost.partition(" → ")[0])
    page.keyboard.press("Enter")
    page.wait_for_url("**/cell?**sentences=apart**")
    assert page.get_by_role("heading", level=1).inner_text() == lost
    page = open_page("/partitions?grid=demo&model=roles", 200, page)
    tab_to(page, "Target script")
    page.keyboard.type("Ar")
    tab_to(page, "Show")
    page.keyboard.press("Enter")
    page.wait_for_url("**target_script=Arab**")
    assert page.locator("section[aria-labelledby=list] tbody tr").count() == 5
    page = open_page("/runs?grid=demo", 200, page)
    tab_to(page, "Shown")
    page.keyboard.press("ArrowDown")
    tab_to(page, "Show")
    page.keyboard.press("Enter")
    page.wait_for_url("**up=gain**")
    tab_to(settled(page), "roles")
    page.keyboard.press("Enter")
    page.wait_for_url("**/grid?**model=roles**")


def test_script_runs_nowhere(open_page: Do, made: Any) -> None:
    for path in ("/cell?grid=demo&source=en&target=de", "/grid?grid=demo&model=roles", "/compare?grid=demo"):
        page = open_page(path)
        page.on("dialog", lambda dialog: pytest.fail(dialog.message))
        assert page.locator("body script").count() == 0
    assert made.script in open_page("/cell?grid=demo&source=en&target=de").locator("#s1").inner_text()


def test_a_difference_gets_its_tests_and_keeps_the_keyboard(open_page: Do) -> None:
    page = open_page("/grid?grid=demo&model=roles&show=difference&against=base")
    assert "significant at 0.05" in page.get_by_role("status").first.inner_text()
    assert page.locator(".matrix td > a", has_text="*").count() > 0
    page.locator(".matrix td > a").first.focus()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("Russian to German: ")


def test_a_comparison_gets_its_tests(open_page: Do) -> None:
    page = open_page("/compare?grid=demo&model=roles&against=base")
    assert "significant at 0.05 by paired randomization" in page.get_by_role("status").inner_text()
    assert page.get_by_role("link", name="significant").count() > 0


def test_hundreds_of_languages_are_drawn(open_page: Do, choose: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dragoman_ui.charts.heatmap.MEDIUM", 5)
    monkeypatch.setattr("dragoman_ui.charts.heatmap.LARGE", 4)
    page = open_page("/grid?grid=demo&model=roles&order=name&show=difference&against=base")
    assert page.get_by_role("cell", name="28 of 30", exact=True).count() == 1  # the table came after the page
    canvas = page.locator("canvas[tabindex]")
    box = canvas.bounding_box()
    assert (box["width"], box["height"]) == (144, 144)  # the largest tiles, 24 pixels for each of six languages
    for _ in range(6):
        page.get_by_role("button", name="Smaller tiles").click()
    assert canvas.bounding_box()["width"] == 72
    assert "tile=12" in page.url
    page.reload()
    expect(page.locator("[data-wait]")).to_have_count(0)
    assert canvas.bounding_box()["width"] == 72  # the size is in the address,
    choose(page, "Colour", "gain")
    page.wait_for_url("**show=gain**")
    assert "tile=12" in page.url  # and stays there
    page.get_by_role("button", name="Fit the width").click()
    assert canvas.bounding_box()["width"] == 144
    page.get_by_role("button", name="Larger tiles").click()  # there are none
    assert "tile=24" in page.url
    page.go_back()
    expect(page.locator("[data-wait]")).to_have_count(0)
    states = page.locator(".states li:visible")
    assert [text.strip() for text in states.all_inner_texts()] == ["failed", "no test text"]
    assert page.locator("[data-bands] ul").first.inner_text().split("\n")[:2] == ["Families", "Indo-European (4)"]
    page.get_by_role("button", name="Smaller tiles").click()
    assert canvas.bounding_box()["width"] == 60
    canvas.hover(position={"x": 5, "y": 25})  # in the third row, the first column
    said = page.locator(".tip").inner_text()
    assert said.startswith("English to Arabic\nseen\nbleu")
    assert "base" in said
    page.mouse.move(0, 0)
    canvas.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    assert page.locator("#at").text_content().startswith("Chinese to English: unseen source; bleu")
    page.keyboard.press("Enter")
    page.wait_for_url("**source=zh-Hans&target=en**")


def test_the_way_from_seen_and_unseen_to_the_sentences(open_page: Do, choose: Do) -> None:
    page = open_page("/grid?grid=demo&model=roles")
    page.get_by_role("link", name="Filter the pairs, see how they are spread").click()
    choose(page, "Target script", "Arab")
    page.wait_for_url("**target_script=Arab**")
    choose(page, "Order of pairs", "worst")
    page.wait_for_url("**sort=worst**")
    rows = page.locator("section[aria-labelledby=list] tbody tr")
    assert rows.count() == 5
    assert "no test text" in rows.last.inner_text()
    rows.first.get_by_role("link").click()
    page.locator("summary", has_text="Runs side by side").click()
    page.get_by_label("base", exact=True).uncheck()
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**beside=**")
    assert page.locator("#s1 .made dt").count() == 2
