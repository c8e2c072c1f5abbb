"""docs/store.md describes the schema there is, and its queries run."""

import ast
import inspect as source
import re
import textwrap
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import JSON, DateTime, Double, Integer, LargeBinary, String, inspect, text
from sqlalchemy.types import TypeDecorator

from dragoman.store.records import StoredScore
from dragoman.store.schema import Base

PAGE = (Path(__file__).parents[3] / "docs" / "store.md").read_text()
SECTIONS = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))
QUERIES = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
WORDS = {DateTime: "moment", JSON: "JSON", Double: "real", Integer: "integer", LargeBinary: "bytes", String: "text"}


def described(column):
    kind = column.type.impl if isinstance(column.type, TypeDecorator) else column.type
    word = next(word for cls, word in WORDS.items() if isinstance(kind, cls))
    return word + (" or NULL" if column.nullable else "") + (", key" if column.primary_key else "")


def test_every_table_is_described_and_no_other():
    assert set(SECTIONS) - {"grid_cell", "grid_score"} == set(Base.metadata.tables)


@pytest.mark.parametrize("table", Base.metadata.tables)
def test_every_column_is_described_with_its_type(table):
    rows = re.findall(r"^\| (\w+) \| ([^|]+) \| [^|]+ \|$", SECTIONS[table], re.MULTILINE)
    assert rows[1:] == [(column.name, described(column)) for column in Base.metadata.tables[table].columns]


def explained(table):
    """What the docstrings of a mapped class, and of those it stands on, say of its columns."""
    said = {}
    for owner in table.__mro__[:-1]:
        body = ast.parse(textwrap.dedent(source.getsource(owner))).body[0].body
        for column, below in pairwise(body):
            if isinstance(column, ast.AnnAssign) and isinstance(below, ast.Expr):
                said[column.target.id] = " ".join(below.value.value.split()).removesuffix(".")
    return {column.name: said[column.name] for column in table.__table__.columns}


TABLES = sorted((mapper.class_ for mapper in Base.registry.mappers), key=lambda table: table.__name__)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__)
def test_every_column_means_what_its_docstring_says(table):
    """The page may add where a number points, and examples."""
    rows = re.findall(r"^\| (\w+) \| [^|]+ \| ([^|]+) \|$", SECTIONS[table.__tablename__], re.MULTILINE)
    described = dict(rows)
    assert {name: described[name][: len(said)] for name, said in explained(table).items()} == explained(table)


def test_the_views_have_the_columns_described(store):
    with store.database.reading() as connection:
        for view in ("grid_cell", "grid_score"):
            columns = [column["name"] for column in inspect(connection).get_columns(view)]
            assert re.findall(r"`(\w+)`", SECTIONS[view]) == columns


def test_the_queries_mix_no_signatures_and_no_conditions(small):
    small.fill()
    for record in small.cells:
        small.store.cells.add_scores(record.cell.id, [StoredScore(metric="bleu", signature="BLEU|v2", value=99)])
    with small.store.database.reading() as connection:
        answers = [connection.execute(text(query)).all() for query in QUERIES]
    by_partition, _, _, best = answers
    for rows in (by_partition, best):
        assert {row.bleu for row in rows if row.signature == "BLEU|v2"} == {99.0}
        assert all(row.bleu < 99 for row in rows if row.signature == "BLEU|v1")
    assert ("a", "seen", "BLEU|v1", 2, 14.0) in [
        (row.model, row.partition, row.signature, row.pairs, row.bleu) for row in by_partition
    ]


def test_the_queries_answer(small):
    small.fill()
    assert len(QUERIES) == 4
    with small.store.database.reading() as connection:
        answers = [connection.execute(text(query)).all() for query in QUERIES]
    assert all(answers)
    by_partition, _, lost, best = answers
    assert ("a", "seen", 2, 14.0) in [(row.model, row.partition, row.pairs, row.bleu) for row in by_partition]
    assert {row.gain for row in lost} == {12.0}
    assert {row.name for row in best} == {"b"}
