"""Pages of a system whose translations are from files: its scores are any system's, and nothing says it was asked."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from tests.ui_plugins.test_ui_prompts import API, FIRST, LINES, METRIC, SECOND, fill

from dragoman.analysis.pair_scores import pair_scores
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.pair import Pair
from dragoman.planning.added_systems import add_system, baseline_of
from dragoman.store.store import Store


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The grid that is asked with several prompts, and `online` beside it, which is asked with none."""
    home, files = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("files")
    fill(home)
    for source, target in (("en", "de"), ("de", "en"), ("en", "fr")):
        path = files / f"{source}-{target}.txt"
        path.write_text("".join(f"{line.rpartition(' ')[0]} online\n" for line in LINES))
    store = Store.open_existing(f"sqlite:///{home}/store.db", f"file://{home}/blobs")
    add_system(store, "asked", baseline_of("online", {"path": f"{files}/{{source}}-{{target}}.txt"}, ["en-de"]))
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


def test_the_grid_page_shows_its_scores_and_no_prompt(client: FlaskClient, store: Any) -> None:
    page = client.get("/dragoman/grid?grid=asked&model=online").text
    (score,) = (
        each.value for each in pair_scores(store, ScoreQuestion("asked", METRIC, prompt=FIRST), model="online")
        if each.pair == Pair("en", "de")
    )  # fmt: skip
    found = re.search(r'source=en&amp;target=de"[^>]*>([^<]*)</a>', page)
    assert found and found[1].strip() == f"{score:.1f}"
    assert "online was trained on 1 pair (declared)" in page
    assert "its translations are from files, neither asked nor decoded here" in page
    assert 'name="prompt"' not in page and "model card" not in page
    assert 'name="prompt"' in client.get("/dragoman/grid?grid=asked&model=tuned").text
    # a prompt that it was not asked with changes nothing
    assert client.get(f"/dragoman/grid?grid=asked&model=online&prompt={SECOND}").status_code == 200


@pytest.mark.parametrize("page", ["partitions", "compare", "compared", "runs", "charted", "job"])
def test_every_page_answers(client: FlaskClient, page: str) -> None:
    answer = client.get(f"/dragoman/{page}?grid=asked&model=online&against=tuned&source=en&target=de")
    assert answer.status_code == 200


def test_there_is_no_model_card_and_the_page_says_so(client: FlaskClient) -> None:
    answer = client.get("/dragoman/card?grid=asked&model=online")
    assert 400 <= answer.status_code < 500 and "has no model card" in answer.text


def test_the_sentences_have_no_prompt_and_nothing_was_decoded(client: FlaskClient) -> None:
    page = client.get("/dragoman/cell?grid=asked&model=online&beside=online&source=en&target=de").text
    assert "three four online" in re.sub(r"<[^>]+>", "", page)
    assert "prompt as the model reads it" not in page
    tuned = client.get("/dragoman/cell?grid=asked&model=tuned&source=en&target=de").text
    assert "prompt as the model reads it" in tuned
    rows = json.loads(
        client.get("/dragoman/cell?grid=asked&model=online&source=en&target=de&table=models&form=json").text
    )
    (row,) = (row for row in rows["models"] if row["model"] == "online")
    assert (row["engine"], row["tokens"], row["seconds"], row["cut"]) == ("files", None, None, None)


def test_a_comparison_says_what_is_not_known(client: FlaskClient) -> None:
    answer = json.loads(client.get(f"{API}/comparison?grid=asked&model=online&against=tuned").text)
    assert "online: translations from files, of which neither prompt nor decoding is known here." in json.dumps(answer)
