"""Paired bootstrap over a whole grid from stored statistics, against sacreBLEU's PairedTest on some of its pairs.

    OMP_NUM_THREADS=1 python benchmarks/significance.py [--pairs 156] [--segments 1012] [--samples 1000] [--peer 3]

Both run in this process with the same seed; sacreBLEU uses one thread. The time counted for Dragoman is what a
comparison in the store costs: unpacking both systems' statistics, and the test. sacreBLEU starts from text, as it
always must; how long it takes to count the n-grams of that text is printed beside. Only the pairs given
to sacreBLEU are scored from text here; the other pairs' statistics are theirs, shifted by some segments.
"""

import argparse
import random
import time
from typing import Any, NamedTuple

import numpy as np
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.significance import PairedTest

from dragoman.metrics.base import Metric, Statistics
from dragoman.metrics.sacrebleu import Bleu, ChrfPlusPlus
from dragoman.metrics.serialization import pack, unpack
from dragoman.metrics.significance import PairedResult, paired_bootstrap
from dragoman.pair import Pair

PAIR = Pair("en", "de")
METRICS = ((Bleu(PAIR), BLEU()), (ChrfPlusPlus(PAIR), CHRF(word_order=2)))
GOAL = 20


class Text(NamedTuple):
    """Two systems' output for one pair."""

    references: list[str]
    baseline: list[str]
    system: list[str]


def invent(rng: random.Random, segments: int, gain: float) -> Text:
    """References of 8 to 32 made-up words, and two systems that get about half of them right."""
    words = ["".join(rng.choices("abcdefghijklmnoprstuvw", k=rng.randint(2, 9))) for _ in range(3000)]
    references = [rng.choices(words, k=rng.randint(8, 32)) for _ in range(segments)]

    def translate(errors: float) -> list[str]:
        return [" ".join(rng.choice(words) if rng.random() < errors else word for word in line) for line in references]

    return Text([" ".join(line) for line in references], translate(0.5), translate(0.5 - gain))


def store(scored: list[tuple[Statistics, Statistics]], pairs: int) -> list[tuple[bytes, bytes]]:
    """Packed statistics of as many pairs as asked for; the first ones are those given."""
    stored = []
    for index in range(pairs):
        shift, which = divmod(index, len(scored))
        baseline, system = (np.roll(side, shift, axis=0) for side in scored[which])
        stored.append((pack(baseline), pack(system)))
    return stored


def sacrebleu_p_value(peer: Any, text: Text, samples: int) -> float:
    """The p-value of sacreBLEU's own test."""
    systems = [("baseline", text.baseline), ("system", text.system)]
    table: dict[str, list[Any]]
    _, table = PairedTest(systems, {"metric": peer}, [text.references], test_type="bs", n_samples=samples)()
    (column,) = (column for name, column in table.items() if name != "System")
    return float(column[1].p_value)


def compare(metric: Metric, peer: Any, texts: list[Text], pairs: int, samples: int) -> bool:
    """Time both on one metric, print a line, and tell whether they agree and the goal is met."""
    start = time.perf_counter()
    scored = [
        (metric.statistics(t.baseline, t.baseline, t.references), metric.statistics(t.system, t.system, t.references))
        for t in texts
    ]
    counting = (time.perf_counter() - start) / len(texts)
    stored = store(scored, pairs)

    start = time.perf_counter()
    results: list[PairedResult] = []
    for baseline, system in stored:
        results.append(paired_bootstrap(metric, unpack(baseline), unpack(system), samples))
    ours = (time.perf_counter() - start) / pairs

    start = time.perf_counter()
    expected = [sacrebleu_p_value(peer, text, samples) for text in texts]
    theirs = (time.perf_counter() - start) / len(texts)

    agree = expected == [result.p_value for result in results[: len(texts)]]
    print(
        f"{metric.name:7} dragoman {ours * 1000:.1f} ms a pair ({ours * pairs:.2f} s for the grid), "
        f"sacreBLEU {theirs * 1000:.0f} ms a pair "
        f"({counting * 1000:.0f} ms of it counting): {theirs / ours:.0f} times as fast (goal {GOAL}); "
        f"p-values {'equal' if agree else 'DIFFER'}: {expected}"
    )
    return agree and theirs >= GOAL * ours


def main() -> None:
    """Run both on every metric; exit with 1 if a p-value differs, or the goal is missed."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--pairs", type=int, default=156)
    options.add_argument("--segments", type=int, default=1012)
    options.add_argument("--samples", type=int, default=1000)
    options.add_argument("--peer", type=int, default=3, help="pairs that sacreBLEU tests too")
    chosen = options.parse_args()
    rng = random.Random(1)
    texts = [invent(rng, chosen.segments, gain=0.008 * (index + 1)) for index in range(chosen.peer)]
    print(f"{chosen.pairs} pairs × {chosen.segments} segments, {chosen.samples} resamples, seed 12345")
    agreements = [compare(metric, peer, texts, chosen.pairs, chosen.samples) for metric, peer in METRICS]
    raise SystemExit(0 if all(agreements) else 1)


if __name__ == "__main__":
    main()
