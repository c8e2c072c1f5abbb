"""A store of any version comes up to this one with all it holds; a newer one is refused.

`released/REVISION.json` holds the rows of a store of that version. A new revision needs a file of its own, written by
running this module: `python tests/platform/store/test_store_migrations.py`.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, DateTime, MetaData, Table, create_engine, func, insert, inspect, select, text

from dragoman.cell import CellState
from dragoman.errors import StoreError
from dragoman.pair import Pair
from dragoman.rating import Protocol, Rating, Severity, Span
from dragoman.segment import Located, Segment
from dragoman.store import migrations
from dragoman.store.alignment_records import Aligned, AlignmentRecord, LikelihoodRecord, Likely, Pooling
from dragoman.store.database.connection import Database
from dragoman.store.judgement_records import BlindedSystem, JudgementCampaignRecord, JudgementRecord, content_of
from dragoman.store.line_keys import LineKeys
from dragoman.store.records import ContaminationRecord, JobLine, StoredScore
from dragoman.store.store import Store
from dragoman.store.training_records import TrainingReport

RELEASED = Path(__file__).parent / "released"
DERIVED = {"score_sum", "partition_sum", "cell_count"}
"""Tables that a migration may sum and count anew."""


def revisions() -> list[str]:
    config = Config()
    config.set_main_option("script_location", migrations.__path__[0])
    return sorted(script.revision for script in ScriptDirectory.from_config(config).walk_revisions())


@pytest.mark.parametrize("revision", revisions())
def test_a_store_of_any_version_comes_up_with_its_data(empty_url, revision, in_step):
    rows = json.loads((RELEASED / f"{revision}.json").read_text())
    database = Database(empty_url)
    with database.writing(alone=True) as connection:
        migrations.run(connection, revision)
        load(connection, rows)
    database.engine.dispose()

    store = Store.open(empty_url, "memory://")
    try:
        assert [model.name for model in store.models.of_grid("small")] == ["base", "a", "b"]
        cells = store.cells.of_grid("small")
        assert len(cells) == 36
        assert {cell.state for cell in cells} == {CellState.DONE}
        assert all(cell.cell.id in {row["identity"] for row in rows["cell"]} for cell in cells)
        assert store.models.get("model1-a").graph.examples == {Pair("de", "en"): 10, Pair("en", "fr"): 10}
        bleu, chrf = store.cells.scores(cells[1].cell.id)
        assert (bleu.value, bleu.low, bleu.statistics, chrf.value) == (1.0, 0.0, b"stats", 2.0)
        with store.database.reading() as connection:
            assert migrations.version(connection, "it") == migrations.HEAD
            for table, expected in ((name, rows[name]) for name in rows.keys() - DERIVED):
                there = connection.execute(select(func.count()).select_from(text(table))).scalar()
                assert there == len(expected), table
        in_step(store)
        store.models.add_training("model1-b", {"still": "writable"})
    finally:
        store.close()


def test_a_newer_store_is_refused_and_left_alone(store, store_url):
    with store.database.writing() as connection:
        connection.execute(text(f"UPDATE {migrations.TABLE} SET version_num = '9999'"))
    for opening in (Store.open, Store.open_existing):
        with pytest.raises(StoreError, match=r"written by a newer Dragoman \(schema 9999"):
            opening(store_url, "memory://")


def test_reading_an_older_shared_store_leaves_it_to_older_programs(empty_url):
    database = Database(empty_url)
    with database.writing(alone=True) as connection:
        migrations.run(connection, "0005")
    if database.is_sqlite:
        Store.open_existing(empty_url, "memory://").close()
        assert migrations.found(database) == migrations.HEAD
    else:
        with pytest.raises(StoreError, match=r"older Dragoman \(schema 0005; .*`dragoman deploy migrate`"):
            Store.open_existing(empty_url, "memory://")
        assert migrations.found(database) == "0005"
    database.engine.dispose()


def test_a_database_of_something_else_is_refused(empty_url):
    database = Database(empty_url)
    with database.writing() as connection:
        connection.execute(text("CREATE TABLE runs (id INTEGER)"))
    with pytest.raises(StoreError, match=r"holds other tables \(runs"):
        Store.open(empty_url, "memory://")
    with database.reading() as connection:
        assert inspect(connection).get_table_names() == ["runs"]
    database.engine.dispose()


def test_a_store_that_is_not_there_is_not_created(empty_url):
    with pytest.raises(StoreError, match=r"There is no store at .*dragoman run SPEC"):
        Store.open_existing(empty_url, "memory://")
    assert not empty_url.startswith("sqlite") or not Path(empty_url.removeprefix("sqlite:///")).exists()


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mysql://host/name", "can't be kept in mysql"),
        ("nonsense", "URL can't be read"),
        ("sqlite://", "in memory would be gone"),
        (
            "postgresql://user:secret@127.0.0.1:1/none",
            r"postgresql\+psycopg://user:\*\*\*@127.0.0.1:1/none can't be used",
        ),
    ],
)
def test_a_place_that_can_be_no_store_is_a_sentence(url, sentence):
    with pytest.raises(StoreError, match=sentence) as caught:
        Store.open(url, "memory://")
    assert "secret" not in str(caught.value)


def test_a_folder_that_can_not_be_made_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"There can be no store at .* \(Not a directory|File exists\)"):
        Store.open(f"sqlite:///{tmp_path}/file/store.db", "memory://")


def test_a_file_that_is_no_database_is_a_sentence(tmp_path):
    (tmp_path / "store.db").write_text("not a database at all, but long enough to look like one" * 20)
    with pytest.raises(StoreError, match="is not a Dragoman store"):
        Store.open(f"sqlite:///{tmp_path}/store.db", "memory://")


def load(connection: Connection, rows: dict[str, list[dict[str, Any]]]) -> None:
    metadata = MetaData()
    metadata.reflect(connection)
    for table in metadata.sorted_tables:
        if rows.get(table.name):
            connection.execute(insert(table), [typed(table, row) for row in rows[table.name]])


def typed(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    """A row as JSON has it, with bytes and moments as the database takes them."""
    from datetime import datetime

    plain: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict) and "hex" in value:
            value = bytes.fromhex(value["hex"])
        elif isinstance(table.columns[name].type, DateTime) and value is not None:
            value = datetime.fromisoformat(value)
        plain[name] = value
    return plain


def dump(url: str) -> dict[str, list[dict[str, Any]]]:
    """Every row of a store, but for those a migration itself writes."""
    engine = create_engine(url)
    metadata = MetaData()
    metadata.reflect(engine)
    rows = {}
    with engine.connect() as connection:
        for table in metadata.sorted_tables:
            if table.name not in ("partition", migrations.TABLE):
                found = connection.execute(select(table)).mappings()
                rows[table.name] = [dict(row) for row in found]
    return {name: found for name, found in rows.items() if found}


if __name__ == "__main__":
    from dragoman.testing import SmallGrid

    looked_at = ContaminationRecord(
        model="model1-a", test_set="test1-a", pair=Pair("de", "en"), side="source",
        segments=10, sentences=3, exact=1, near=0, similarity=0.75,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(f"sqlite:///{folder}/store.db", f"file://{folder}/blobs")
        grid = SmallGrid(store).add()
        for number, record in enumerate(grid.cells):
            grid.commit(record.cell, float(number), b"stats")
        store.models.add_training("model1-a", {"loss": 0.5})
        marked = StoredScore(metric="gemba-mqm", signature="judge:one", value=96.0, statistics=b"stats", spans=b"spans")
        store.cells.add_scores(grid.cells[2].cell.id, [marked])
        job = store.jobs.start("small", "host-1")
        training = TrainingReport(
            model="model1-b", step=2, steps=9, loss=3.5, tokens_per_second=80.0, losses=((1, 4.0), (2, 3.5))
        )
        store.jobs.beat(job, {"done": 36}, [JobLine(text="said")], [training])
        store.annotations.tag("small", ["paper"])
        store.annotations.note("small", "the *first* one")
        store.contamination.record("model1-a", "test1-a", [looked_at])
        cell = grid.cells[0].cell
        lines = [Located(Segment(f"s{row}", f"t{row}"), row, "d") for row in (0, 2, 3)]
        store.conditions.add_keys("test1-a", {(cell.pair, cell.content): LineKeys.of(cell.pair, lines)})
        store.conditions.add_labels("test1-a", {(cell.pair, cell.content): {"domain": ["news", "", "news"]}})
        judged = grid.cells[0].cell
        store.judgements.add_campaign(
            JudgementCampaignRecord(
                id="de-en-1", protocol=Protocol.ESA, chosen_by="random", lines=(1,),
                systems={"system1": BlindedSystem(cell=judged.id, hypotheses="h")},
            )
        )  # fmt: skip
        rating = Rating(
            rater="ann", protocol=Protocol.ESA, score=50, spans=(Span(start=0, end=2, severity=Severity.MINOR),)
        )
        content = content_of(f"{judged.id} 0")
        store.judgements.add(
            [JudgementRecord(cell=judged.id, line=1, content=content, rating=rating, campaign="de-en-1")]
        )
        store.alignment.add(
            [
                AlignmentRecord(
                    of=Aligned(
                        model="model1-a", pair=Pair("de", "en"), content=("a", "b"), layer=1, pooling=Pooling.MEAN
                    ),
                    lines=20, retrieval=0.5, retrieval_centred=0.6, retrieval_chance=0.05, xsim_error=0.5,
                    xsim_error_centred=0.4, cka=0.7, cka_chance=0.1, cka_unbiased=None, mutual_knn=0.3,
                    mutual_knn_centred=0.4,
                )
            ]
        )  # fmt: skip
        likely = Likely(model="model1-a", pair=Pair("de", "en"), content="a", prompt="prompt1-a")
        store.likelihood.add(
            [LikelihoodRecord(of=likely, lines=2, tokens=9, log_probability=-12.5, of_lines=b"packed")]
        )
        store.close()
        everything = dump(f"sqlite:///{folder}/store.db")
    plain = {bytes: lambda value: {"hex": value.hex()}}
    content = json.dumps(everything, default=lambda value: plain.get(type(value), str)(value), indent=0)
    (RELEASED / f"{migrations.HEAD}.json").write_text(content + "\n")
