"""Pages and API of a store with a damaged page: status 503 with a sentence, and no traceback in the log."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from dragoman_ui.viewmodels import store

PAGE = 4096
PATHS = ("/dragoman/", "/ajax-api/3.0/dragoman/grids", "/dragoman/job?grid=g", "/dragoman/promotions")


def test_every_page_of_a_damaged_store_is_a_sentence(
    copied: Path, browse: Callable[..., FlaskClient], caplog: pytest.LogCaptureFixture
) -> None:
    file = copied / "store.db"
    for each in copied.glob("store.db-*"):
        each.unlink()
    good, statuses = file.read_bytes(), set[int]()

    for page in range(0, len(good) // PAGE, max(1, len(good) // PAGE // 25)):
        for each in copied.glob("store.db*"):
            each.unlink()
        file.write_bytes(good[: page * PAGE] + bytes(byte ^ 0xFF for byte in good[page * PAGE : (page + 1) * PAGE]) +
                         good[(page + 1) * PAGE :])  # fmt: skip
        store.shared_store.cache_clear()
        store._stamp.cache_clear()
        client = browse()
        for path in PATHS:
            with caplog.at_level(logging.DEBUG):
                answer = client.get(path)
            statuses.add(answer.status_code)
            assert answer.status_code in (200, 404, 503), (page, path)
            if answer.status_code == 503:
                assert "store.db" in answer.text
    assert 503 in statuses
    assert "Traceback" not in caplog.text
