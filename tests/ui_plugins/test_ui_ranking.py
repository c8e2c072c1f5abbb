"""The ranking page: what the command prints, linked to grids and comparisons."""

import inspect
import json
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient

from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.system_ranking import rank
from dragoman.cli.rank import rank as rank_command
from dragoman.tables.formats import as_json
from dragoman.tables.table import Table
from dragoman_ui.api.ranking import OfRanking
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


HOW = {"alpha": "0.2", "samples": "250", "seed": "7", "unit": "document", "micro": "1"}
OPTIONS = ("--alpha", "0.2", "--samples", "250", "--seed", "7", "--unit", "document", "--micro")


@pytest.mark.parametrize("asked", ["as by default", "otherwise"])
def test_command_page_and_api_have_the_same_digits(
    client: FlaskClient, dragoman: Callable[..., Any], asked: str
) -> None:
    query, options = ({}, ()) if asked == "as by default" else (HOW, OPTIONS)
    told = json.loads(dragoman("rank", "demo", "--over", "unseen", *options, "--json").out)
    address = {"grid": "demo", "over": "unseen", **query}
    answer = client.get("/ajax-api/3.0/dragoman/ranking", query_string=address)
    assert answer.status_code == 200, answer.text
    for key, table in (("systems", "ranking"), ("differences", "differences"), ("shares", "shares")):
        for row, of_api in zip(told[table], answer.json[key], strict=True):
            assert {name: _plain(value) for name, value in of_api.items()} == {name: row[name] for name in of_api}
    for table in ("ranking", "neighbours", "shares", "differences"):
        file = client.get("/dragoman/rank", query_string={**address, "table": table, "form": "json"})
        assert json.loads(file.text) == {table: told[table]}
        latex = client.get("/dragoman/rank", query_string={**address, "table": table, "form": "latex"}).text
        assert latex == dragoman("rank", "demo", "--over", "unseen", *options, "--table", table, "--latex").out


def test_every_option_of_the_command_is_a_field_of_the_page_and_a_parameter_of_the_api(client: FlaskClient) -> None:
    options = {*inspect.signature(rank_command).parameters} - {"grid", "table", "json", "csv", "markdown", "latex"}
    page = client.get("/dragoman/rank", query_string={"grid": "demo", **HOW}).text
    assert set(re.findall(r'name="(\w+)"', page)) >= options - {"signature", "prompt", "test_set", "lines"}
    assert set(OfRanking.model_fields) == options | {"grid"}
    for name, value in HOW.items():
        assert re.search(rf'name="{name}"[^>]*value="{value}"', page) or f'<option value="{value}" selected' in page
    (part,) = re.findall(r'data-part="([^"]*)"', page)
    assert all(f"{name}={value}" in unescape(part) for name, value in HOW.items())


@pytest.mark.parametrize(
    ("query", "sentence"), [("samples=x", "samples is 'x': give a number"), ("alpha=2", "An alpha of 2")]
)
def test_a_test_that_can_not_be_made_is_a_sentence(client: FlaskClient, query: str, sentence: str) -> None:
    for address in ("/dragoman/rank", "/ajax-api/3.0/dragoman/ranking"):
        answer = client.get(f"{address}?grid=demo&{query}")
        assert answer.status_code in (400, 404)
    assert sentence in unescape(client.get(f"/dragoman/rank?grid=demo&{query}").text)


def _plain(value: Any) -> Any:
    """A number as JSON of the command has it (`tables.formats`)."""
    return json.loads(as_json([Table("t", "t", [], [{"value": value}])]))["t"][0]["value"]
