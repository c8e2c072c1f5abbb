"""Reading MLflow's registry: from its database where that has the installed version's tables, else through its client.

To import MLflow takes longer than all that is read here. What reads the tables knows MLflow 3.17's: a database of
another version, and a server, are asked through the client.
"""

import os
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Connection, NullPool, Select, TableClause, column, create_engine, select, table

from dragoman.tracking.mlflow_schema import State, head_revision, sqlite_file, state
from dragoman_registry.registry_client.client import client_at, is_server, is_there

_IS_PROMPT = "mlflow.prompt.is_prompt"
"""Tag of what MLflow keeps among registered models and is none."""


def _table(name: str, *columns: str) -> TableClause:
    return table(name, *map(column, columns))


_MODELS = _table("registered_models", "name", "creation_time")
_MODEL_TAGS = _table("registered_model_tags", "name", "key", "value")
_ALIASES = _table("registered_model_aliases", "name", "alias", "version")
_VERSIONS = _table("model_versions", "name", "version", "current_stage")
_VERSION_TAGS = _table("model_version_tags", "name", "version", "key", "value")


class ModelFacts(NamedTuple):
    """A registered model."""

    name: str
    """Its name."""
    aliases: Mapping[str, str]
    """The version each alias stands at."""
    tags: Mapping[str, str]
    """Its tags."""
    created: int
    """When it was made, in milliseconds since 1970."""


class VersionFacts(NamedTuple):
    """A version of a registered model."""

    name: str
    """Name of the registered model."""
    version: str
    """Its number."""
    tags: Mapping[str, str]
    """Its tags."""


class RegistryReader(Protocol):
    """What is read of a registry."""

    def models(self) -> list[ModelFacts]:
        """Every registered model, sorted by name."""

    def model(self, name: str) -> ModelFacts | None:
        """One registered model; None where there is none of that name."""

    def versions(self, name: str | None = None) -> list[VersionFacts]:
        """The versions of a registered model, or of all."""


def reader_at(uri: str) -> RegistryReader:
    """What reads the registry at a URI, which is there (`is_there`)."""
    return _DatabaseReader(uri) if _has_known_tables(uri) else _ClientReader(uri)


def _has_known_tables(uri: str) -> bool:
    """Whether it is a database at the schema of the installed MLflow, without workspaces."""
    if is_server(uri) or os.environ.get("MLFLOW_ENABLE_WORKSPACES", "").casefold() in ("1", "true"):
        return False
    if (file := sqlite_file(uri)) is None:
        return False
    try:
        return is_there(uri) and state(file, head_revision()) is State.CURRENT
    except sqlite3.Error:  # MLflow's client says what is wrong with it
        return False


class _DatabaseReader:
    """Reads MLflow's tables."""

    def __init__(self, uri: str) -> None:
        self._engine = create_engine(uri, poolclass=NullPool)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._engine.connect() as connection:
            yield connection

    def models(self) -> list[ModelFacts]:
        return self._models()

    def model(self, name: str) -> ModelFacts | None:
        return next(iter(self._models(name)), None)

    def versions(self, name: str | None = None) -> list[VersionFacts]:
        with self._reading() as connection:
            prompts = {each for each, tags in self._tags(connection, name).items() if tags.get(_IS_PROMPT) == "true"}
            tags: defaultdict[tuple[str, int], dict[str, str]] = defaultdict(dict)
            for row in connection.execute(_of(_VERSION_TAGS, name)):
                tags[row.name, row.version][row.key] = row.value
            # MLflow keeps the rows of versions that were deleted
            query = _of(_VERSIONS, name).where(_VERSIONS.c.current_stage != "Deleted_Internal")
            rows = connection.execute(query.order_by(_VERSIONS.c.name, _VERSIONS.c.version))
            found = [VersionFacts(row.name, str(row.version), tags[row.name, row.version]) for row in rows]
        return [each for each in found if each.name not in prompts]

    def _models(self, name: str | None = None) -> list[ModelFacts]:
        with self._reading() as connection:
            aliases: defaultdict[str, dict[str, str]] = defaultdict(dict)
            for row in connection.execute(_of(_ALIASES, name).order_by(_ALIASES.c.alias)):
                aliases[row.name][row.alias] = str(row.version)
            tags = self._tags(connection, name)
            rows = connection.execute(_of(_MODELS, name).order_by(_MODELS.c.name))
            return [
                ModelFacts(row.name, aliases[row.name], tags[row.name], int(row.creation_time or 0))
                for row in rows
                if tags[row.name].get(_IS_PROMPT) != "true"
            ]

    def _tags(self, connection: Connection, name: str | None) -> dict[str, dict[str, str]]:
        tags: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for row in connection.execute(_of(_MODEL_TAGS, name)):
            tags[row.name][row.key] = row.value
        return tags


def _of(rows: TableClause, name: str | None) -> Select[Any]:
    """A table's rows of one registered model, or of all."""
    return select(rows) if name is None else select(rows).where(rows.c.name == name)


class _ClientReader:
    """Asks MLflow's client."""

    def __init__(self, uri: str) -> None:
        self._uri = uri

    def models(self) -> list[ModelFacts]:
        found = [_facts(model) for model in _pages(client_at(self._uri).search_registered_models)]
        return sorted(found, key=lambda model: model.name)

    def model(self, name: str) -> ModelFacts | None:
        from mlflow.exceptions import MlflowException

        try:
            return _facts(client_at(self._uri).get_registered_model(name))
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):  # no name for a model at all
                return None
            raise

    def versions(self, name: str | None = None) -> list[VersionFacts]:
        having = None if name is None else "name = '{}'".format(name.replace("'", "''"))
        found = _pages(client_at(self._uri).search_model_versions, having)
        return [VersionFacts(each.name, str(each.version), each.tags) for each in found]


def _facts(model: Any) -> ModelFacts:
    aliases = {alias: str(version) for alias, version in sorted(model.aliases.items())}
    return ModelFacts(model.name, aliases, model.tags, int(model.creation_timestamp))


def _pages(search: Any, filter_string: str | None = None) -> list[Any]:
    found: list[Any] = []
    token: str | None = None
    while True:
        page = search(filter_string=filter_string, page_token=token)
        found.extend(page)
        token = page.token
        if not token:
            return found
