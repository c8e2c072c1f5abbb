"""Log lines: what they are about, in both forms, and no secret in either."""

import json
import logging
from collections.abc import Iterator

import pytest

from dragoman.logs import LOGGERS, about, configure
from dragoman.settings import Settings

logger = logging.getLogger("dragoman.tests")


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    before = {name: (logging.getLogger(name).handlers, logging.getLogger(name).level) for name in LOGGERS}
    yield
    for name, (handlers, level) in before.items():
        logging.getLogger(name).handlers = handlers
        logging.getLogger(name).setLevel(level)


def test_json_lines_say_grid_and_cell(capsys: pytest.CaptureFixture[str]) -> None:
    configure(Settings(log="json", log_level="info"))
    with about(grid="demo", job="3"):
        with about(cell="cell1-a", pair="en-de"):
            logger.info("cell %s", "done")
        try:
            raise ValueError("postgresql://ann:s3cret@host/db")
        except ValueError:
            logger.exception("no store")
    logger.debug("not asked for")
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert first.pop("time").endswith("+00:00")
    assert first == {
        "level": "info", "logger": "dragoman.tests", "grid": "demo", "job": "3", "cell": "cell1-a", "pair": "en-de",
        "message": "cell done",
    }  # fmt: skip
    assert "cell" not in second
    assert "s3cret" not in second["exception"]
    assert "ValueError" in second["exception"]


def test_text_lines_say_it_too_and_quietly_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    configure(Settings())
    configure(Settings())  # again: not twice
    with about(grid="demo"):
        logger.info("nobody asked")
        logger.error("password=%s is wrong", "s3cret")
    said = capsys.readouterr().err
    assert said.endswith("ERROR dragoman.tests: password=*** is wrong [grid=demo]\n")
    assert said.count("\n") == 1
