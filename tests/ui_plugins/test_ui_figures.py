"""Figures that are taken away from the pages, from a real Chromium: whether they would do in a paper."""

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

pytest.importorskip("playwright.sync_api")

Do = Callable[..., Any]
SPACE, RDF = "{http://www.w3.org/2000/svg}", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"


@pytest.fixture
def take(tmp_path: Path) -> Do:
    """Presses the button below the first figure of a page; the bytes that come."""

    def press(page: Any, form: str = "SVG") -> bytes:
        with page.expect_download() as waiting:
            page.get_by_role("button", name=f"The chart as {form}").first.click()
        assert waiting.value.suggested_filename.endswith(f".{form.lower()}")
        waiting.value.save_as(tmp_path / form)
        return (tmp_path / form).read_bytes()

    return press


def texts(svg: bytes) -> list[str]:
    """What is written in a figure."""
    return [node.text or "" for node in ElementTree.fromstring(svg).iter(f"{SPACE}text")]


def test_a_heat_map_says_what_it_is(open_page: Do, take: Do) -> None:
    page = open_page("/grid?grid=demo&model=roles&show=difference&against=base")
    svg = take(page)
    said = texts(svg)
    assert said[0] == "demo: bleu of roles minus base on cldr test"
    assert "bleu points more than base" in said  # the unit of the colour bar
    assert {"source ↓ target →", "English en", "zh-Hans", "-100", "0", "+100", "failed", "no test text"} <= set(said)
    assert "* significant at 0.05 by paired" in " ".join(said)
    assert "Test set: cldr test, revision r; 16 sentences a pair, the first ones; decoding: greedy" in " ".join(said)
    assert any(re.fullmatch(r"\+\d+\.\d\*", text) for text in said)
    root = ElementTree.fromstring(svg)
    fills = [node.get("fill", "") for node in root.iter(f"{SPACE}rect")]
    assert fills.count("url(#s-missing)") == 2  # in the matrix and in the legend
    assert fills.count("url(#s-failed)") == 2
    assert {"s-missing", "s-failed"} <= {node.get("id") for node in root.iter(f"{SPACE}pattern")}
    partitions = ["seen", "reversed", "recombined", "one sided", "unseen source", "unseen target", "unseen both"]
    assert [text for text in said if text in partitions] == partitions
    tiles, scale, states = 30, 21, 2
    plain = [fill for fill in fills if re.fullmatch("#[0-9a-f]{6}", fill)]
    assert len(plain) == tiles + scale + states + len(partitions)
    corners = [node.get("fill") for node in root.iter(f"{SPACE}path") if node.get("stroke") == "#fff"]
    assert len(corners) == tiles and set(corners) <= set(fills[-len(partitions) :])  # each of a partition of the legend
    assert not re.search(rb"okl|color|light-dark|var\(", svg)  # programs besides browsers read it


@pytest.mark.parametrize("path", ["/grid?grid=demo&model=roles&only=seen", "/runs?grid=demo"])
def test_a_figure_is_for_paper_whatever_the_page_looks_like(open_page: Do, take: Do, path: str) -> None:
    light, dark = (take(open_page(path, color_scheme=scheme)) for scheme in ("light", "dark"))
    assert light == dark
    first = next(ElementTree.fromstring(light).iter(f"{SPACE}rect"))
    assert first.get("fill") == "#fff"


def test_a_heat_map_that_is_scrolled_is_whole(open_page: Do, take: Do) -> None:
    page = open_page("/grid?grid=demo&model=roles", viewport={"width": 320, "height": 700})
    whole = take(page)
    page.locator(".scroll:has(.matrix)").evaluate("(pane) => { pane.scrollLeft = 30; }")
    assert take(page) == whole
    assert page.locator(".scroll:has(.matrix)").evaluate("(pane) => pane.scrollLeft") == 30


