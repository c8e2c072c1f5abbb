"""A table has the same columns on its page, in its CSV, LaTeX and Markdown, and on a terminal."""

import csv
import io
import json
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from html import unescape

import pytest
from flask.testing import FlaskClient

from dragoman.tables.render import Form, render
from dragoman.tables.table import Table
from dragoman_ui.responses import downloads

PAGES = (
    "grid?grid=demo&model=roles",
    "cell?grid=demo&source=en&target=de",
    "compare?grid=demo&model=roles&against=base",
    "partitions?grid=demo&model=roles",
    "rank?grid=demo",
    "runs?grid=demo",
    "job?grid=demo",
    "promotions",
)
LISTS = {"sentences", "trail"}
"""Tables that pages show as lists, each row with headings of its own."""
MATRIX = {"matrix"}
"""Tables that a page draws."""
WHOLE = {"pairs"}
"""Tables that a page has only a selection of, where it is no list of pairs."""


@pytest.fixture
def downloaded(monkeypatch: pytest.MonkeyPatch) -> list[Table]:
    """The tables that downloads were made of, in their order."""
    found: list[Table] = []
    make = downloads.table_text

    def seen(table: Table, form: Form) -> str:
        found.append(replace(table, content=table.rows))  # its rows are read while the page is made
        return make(table, form)

    monkeypatch.setattr(downloads, "table_text", seen)
    return found


def whole(client: FlaskClient, page: str) -> str:
    """A page with the parts that it asks for later."""
    text = client.get(f"/dragoman/{page}").text
    later = [unescape(part) for part in re.findall(r'data-part="([^"]*)"', text)]
    return text + "".join(client.get(part).text for part in later)


def columns(text: str) -> dict[str, list[str]]:
    """The headings of each table of a page, by the table's name."""
    tables = re.findall(r'<table class="figures" data-table="([^"]*)">(.*?)</table>', text, re.S)
    # a unit does not part from its word
    heads = {name: re.findall(r'<th scope="col" data-column="[^"]*"[^>]*>(.*?)</th>', table) for name, table in tables}
    return {name: [unescape(heading).replace("\xa0", " ") for heading in found] for name, found in heads.items()}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.partition("?")[0])
def test_a_page_and_its_downloads_have_the_same_columns(
    client: FlaskClient, downloaded: list[Table], page: str
) -> None:
    text = whole(client, page)
    links = {unescape(link) for link in re.findall(r'href="([^"]*form=csv[^"]*)"', text)}
    shown = columns(text)
    of_page = set()
    for link in sorted(links):
        answer = client.get(link)
        assert answer.status_code == 200
        table = downloaded[-1]
        head = next(csv.reader(io.StringIO(answer.text)))
        headings = [column.heading for column in table.columns]
        if table.rows:
            assert {key for column in table.columns for key in column.shows} <= set(head)
            (rows,) = json.loads(client.get(link.replace("form=csv", "form=json")).text).values()
            assert [list(row) for row in rows] == [head] * len(rows)
        latex = client.get(link.replace("form=csv", "form=latex")).text
        markdown = client.get(link.replace("form=csv", "form=markdown")).text
        if table.rows:
            top = next(line for line in markdown.splitlines() if line.startswith("|"))
            assert [cell.strip() for cell in top.strip("|").split("|")] == headings
            assert re.search(r"\\toprule\n(.*?)\\\\", latex, re.S)[1].count(" & ") == len(headings) - 1
            terminal = render([table], Form.TEXT, table.name)
            assert " ".join(headings).split() in [line.split() for line in terminal.splitlines()]
        if table.name in LISTS | MATRIX or (table.name in WHOLE and "partitions" not in page):
            continue
        if table.rows:
            assert shown[table.name] == headings, link
            of_page.add(table.name)
    assert of_page or page == "promotions"
    lacking = shown.keys() - {table.name for table in downloaded}
    assert not lacking, f"{page} shows the tables {lacking}, which can't be downloaded"


def test_a_fact_more_about_languages_is_one_line_and_a_column_in_every_form(
    client: FlaskClient, downloaded: list[Table], monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = sys.modules["dragoman_ui.pages.partitions"].LANGUAGE_FACTS  # the package has a function of that name
    monkeypatch.setitem(facts, "length", lambda tag: str(len(tag)))
    page = "/dragoman/partitions?grid=demo&model=roles"
    assert {"source length", "target length"} <= set(columns(client.get(page).text)["pairs"])
    rows = list(csv.DictReader(io.StringIO(client.get(f"{page}&table=pairs&form=csv").text)))
    assert {(row["source"], row["source_length"]) for row in rows} >= {("de", "2"), ("zh-Hans", "7")}
    assert "source length" in client.get(f"{page}&table=pairs&form=latex").text
    assert "source length" in render([downloaded[-1]], Form.TEXT)


def test_the_partition_page_has_families_and_scripts_in_its_csv(client: FlaskClient) -> None:
    page = "/dragoman/partitions?grid=demo&model=roles&table=pairs&form=csv"
    row = next(csv.DictReader(io.StringIO(client.get(page).text)))
    facts = {side: (row[f"{side}_family"], row[f"{side}_script"]) for side in ("source", "target")}
    assert facts["source"][0].endswith("languages")
    assert all(len(script) == 4 for _, script in facts.values())


def test_text_of_cells_is_escaped(client: FlaskClient, make_grid: Callable[..., None], made: object) -> None:
    page = (
        client.get("/dragoman/partitions?grid=demo&model=roles&only=zero_shot").text
        + client.get("/dragoman/partitions?grid=demo&model=roles").text
    )
    assert made.script not in page  # type: ignore[attr-defined]
    assert made.script in unescape(page)  # type: ignore[attr-defined]
