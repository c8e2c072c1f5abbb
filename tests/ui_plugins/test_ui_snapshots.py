"""A page and an answer of the API are of one moment of the store."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Connection, Engine, event

from dragoman_ui.viewmodels.store import open_store, shared_store

API = "/ajax-api/3.0/dragoman"
READ = (
    "/dragoman/",
    "/dragoman/grid?grid=demo&model=roles&show=difference",
    "/dragoman/cell?grid=demo&source=en&target=de",
    "/dragoman/compare?grid=demo&model=roles&against=base",
    "/dragoman/compared?grid=demo&model=roles&against=english-centric",
    "/dragoman/partitions?grid=demo&model=roles",
    "/dragoman/rank?grid=demo",
    "/dragoman/ranked?grid=demo&over=unseen",
    "/dragoman/runs?grid=demo",
    "/dragoman/job?grid=demo",
    f"{API}/grid?grid=demo",
    f"{API}/models?grid=demo",
    f"{API}/matrix?grid=demo&model=roles",
    f"{API}/comparison?grid=demo&model=roles&against=base",
    f"{API}/runs?grid=demo",
    f"{API}/sentences?grid=demo&source=en&target=de",
    f"{API}/table?grid=demo&model=roles&table=partitions&form=csv",
)


@pytest.fixture
def begun(copied: Path) -> Iterator[Counter[str]]:
    """Counts the transactions on the results store."""
    counts: Counter[str] = Counter()
    url = shared_store().database.url  # opened, and its version looked at, before it is counted

    def count(connection: Connection) -> None:
        if connection.engine.url == url:
            counts["transactions"] += 1

    event.listen(Engine, "begin", count)
    yield counts
    event.remove(Engine, "begin", count)


@pytest.mark.parametrize("path", READ)
def test_it_is_read_in_one_transaction(browse: Any, begun: Counter[str], path: str) -> None:
    client: FlaskClient = browse()
    assert client.get(path).status_code == 200
    assert begun["transactions"] == 1


def test_outside_of_a_page_the_store_itself_is_meant(copied: Path, browse: Any) -> None:
    browse().get("/dragoman/")
    assert open_store() is shared_store()
    assert shared_store().database.engine.pool.checkedout() == 0, "the page's transaction has ended"
