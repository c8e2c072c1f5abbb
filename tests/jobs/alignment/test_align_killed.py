"""`dragoman align` on a real Ray, killed while it measures: the same command does the rest, to the same bytes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dragoman.planning.plan import Plan
from dragoman.store.store import Store

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

COMMAND = [sys.executable, "-c", "from dragoman.cli.main import main; main()", "align", "grid"]
MEASURED = (
    "identity, content, layer, pooling, lines, retrieval, retrieval_centred, retrieval_chance, xsim_error, "
    "xsim_error_centred, cka, cka_chance, cka_unbiased, mutual_knn, mutual_knn_centred"
)


def align(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=600, check=False)


def rows(store: Store) -> list[tuple[object, ...]]:
    with store.database.reading() as connection:
        query = f"SELECT {MEASURED} FROM alignment ORDER BY identity"
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def test_killed_and_begun_again_it_ends_with_the_same_bytes(
    make_grid: Callable[..., Plan], open_store: Callable[[], Store], home: Path
) -> None:
    make_grid(evaluation={"sentences": 400, "metrics": ["bleu"]}, languages=["en", "de", "fr", "fi", "ru", "ar"])
    store = open_store()
    running = subprocess.Popen(COMMAND, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while running.poll() is None and not rows(store):
        time.sleep(0.01)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    kept = rows(store)
    assert 0 < len(kept) < 180, "it was killed in the middle"

    again = align("--json")
    assert again.returncode == 0, again.stderr
    assert f"{180 - len(kept)} alignments measured, {len(kept)} known before" in again.stderr
    resumed = rows(store)
    assert set(kept) < set(resumed)

    with store.database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM alignment")
    for path in (home / "cache" / "representations").rglob("*.npy"):
        path.unlink()
    whole = align("--json")
    assert "12 passes of a model over a language's 400 lines, 180 alignments measured, 0 known" in whole.stderr
    assert rows(store) == resumed
    assert whole.stdout == again.stdout
