"""A ranking of many systems on a whole grid, beside sacreBLEU's PairedTest; and the smallest detectable difference.

    OMP_NUM_THREADS=1 python benchmarks/rank.py [--systems 12] [--pairs 156] [--segments 1012] [--peer 2] [--sets 2000]

A store is filled with made-up statistics of as many systems on as many pairs, all of one multi-parallel test set, and
ranked as `dragoman rank` does: read, test every two systems, and resample the means. The time is that of the whole
question, the largest memory that of this process. Then the same deals of some two systems are all scored, one language
pair after the other, as `dragoman compare` does: the p-values have to be equal. sacreBLEU's `PairedTest` (`ar`) tests
two systems on a few pairs from text, with as many trials and one thread; its time is scaled up to all pairs of systems
and languages, and its p-values have to be those of the product.

Then test sets are drawn from a population in which two systems differ by just the smallest detectable difference of a
test set of that size, on ten language pairs at once: on four in five of them the test has to find it.

It exits with 1 where a p-value differs, the ranking takes longer than the goal, or the share found is beyond 80% by
more than Monte Carlo error and three points explain.
"""

import argparse
import random
import resource
import time
from math import comb, sqrt
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.significance import PairedTest

from dragoman.analysis import ScoreQuestion
from dragoman.analysis.detectable import smallest_detectable
from dragoman.analysis.joint_tests import joint_tests_of
from dragoman.analysis.ranking_records import Ranking
from dragoman.analysis.significance_plan import Plan
from dragoman.analysis.system_ranking import rank
from dragoman.analysis.units import Block, Units
from dragoman.metrics.base import Statistics
from dragoman.metrics.many_systems import Panel, systems_of
from dragoman.metrics.replicates import Lines
from dragoman.metrics.sacrebleu import Bleu
from dragoman.metrics.serialization import pack
from dragoman.pair import Pair
from dragoman.partition import TrainingGraph
from dragoman.segment import Segment
from dragoman.store.records import ModelRecord, StoredScore
from dragoman.store.store import Store
from dragoman.testing import GridBuilder

SIGNATURE = "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0"
TAGS = [f"q{letter}{other}" for letter in "abcdefghijklmnopqrst" for other in "abcdefghijklmnopqrst"]
GOAL = 30
"""Seconds that the ranking may take."""
OF_POWER = 10
"""Language pairs of the simulated test sets."""


class Sentences(NamedTuple):
    """Sentences that are hard or easy for every system in every pair."""

    words: NDArray[np.int64]
    hardness: NDArray[np.float64]

    @classmethod
    def drawn(cls, rng: np.random.Generator, count: int) -> "Sentences":
        """Sentences of some 20 words."""
        return cls(6 + rng.poisson(15, size=count), rng.normal(0, 0.1, size=count))

    def translated(self, rng: np.random.Generator, quality: float) -> Statistics:
        """BLEU's statistics of a translation that gets about such a share of words right."""
        chance = np.clip(quality + self.hardness + rng.normal(0, 0.05, len(self.words)), 0.02, 0.98)
        right = [rng.binomial(self.words - order, chance ** (order + 1)) for order in range(4)]
        lengths = self.words + rng.integers(-2, 3, size=len(self.words))
        columns = [lengths, self.words, *right, *(self.words - order for order in range(4))]
        return np.stack(columns, axis=1).astype(float)


