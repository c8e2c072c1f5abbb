"""What the trail says of an alias, and where the registry says otherwise."""

from collections.abc import Sequence

from dragoman_registry.audit import Action, AuditLog, AuditRecord, Outcome
from dragoman_registry.mlflow_at import client_at
from dragoman_registry.versions import aliases_of, registered_names

AUDIT_TAG = "dragoman.audit"
"""Tag of a registered model: number and hash of its newest audit record, so that cutting off the trail's end shows."""


def anchor(uri: str, record: AuditRecord) -> None:
    """Leave a record's hash in the registry, which another program and perhaps another database keeps."""
    client_at(uri).set_registered_model_tag(record.name, AUDIT_TAG, f"{record.sequence} {record.hash}")


def standing(records: Sequence[AuditRecord]) -> list[str]:
    """The versions one alias stood at, as a stack: a promotion puts one on it, a rollback takes some off again."""
    stack: list[str] = []
    for record in records:
        if record.outcome is not Outcome.DONE:
            continue
        if record.action is Action.ROLLBACK:
            while stack and stack[-1] != record.to_version:
                stack.pop()
        elif not stack and record.from_version is not None:
            stack.append(record.from_version)
        if not stack or stack[-1] != record.to_version:
            stack.append(record.to_version)
    return stack


def strays(log: AuditLog, uri: str, name: str) -> dict[str, str]:
    """The aliases of a model that do not stand where the trail says, each with a sentence.

    Raises:
        ModelError: neither the registry nor the trail knows a model of that name.
    """
    records = log.records(name)
    is_gone = bool(records) and name not in registered_names(uri)
    aliases = {} if is_gone else aliases_of(uri, name)
    found: dict[str, str] = {}
    for alias in sorted({record.alias for record in records}):
        versions = standing([record for record in records if record.alias == alias])
        current = aliases.get(alias)
        if versions and current != versions[-1]:
            where = f"stands at version {current}" if current else "is not set"
            where = "is gone, as the registered model was deleted or renamed" if is_gone else where
            found[alias] = f"{name}@{alias} {where}, though its last recorded move was to version {versions[-1]}: "
            found[alias] += "it was moved without Dragoman."
    return found


def faults(log: AuditLog, uri: str) -> list[str]:
    """Everything wrong with the trail, as sentences: altered, replaced and missing records, the last ones included."""
    found = log.faults()
    hashes = {record.sequence: record.hash for record in log.records()}
    for model in client_at(uri).search_registered_models():
        number, _, digest = model.tags.get(AUDIT_TAG, "").partition(" ")
        if number and hashes.get(int(number)) != digest:
            found.append(f"The registry remembers a record {number} about {model.name} that the trail does not hold.")
    return found
