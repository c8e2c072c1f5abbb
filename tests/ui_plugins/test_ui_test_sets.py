"""A grid with two test sets: what a page shows, links to and gives away is of the one that it names."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from tests.fixtures.two_test_sets import LINES, METRIC, NEWS, TALKS, fill

from dragoman.analysis.pair_scores import pair_scores
from dragoman.analysis.partition_table import partition_table
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.pair import Pair
from dragoman.store.store import Store

API = "/ajax-api/3.0/dragoman"


@pytest.fixture(scope="module")
def asked_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("asked")
    fill(home)
    return home


@pytest.fixture
def store(asked_home: Path, use_home: Callable[[Path], None]) -> Iterator[Store]:
    use_home(asked_home)
    opened = Store.open_existing(f"sqlite:///{asked_home}/store.db", f"file://{asked_home}/blobs")
    yield opened
    opened.close()


@pytest.fixture
def client(store: Store, browse: Callable[..., FlaskClient]) -> FlaskClient:
    return browse()


def ask(client: FlaskClient, path: str, **question: object) -> Any:
    answer = client.get(f"{API}/{path}", query_string={"grid": "asked", **question})
    assert answer.status_code == 200, answer.text
    return json.loads(answer.text)


def value_of(store: Store, model: str, test_set: str) -> float:
    scores = pair_scores(store, ScoreQuestion("asked", METRIC, test_set=test_set), model=model)
    return next(score.value for score in scores if score.pair == Pair("en", "de") and score.value is not None)


def test_the_first_test_set_of_the_spec_is_shown_and_named(client: FlaskClient, store: Store) -> None:
    page = client.get("/dragoman/grid?grid=asked&model=tuned").text
    options = re.search(r'<select name="test_set">(.*?)</select>', page, re.S)
    assert options
    assert re.findall(r'value="([^"]*)"', options[1]) == [NEWS, TALKS]
    assert re.findall(r'value="([^"]*)" selected', options[1]) == [NEWS]
    assert f"{value_of(store, 'tuned', NEWS):.1f}" in page and "Test set: news, cldr" in unescape(page)
    other = client.get(f"/dragoman/grid?grid=asked&model=tuned&test_set={TALKS}").text
    assert f"{value_of(store, 'tuned', TALKS):.1f}" in other and "Test set: talks, cldr" in unescape(other)
    assert f'<option value="{TALKS}" selected>' in other
    refused = client.get("/dragoman/grid?grid=asked&test_set=talk")
    assert refused.status_code == 404 and "has no test set 'talk': did you mean 'talks'?" in unescape(refused.text)


@pytest.mark.parametrize(
    "page", ["grid", "compare", "partitions", "cell", "runs", "charted", "compared", "rank", "ranked", "seen"]
)
def test_every_link_of_a_page_keeps_its_test_set(client: FlaskClient, page: str) -> None:
    answer = client.get(f"/dragoman/{page}?grid=asked&model=tuned&test_set={TALKS}&source=en&target=de")
    assert answer.status_code == 200
    links = {unescape(link) for link in re.findall(r'(?:href|data-part)="([^"]*)"', answer.text)}
    of_scores = [
        link for link in links
        if re.search(r"/(grid|compared?|partitions|cell|runs|charted|map|(comparison_)?table|rank|ranked|seen)\?", link)
    ]  # fmt: skip
    assert of_scores or page in ("seen", "ranked")
    assert all(f"test_set={TALKS}" in link for link in of_scores), of_scores


def test_what_is_taken_away_is_what_the_page_shows(client: FlaskClient, store: Store) -> None:
    for test_set, count in ((NEWS, 6), (TALKS, 2)):
        page = client.get(f"/dragoman/grid?grid=asked&model=tuned&test_set={test_set}").text
        found = re.search(r'href="([^"]*table=pairs[^"]*form=csv|[^"]*form=csv[^"]*table=pairs[^"]*)"', page)
        assert found
        rows = list(csv.DictReader(io.StringIO(client.get(unescape(found[1])).text)))
        assert len(rows) == count and {row["test_set"] for row in rows} == {test_set}
        row = next(row for row in rows if (row["source"], row["target"]) == ("en", "de"))
        assert float(row["value"]) == pytest.approx(value_of(store, "tuned", test_set), abs=1e-5)


def test_the_api_takes_the_test_set(client: FlaskClient, store: Store) -> None:
    for test_set in (NEWS, TALKS):
        question = ScoreQuestion("asked", METRIC, test_set=test_set)
        table = [row.model_dump(mode="json") for row in partition_table(store, question, model="tuned")]
        found = ask(client, "partitions", model="tuned", test_set=test_set)
        assert (found["view"]["test_set"], found["rows"]) == (test_set, table)
        assert found["caption"]["test_set_name"] == test_set
        pairs = ask(client, "pairs", model="tuned", test_set=test_set)["pairs"]
        assert [pair["value"] for pair in pairs] == [each.value for each in pair_scores(store, question, model="tuned")]
        sentences = ask(client, "sentences", source="en", target="de", test_set=test_set)["segments"]
        assert [each["source"] for each in sentences] == LINES[test_set]
        assert {text["text"].split()[-1] for each in sentences for text in each["hypotheses"]} == {test_set}
        compared = ask(client, "comparison", model="tuned", against="base", test_set=test_set)
        delta = next(pair["delta"] for pair in compared["pairs"] if pair["pair"] == ["en", "de"])
        assert delta == pytest.approx(value_of(store, "tuned", test_set) - value_of(store, "base", test_set))
        assert ask(client, "runs", test_set=test_set)["runs"][1]["rows"] == table
    assert ask(client, "pairs", model="tuned")["view"]["test_set"] == NEWS
    missing = client.get(f"{API}/sentences?grid=asked&source=fr&target=de&test_set={TALKS}")
    assert missing.status_code == 404
    assert client.get(f"{API}/pairs?grid=asked&test_set=tals").status_code == 404
