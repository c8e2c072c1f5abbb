"""Reading, filtering, deduplicating and sampling WikiMatrix files, beside `zcat | wc -l` on the same files.

    python benchmarks/corpora.py                   2 million lines of ten bitexts, sampled for 20 pairs
    python benchmarks/corpora.py --bitexts 1       all lines in one file, sampled for its two directions
    python benchmarks/corpora.py --folder files --rounds 0      only makes the files, `--folder files` then uses them

The files hold made-up sentences with a vocabulary distributed like a language's, one in twenty a repetition. Both sides
run in turn, three times, each in a process of its own. Prints the best wall and CPU times, the peak memory of
the sampling process, and what the filters removed. The goals: at least half the speed of `zcat`, at most 300 MB.
"""

import argparse
import gzip
import json
import resource
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from dragoman.corpora.factory import open_corpus
from dragoman.corpora.sampling.sampling import draw
from dragoman.pair import Pair
from dragoman.segment import Split
from dragoman.spec.filters import Filters

LANGUAGES = ("de", "en", "fr", "fi", "sw", "ca", "nl", "it", "es", "pt", "sv")
"""The bitexts are of each language with the one after it."""

LETTERS = "enisratdhulcgmobwfkzpvüäöß"
FREQUENCIES = [
    17, 10, 7.5, 7.3, 7, 6.5, 6, 5, 4.7, 4.3, 3.4, 3, 3,
    2.5, 2.5, 2, 2, 1.6, 1.2, 1.1, 1, 0.7, 0.6, 0.5, 0.3, 0.3,
]  # fmt: skip
WORDS = 30_000
TEXT = 4_000_000
"""Words of running text that the sentences are cut from."""

EXAMPLES = 10_000
GOAL_SPEED, GOAL_MEGABYTES = 0.5, 300


def main() -> None:
    """Make the files and measure both sides."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=2_000_000, help="in all files together")
    parser.add_argument("--bitexts", type=int, default=10, choices=range(1, len(LANGUAGES)))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="keeps the files, for the next time; a temporary one by default")
    parser.add_argument("--sample", metavar="FOLDER", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.sample:
        print(json.dumps(sample(arguments.sample, arguments.bitexts)))
        return
    with tempfile.TemporaryDirectory(prefix="dragoman") as name:
        folder = arguments.folder or Path(name)
        if not list(folder.glob("*.gz")):
            make(folder, arguments.bitexts, arguments.lines // arguments.bitexts)
        if not arguments.rounds:
            return
        command = [sys.executable, __file__, "--sample", str(folder), "--bitexts", str(arguments.bitexts)]
        theirs, ours = [], []
        for _ in range(arguments.rounds):
            theirs.append(zcat(folder))
            ours.append(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))
        report(theirs, ours, arguments.bitexts)


def make(folder: Path, bitexts: int, lines: int) -> None:
    """Write the files."""
    rng = np.random.default_rng(1)
    letters, chances = np.array(list(LETTERS)), np.array(FREQUENCIES) / sum(FREQUENCIES)
    lengths = np.clip(rng.poisson(6, WORDS), 2, 14)
    words = np.array(["".join(rng.choice(letters, length, p=chances)) for length in lengths], dtype=object)
    zipf = 1 / np.arange(1, WORDS + 1)
    text = words[rng.choice(WORDS, TEXT, p=zipf / zipf.sum())].tolist()
    folder.mkdir(exist_ok=True)
    for pair in pairs(bitexts)[::2]:
        left, right = sorted(pair)
        with gzip.open(folder / f"WikiMatrix.{left}-{right}.tsv.gz", "wt", encoding="utf-8", compresslevel=6) as file:
            texts: list[str] = []
            for number in range(lines):
                if number % 10_000 == 0:
                    sizes = np.clip(rng.normal(20, 8, 10_000), 3, 28).astype(int).tolist()
                    starts = rng.integers(TEXT - 28, size=(10_000, 2)).tolist()
                repeats = number % 20 == 19
                if not repeats:
                    size = sizes[number % 10_000]
                    sides = (" ".join(text[at : at + size]).capitalize() + "." for at in starts[number % 10_000])
                    texts = [*texts[-200:], "\t".join(sides)]
                # best margin first, and an eighth of the lines below the advised one
                file.write(f"{1.36 - 0.32 * number / lines * 8 / 7:.7f}\t{texts[0] if repeats else texts[-1]}\n")


def pairs(bitexts: int) -> list[Pair]:
    """Both directions of each bitext."""
    both = [(Pair(one, other), Pair(other, one)) for one, other in pairwise(LANGUAGES)]
    return [pair for directions in both[:bitexts] for pair in directions]


def sample(folder: str, bitexts: int) -> dict[str, Any]:
    """Draw examples of all pairs; the time without starting up, the memory with it."""
    corpus = open_corpus("wikimatrix", {"path": folder})
    filters = Filters(min_length=10, max_length=400, max_length_ratio=2.5)
    wall, cpu = time.perf_counter(), time.process_time()
    samples = draw(corpus, dict.fromkeys(pairs(bitexts), EXAMPLES), Split.TRAIN, 1, filters)
    times = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    first = next(iter(samples.values()))
    return {
        **times,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "pairs": len(samples),
        "drawn": sum(len(drawn.segments) for drawn in samples.values()),
        "first": {"read": first.read, **first.removed},
    }


def zcat(folder: Path) -> dict[str, Any]:
    """Unpack the files and count their lines."""
    before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    lines = subprocess.run("zcat *.tsv.gz | wc -l", shell=True, check=True, cwd=folder, stdout=subprocess.PIPE).stdout
    wall, after = time.perf_counter() - wall, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall": wall, "cpu": cpu, "lines": int(lines), "packed": sum(f.stat().st_size for f in folder.iterdir())}


def report(theirs: list[dict[str, Any]], ours: list[dict[str, Any]], bitexts: int) -> None:
    """Print the best of both."""
    lines, packed = theirs[0]["lines"], theirs[0]["packed"] / 1e6
    print(
        f"{lines:,} lines in {bitexts} files of {packed:.0f} MB; "
        f"{ours[0]['drawn']:,} drawn for {ours[0]['pairs']} pairs"
    )
    print(f"{'':40}{'wall s':>10}{'CPU s':>10}{'lines / s':>14}")
    for name, runs in (("zcat | wc -l", theirs), ("filtered, deduplicated and sampled", ours)):
        wall, cpu = (min(run[key] for run in runs) for key in ("wall", "cpu"))
        print(f"{name:40}{wall:10.1f}{cpu:10.1f}{lines / wall:14,.0f}")
    speed, cpu = (min(run[key] for run in theirs) / min(run[key] for run in ours) for key in ("wall", "cpu"))
    megabytes = max(run["megabytes"] for run in ours)
    print(f"speed beside zcat: {speed:.2f} (by CPU time {cpu:.2f}); goal {GOAL_SPEED}: {verdict(speed >= GOAL_SPEED)}")
    print(f"peak memory: {megabytes:.0f} MB; goal {GOAL_MEGABYTES}: {verdict(megabytes <= GOAL_MEGABYTES)}")
    print(f"of the first pair: {ours[0]['first']}")


def verdict(reached: bool) -> str:
    """Whether a goal was reached, in a word."""
    return "reached" if reached else "MISSED"


if __name__ == "__main__":
    main()
