"""Pages and JSON API of a slice of the test set: each number is that of the slice, and every link keeps it."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from pydantic_core import to_jsonable_python

from dragoman.analysis.comparison import compare
from dragoman.analysis.pair_scores import pair_scores
from dragoman.analysis.partition_table import partition_table
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.pair import Pair
from dragoman_ui.viewmodels.store import open_store, shared_store

ROOT = "/ajax-api/3.0/dragoman"
LINES = "domain=news"
PAIR = Pair("en", "de")


@pytest.fixture
def labelled(copied: Path, browse: Callable[..., FlaskClient]) -> FlaskClient:
    """A client over the filled store, six of whose sixteen lines are news, in all pairs but one."""
    del copied
    store = shared_store()
    domains = ["news" if row % 3 == 0 else "<b>chat</b>" for row in range(16)]
    store.conditions.add_labels(
        "test1-cldr",
        {
            (record.cell.pair, record.cell.content): {
                "domain": domains if record.cell.pair != Pair("ru", "hi") else ["<b>chat</b>"] * 16,
                "document": [f"d{row}" for row in range(16)],
                "original": ["en", "de"] * 8,
            }
            for record in store.cells.of_grid("demo")
            if record.test
        },
    )
    return browse()


def ask(client: FlaskClient, path: str, **question: object) -> Any:
    answer = client.get(f"{ROOT}/{path}", query_string={"grid": "demo", **question})
    assert answer.status_code == 200, answer.text
    return json.loads(answer.text)


def test_the_api_answers_for_a_slice(labelled: FlaskClient) -> None:
    store, question = open_store(), ScoreQuestion("demo", "bleu", lines=LINES)
    scores = pair_scores(store, question, model="roles")
    assert ask(labelled, "pairs", model="roles", lines=LINES)["pairs"] == [
        to_jsonable_python(score) for score in scores
    ]
    (without,) = (score for score in scores if score.pair == Pair("ru", "hi"))
    assert (without.value, without.reason) == (None, "no test line of this pair has domain=news")
    found = ask(labelled, "partitions", model="roles", lines=LINES)
    assert found["rows"] == [row.model_dump(mode="json") for row in partition_table(store, question, model="roles")]
    assert (found["caption"]["lines"], found["caption"]["sentences_most"]) == (LINES, 6)
    compared = compare(store, question, a="base", b="roles")
    assert ask(labelled, "comparison", model="roles", lines=LINES, against="base")["pairs"] == [
        to_jsonable_python(pair) for pair in compared.pairs
    ]
    tiles = [tile for row in ask(labelled, "matrix", model="roles", lines=LINES)["tiles"] for tile in row if tile]
    assert sorted(tile[3] for tile in tiles if tile[3] is not None) == sorted(
        score.value for score in scores if score.value is not None
    )
    assert {run["model"] for run in ask(labelled, "runs", lines=LINES)["runs"]} == {"base", "english-centric", "roles"}
    table = json.loads(labelled.get(f"{ROOT}/table?grid=demo&model=roles&lines={LINES}&table=pairs&form=json").text)
    assert {row["lines"] for row in table["pairs"]} == {LINES}


def test_a_slice_is_another_answer_than_the_whole(labelled: FlaskClient) -> None:
    whole = labelled.get(f"{ROOT}/pairs?grid=demo&model=roles")
    part = labelled.get(f"{ROOT}/pairs?grid=demo&model=roles&lines={LINES}")
    assert whole.headers["ETag"] != part.headers["ETag"]
    same = labelled.get(
        f"{ROOT}/pairs?grid=demo&model=roles&lines={LINES}", headers={"If-None-Match": part.headers["ETag"]}
    )
    assert same.status_code == 304
    shared_store().conditions.add_labels(
        "test1-cldr",
        {(record.cell.pair, record.cell.content): {"domain": ["news"] * 16}
         for record in shared_store().cells.of_grid("demo") if record.test},
    )  # fmt: skip
    changed = labelled.get(
        f"{ROOT}/pairs?grid=demo&model=roles&lines={LINES}", headers={"If-None-Match": part.headers["ETag"]}
    )
    assert changed.status_code == 200
    values = [[pair["value"] for pair in json.loads(each.text)["pairs"]] for each in (whole, changed)]
    assert values[0] == values[1]


@pytest.mark.parametrize("path", ["grid", "partitions", "compare", "rank", "runs", "cell"])
def test_a_page_offers_the_slices_and_keeps_the_chosen_one(labelled: FlaskClient, path: str) -> None:
    page = labelled.get(f"/dragoman/{path}?grid=demo&source=en&target=de&lines={LINES}").text
    chosen = re.search(r'<select name="lines">.*?</select>', page, re.DOTALL)
    assert chosen is not None
    options = re.findall(r'<option value="([^"]*)"( selected)?>', chosen[0])
    assert [value for value, selected in options if selected] == [LINES]
    assert {"", LINES, "domain=&lt;b&gt;chat&lt;/b&gt;", "original=source", "document=d3"} <= {
        value for value, _ in options
    }
    assert "<b>chat</b>" not in page
    links = re.findall(r'(?:href|data-part)="(/dragoman/[a-z]+\?[^"]*grid=demo[^"]*)"', page)
    of_scores = [link for link in links if not re.search(r"/(job|promotions|model|gate|card|campaign)\?", link)]
    assert of_scores and [link for link in of_scores if "lines=" not in link] == []


def test_captions_name_the_slice_and_warn_of_few_lines(labelled: FlaskClient) -> None:
    page = labelled.get(f"/dragoman/grid?grid=demo&model=roles&lines={LINES}").text
    assert "only lines with domain=news; 6 sentences a pair, of the first 16;" in page
    assert "With 6 lines bleu hangs on single sentences" in page
    table = labelled.get(f"/dragoman/seen?grid=demo&model=roles&lines={LINES}").text
    assert "29" in table and "roles" in table


def test_pages_of_grids_without_labels_are_as_before(client: FlaskClient) -> None:
    page = client.get("/dragoman/grid?grid=demo&model=roles").text
    assert 'name="lines"' not in page


def test_sentences_have_their_labels_and_are_filtered_by_them(labelled: FlaskClient) -> None:
    address = "/dragoman/cell?grid=demo&model=roles&source=en&target=de&beside=roles"
    page = labelled.get(address).text
    assert (
        page.count('<li class="segment"') == 16
        and "<dt>domain</dt><dd><a" in page
        and "&lt;b&gt;chat&lt;/b&gt;</a>" in page
    )
    page = labelled.get(f"{address}&lines={LINES}").text
    assert page.count('<li class="segment"') == 6 and "6 sentences with domain=news" in page
    view = ask(labelled, "sentences", source="en", target="de", lines=LINES, beside="roles")
    assert [each["about"] for each in view["segments"]] == [
        {"domain": "news", "document": f"d{row}", "original": "de" if row % 2 else "en"} for row in range(0, 16, 3)
    ]
    for score in view["candidates"][0]["scores"]:
        question = ScoreQuestion("demo", score["metric"], lines=LINES)
        (same,) = (each for each in pair_scores(open_store(), question, model="roles") if each.pair == PAIR)
        assert (score["value"], score["low"], score["high"]) == (same.value, same.low, same.high)
        assert score["statistics"] is None
    assert view["candidates"][0]["cell"]["segments"] == 6
    file = labelled.get(f"{address}&lines={LINES}&table=sentences&form=json")
    assert [row["line domain"] for row in json.loads(file.text)["sentences"]] == ["news"] * 6


@pytest.mark.parametrize(
    ("path", "status", "sentence"),
    [
        ("/dragoman/grid?grid=demo&lines=domian=news", 404, "no label 'domian'; did you mean 'domain'?"),
        ("/dragoman/partitions?grid=demo&lines=domain=newz", 404, "has domain=newz; did you mean 'news'?"),
        ("/dragoman/compare?grid=demo&lines=news", 404, "'news' chooses no lines: write LABEL=VALUE"),
        (
            "/dragoman/cell?grid=demo&source=ru&target=hi&lines=domain=news",
            404,
            "No test line of ru-hi has domain=news",
        ),
        (f"{ROOT}/pairs?grid=demo&lines=domain=newz", 404, "has domain=newz; did you mean 'news'?"),
        (f"{ROOT}/pairs?grid=demo&lines=news", 400, "'news' chooses no lines: write LABEL=VALUE"),
    ],
)
def test_what_is_not_there_is_a_sentence(labelled: FlaskClient, path: str, status: int, sentence: str) -> None:
    answer = labelled.get(path)
    assert answer.status_code == status
    assert sentence in answer.text.replace("&#39;", "'")
