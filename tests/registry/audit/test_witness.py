"""The witness outside: a trail that was rewritten whole, anchor and all, and checkpoints that were taken away."""

import logging
import re
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner

from dragoman.cli.main import build_app
from dragoman.settings import settings
from dragoman.store.store import Store
from dragoman_registry.audit import places, witness
from dragoman_registry.audit.history import AUDIT_TAG, anchor, faults
from dragoman_registry.audit.log import Action, AuditEntry, AuditLog, AuditRecord, Outcome
from dragoman_registry.audit.places import place_at, split
from dragoman_registry.audit.signed_note import SignerKey
from dragoman_registry.audit.witness import WitnessError, attest, discrepancies, write_missing
from dragoman_registry.registry_client.client import client_at

NAME = "translator"


class Lab(NamedTuple):
    """A store with its trail, and a key that whoever administers both has not."""

    folder: Path
    log: AuditLog
    signer: SignerKey

    @property
    def file(self) -> Path:
        return self.folder / "witness.txt"

    def record(self, reason: str) -> AuditRecord:
        entry = AuditEntry(
            actor="ann", process="here/1", action=Action.PROMOTION, outcome=Outcome.DONE, name=NAME, alias="champion",
            from_version=None, to_version="1", reason=reason,
        )  # fmt: skip
        return self.log.add(entry)

    def said(self, place: str | None = None) -> list[str]:
        return discrepancies(self.log, place_at(place or str(self.file)), [self.signer.public])

    def rewrite(self, sequence: int, reason: str) -> None:
        """What an administrator of the store can do: change a record, and all hashes from it on."""
        records = self.log.records()
        with closing(sqlite3.connect(self.folder / "home" / "store.db")) as store, store:
            triggers = [row[0] for row in store.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger'")]
            names = [row[0] for row in store.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
            for name in names:
                store.execute(f"DROP TRIGGER {name}")
            previous = records[sequence - 2].hash if sequence > 1 else ""
            for record in records[sequence - 1 :]:
                said = {"previous": previous} | ({"reason": reason} if record.sequence == sequence else {})
                changed = record.model_copy(update=said)
                previous = changed.computed_hash
                store.execute(
                    "UPDATE audit SET reason = ?, previous = ?, hash = ? WHERE sequence = ?",
                    (changed.reason, changed.previous, previous, changed.sequence),
                )
            for trigger in triggers:
                store.execute(trigger)


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    for name, value in {
        "HOME": tmp_path / "home", "WITNESS": tmp_path / "witness.txt", "WITNESS_KEY": tmp_path / "audit.key",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"DRAGOMAN_{name}", str(value))
    settings.cache_clear()
    store = Store.open(settings().store_url, settings().blobs_url)
    yield Lab(tmp_path, AuditLog(store.database), SignerKey.make("lab.example/audit", tmp_path / "audit.key"))
    store.close()
    settings.cache_clear()


def _dragoman(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(build_app(), words)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout


def test_every_record_has_a_checkpoint_that_verifies(lab: Lab) -> None:
    for reason in ("one", "two", "three"):
        lab.record(reason)
        attest(lab.log, settings())
    assert lab.said() == []
    notes = split(lab.file.read_text())
    assert [note.splitlines()[1] for note in notes] == ["1", "2", "3"]
    assert notes[0].startswith("lab.example/audit\n1\n")
    before = lab.file.read_text()
    assert write_missing(lab.log, settings()) == 0
    assert lab.file.read_text() == before


def test_a_chain_rewritten_with_its_anchor_is_found_by_the_witness(lab: Lab, empty_mlflow: Path) -> None:
    shutil.copy(empty_mlflow, lab.folder / "home" / "mlflow.db")
    uri = settings().mlflow_url
    client_at(uri).create_registered_model(NAME)
    for reason in ("one", "two", "three", "four"):
        anchor(uri, lab.record(reason))
        attest(lab.log, settings())
    public = str(lab.signer.public)
    verify = ("audit", "verify", "--witness", str(lab.file), "--key", public)
    assert _dragoman(*verify) == (0, "The audit trail is whole: 4 records, as the witness signed them.\n")

    lab.rewrite(3, "never happened")
    assert faults(lab.log, uri) != []  # the anchor tells
    client_at(uri).set_registered_model_tag(NAME, AUDIT_TAG, f"4 {lab.log.records()[-1].hash}")
    assert faults(lab.log, uri) == []
    assert _dragoman("audit", "verify") == (0, "The audit trail is whole: 4 records.\n")
    code, told = _dragoman(*verify)
    assert code == 1
    assert told == "The trail is not the one that was signed: record 3 is the first that was changed.\n"


def test_a_rewritten_trail_is_signed_no_further(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    for reason in ("one", "two"):
        lab.record(reason)
    write_missing(lab.log, settings())
    lab.rewrite(1, "never happened")
    lab.record("three")
    before = lab.file.read_text()
    with caplog.at_level(logging.WARNING):
        attest(lab.log, settings())
    assert "nothing more is signed" in caplog.text
    assert lab.file.read_text() == before
    assert "record 1 is the first that was changed" in lab.said()[0]


def test_records_cut_from_the_end_with_their_anchor_are_found(lab: Lab) -> None:
    for reason in ("one", "two", "three"):
        lab.record(reason)
    write_missing(lab.log, settings())
    with closing(sqlite3.connect(lab.folder / "home" / "store.db")) as store, store:
        store.execute("DROP TRIGGER audit_no_delete")
        store.execute("DELETE FROM audit WHERE sequence = 3")
    assert lab.log.faults() == []
    assert lab.said() == ["3 records were signed and the trail has 2: records were taken from its end."]


def _without(text: str, gone: slice) -> str:
    notes = split(text)
    del notes[gone]
    return "".join(f"\n{note}" for note in notes)


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        (lambda text: _without(text, slice(1, 3)), "No checkpoint of records 2 to 3 is at"),
        (lambda text: _without(text, slice(3, None)), "No checkpoint of records 4 to 5 is at"),
        (lambda text: text[:-30], "Checkpoint 5 at .* does not count: (a signature|it) is cut off"),
        (lambda text: text + "\n" + split(text)[1], "Checkpoint 6, of 2 records, stands after one of 5"),
        (lambda text: text.replace("\n4\n", "\n44\n"), "Checkpoint 4 at .* does not count: its signature is forged"),
        (lambda text: "", "No checkpoint of records 1 to 5 is at"),
    ],
)
def test_a_checkpoint_that_is_lost_or_changed_is_said(lab: Lab, harm: Callable[[str], str], sentence: str) -> None:
    for reason in "abcde":
        lab.record(reason)
    write_missing(lab.log, settings())
    lab.file.write_text(harm(lab.file.read_text()))
    said = lab.said()
    assert any(re.match(sentence, each) for each in said), said


def test_checkpoints_that_this_home_wrote_and_that_are_gone_are_missed_at_the_next_one(lab: Lab) -> None:
    for reason in "abc":
        lab.record(reason)
    write_missing(lab.log, settings())
    lab.file.write_text(_without(lab.file.read_text(), slice(2, None)))
    lab.record("d")
    with pytest.raises(WitnessError, match=r"1 checkpoints that were written .* are not there any more"):
        write_missing(lab.log, settings())
    (said,) = lab.said()  # what is gone is not made up for: the gap stays
    assert said.startswith("No checkpoint of record 3 is at")


def test_one_that_was_cut_off_by_a_full_disk_stays_and_the_next_ones_count(lab: Lab) -> None:
    lab.record("a")
    write_missing(lab.log, settings())
    with lab.file.open("a") as file:
        file.write("\nlab.example/audit\n2\nabc")
    lab.record("b")
    assert write_missing(lab.log, settings()) == 1
    (said,) = lab.said()
    assert "cut off" in said


def test_a_forged_checkpoint_under_the_same_name_does_not_count(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.record("a")
    forger = SignerKey.make("lab.example/audit", lab.folder / "other.key")
    monkeypatch.setenv("DRAGOMAN_WITNESS_KEY", str(lab.folder / "other.key"))
    settings.cache_clear()
    write_missing(lab.log, settings())
    said = lab.said()
    assert "it is not signed by lab.example/audit" in said[0]
    assert discrepancies(lab.log, place_at(str(lab.file)), [forger.public]) == []


def test_a_folder_of_objects_holds_one_for_each_checkpoint(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    place = f"file://{lab.folder}/objects/"
    monkeypatch.setenv("DRAGOMAN_WITNESS", place)
    settings.cache_clear()
    for reason in "abc":
        lab.record(reason)
        attest(lab.log, settings())
    objects = sorted((lab.folder / "objects").iterdir())
    assert [each.name for each in objects] == [f"checkpoint-{size:012}.txt" for size in (1, 2, 3)]
    assert lab.said(place) == []
    objects[1].unlink()
    (said,) = lab.said(place)
    assert said.startswith("No checkpoint of record 2 is at")


@pytest.fixture
def hook() -> Iterator[tuple[str, dict[str, Any]]]:
    """A webhook that answers as it is told, keeps what it is sent, and shows it."""
    kept: dict[str, Any] = {"status": 200, "notes": []}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            note = self.rfile.read(int(self.headers["Content-Length"])).decode()
            if kept["status"] == 200:
                kept["notes"].append(note)
            self.send_response(kept["status"])
            self.end_headers()

        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write("\n".join(kept["notes"]).encode())

        def log_message(self, *_: Any) -> None:
            pass

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    yield f"http://ann:s3cret@127.0.0.1:{listener.server_port}/audit", kept
    listener.shutdown()
    listener.server_close()


def test_a_webhook_that_fails_loses_nothing_and_is_caught_up(
    lab: Lab, hook: tuple[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    url, kept = hook
    monkeypatch.setattr(places, "ATTEMPTS", 1)
    monkeypatch.setenv("DRAGOMAN_WITNESS", url)
    settings.cache_clear()
    lab.record("a")
    kept["status"] = 500
    with caplog.at_level(logging.WARNING):
        attest(lab.log, settings())
    assert "which the next promotion writes" in caplog.text
    assert "it answers 500" in caplog.text
    assert "s3cret" not in caplog.text
    kept["status"] = 200
    lab.record("b")
    attest(lab.log, settings())
    assert len(kept["notes"]) == 2
    assert lab.said(url) == []
    lab.record("c")
    attest(lab.log, settings())
    assert [note.splitlines()[1] for note in kept["notes"]] == ["1", "2", "3"]


def test_no_key_is_in_what_the_platform_writes(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    secret = (lab.folder / "audit.key").read_text().strip().split("+", 4)[4]
    with caplog.at_level(logging.DEBUG):
        lab.record("a")
        attest(lab.log, settings())
        code, told = _dragoman("config")
    assert code == 0
    assert secret not in told + caplog.text
    written = [file for file in lab.folder.rglob("*") if file.is_file() and file.name != "audit.key"]
    assert not [file for file in written if secret.encode() in file.read_bytes()]


def test_keygen_keeps_the_secret_out_of_the_home(lab: Lab) -> None:
    code, told = _dragoman("audit", "keygen", str(lab.folder / "new.key"), "--name", "lab.example/new")
    assert code == 0
    assert told.strip() == (lab.folder / "new.key.pub").read_text().strip()
    assert (lab.folder / "new.key").stat().st_mode & 0o777 == 0o600
    with pytest.raises(Exception, match="give a file outside"):
        _dragoman("audit", "keygen", str(lab.folder / "home" / "audit.key"))


def test_a_witness_that_another_process_writes_is_waited_for_and_then_said(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    from filelock import FileLock

    monkeypatch.setattr(witness, "_TURN_SECONDS", 0.05)
    lab.record("a")
    with FileLock(lab.folder / "home" / "witness.lock"), pytest.raises(WitnessError, match="Another process"):
        write_missing(lab.log, settings())
