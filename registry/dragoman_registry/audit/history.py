"""The history of an alias by the audit log, and where MLflow's registry differs from it."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from dragoman_registry.audit.log import Action, AuditLog, AuditRecord, Outcome
from dragoman_registry.registry_client.client import client_at, is_there
from dragoman_registry.registry_client.registry_reader import reader_at
from dragoman_registry.registry_client.versions import aliases_of, registered_names, versions_of

AUDIT_TAG = "dragoman.audit"
"""Tag of a registered model: number and hash of its newest audit record, so that cutting off the trail's end shows."""

TAG_LENGTH = 5000
"""Characters MLflow keeps of a tag's value, at least."""

FORCED_TAG = "dragoman.forced"
"""Tag of a version that was promoted by force: the audit record that tells of it, with alias and reason."""


def mark_forced(uri: str, record: AuditRecord) -> None:
    """Mark a version that was promoted against the gate's verdict, for whoever looks at it in MLflow."""
    mark = f"record {record.sequence}, {record.alias}: {record.reason}"
    client_at(uri).set_model_version_tag(record.name, record.to_version, FORCED_TAG, mark[:TAG_LENGTH])


def anchor(uri: str, record: AuditRecord) -> None:
    """Leave a record's hash in the registry, which another program and perhaps another database keeps.

    A server that guards its registry leaves its own; it refuses to have it changed from outside.
    """
    from mlflow.exceptions import MlflowException

    try:
        client_at(uri).set_registered_model_tag(record.name, AUDIT_TAG, f"{record.sequence} {record.hash}")
    except MlflowException as error:
        if error.error_code not in ("PERMISSION_DENIED", "RESOURCE_DOES_NOT_EXIST"):
            raise


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


def forgotten(log: AuditLog, uri: str, name: str, alias: str) -> AuditRecord | None:
    """The last move of an alias that is not set, where the registry is another than the one in which it was made.

    MLflow's database may have been lost, and written again by `dragoman resume`: versions are there again, perhaps
    under other numbers, but the alias is not. One that was removed from the registry in which it was set is not
    forgotten.

    Args:
        log: the trail.
        uri: MLflow's registry.
        name: name of a registered model that is there.
        alias: the alias.
    """
    done = [record for record in log.records(name, alias) if record.outcome is Outcome.DONE]
    if not done or not done[-1].to_version or alias in aliases_of(uri, name):
        return None
    return done[-1] if _is_before(done[-1], _made_at(uri, name)) else None


def _made_at(uri: str, name: str) -> datetime:
    """When a registered model was made, by the clock of whoever made it."""
    model = reader_at(uri).model(name)
    return datetime.fromtimestamp((model.created if model else 0) / 1000, UTC)


def _is_before(record: AuditRecord, moment: datetime) -> bool:
    return record.at.replace(tzinfo=record.at.tzinfo or UTC) < moment


def unrecorded_moves(log: AuditLog, uri: str, name: str, gated: Iterable[str] = ()) -> dict[str, str]:
    """The aliases of a model that do not stand where the trail says, each with a sentence.

    Args:
        log: the trail.
        uri: MLflow's registry.
        name: name of the registered model.
        gated: aliases that nothing but a recorded promotion may have set.

    Raises:
        ModelError: neither the registry nor the trail knows a model of that name.
    """
    records = log.records(name)
    is_gone = bool(records) and name not in registered_names(uri)
    aliases = {} if is_gone else aliases_of(uri, name)
    found: dict[str, str] = {}
    for alias in sorted({*(record.alias for record in records), *gated}):
        versions = standing([record for record in records if record.alias == alias])
        current = aliases.get(alias)
        if versions and current != versions[-1]:
            where = f"stands at version {current}" if current else "is not set"
            where = f"is gone, as the registered model was {_fate(log, uri, name)}" if is_gone else where
            found[alias] = f"{name}@{alias} {where}, though its last recorded move was to version {versions[-1]}: "
            is_lost = not is_gone and forgotten(log, uri, name, alias) is not None
            found[alias] += (
                "the registered model was made anew since, and `dragoman resume` of its grid sets it again."
                if is_lost
                else "it was moved without Dragoman."
            )
        elif current and not versions:
            found[alias] = f"{name}@{alias} stands at version {current}, though no move of it is recorded: "
            found[alias] += "it was moved without Dragoman."
    return found


def _fate(log: AuditLog, uri: str, name: str) -> str:
    """What became of a registered model that is gone: its tags go with it where it was renamed."""
    hashes = {record.hash: record.name for record in log.records()}
    for model in reader_at(uri).models() if is_there(uri) else ():
        if hashes.get(model.tags.get(AUDIT_TAG, "").partition(" ")[2]) == name:
            return f"renamed to {model.name}"
    return "deleted or renamed"


def changed_versions(log: AuditLog, uri: str, name: str) -> list[str]:
    """The versions the trail says were promoted that are not what they were: deleted, or said to be another model."""
    promoted = {record.to_version: record for record in log.records(name) if record.outcome is Outcome.DONE}
    there = {version.version: version for version in versions_of(uri, name)}
    if not there and promoted and name not in registered_names(uri):
        return []  # the whole model is gone, which is another sentence
    made = _made_at(uri, name) if promoted else None
    found = []
    for number, record in sorted(promoted.items(), key=lambda item: int(item[0])):
        said = f"was the {record.alias} since {_short(record.at)}"
        version = there.get(number)
        if made is not None and _is_before(record, made) and (version is None or version.model != record.model):
            found.append(
                f"{name}@{number}, which {said}, is gone: the registered model was made anew at {_short(made)}."
            )
        elif version is None:
            found.append(f"{name}@{number}, which {said}, was deleted without Dragoman.")
        elif version.model != record.model:
            found.append(
                f"{name}@{number}, which {said}, was the model {record.model} then and is said to be "
                f"{version.model or 'no model of a grid'} now: its tags were changed without Dragoman."
            )
    return found


def _short(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def is_forced(record: AuditRecord) -> bool:
    """Whether a record is of an alias that moved against the gate's verdict."""
    return record.action is Action.FORCED and record.outcome is Outcome.DONE


def faults(log: AuditLog, uri: str) -> list[str]:
    """Everything wrong with the trail, as sentences: altered, replaced and missing records, the last ones included."""
    found = log.faults()
    hashes = {record.sequence: record.hash for record in log.records()}
    for model in reader_at(uri).models() if is_there(uri) else ():
        number, _, digest = model.tags.get(AUDIT_TAG, "").partition(" ")
        if number and hashes.get(int(number)) != digest:
            found.append(f"The registry remembers a record {number} about {model.name} that the trail does not hold.")
    return found
