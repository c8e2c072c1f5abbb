"""Metrics that a grid asks for and cells of it lack, because another grid had them translated."""

import subprocess
import sys
from pathlib import Path

import psutil

from dragoman.store.maintenance.rescoring import unscored_metrics
from dragoman.store.records import StoredScore


def test_a_metric_is_lacking_until_every_translated_cell_has_a_score_or_a_reason(small):
    first, second = (record.cell for record in small.cells[:2])
    small.commit(first, 40)
    small.commit(second, 50)
    assert unscored_metrics(small.store, "small") == []
    small.store.grids.add_metric("small", "ter")
    assert unscored_metrics(small.store, "small") == ["ter"]
    small.store.cells.add_scores(first.id, [StoredScore(metric="ter", signature="TER|v1", value=30)])
    assert unscored_metrics(small.store, "small") == ["ter"]
    small.store.cells.add_scores(second.id, [], [("ter", "no reason to")])
    assert unscored_metrics(small.store, "small") == []


_POOL = """
import os, time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from dragoman.store.maintenance.rescoring import end_with_parent

if __name__ == "__main__":
    pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=end_with_parent)
    print(pool.submit(os.getpid).result(), flush=True)
    time.sleep(600)
"""


def test_a_pools_processes_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "pool.py"
    script.write_text(_POOL)
    parent = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    gone, alive = psutil.wait_procs([child], timeout=10)
    for process in alive:
        process.kill()
    parent.communicate()
    assert gone == [child]