def test_charts_have_titles_axes_and_notes(open_page: Do, take: Do) -> None:
    said = texts(take(open_page("/runs?grid=demo")))
    assert said[0] == "demo: training pairs against bleu on unseen pairs"
    assert {"roles", "english-centric", "training pairs (logarithmic)", "bleu on unseen pairs"} <= set(said)
    assert "Strokes are 95% intervals." in " ".join(said) and "Test set: cldr test, revision r" in " ".join(said)
    assert "Not the same pairs for every model: unseen (" in " ".join(said)
    said = texts(take(open_page("/partitions?grid=demo&model=roles")))
    assert said[0] == "demo: bleu of roles by partition"
    assert {"seen", "recombined", "100"} <= set(said) and "Test set: cldr test, revision r" in " ".join(said)


def test_hundreds_of_languages_are_a_figure_too(open_page: Do, take: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dragoman_ui.charts.heatmap.MEDIUM", 5)
    monkeypatch.setattr("dragoman_ui.charts.heatmap.LARGE", 4)
    page = open_page("/grid?grid=demo&model=roles&order=script&show=difference&against=base")
    svg = take(page)
    said = texts(svg)
    assert said[0] == "demo: bleu of roles minus base on cldr test"
    assert said.count("zh-Hans") == 2  # along both sides
    assert {"source ↓ target →", "-100", "+100", "failed", "no test text"} <= set(said)
    assert "A dot marks differences" in " ".join(said)
    pictures = list(ElementTree.fromstring(svg).iter(f"{SPACE}image"))
    assert len(pictures) == 3  # the tiles, and two in the legend
    assert all(str(each.get("href")).startswith("data:image/png;base64,") for each in pictures)
    root, png = ElementTree.fromstring(svg), take(page, "PNG")
    assert png.startswith(b"\x89PNG")
    assert b"iTXtTitle\0\0\0\0\0demo: bleu of roles minus base on cldr test" in png
    assert b"iTXtDescription\0\0\0\0\0" in png and b"Test set: cldr test, revision r" in png
    sides = [int.from_bytes(png[at : at + 4], "big") for at in (16, 20)]  # of the picture, in its first chunk
    assert sides == [2 * int(root.get(name, "0")) for name in ("width", "height")]


@pytest.mark.parametrize("show", ["score", "gain", "difference"])
def test_a_heat_map_comes_with_what_it_shows(open_page: Do, take: Do, client: Any, show: str) -> None:
    page = open_page(f"/grid?grid=demo&model=roles&order=training&show={show}&against=base")
    root = ElementTree.fromstring(take(page))
    described = root.find(f".//{{{RDF}}}Description")
    assert described is not None
    facts = {node.tag.partition("}")[2]: node.text for node in described}
    assert facts["title"] == root.findtext(f"{SPACE}title")
    assert "Test set: cldr test, revision r" in str(facts["description"]) and "/grid?" in str(facts["source"])
    links = {form: page.locator(".take a", has_text=form).get_attribute("href") for form in ("PDF", "CSV")}
    rows = list(csv.DictReader(io.StringIO(client.get(links["CSV"]).text)))
    tiles = page.locator(".matrix td > a").evaluate_all("(all) => all.map((each) => each.textContent.trim())")
    marks = {"failed": "fail", "missing": "miss"}
    drawn = [
        marks[row["state"]] if row["value"] == "" else written(float(row["shown"]), show != "score")
        + ("*" if row.get("significant") == "True" else "")
        for row in rows
    ]  # fmt: skip
    assert drawn == tiles  # in the order of the map
    assert {row["revision"] for row in rows} == {"r"}
    pdf = client.get(links["PDF"])
    assert (pdf.mimetype, pdf.data[:5]) == ("application/pdf", b"%PDF-")
    assert re.search(rb"/Title \(demo: bleu .*of roles .*on cldr test\)", pdf.data)


def written(value: float, has_sign: bool) -> str:
    return f"{round(value, 1) + 0.0:{'+' if has_sign else ''}.1f}"


def test_what_is_not_there_is_not_offered(copied: Path, make_grid: Do, address: str, new_page: Do, settled: Do) -> None:
    make_grid("two", ("en", "de"))
    page = new_page()
    page.goto(f"{address}/runs?grid=two&scope=reversed")
    assert "No run has both" in settled(page).locator("main").inner_text()
    assert page.locator(".take").count() == 0
