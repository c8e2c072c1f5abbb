"""Migrations lead to exactly the schema the program maps."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from dragoman.partition import Partition
from dragoman.store import migrations
from dragoman.store.schema import PARTITIONS, Base
from dragoman.store.schema.views import VIEWS

pytestmark = pytest.mark.fast_twin


def test_the_migrated_schema_is_the_mapped_one(store):
    with store.database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": migrations.TABLE, "compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
        assert set(inspect(connection).get_view_names()) == set(VIEWS)


def test_the_partitions_have_their_names_in_the_database(store):
    with store.database.reading() as connection:
        rows = connection.execute(text("SELECT id, name FROM partition ORDER BY id")).all()
    assert [name for _, name in rows] == ["unknown", *Partition]
    assert [number for number, _ in rows] == list(range(len(PARTITIONS)))


def test_the_head_is_the_last_revision():
    config = Config()
    config.set_main_option("script_location", migrations.__path__[0])
    assert ScriptDirectory.from_config(config).get_current_head() == migrations.HEAD
