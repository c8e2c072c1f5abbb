"""Many processes at one store, from its creation on, one of them killed: no error, nothing lost, nothing doubled."""

import multiprocessing
import subprocess
import sys
from pathlib import Path

from dragoman.store import records
from dragoman.store.store import Store

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
    assert [score.value for score in small.store.cells.scores(small.cells[0].cell.id)] == [1.0, 2.0]
    small.commit(small.cells[1].cell, 2.0)


def score_in_turn(url, blobs, cell, barrier):
    """Commit a cell that another commits too, and add the scores that the other adds too."""
    store = Store.open_existing(url, blobs)
    outcome = {"hypotheses": "h", "segments": 1, "tokens": 1, "cut": 0, "engine": "e", "seconds": 0, "worker": "w"}
    barrier.wait(60)
    for version in range(10):
        score = records.StoredScore(metric="bleu", signature=f"BLEU|v{version}", value=version, statistics=b"s")
        if version == 0:
            store.cells.advance(
                translated=[
                    records.CellOutcome(
                        translation=records.Translation(cell_id=cell, **outcome),
                        scores=[score],
                        unscorable=[("chrf++", "no reason")],
                    )
                ]
            )
        else:
            store.cells.add_scores(cell, [score], [(f"metric{version}", "no reason")])
    store.close()


def test_writers_at_the_same_cell_score_it_once(small, store_url, in_step):
    cell, context = small.cells[0].cell, multiprocessing.get_context("fork")
    barrier = context.Barrier(2)
    arguments = (store_url, small.store.blobs.url, cell.id, barrier)
    writers = [context.Process(target=score_in_turn, args=arguments) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert [score.value for score in small.store.cells.scores(cell.id)] == [float(version) for version in range(10)]
    in_step(small.store)
