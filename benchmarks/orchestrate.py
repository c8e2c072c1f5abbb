"""What orchestration costs: every pair of 200 languages through the real driver, store and pool, with a stub engine.

The stub sleeps instead of decoding, for a time that is skewed as that of real cells is (log-normal: a few take many
times the median); everything else is done as in a real grid: each worker reads its test lines, writes its hypotheses,
scores them with BLEU, and the driver commits every cell to an SQLite store. One model, 39,800 cells.

    python benchmarks/orchestrate.py
    python benchmarks/orchestrate.py --languages 30 --workers 8

Workers that sleep still score and write: the more of them there are, the less of the cores is left to the driver.

Printed for the time from the first cell's start to the last one's end:

- busy: the share of their lives, from ready to killed, that the workers spent in cells, by their own clocks;
- overhead: the time that the grid took longer than busy workers would have, for each cell;
- driver: its processor time for each cell, and the most memory it ever held;
- workers: the processor time of all other processes (Ray's and the workers') for each cell, and its share of the cores;
- statements: how many SQL statements the driver sent for each cell.
"""

import argparse
import itertools
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil

from dragoman.corpora.base import Corpus
from dragoman.pair import Pair
from dragoman.segment import Segment, Split
from dragoman.spec.corpus import CorpusOptions
from dragoman.spec.decoding import Decoding
from dragoman_jobs.engines.base import Engine, Hypothesis
from dragoman_jobs.models.checkpoint import Checkpoint

MEAN, SIGMA = 0.2, 0.8
"""Seconds a cell takes on average, and the spread of their logarithm: one in a hundred takes five times the mean."""

LINES = 3
"""Test lines of each pair."""


class Stub(Engine):
    """Sleeps as long as the pair is heavy."""

    @classmethod
    def prepare(cls, checkpoint: Checkpoint, decoding: Decoding, cache: Path) -> Path:
        """Needs nothing."""
        return cache / checkpoint.id

    def __init__(self, prepared: Path, decoding: Decoding, device: str = "cpu") -> None:
        del prepared, decoding, device

    def translate(self, prompts: Sequence[str], batch_tokens: int = 4096) -> list[Hypothesis]:
        """The prompt, after a while."""
        heavy = random.Random(prompts[0]).lognormvariate(0, SIGMA)
        mean_of_heavy = pow(2.718281828, SIGMA**2 / 2)
        time.sleep(float(os.environ["ORCHESTRATE_MEAN"]) * heavy / mean_of_heavy)
        return [Hypothesis(prompt, "stop", 20) for prompt in prompts]


class Lines(Corpus):
    """A few lines of every pair there is."""

    def __init__(self, options: CorpusOptions) -> None:
        del options

    @property
    def revision(self) -> str:
        """Always the same."""
        return "1"

    def missing(self, pairs: Collection[Pair], split: Split) -> dict[Pair, str]:
        """None is."""
        del pairs, split
        return {}

    def segments(self, pair: Pair, split: Split) -> Iterator[Segment]:
        """Lines that are as good as any."""
        for number in range(LINES):
            yield Segment(f"line {number} of {pair} in {split}", f"what line {number} of {pair} means")


