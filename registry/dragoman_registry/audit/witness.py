"""The outside witness of the audit trail: signed checkpoints of it, where whoever can rewrite the trail can't write.

The hash of the newest record is in MLflow's registry too (`dragoman_registry.audit.history`), which the same
administrator may be able to write. A checkpoint is signed with a key outside of both, and there is one for each record:
a trail that was rewritten does not match them, and one of them that is gone is missed.
"""

import hashlib
import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from dragoman.errors import DragomanError
from dragoman.reading import ReadingError, read_json
from dragoman.settings import Settings
from dragoman_registry.audit.checkpoint import Checkpoint, roots
from dragoman_registry.audit.log import AuditLog
from dragoman_registry.audit.places import Place, place_at
from dragoman_registry.audit.signed_note import NoteError, SignerKey, VerifierKey, signers

_TURN_SECONDS = 60.0
"""How long one process waits until another has written its checkpoints."""

_LOG = logging.getLogger(__name__)


class WitnessError(DragomanError):
    """Checkpoints that can't be signed or written; the trail has what it has."""


def attest(log: AuditLog, settings: Settings) -> None:
    """Write the checkpoints that the witness of the settings lacks; a failure is logged, and loses no promotion."""
    try:
        if settings.witness:
            write_missing(log, settings)
    except (DragomanError, OSError) as error:
        _LOG.warning("The audit trail's witness lacks checkpoints, which the next promotion writes: %s", error)


def write_missing(log: AuditLog, settings: Settings) -> int:
    """Write the checkpoints of all records after the newest one that is there; returns how many were written.

    Raises:
        WitnessError: no key is set; the trail is not the one that was signed, which is then signed no further; or
            checkpoints that this home has written are gone, after the later ones were written.
        NoteError: the key can't be used.
        PlaceError: the place can't be read or written.
    """
    if not settings.witness or settings.witness_key is None:
        raise WitnessError(
            "No witness is set: set witness to a place of checkpoints and witness_key to the file of a secret key "
            "(`dragoman audit keygen`)."
        )
    signer, place = SignerKey.read(settings.witness_key), place_at(settings.witness)
    settings.home.mkdir(parents=True, exist_ok=True)
    with _turn(settings.home / "witness.lock"):
        sent = _Sent(settings.home / "witness.json", place.url)
        expected = list(roots(record.computed_hash for record in log.records()))
        newest = _newest(place, signer.public, expected)
        begin = max(sent.size, newest)
        if len(expected) < begin or log.faults():
            raise WitnessError(
                f"{place.shown} has checkpoints of {begin} records, and the trail has {len(expected)} or is not whole: "
                "nothing more is signed. `dragoman audit verify --witness` says what was changed."
            )
        notes = {
            size: signer.sign(str(Checkpoint(signer.public.name, size, expected[size - 1])))
            for size in range(begin + 1, len(expected) + 1)
        }
        place.add(notes)
        lost = sent.size - newest if place.can_be_read else 0
        sent.keep(len(expected))
    if lost > 0:
        raise WitnessError(
            f"{lost} checkpoints that were written to {place.shown} are not there any more: "
            "`dragoman audit verify --witness` says which."
        )
    return len(notes)


