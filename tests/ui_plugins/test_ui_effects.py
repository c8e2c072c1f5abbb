"""Pages of effects, suggestions and claims of a campaign."""

import re
import shutil
from collections.abc import Callable
from html import unescape
from pathlib import Path
from zlib import crc32

import pytest
from flask.testing import FlaskClient

from dragoman.pair import Pair
from dragoman.partition import TrainingGraph
from dragoman.settings import settings
from dragoman.store.records import StoredScore
from dragoman.store.store import Store
from dragoman.testing import MadeCampaign, random_score

CLAIMS = """\
name: mine
over: made
claims:
  - {name: seen-helps, says: Being trained <b>helps</b>., question: seen-effect}
"""


def scored(model: str, graph: TrainingGraph, pair: Pair) -> StoredScore:
    quality = 0.5 + crc32(str(pair).encode()) % 100 / 1000
    quality += 0.1 * (pair in graph.pairs) + 0.01 * len(graph.pairs)
    return random_score("bleu", model, pair, segments=10, quality=quality, signature="v1")


@pytest.fixture(scope="module")
def campaign_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("campaign")
    store = Store.open(f"sqlite:///{home}/store.db", f"file://{home}/blobs")
    MadeCampaign(store, scored, languages=("ar", "de", "en", "fr"), sizes=(3, 6), draws=(1, 2, 3, 4)).add()
    store.close()
    (home / "claims").mkdir()
    (home / "claims" / "mine.yaml").write_text(CLAIMS)
    return home


@pytest.fixture
def client(
    campaign_home: Path, use_home: Callable[[Path], None], browse: Callable[..., FlaskClient], tmp_path: Path
) -> FlaskClient:
    home = tmp_path / "home"
    shutil.copytree(campaign_home, home)
    use_home(home)
    return browse()


def part(client: FlaskClient, page: str) -> str:
    (address,) = re.findall(r'data-part="([^"]*)"', client.get(page).text)
    return client.get(unescape(address)).text


def test_the_campaign_page_has_links_to_its_analyses(client: FlaskClient) -> None:
    page = unescape(client.get("/dragoman/campaign?name=made").text)
    for name in ("effect", "suggest", "claims"):
        assert f"/dragoman/analysis?name={name}&campaign=made" in page


@pytest.mark.parametrize(
    ("name", "tables"),
    [("effect", ("effects", "transfer", "curve", "models")), ("suggest", ("foresight",)), ("claims", ("claims",))],
)
def test_a_page_has_tables_figures_and_downloads(client: FlaskClient, name: str, tables: tuple[str, ...]) -> None:
    text = part(client, f"/dragoman/analysis?name={name}&campaign=made")
    for table in tables:
        assert f'id="{table}"' in text
    links = {unescape(link) for link in re.findall(r'(?:href|src)="(/[^"]*)"', text)}
    assert all(client.get(link).status_code == 200 for link in links)
    assert not re.search(r"<th[^>]*></th>|<a[^>]*></a></th>", text)  # a heading without a name
    if name != "suggest":
        assert "<img" in text


def test_claims_are_those_that_are_kept(client: FlaskClient) -> None:
    text = part(client, "/dragoman/analysis?name=claims&campaign=made")
    assert "✓ holds" in text and "Being trained &lt;b&gt;helps&lt;/b&gt;." in text
    assert "There is no file" in part(client, "/dragoman/analysis?name=claims&campaign=made&file=yours")
    shutil.rmtree(settings().home / "claims")
    assert "dragoman claims FILE --keep" in part(client, "/dragoman/analysis?name=claims&campaign=made")


def test_wrong_input_is_a_sentence(client: FlaskClient) -> None:
    for address, sentence in {
        "effect&campaign=mode": "no such campaign",
        "effect&campaign=made&of=points": "not of &#39;points&#39;",
        "effect&campaign=made-3-pairs-draw1": "has 1 finetuned model",
        "suggest&campaign=made&budget=none": "give a number of pairs",
    }.items():
        assert sentence in part(client, f"/dragoman/analysis?name={address}")
