"""`dragoman delete`: refused where an alias rests on the grid."""

import json

import pytest
from typer.testing import CliRunner

from dragoman import settings
from dragoman.cli.main import build_app
from dragoman_registry.deletion.aliases import InUseError
from dragoman_registry.registry_client.client import client_at


@pytest.fixture
def at_home(world, monkeypatch):
    monkeypatch.setenv("DRAGOMAN_HOME", str(world.settings.home))
    settings.settings.cache_clear()
    yield world
    settings.settings.cache_clear()


def delete(*arguments):
    return CliRunner().invoke(build_app(), ["delete", *arguments])


def test_a_grid_that_a_champion_comes_from_stays(at_home):
    version = at_home.bare_version("german")
    client_at(at_home.settings.mlflow_url).set_registered_model_alias(version.name, "champion", version.version)
    refused = delete("small", "--yes")
    assert isinstance(refused.exception, InUseError)
    assert "small-translator@champion comes from it" in str(refused.exception)
    assert at_home.store.grids.names() == ["small"]


def test_a_version_without_an_alias_keeps_nothing(at_home):
    at_home.bare_version("german")
    listed = delete("small", "--json")
    assert listed.exit_code == 0 and "Nothing was deleted" in listed.stderr
    assert at_home.store.grids.names() == ["small"]
    done = delete("small", "--yes", "--json")
    rows = {row["what"]: row for row in json.loads(done.stdout)["deleted"]}
    assert rows["models"]["count"] == 3 and rows["cells that stay"]["count"] == 0
    assert at_home.store.grids.names() == []


def test_a_renamed_grid_that_a_champion_comes_from_stays_too(at_home):
    """Its registered version still names it as it was called."""
    version = at_home.bare_version("german")
    client_at(at_home.settings.mlflow_url).set_registered_model_alias(version.name, "champion", version.version)
    renamed = CliRunner().invoke(build_app(), ["rename", "small", "large"])
    assert renamed.exit_code == 0, renamed.output
    copy = at_home.store.grids.get("large").model_copy(update={"name": "copy"})
    at_home.store.grids.add(copy, at_home.store.cells.iterate("large"))  # so that no model is its alone
    refused = delete("large", "--yes")
    assert isinstance(refused.exception, InUseError)
    assert "small-translator@champion comes from it" in str(refused.exception)
    gate = CliRunner().invoke(build_app(), ["gate", "small-translator@champion", "--json"])
    assert gate.exit_code in (0, 1), gate.output
    assert delete("copy", "--yes").exit_code == 0
    assert at_home.store.grids.names() == ["large"]
