"""How long the beginning of a promotion holds its alias, whatever the clock does."""

from datetime import UTC, datetime, timedelta

import pytest

from dragoman_registry.audit import log
from dragoman_registry.audit.log import Action, AuditEntry, AuditRecord, Outcome, is_alive, this_process


def _begun(process: str) -> AuditRecord:
    entry = AuditEntry(
        actor="ada", process=process, action=Action.PROMOTION, outcome=Outcome.BEGUN, name="m", alias="champion",
        from_version=None, to_version="1", reason="better",
    )  # fmt: skip
    return AuditRecord.following(entry, None)


@pytest.mark.parametrize("process", [this_process(), "another-host/7"], ids=["this process", "another host"])
@pytest.mark.parametrize("hours", [1, -1])
def test_a_clock_that_jumps_does_not_hold_an_alias(process: str, hours: int, monkeypatch: pytest.MonkeyPatch) -> None:
    record = _begun(process)
    assert is_alive(record)
    monkeypatch.setattr(log, "now", lambda: datetime.now(UTC) + timedelta(hours=hours))
    assert not is_alive(record)
