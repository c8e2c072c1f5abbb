"""What other libraries log, warnings and uncaught errors have no secrets; what has none is as it was."""

import io
import logging
import subprocess
import sys
import warnings
from collections.abc import Iterator

import pytest

from dragoman.redaction.process import mask_output

SECRET = "xyzzy-plugh"


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[logging.Logger, io.StringIO]]:
    """The logger of a library that has its own handler and lets nothing pass."""
    monkeypatch.setenv("HF_TOKEN", SECRET)
    monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    make, said = logging.getLogRecordFactory(), io.StringIO()
    logger = logging.getLogger("a.library")
    logger.propagate, logger.handlers = False, [logging.StreamHandler(said)]
    mask_output()
    mask_output()  # again: nothing is done twice
    yield logger, said
    logging.setLogRecordFactory(make)
    logger.handlers = []


def test_messages_and_tracebacks_of_any_logger(library: tuple[logging.Logger, io.StringIO]) -> None:
    logger, said = library
    logger.error("the token %s of %s", SECRET, ValueError(f"no {SECRET}"))
    try:
        raise ValueError(f"{SECRET} is refused")
    except ValueError:
        logger.exception("no hub")
    lines = said.getvalue().splitlines()
    assert lines[0] == "the token *** of no ***"
    assert lines[1] == "no hub"
    assert lines[-1] == "ValueError: *** is refused"
    assert SECRET not in said.getvalue()


def test_arguments_stay_apart(library: tuple[logging.Logger, io.StringIO]) -> None:
    """uvicorn's formatter of access logs unpacks them."""
    logger, _ = library
    records: list[logging.LogRecord] = []
    logger.handlers[0].emit = records.append  # type: ignore[method-assign]
    logger.error('%s - "%s %s" %d', "127.0.0.1", "GET", f"/?token={SECRET}", 200)
    logger.error("%d of %d", 1, 2)
    assert records[0].args == ("127.0.0.1", "GET", "/?token=***", 200)
    assert records[1].args == (1, 2)
    assert records[1].msg == "%d of %d"


@pytest.mark.usefixtures("library")
def test_a_message_that_does_not_fit_is_its_handlers() -> None:
    record = logging.getLogRecordFactory()("a.library", logging.ERROR, "file", 1, "%d", ("no number",), None)
    assert record.args == ("no number",)


PROGRAM = """
import threading, warnings
from dragoman.redaction.process import mask_output
mask_output()
warnings.warn("xyzzy-plugh is old")
thread = threading.Thread(target=lambda: 1 / {}["xyzzy-plugh"])
thread.start()
thread.join()
raise ValueError("xyzzy-plugh is refused")
"""


def test_warnings_and_uncaught_errors_of_every_thread() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env={"HF_TOKEN": SECRET}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert SECRET not in done.stderr.replace(PROGRAM, "")
    assert "UserWarning: *** is old" in done.stderr
    assert "KeyError: '***'" in done.stderr
    assert done.stderr.endswith("ValueError: *** is refused\n")