def fill(store: Store, systems: int, pairs: int, segments: int) -> dict[str, dict[Pair, Statistics]]:
    """Write a grid of made-up translations; the statistics of each system on each pair."""
    rng = np.random.default_rng(1)
    sentences = Sentences.drawn(rng, segments)
    named = [Pair("en", tag) for tag in TAGS[:pairs]]
    models = [ModelRecord(id=f"model-{place}", name=f"s{place}", graph=TrainingGraph()) for place in range(systems)]
    lines = {pair: [Segment(f"sentence {place}", f"{pair} {place}") for place in range(segments)] for pair in named}
    grid = GridBuilder(
        store, models, named, name="many", lines=lines, names={each.id: each.name for each in models}
    ).add()
    made: dict[str, dict[Pair, Statistics]] = {each.name: {} for each in models}
    qualities = {each.id: 0.5 + 0.002 * place for place, each in enumerate(models)}
    names = {each.id: each.name for each in models}
    for record in grid.cells:
        rows = sentences.translated(rng, qualities[record.cell.model] + rng.normal(0, 0.01))
        made[names[record.cell.model]][record.cell.pair] = rows
        value = Bleu(record.cell.pair).score(rows)
        score = StoredScore(
            metric="bleu", signature=f"bleu|{SIGNATURE}", value=value, low=value, high=value, statistics=pack(rows)
        )
        grid.translate(record.cell, [score], segments=segments)
    return made


def ranked(systems: int, pairs: int, segments: int) -> tuple[Ranking, dict[str, dict[Pair, Statistics]], float]:
    """Rank a grid of a new store; the ranking of no more trials than the least, the statistics, and the seconds."""
    with TemporaryDirectory() as folder:
        store = Store.open(f"sqlite:///{Path(folder) / 'store.db'}", f"file://{folder}/blobs")
        made = fill(store, systems, pairs, segments)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        start, working = time.perf_counter(), time.process_time()
        found = rank(store, ScoreQuestion("many", "bleu"))
        seconds, worked = time.perf_counter() - start, time.process_time() - working
        fixed = rank(store, ScoreQuestion("many", "bleu"), samples=found.samples)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        store.close()
    print(
        f"{systems} systems × {pairs} pairs × {segments} lines: {comb(systems, 2)} tests of {found.samples:,} trials "
        f"or more in {seconds:.1f} s (goal {GOAL}), {worked:.1f} s of CPU; {found.systems[-1].cluster} clusters; "
        f"{after >> 10:,} MB at most, {before >> 10:,} before",
        flush=True,
    )
    return fixed, made, seconds


def one_by_one(found: Ranking, made: dict[str, dict[Pair, Statistics]], segments: int) -> bool:
    """Whether p-values are those of scoring every deal of every pair; of each system against the next but for few."""
    pairs = list(next(iter(made.values())))
    units = Units((Block(segments, {pair: np.arange(segments) for pair in pairs}),), None)
    means = {"mean": dict.fromkeys(pairs, 1.0)}
    checked = sorted(found.neighbours, key=lambda each: -each.p_value)[:4]
    start, equal = time.perf_counter(), True
    for each in checked:
        both = {pair: (made[each.worse][pair], made[each.better][pair]) for pair in pairs}
        expected = joint_tests_of(Bleu, both, units, Plan(samples=found.samples), means).means["mean"]
        equal &= expected.p_value == each.p_value
        print(f"  {each.better} against {each.worse}: p {each.p_value:.6f}, of every deal {expected.p_value:.6f}")
    seconds = (time.perf_counter() - start) / len(checked) * len(found.differences)
    print(f"  every deal of every two scored would take {seconds:.0f} s; p-values {'equal' if equal else 'DIFFER'}")
    return equal


