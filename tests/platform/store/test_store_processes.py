"""Many processes at one store, from its creation on, one of them killed: no error, nothing lost, nothing doubled."""

import multiprocessing
import subprocess
import sys
from pathlib import Path

HAMMER = Path(__file__).parents[3] / "benchmarks" / "hammer.py"


def test_writers_queue_and_a_killed_one_leaves_no_trace(empty_url):
    command = [sys.executable, str(HAMMER), empty_url, "--seconds", "2", "--kill"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "0 of 12 processes failed" in run.stdout


def test_a_forked_child_leaves_its_parents_connections_alone(small):
    child = multiprocessing.get_context("fork").Process(target=small.commit, args=(small.cells[0].cell, 1.0))
    child.start()
    child.join(60)
    assert child.exitcode == 0
    assert [score.value for score in small.store.scores_of(small.cells[0].cell.id)] == [1.0, 2.0]
    small.commit(small.cells[1].cell, 2.0)