def discrepancies(log: AuditLog, place: Place, keys: Sequence[VerifierKey]) -> list[str]:
    """Where the trail differs from what a witness has, and what the witness lacks, as sentences.

    Args:
        log: the trail; it is only read.
        place: where the checkpoints are.
        keys: public keys, any of which may have signed.

    Raises:
        PlaceError: the place can't be read.
    """
    records = log.records()
    expected = list(roots(record.computed_hash for record in records))
    found: list[str] = []
    sizes: list[int] = []
    differing: list[int] = []
    for number, note in enumerate(place.notes(), start=1):
        try:
            checkpoint = _verified(note, keys)
        except (NoteError, ValueError) as error:
            found.append(f"Checkpoint {number} at {place.shown} does not count: {error}.")
            continue
        if sizes and checkpoint.size <= sizes[-1]:
            found.append(f"Checkpoint {number}, of {checkpoint.size} records, stands after one of {sizes[-1]}.")
        sizes.append(checkpoint.size)
        if checkpoint.size <= len(expected) and checkpoint.root != expected[checkpoint.size - 1]:
            differing.append(checkpoint.size)
    if differing:
        first = 1 + max((size for size in sizes if size < min(differing)), default=0)
        which = f"record {first}" if first == min(differing) else f"one of the records {first} to {min(differing)}"
        found.append(f"The trail is not the one that was signed: {which} is the first that was changed.")
    if sizes and max(sizes) > len(records):
        found.append(
            f"{max(sizes)} records were signed and the trail has {len(records)}: records were taken from its end."
        )
    missing = sorted(set(range(1, max([len(records), *sizes]) + 1)) - set(sizes))
    return found + [
        f"No checkpoint of {_records(first, last)} is at {place.shown}: it was taken away, or never written"
        f"{' (`dragoman audit witness` writes what is lacking at the end)' if last >= len(records) else ''}."
        for first, last in _ranges(missing)
    ]


@contextmanager
def _turn(lock: Path) -> Iterator[None]:
    try:
        with FileLock(lock, timeout=_TURN_SECONDS):
            yield
    except Timeout as error:
        raise WitnessError(f"Another process has held {lock} for a minute: end it, or try again.") from error


class _Sent:
    """How many records this home has had witnessed at a place, in a file: a webhook can't be asked."""

    def __init__(self, file: Path, url: str) -> None:
        self._file, self._place = file, hashlib.sha256(url.encode()).hexdigest()[:16]
        self._sizes: dict[str, int] = {}
        with suppress(OSError, ValueError, TypeError, ReadingError):  # none yet, or none any more
            kept = dict(read_json(file))
            self._sizes = {str(place): int(size) for place, size in kept.items()}
        self.size = self._sizes.get(self._place, 0)

    def keep(self, size: int) -> None:
        partial = self._file.with_suffix(".new")
        partial.write_text(json.dumps(self._sizes | {self._place: size}), encoding="utf-8")
        partial.replace(self._file)


def _newest(place: Place, key: VerifierKey, expected: Sequence[bytes]) -> int:
    """The records of the newest checkpoint, which must be of this trail; 0 where there is none.

    Raises:
        WitnessError: it is of another trail, or not signed by the key.
    """
    last = None
    for note in place.backwards():
        try:
            checkpoint = _verified(note, [key])
        except (NoteError, ValueError) as error:
            last = error  # cut off when a disk was full, perhaps; it stays, and what verifies says so
            continue
        if checkpoint.size > len(expected) or checkpoint.root != expected[checkpoint.size - 1]:
            raise WitnessError(
                f"The trail is not the one whose checkpoints are at {place.shown}: nothing more is signed. "
                "`dragoman audit verify --witness` says what was changed."
            )
        return checkpoint.size
    if last is not None:
        raise WitnessError(
            f"No checkpoint at {place.shown} counts ({last}): nothing more is signed there. Give witness another place."
        )
    return 0


def _verified(note: str, keys: Sequence[VerifierKey]) -> Checkpoint:
    """The checkpoint of a note.

    Raises:
        NoteError: no key has signed it.
        ValueError: it is no checkpoint.
    """
    text, signed = signers(note, keys)
    if not signed:
        raise NoteError(f"it is not signed by {' or '.join(key.name for key in keys)}")
    checkpoint = Checkpoint.parse(text)
    if checkpoint.origin not in {key.name for key in signed}:
        raise NoteError(f"it is of another trail, {checkpoint.origin[:80]}")
    return checkpoint


def _ranges(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Consecutive numbers as first and last."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def _records(first: int, last: int) -> str:
    return f"record {first}" if first == last else f"records {first} to {last}"
