"""docs/store.md describes the schema there is, and its queries run."""

import re
from pathlib import Path

import pytest
from sqlalchemy import JSON, DateTime, Double, Integer, LargeBinary, String, inspect, text
from sqlalchemy.types import TypeDecorator

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


def test_the_views_have_the_columns_described(store):
    with store.database.reading() as connection:
        for view in ("grid_cell", "grid_score"):
            columns = [column["name"] for column in inspect(connection).get_columns(view)]
            assert re.findall(r"`(\w+)`", SECTIONS[view]) == columns


def test_the_queries_answer(small):
    small.fill()
    assert len(QUERIES) == 4
    with small.store.database.reading() as connection:
        answers = [connection.execute(text(query)).all() for query in QUERIES]
    assert all(answers)
    by_partition, _, lost, best = answers
    assert ("a", "seen", 2, 14.0) in [tuple(row) for row in by_partition]
    assert {row.gain for row in lost} == {12.0}
    assert {row.name for row in best} == {"b"}
