"""The overview on the pages: the numbers of `dragoman results --json`, stacked in cells, with links to models."""

import re
from html import unescape

import pytest
from flask.testing import FlaskClient

from dragoman.analysis.partition_table import partition_table
from dragoman.analysis.score_question import ScoreQuestion
from dragoman_ui.viewmodels.store import open_store


def cells(page: str) -> list[list[list[str]]]:
    """The rows of the overview, each a list of cells, each of them its lines."""
    (table,) = re.findall(r'<table class="figures" data-table="overview">(.*?)</table>', page, re.S)
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", table, re.S)[1:]
    return [
        [[line for line in re.split(r"<[^>]*>", unescape(cell)) if line.strip()] for cell in found]
        for found in (re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S) for row in rows)
    ]


def test_it_has_the_numbers_of_the_partition_table(client: FlaskClient) -> None:
    page = client.get("/dragoman/overviewed?grid=demo").text
    heads = re.findall(r'data-column="([^"]*)"', page)
    store, said = open_store(), 0
    for row in cells(page):
        rows = {each.scope: each for each in partition_table(store, ScoreQuestion("demo", "bleu"), model=row[0][0])}
        for scope, lines in zip(heads[1:], row[1:], strict=True):
            if not lines or lines[0].startswith("= "):
                continue
            own = rows[scope]
            bounds = [f"[{own.low:.1f}, {own.high:.1f}]"] if own.low is not None else []
            gains = [f"{own.gain:+.1f}"] if own.gain is not None else []
            assert lines == ["-" if own.mean is None else f"{own.mean:.1f}", *bounds, *gains]
            said += own.mean is not None
    assert said >= 10
    assert "<strong>" in page and "= all" in page


def test_the_page_of_a_grid_opens_with_it_and_links_lead_to_models(client: FlaskClient) -> None:
    page = client.get("/dragoman/grid?grid=demo&model=roles").text
    first = unescape(re.findall(r'data-part="([^"]*)"', page)[0])
    assert first.startswith("/dragoman/overviewed?") and page.index(">Overview</h2>") < page.index("data-figure")
    assert 'href="/dragoman/grid?grid=demo&amp;metric=bleu&amp;model=roles"' in client.get(first).text
    whole = client.get("/dragoman/overview?grid=demo&sort=unseen").text
    part = client.get(unescape(re.findall(r'data-part="([^"]*)"', whole)[0])).text
    assert part.count("<figure") == 3 and re.search(r"; base: [^;]+; evaluated: \d{4}-\d\d-\d\d; Dragoman \d", part)
    assert client.get("/dragoman/overviewed?grid=demo&sort=unsen").text.count("can&#39;t be sorted by") == 1
    assert client.get("/dragoman/overview").status_code == 404


def test_a_large_grid_has_its_means_at_once_and_its_gains_after_them(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dragoman.reports.grid_overview.MOST_CELLS", 50)
    address = "/dragoman/overviewed?grid=demo&metric=chrf%2B%2B"
    means = client.get(address).text
    (later,) = re.findall(r'data-part="([^"]*)"', means)
    gains = client.get(unescape(later)).text
    assert "gains=1" in later and "data-part" not in gains
    for less, more in zip(cells(means), cells(gains), strict=True):
        for short, long in zip(less, more, strict=True):
            assert short[:1] == long[:1]
    assert any(line.startswith("+") for row in cells(gains) for cell in row for line in cell)
    assert not any(line.startswith("+") for row in cells(means) for cell in row for line in cell)