def main() -> None:
    """Run the grid and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--languages", type=int, default=200, help="languages, every ordered pair of them is a cell")
    parser.add_argument("--workers", type=int, default=16, help="workers: they sleep, so there may be more than cores")
    parser.add_argument("--mean", type=float, default=MEAN, help="seconds that a cell takes on average")
    asked = parser.parse_args()
    os.environ["ORCHESTRATE_MEAN"] = str(asked.mean)
    with tempfile.TemporaryDirectory() as folder:
        install(Path(folder) / "plugins")
        measure(Path(folder), asked.languages, asked.workers)


def install(folder: Path) -> None:
    """Have the stub and the corpus found by their entry points, here and in the workers."""
    info = folder / "orchestrate-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: orchestrate\nVersion: 1.0\n")
    entries = {"engines": "stub = orchestrate:Stub", "corpora": "lines = orchestrate:Lines"}
    (info / "entry_points.txt").write_text("".join(f"[dragoman.{group}]\n{it}\n" for group, it in entries.items()))
    added = [str(folder), str(Path(__file__).parent)]
    sys.path[:0] = added
    os.environ["PYTHONPATH"] = os.pathsep.join([*added, os.environ.get("PYTHONPATH", "")])


def measure(folder: Path, languages: int, workers: int) -> None:
    """One grid."""
    from campaign import Campaign
    from rich.console import Console
    from sqlalchemy import event

    from dragoman.planning.planner import make_plan
    from dragoman.settings import Settings
    from dragoman.spec.grid import GridSpec
    from dragoman.store.store import Store
    from dragoman_jobs.cluster.ray_cluster import RayCluster
    from dragoman_jobs.driver.driver import Driver
    from dragoman_jobs.driver.job import Job
    from dragoman_jobs.driver.progress import ProgressDisplay
    from dragoman_jobs.driver.throughput import PrometheusMetrics

    base = folder / "base"
    base.mkdir()
    (base / "model.safetensors").write_bytes(b"none")
    spec: dict[str, Any] = {
        "name": "orchestrate", "base": str(base), "languages": Campaign(languages, 1).tags, "corpus": "lines",
        "evaluation": {"engine": "stub", "metrics": ["bleu"]},
    }  # fmt: skip
    settings = Settings(home=folder / "home")
    began = time.monotonic()
    plan = make_plan(GridSpec.model_validate(spec))
    store = Store.open(settings.store_url, settings.blobs_url)
    job = Job(store, "orchestrate")
    driver = Driver(plan, store, settings, ProgressDisplay(Console(), job))
    driver.register()
    print(f"{len(plan.pairs):,} cells planned and registered in {time.monotonic() - began:.1f} s")
    with job:
        backlog = driver.remaining()
        cells = len(backlog)
        cluster = RayCluster(workers)
        statements = itertools.count()
        event.listen(store.database.engine, "before_cursor_execute", lambda *_: next(statements))
        before, others = time.process_time(), busy_cores()
        try:
            began = time.monotonic()
            driver.run(cluster, backlog, meters=PrometheusMetrics("orchestrate"))
            seconds = time.monotonic() - began
            others = busy_cores() - others
        finally:
            cluster.close()
    standing = store.jobs.of_grid("orchestrate")[0].progress or {}
    driver_cpu = time.process_time() - before
    report(cells, workers, seconds, driver_cpu, standing["busy"])
    share = (others - driver_cpu) / seconds / (os.cpu_count() or 1)
    print(f"workers:  {1000 * (others - driver_cpu) / cells:.2f} ms of processor time a cell, {share:.0%} of the cores")
    print(f"statements: {next(statements) / cells:.2f} a cell")
    done = sum(cell.attempts == 1 and cell.hypotheses is not None for cell in store.cells.of_grid("orchestrate"))
    print(f"{done:,} of {cells:,} cells are done, each once")


def busy_cores() -> float:
    """Seconds of processor time that all processes of this machine have used."""
    times = psutil.cpu_times()
    return float(times.user + times.system + times.nice)


def report(cells: int, workers: int, seconds: float, cpu: float, busy: float) -> None:
    """What it took."""
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{cells:,} cells on {workers} workers in {seconds:.1f} s: {1000 * seconds / cells:.2f} ms a cell")
    print(f"busy:     {busy:.1%} of the workers' time (wanted: at least 97 %)")
    print(f"overhead: {1000 * seconds * (1 - busy) / cells:.2f} ms a cell (wanted: at most 0.5 ms)")
    print(
        f"driver:   {1000 * cpu / cells:.2f} ms of processor time a cell, {megabytes:.0f} MB (wanted: at most 350 MB)"
    )


if __name__ == "__main__":
    main()