def beside_sacrebleu(found: Ranking, peer: int, segments: int, pairs: int, seconds: float) -> bool:
    """Time sacreBLEU's PairedTest on a few pairs of text, and compare its p-values with those of the product."""
    rng = random.Random(1)
    words = ["".join(rng.choices("abcdefghijklmnoprstuvw", k=rng.randint(2, 9))) for _ in range(3000)]
    equal, took = True, 0.0
    for place in range(peer):
        references = [rng.choices(words, k=rng.randint(8, 32)) for _ in range(segments)]
        sides = [
            [" ".join(rng.choice(words) if rng.random() < errors else word for word in line) for line in references]
            for errors in (0.5, 0.494 - 0.003 * place)
        ]
        lines = [" ".join(line) for line in references]
        start = time.perf_counter()
        named = [("baseline", sides[0]), ("system", sides[1])]
        test = PairedTest(named, {"bleu": BLEU()}, [lines], test_type="ar", n_samples=found.samples)
        (column,) = (column for name, column in test()[1].items() if name != "System")
        took += time.perf_counter() - start
        metric = Bleu(Pair("en", "de"))
        packed = [pack(metric.statistics(lines, side, lines)) for side in sides]
        (own,) = systems_of([[Panel(metric, packed, Lines(segments, np.arange(segments)), 1.0)]]).tested(
            [0], found.samples
        )
        equal &= own.p_value == column[1].p_value
        print(f"  sacreBLEU p {column[1].p_value:.6f}, ours {own.p_value:.6f}", flush=True)
    theirs = took / peer * pairs * len(found.differences)
    print(
        f"  sacreBLEU's PairedTest: {took / peer:.1f} s for two systems on one pair, {theirs / 3600:.1f} hours for "
        f"all, {theirs / seconds:,.0f} times as long; p-values {'equal' if equal else 'DIFFER'}"
    )
    return equal


def power(sets: int, segments: int) -> bool:
    """Whether four in five test sets show the smallest detectable difference."""
    rng = np.random.default_rng(3)
    metrics = [Bleu(Pair("en", tag)) for tag in TAGS[:OF_POWER]]

    def drawn(gain: float, count: int, source: np.random.Generator) -> list[list[Statistics]]:
        sentences = Sentences.drawn(source, count)
        return [[sentences.translated(source, 0.5 + step) for step in (0.0, gain)] for _ in metrics]

    def panels(gain: float) -> list[list[Panel]]:
        lines = Lines(segments, np.arange(segments))
        tables = drawn(gain, segments, rng)
        return [
            [Panel(metric, [pack(each) for each in own], lines, 1 / OF_POWER)
             for metric, own in zip(metrics, tables, strict=True)]
        ]  # fmt: skip

    error = float(np.mean([systems_of(panels(0.0)).errors[0] for _ in range(20)]))
    goal, low, high = smallest_detectable(error), 0.0, 0.1
    for _ in range(12):
        middle = (low + high) / 2
        tables = drawn(middle, 60_000, np.random.default_rng(0))
        scores = [[metric.score(each) for each in own] for metric, own in zip(metrics, tables, strict=True)]
        gained = float(np.mean([better - base for base, better in scores]))
        low, high = (middle, high) if gained < goal else (low, middle)
    hits = [systems_of(panels(middle)).tested([0], 1000, seed)[0].p_value <= 0.05 for seed in range(sets)]
    share, noise = 100 * float(np.mean(hits)), 100 * sqrt(0.16 / sets)
    print(
        f"A true difference of {goal:.3f} BLEU, the smallest detectable of {segments} sentences in {OF_POWER} pairs, "
        f"is found on {share:.1f}% of {sets} test sets (goal 80 ± {3 + 2 * noise:.1f})"
    )
    return abs(share - 80) <= 3 + 2 * noise


def main() -> None:
    """Rank, compare and simulate; exit with 1 where something is not as it should be."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--systems", type=int, default=12)
    options.add_argument("--pairs", type=int, default=156)
    options.add_argument("--segments", type=int, default=1012)
    options.add_argument("--peer", type=int, default=2, help="pairs that sacreBLEU tests too")
    options.add_argument("--sets", type=int, default=2000, help="simulated test sets")
    chosen = options.parse_args()
    found, made, seconds = ranked(chosen.systems, chosen.pairs, chosen.segments)
    good = [
        seconds <= GOAL,
        one_by_one(found, made, chosen.segments),
        beside_sacrebleu(found, chosen.peer, chosen.segments, chosen.pairs, seconds),
        power(chosen.sets, 300),
    ]
    raise SystemExit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
