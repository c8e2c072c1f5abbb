"""The aliases of the model registry that the store's audit trail says models stand under, without asking MLflow."""

from sqlalchemy import Connection, select

from dragoman.store.schema.audit import AuditRow
from dragoman.store.store import Store

DONE = "done"
"""The outcome of a record of the trail whose alias has moved."""


def standing_aliases(store: Store) -> dict[str, tuple[str, ...]]:
    """The aliases under which models stand by the trail's last records, as `NAME@ALIAS`, by the models' identities.

    An alias that was moved without Dragoman stands where the trail last saw it; `dragoman champions` says so.
    """
    with store.database.reading() as connection:
        return aliases_of_trail(connection)


def aliases_of_trail(connection: Connection) -> dict[str, tuple[str, ...]]:
    """The same, inside a transaction."""
    query = (
        select(AuditRow.name, AuditRow.alias, AuditRow.model, AuditRow.to_version)
        .where(AuditRow.outcome == DONE)
        .order_by(AuditRow.sequence)
    )
    last = {(row.name, row.alias): row.model if row.to_version else None for row in connection.execute(query)}
    found: dict[str, tuple[str, ...]] = {}
    for (name, alias), model in sorted(last.items()):
        if model is not None:
            found[model] = (*found.get(model, ()), f"{name}@{alias}")
    return found
