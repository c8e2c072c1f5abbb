"""The ranking page: what the command prints, linked to grids and comparisons."""

import re
from html import unescape

import pytest
from flask.testing import FlaskClient

from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.system_ranking import rank
from dragoman_ui.viewmodels.store import open_store


def rows(page: str, table: str) -> list[list[str]]:
    """The cells of a table's rows, as text."""
    found = re.search(rf'data-table="{table}">.*?<tbody>(.*?)</tbody>', page, re.S)
    assert found
    lines = re.findall(r"<tr[^>]*>(.*?)</tr>", found[1], re.S)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", line, re.S) for line in lines]
    return [[unescape(re.sub(r"<[^>]*>", "", cell)).strip() for cell in line] for line in cells]


def test_the_page_shows_the_ranking(client: FlaskClient) -> None:
    page = client.get("/dragoman/rank?grid=demo&over=unseen").text
    (part,) = re.findall(r'data-part="([^"]*)"', page)
    assert "over=unseen" in part and "3 of 3 systems" in page
    text = client.get(unescape(part)).text
    expected = rank(open_store(), ScoreQuestion("demo", "bleu"), over="unseen")
    shown = rows(text, "ranking")
    assert [line[:3] for line in shown] == [
        [str(each.rank), str(each.cluster), each.system] for each in expected.systems
    ]
    assert [line[3] for line in shown] == [f"{each.mean:.1f}" for each in expected.systems]
    assert len(rows(text, "differences")) == 3 and len(rows(text, "neighbours")) == 2
    for note in expected.notes:
        assert note in unescape(text)


def test_systems_lead_to_their_grid_and_two_to_their_comparison(client: FlaskClient) -> None:
    text = client.get("/dragoman/ranked?grid=demo&metric=chrf%2B%2B").text
    links = {unescape(link) for link in re.findall(r'href="([^"]*)"', text)}
    assert all("metric=chrf" in link for link in links)
    assert any("/grid?" in link and "model=roles" in link for link in links)
    assert any("/compare?" in link and "against=base" in link for link in links)
    assert all(client.get(link).status_code == 200 for link in sorted(links))


def test_some_systems_alone_are_ranked(client: FlaskClient) -> None:
    address = "/dragoman/rank?grid=demo&model=base&model=roles"
    page = client.get(address).text
    assert re.findall(r'name="model" value="([^"]*)" checked', page) == ["base", "roles"]
    (part,) = re.findall(r'data-part="([^"]*)"', page)
    assert sorted(line[2] for line in rows(client.get(unescape(part)).text, "ranking")) == ["base", "roles"]
    (link,) = {unescape(each) for each in re.findall(r'href="([^"]*form=csv[^"]*table=ranking[^"]*)"', page)}
    assert client.get(link).text.count("\n") == 3


def test_what_can_not_be_ranked_is_a_sentence_below_the_choices(client: FlaskClient) -> None:
    alone = client.get("/dragoman/ranked?grid=demo&model=base")
    assert alone.status_code == 200 and "A ranking needs two systems" in alone.text
    unknown = client.get("/dragoman/ranked?grid=demo&over=unknown")
    assert unknown.status_code == 200 and 'class="sentence"' in unknown.text


@pytest.mark.parametrize(
    ("query", "sentence"),
    [("over=unsen", "There is no partition"), ("model=rolls", "has no system"), ("metric=blue", "has no metric")],
)
def test_names_that_are_not_there_are_a_page_of_one_sentence(client: FlaskClient, query: str, sentence: str) -> None:
    for page in ("rank", "ranked"):
        answer = client.get(f"/dragoman/{page}?grid=demo&{query}")
        assert answer.status_code == 404 and sentence in unescape(answer.text)


def test_the_grid_leads_to_its_ranking(client: FlaskClient) -> None:
    page = client.get("/dragoman/grid?grid=demo&model=roles&metric=chrf%2B%2B").text
    (link,) = {unescape(each) for each in re.findall(r'href="([^"]*/rank\?[^"]*)"', page)}
    assert "grid=demo" in link and "metric=chrf" in link
    assert client.get(link).status_code == 200
