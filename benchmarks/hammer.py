"""Many processes at one store: writers commit cells and scores, readers check that sums and scores agree.

    python benchmarks/hammer.py sqlite:////tmp/hammer.db --seconds 60
    python benchmarks/hammer.py postgresql://user@host/name --seconds 60 --kill

With `--kill`, one writer is killed in the middle of a transaction. Prints what was written and found; exits with 1 if
a process met an error, or a row was lost or doubled.
"""

import argparse
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import text

from dragoman.cell import Cell
from dragoman.pair import all_pairs
from dragoman.partition import TrainingGraph
from dragoman.store import records
from dragoman.store.store import Store

LANGUAGES = ("ar", "bg", "ca", "de", "en", "fi", "fr", "hi")
BLOBS = "memory://hammer"


def plan(url: str) -> list[str]:
    """Write a grid of two models, and return the ids of its cells."""
    store = Store.open(url, BLOBS)
    store.conditions.add_test_set(records.TestSetRecord(id="test1-h", corpus="none", revision="1", split="test"))
    store.conditions.add_prompt(records.PromptRecord(id="prompt1-h", template="{source}"))
    store.conditions.add_decoding(records.DecodingRecord(id="decoding1-h", settings={}))
    models = ("model1-h0", "model1-h1")
    for model in models:
        store.models.add(records.ModelRecord(id=model, name=model))
        store.models.record_graph(model, TrainingGraph.of(all_pairs(LANGUAGES[:4])))
    planned = [
        records.CellRecord(
            cell=Cell(
                model=model, test_set="test1-h", content="c", pair=pair, prompt="prompt1-h", decoding="decoding1-h"
            )
        )
        for model in models
        for pair in all_pairs(LANGUAGES)
    ]
    grid = records.GridRecord(
        name="hammer", spec={}, spec_hash="1", models=models, base=models[0], metrics=("bleu",), languages=LANGUAGES
    )
    store.grids.add(grid, planned)
    store.close()
    return [record.cell.id for record in planned]


def write(url: str, mine: list[str], until: float, report: Callable[[str], None]) -> None:
    """Commit cells, then add a score under a new signature to each, round after round."""
    store = Store.open_existing(url, BLOBS)
    version = 0
    while time.time() < until:
        for cell in mine:
            score = records.StoredScore(
                metric="bleu", signature=f"BLEU|v{version}", value=version, statistics=b"s" * 100
            )
            if version == 0:
                store.cells.advance(started=[cell], worker=str(os.getpid()))
                store.cells.advance(translated=[records.CellOutcome(translation=translation(cell), scores=[score])])
            else:
                store.cells.add_scores(cell, [score])
            report(f"{cell} {version}\n")
            if time.time() > until and version > 0:
                break
        version += 1


def die(url: str, cell: str, report: Callable[[str], None]) -> None:
    """Write within a transaction and wait there to be killed."""
    store = Store.open_existing(url, BLOBS)
    with store.transaction(alone=False) as transaction:
        transaction.cells.add_scores(cell, [records.StoredScore(metric="bleu", signature="never", value=1)])
        report("inside\n")
        time.sleep(3600)


def read(url: str, until: float, report: Callable[[str], None]) -> None:
    """See that scores and their sums agree at every moment."""
    store = Store.open_existing(url, BLOBS)
    while time.time() < until:
        with store.database.reading() as connection:
            scores = connection.execute(text("SELECT count(*), sum(value) FROM score")).one()
            sums = connection.execute(text("SELECT sum(scores), sum(total) FROM score_sum")).one()
        if (scores[0] or None, scores[1]) != tuple(sums):
            raise AssertionError(f"scores {scores} but sums {sums}")
        store.cells.of_grid("hammer")
        report("read\n")


def translation(cell: str) -> records.Translation:
    """An outcome for a cell."""
    return records.Translation(
        cell_id=cell, hypotheses="h", segments=1, tokens=1, cut=0, engine="none", seconds=0, worker=str(os.getpid())
    )


def fork(work: Callable[[Callable[[str], None]], None], log: Path) -> int:
    """Run work in a child that reports to a file; returns its process id."""
    child = os.fork()
    if child:
        return child
    file = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    try:
        work(lambda line: (os.write(file, line.encode()), None)[1])
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def main() -> int:
    """Hammer a store, then count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--readers", type=int, default=4)
    parser.add_argument("--kill", action="store_true")
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        return hammer(arguments, Path(folder))


def hammer(arguments: argparse.Namespace, folder: Path) -> int:
    """Open a new store from several processes, write and read it, and compare what they say with what is stored."""
    url, writers, readers = arguments.url, arguments.writers, arguments.readers
    opening = [fork(lambda report: Store.open(url, BLOBS).close(), folder / "opening") for _ in range(4)]
    Store.open(url, BLOBS).close()
    failed = sum(os.waitpid(child, 0)[1] != 0 for child in opening)
    planned = plan(url)
    until = time.time() + arguments.seconds
    # The killed writer has a cell that the others leave alone.
    shares = [planned[1 + place :: writers] for place in range(writers)]
    children = [
        fork(lambda report, share=share: write(url, share, until, report), folder / f"writer{place}")
        for place, share in enumerate(shares)
    ]
    children += [fork(lambda report: read(url, until, report), folder / f"reader{place}") for place in range(readers)]
    store = Store.open_existing(url, BLOBS)
    store.cells.advance(translated=[records.CellOutcome(translation=translation(planned[0]))])
    if arguments.kill:
        child = fork(lambda report: die(url, planned[0], report), folder / "killed")
        while not (folder / "killed").exists() or not (folder / "killed").read_text():
            time.sleep(0.01)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    failed += sum(os.waitpid(child, 0)[1] != 0 for child in children)
    written = sorted(line for log in folder.glob("writer*") for line in log.read_text().splitlines())
    reads = sum(len(log.read_text().splitlines()) for log in folder.glob("reader*"))
    with store.database.reading() as connection:
        query = "SELECT cell.identity, signature.text FROM score JOIN cell USING (model_id, condition_id, pair_id) "
        rows = connection.execute(text(query + "JOIN signature ON signature.id = score.signature_id")).all()
    stored = sorted(f"{cell} {signature.removeprefix('BLEU|v')}" for cell, signature in rows)
    print(
        f"{len(written)} scores written, {len(stored)} stored, {reads} reads of the whole grid, "
        f"{failed} of {len(children)} processes failed, {len(written) / arguments.seconds:.0f} writes a second"
    )
    return int(failed > 0 or written != stored)


if __name__ == "__main__":
    sys.exit(main())
