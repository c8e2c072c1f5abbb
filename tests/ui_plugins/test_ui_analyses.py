"""Pages of analyses: tables, figures and downloads of a report, with its choices in the address."""

import re
from collections.abc import Mapping
from html import unescape

import pytest
from flask.testing import FlaskClient
from matplotlib.figure import Figure

from dragoman.errors import StoreError
from dragoman.figures import new_figure
from dragoman.reports.analyses import ANALYSES
from dragoman.reports.analysis_report import Analysis, AnalysisReport, Choice, Drawing
from dragoman.store.store import Store
from dragoman.tables.table import Table, number, word


def _report(store: Store, asked: Mapping[str, str]) -> AnalysisReport:
    grid = store.grids.get(asked["grid"])
    order = asked.get("order", "name")
    if order not in ("name", "length"):
        raise StoreError(f"There is no order '{order}': choose name or length.")
    rows = [{"language": each, "letters": float(len(each))} for each in sorted(grid.languages)]

    def draw() -> Figure:
        figure, axes = new_figure()
        axes.bar([row["language"] for row in rows], [row["letters"] for row in rows])
        return figure

    return AnalysisReport(
        name="lengths", title="Lengths of codes", subject=grid.name, about=(f"Over {len(rows)} languages.",),
        tables=(Table(name="lengths", title="Codes", columns=[word("language"), number("letters")], content=rows),),
        drawings=(Drawing("bars", "Letters of each code", "All bars are alike.", draw, "lengths"),),
        choices=(Choice("order", "Order", (("name", "by name"), ("length", "by length")), order),),
    )  # fmt: skip


@pytest.fixture(autouse=True)
def analysis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ANALYSES, "lengths", Analysis("Lengths of codes", "grid", _report))


def _part(client: FlaskClient, page: str) -> str:
    (address,) = re.findall(r'data-part="([^"]*)"', client.get(page).text)
    return client.get(unescape(address)).text


def test_the_page_shows_tables_and_figures(client: FlaskClient) -> None:
    text = _part(client, "/dragoman/analysis?name=lengths&grid=demo")
    assert "Over " in text and 'data-table="lengths"' in text and 'alt="All bars are alike."' in text
    links = [unescape(link) for link in re.findall(r'(?:href|src)="(/[^"]*)"', text)]
    kinds = [client.get(link) for link in links]
    assert all(answer.status_code == 200 for answer in kinds)
    assert {"image/svg+xml", "application/pdf", "image/png", "text/csv", "application/json"} <= {
        answer.mimetype for answer in kinds
    }


def test_choices_are_in_the_address(client: FlaskClient) -> None:
    text = _part(client, "/dragoman/analysis?name=lengths&grid=demo&order=length&metric=bleu")
    assert '<option value="length" selected>' in text and 'name="metric" value="bleu"' in text
    assert "order=length" in text


def test_a_refusal_is_a_sentence(client: FlaskClient) -> None:
    assert "There is no order &#39;shape&#39;" in _part(client, "/dragoman/analysis?name=lengths&grid=demo&order=shape")
    for address, sentence in {
        "name=length&grid=demo": "There is no analysis",
        "name=lengths": "The address names no grid",
        "name=lengths&grid=demo&table=none&form=csv": "This page has no table",
    }.items():
        answer = client.get(f"/dragoman/analysis?{address}")
        assert answer.status_code == 404 and sentence in answer.text
    assert client.get("/dragoman/figure?name=lengths&grid=demo&form=gif").status_code == 404
    assert client.get("/dragoman/figure?name=lengths&grid=demo&drawing=pie").status_code == 404


def test_the_grid_page_has_links_to_its_analyses(client: FlaskClient) -> None:
    page = client.get("/dragoman/grid?grid=demo").text
    assert "name=lengths" in page and "Lengths of codes</a>" in page
