"""Pages of a system whose scores are quoted: marked, beside the others, and in no test."""

import json
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from tests.ui_plugins.test_ui_prompts import API, METRIC, fill

from dragoman.planning.quoted_systems import add_scores, baseline_with_scores
from dragoman.store.store import Store

PHRASE = "quoted from Doe 2026, table 5 (sacrebleu 13a)"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The grid that is asked with several prompts, and `paper` beside it, of which there are scores alone."""
    home, files = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("files")
    fill(home)
    (files / "t.csv").write_text(f"pair,{METRIC}\nen-de,41.5\nde-en,43.25\n")
    store = Store.open_existing(f"sqlite:///{home}/store.db", f"file://{home}/blobs")
    scores = {"path": f"{files}/t.csv", "cite": "Doe 2026, table 5", "signature": "sacrebleu 13a"}
    add_scores(store, "asked", baseline_with_scores("paper", scores, "unknown"))
    store.close()
    return home


@pytest.fixture
def store(home: Path, use_home: Callable[[Path], None]) -> Any:
    use_home(home)
    opened = Store.open_existing(f"sqlite:///{home}/store.db", f"file://{home}/blobs")
    yield opened
    opened.close()


@pytest.fixture
def client(store: Any, browse: Callable[..., FlaskClient]) -> FlaskClient:
    return browse()


def test_the_grid_page_says_where_its_scores_are_from(client: FlaskClient) -> None:
    page = unescape(client.get("/dragoman/grid?grid=asked&model=paper").text)
    assert PHRASE in page and "41.5" in page and "43.2" in page
    assert '<option value="paper" selected>paper (quoted)</option>' in page
    assert "compare with another model" not in page and "difference to another run" not in page
    (part,) = re.findall(r'data-part="([^"]*/seen\?[^"]*)"', page)
    seen = unescape(client.get(unescape(part)).text)
    assert "without translations. Its scores are in no test" in seen
    other = unescape(client.get("/dragoman/grid?grid=asked").text)
    assert PHRASE not in other and '<option value="paper">paper (quoted)</option>' in other


def test_it_can_not_be_compared_on_a_page(client: FlaskClient) -> None:
    page = client.get("/dragoman/compare?grid=asked&model=paper")
    assert page.status_code == 404 and f"The scores of paper are {PHRASE}" in unescape(page.text)
    answer = client.get(f"{API}/comparison?grid=asked&model=paper")
    assert answer.status_code == 404 and PHRASE in answer.json["message"]
    assert client.get("/dragoman/compare?grid=asked&model=base&against=paper").status_code == 404


def test_the_sentences_of_a_pair_show_its_score_with_the_mark(client: FlaskClient) -> None:
    page = unescape(client.get("/dragoman/cell?grid=asked&source=en&target=de").text)
    assert "paper (quoted)" in page and "41.5" in page
    file = client.get("/dragoman/cell?grid=asked&source=en&target=de&table=models&form=json")
    (own,) = (row for row in json.loads(file.text)["models"] if row["model"] == "paper")
    assert own["state"] == "quoted" and own["signature"] == "quoted:Doe 2026, table 5|sacrebleu 13a"
    assert (own["value"], own["engine"], own["tokens"]) == (41.5, None, None)


@pytest.mark.parametrize("table", ["partitions", "matrix", "pairs"])
def test_downloads_have_the_mark(client: FlaskClient, table: str) -> None:
    address = f"{API}/table?grid=asked&model=paper&table={table}"
    latex = client.get(f"{address}&form=latex").text
    assert "paper (quoted)" in latex and PHRASE in latex
    rows = json.loads(client.get(f"{address}&form=json").text)[table]
    assert {row["quoted"] for row in rows} == {"Doe 2026, table 5"}


def test_the_api_tells_its_state_and_signature(client: FlaskClient) -> None:
    answer = client.get(f"{API}/pairs?grid=asked&model=paper&metric={METRIC.replace('+', '%2B')}").json
    found = {(each["pair"][0], each["pair"][1]): each for each in answer["pairs"]}
    assert found["en", "de"]["state"] == "quoted" and found["en", "de"]["signature"].startswith("quoted:Doe")
    assert found["en", "fr"]["state"] == "missing" and "has no score of en-fr" in found["en", "fr"]["reason"]
    answer = client.get(f"{API}/partitions?grid=asked&model=paper").json
    assert answer["caption"]["decoding"] == answer["caption"]["prompt"] == "not known (quoted scores)"


def test_the_ranking_lists_it_below(client: FlaskClient) -> None:
    text = unescape(client.get("/dragoman/ranked?grid=asked").text)
    assert "Quoted, unranked" in text and "paper (quoted)" in text


@pytest.mark.parametrize("page", ["charted?grid=asked", "partitions?grid=asked&model=paper"])
def test_other_pages_have_the_legend(client: FlaskClient, page: str) -> None:
    assert f"paper (quoted): {PHRASE}, without translations" in unescape(client.get(f"/dragoman/{page}").text)


@pytest.mark.parametrize("page", ["", "runs?grid=asked", "job?grid=asked", "states.css", "states.js"])
def test_the_other_pages_open(client: FlaskClient, page: str) -> None:
    assert client.get(f"/dragoman/{page}").status_code == 200
