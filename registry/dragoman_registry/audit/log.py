"""The audit log of promotions, append-only: who moved which alias from where to where, when, on what evidence.

Each record holds the hash of the one before it, so one that is altered or taken from the middle is noticed. Records
cut from the end leave the chain whole: against that the registry keeps the newest record's hash
(`dragoman_registry.promotion.promotion`).
"""

import getpass
import hashlib
import os
import platform
from datetime import datetime
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, insert, select

from dragoman.errors import DragomanError
from dragoman.identity import canonical_json
from dragoman.store.database.connection import Database
from dragoman.store.records import now
from dragoman.store.schema.audit import AuditRow

LEASE_SECONDS = 60
"""How long the beginning of a promotion holds its alias, at most; a promotion takes well under a second of it."""


class UnderWayError(DragomanError):
    """Someone else is moving the same alias at this moment."""


class Action(StrEnum):
    """What was to be done."""

    PROMOTION = "promotion"
    ROLLBACK = "rollback"
    FORCED = "forced"
    """A promotion against the gate's verdict, by somebody who may."""
    DIRECT = "direct"
    """A change of the alias asked of MLflow itself: its REST API, its Python client or its own pages."""


class Outcome(StrEnum):
    """What came of it."""

    BEGUN = "begun"
    """The decision is made and the alias is about to move."""
    DONE = "done"
    """The alias moved."""
    REFUSED = "refused"
    """The gate did not let it through."""
    LOST = "lost"
    """The alias had moved since the decision."""
    ABANDONED = "abandoned"
    """It had begun, its process ended, and the alias had not moved."""


class AuditEntry(BaseModel):
    """What a record says, before it has its place in the chain."""

    model_config = ConfigDict(frozen=True)

    actor: str
    """Who."""
    process: str
    """Host and process that wrote it."""
    action: Action
    """What was to be done."""
    outcome: Outcome
    """What came of it."""
    begun: int | None = None
    """The record of its beginning, where it got so far as to move the alias."""
    name: str
    """Name of the registered model."""
    alias: str
    """The alias."""
    from_version: str | None
    """The version the alias stood at; None where it was not set."""
    to_version: str
    """The version it was to move to; empty where it was to be removed."""
    model: str | None = None
    """Identity of that version's model."""
    policy: str | None = None
    """Hash of the policy it was held to."""
    evidence: str = "{}"
    """What the decision rests on, as canonical JSON."""
    reason: str
    """Why, in a sentence."""


class AuditRecord(AuditEntry):
    """One record of the trail."""

    sequence: int
    """Its place in the chain, from 1 and without gaps."""
    at: datetime
    """When (UTC)."""
    previous: str
    """Hash of the record before; empty for the first."""
    hash: str
    """Hash of all the above."""

    @classmethod
    def following(cls, entry: AuditEntry, last: Self | None) -> Self:
        """The record of an entry that comes after another (None: that is the first)."""
        record = cls(
            **entry.model_dump(),
            sequence=last.sequence + 1 if last else 1,
            at=now(),
            previous=last.hash if last else "",
            hash="",
        )
        return record.model_copy(update={"hash": record.computed_hash})

    @property
    def computed_hash(self) -> str:
        """The SHA-256 of everything the record says."""
        meaning = self.model_dump(exclude={"hash", "at"}) | {"at": self.at.isoformat()}
        return hashlib.sha256(canonical_json(meaning).encode()).hexdigest()


class AuditLog:
    """The trail, in the results store's database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, entry: AuditEntry) -> AuditRecord:
        """Add a record."""
        with self._database.writing(alone=True) as connection:
            return _append(connection, entry)

    def begin(self, entry: AuditEntry) -> AuditRecord:
        """Record that an alias is about to move; until its end is recorded, nobody else may begin to move it.

        Raises:
            UnderWayError: somebody has begun, and not ended, to move that alias.
        """
        with self._database.writing(alone=True) as connection:
            for record in unfinished_moves(_select(connection, entry.name, entry.alias)):
                raise UnderWayError(
                    f"{record.actor} began to move {entry.name}@{entry.alias} to version {record.to_version} at "
                    f"{record.at:%H:%M:%S} UTC (process {record.process}): try again in a moment."
                )
            return _append(connection, entry)

    def end(self, begun: AuditRecord, outcome: Outcome, reason: str) -> AuditRecord:
        """Record what came of a beginning; recorded already, that record is returned."""
        entry = AuditEntry(
            **begun.model_dump(exclude={"sequence", "at", "previous", "hash", "process", "outcome", "begun", "reason"}),
            process=this_process(),
            outcome=outcome,
            begun=begun.sequence,
            reason=reason,
        )
        with self._database.writing(alone=True) as connection:
            for record in _select(connection, begun.name, begun.alias):
                if record.begun == begun.sequence and record.outcome is outcome:
                    return record
            return _append(connection, entry)

    def records(self, name: str | None = None, alias: str | None = None) -> list[AuditRecord]:
        """The records of a model and alias (all by default), in order."""
        with self._database.reading() as connection:
            return _select(connection, name, alias)

    def faults(self) -> list[str]:
        """Everything wrong with the chain, as sentences; none if it is whole."""
        found: list[str] = []
        last: AuditRecord | None = None
        for record in self.records():
            number, expected = record.sequence, last.sequence + 1 if last else 1
            if number != expected:
                found.append(f"Records {expected} to {number - 1} are gone.")
            elif record.previous != (last.hash if last else ""):
                found.append(f"Record {number} does not follow from record {number - 1}: one of them was replaced.")
            if record.hash != record.computed_hash:
                found.append(f"Record {number} was altered after it was written.")
            last = record
        return found


def unfinished_moves(records: list[AuditRecord]) -> list[AuditRecord]:
    """The beginnings whose end is not recorded."""
    ended = {record.begun for record in records}
    return [record for record in records if record.outcome is Outcome.BEGUN and record.sequence not in ended]


def is_alive(record: AuditRecord) -> bool:
    """Whether the process that wrote a beginning may still be at it.

    A beginning that by this clock is far from now, and be it yet to come, is over: the clock may have been set back.
    """
    host, _, number = record.process.rpartition("/")
    if abs((now() - record.at).total_seconds()) > LEASE_SECONDS:
        return False
    if host != platform.node() or os.name != "posix":
        return True
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def this_process() -> str:
    """Host and process id."""
    return f"{platform.node()}/{os.getpid()}"


def this_user() -> str:
    """Who runs this process."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number without a name
        return f"uid {os.getuid()}"


def _append(connection: Connection, entry: AuditEntry) -> AuditRecord:
    newest = select(AuditRow).order_by(AuditRow.sequence.desc()).limit(1)
    row = connection.execute(newest).mappings().first()
    record = AuditRecord.following(entry, AuditRecord.model_validate(dict(row)) if row else None)
    values = record.model_dump() | {"action": record.action.value, "outcome": record.outcome.value}
    connection.execute(insert(AuditRow).values(**values))
    return record


def _select(connection: Connection, name: str | None, alias: str | None) -> list[AuditRecord]:
    query = select(AuditRow).order_by(AuditRow.sequence)
    if name is not None:
        query = query.where(AuditRow.name == name)
    if alias is not None:
        query = query.where(AuditRow.alias == alias)
    return [AuditRecord.model_validate(dict(row)) for row in connection.execute(query).mappings()]
