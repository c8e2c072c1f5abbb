"""A campaign: its grids taken together, and one by one."""

import csv
import io
import re
import shutil
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert, select

from dragoman.store.records import JobLine, JobState, LineKind
from dragoman.store.schema import GridMetricRow, GridModelRow, GridPairRow, GridRow, PartitionSumRow, ScoreSumRow
from dragoman.store.store import Store
from dragoman_ui.viewmodels.store import open_store


def add_copy(store: Store, name: str) -> None:
    """A grid of the same cells as `demo`, of the campaign `sweep`."""
    with store.database.writing() as connection:
        row = dict(connection.execute(select(GridRow.__table__).where(GridRow.name == "demo")).mappings().one())
        demo = row.pop("id")
        spec = {**row["spec"], "name": name, "campaign": "sweep"}
        number = connection.execute(insert(GridRow).values(**{**row, "name": name, "spec": spec})).inserted_primary_key[
            0
        ]
        for part in (GridMetricRow, GridModelRow, GridPairRow, ScoreSumRow, PartitionSumRow):
            table = part.__table__
            rows = connection.execute(select(table).where(table.c.grid_id == demo)).mappings().all()
            connection.execute(insert(table), [{**each, "grid_id": number} for each in rows])


@pytest.fixture
def client(
    filled_home: Path, tmp_path: Path, use_home: Callable[[Path], None], browse: Callable[..., FlaskClient]
) -> Iterator[FlaskClient]:
    shutil.copytree(filled_home, tmp_path / "home")
    use_home(tmp_path / "home")
    store = open_store()
    for name in ("sweep-a", "sweep-b"):
        add_copy(store, name)
    yield browse()
    store.close()


def words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", unescape(page)).split())


def test_its_grids_are_summed_and_linked(client: FlaskClient) -> None:
    page = client.get("/dragoman/campaign?name=sweep")
    assert page.status_code == 200
    part = re.search(r'data-part="([^"]*swept[^"]*)"', page.text)
    assert part
    text = client.get(unescape(part[1])).text
    assert "172 of 180 cells done, 0 left" in words(text)
    assert "0 of 2 grids" in words(text)
    for name in ("sweep-a", "sweep-b"):
        for link in (f"/dragoman/grid?grid={name}", f"/dragoman/runs?grid={name}"):
            assert link in text
    rows = list(csv.DictReader(io.StringIO(client.get("/dragoman/campaign?name=sweep&form=csv").text)))
    assert {row["grid"]: (row["done"], row["failed"], row["missing"]) for row in rows} == {
        "sweep-a": ("86", "1", "3"), "sweep-b": ("86", "1", "3"),
    }  # fmt: skip


def test_its_throughput_and_its_first_failure_are_those_of_all_grids(client: FlaskClient) -> None:
    store = open_store()
    for name in ("sweep-b", "sweep-a"):
        job = store.jobs.start(name, "host-1")
        failed = JobLine(kind=LineKind.FAILURE, text=f"the worker of {name} died", detail="why")
        store.jobs.beat(job, {"tokens_per_second": 100.0}, [failed])
    text = words(client.get("/dragoman/swept?name=sweep").text)
    assert "2 of 2 grids" in text
    assert "200 tokens/s" in text
    assert "in sweep-b : the worker of sweep-b died" in text
    assert "the worker of sweep-a died" not in text
    for name in ("sweep-a", "sweep-b"):
        store.jobs.end(store.jobs.of_grid(name)[0].id, JobState.DONE)


def test_runs_of_two_grids_are_compared_down_to_their_sentences(client: FlaskClient) -> None:
    asked = {"grid": "sweep-a", "model": "roles", "against": "sweep-b/english-centric", "metric": "bleu"}
    alike = {"grid": "demo", "model": "roles", "against": "english-centric", "metric": "bleu"}
    for page in ("compare", "compared"):
        answer, same = (client.get(f"/dragoman/{page}", query_string=each) for each in (asked, alike))
        assert (answer.status_code, same.status_code) == (200, 200), answer.text
        tiles, those = (re.findall(r'target=[^"]*"[^>]*>([^<]*)</a></td>', each.text) for each in (answer, same))
        assert len(tiles) == 30
        assert tiles == those
    options = re.search(
        r'<select name="against">(.*?)</select>', client.get("/dragoman/compare", query_string=asked).text, re.S
    )
    assert options
    assert '<option value="sweep-b/english-centric" selected>' in options[1]
    assert '<option value="sweep-b/roles">' in options[1]
    link = next(unescape(each) for each in re.findall(r'href="([^"]*sentences=apart[^"]*)"', answer.text))
    assert re.findall(r"<dt>([\w/-]+)", client.get(link).text)[2:4] == ["roles", "sweep-b/english-centric"]
    told = client.get("/ajax-api/3.0/dragoman/comparison", query_string=asked)
    assert told.status_code == 200, told.text
    assert told.json is not None
    assert told.json["a"] == "sweep-b/english-centric"
    assert len(told.json["pairs"]) == 28
    wrong = client.get("/dragoman/compare", query_string={**asked, "against": "sweep-b/rolls"})
    assert "Grid 'sweep-b' has no model 'rolls': did you mean 'roles'?" in unescape(wrong.text)


def test_the_first_page_and_its_grids_lead_to_it(client: FlaskClient) -> None:
    index = client.get("/dragoman/").text
    for page in (index, client.get("/dragoman/job?grid=sweep-a").text, client.get("/dragoman/runs?grid=sweep-a").text):
        assert "/dragoman/campaign?name=sweep" in page
    assert words(index).index("Campaign sweep") < words(index).index("sweep-a")


def test_a_campaign_that_is_not_there_gets_a_sentence(client: FlaskClient) -> None:
    answer = client.get("/dragoman/campaign?name=swep")
    assert answer.status_code == 404
    assert "The store has no campaign 'swep': did you mean 'sweep'?" in unescape(answer.text)
