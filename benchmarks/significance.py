"""Paired randomization of a whole grid from stored statistics, against sacreBLEU's PairedTest (`ar`) on some pairs.

    OMP_NUM_THREADS=1 python benchmarks/significance.py [--pairs 156] [--segments 1012] [--trials 10000] [--peer 2]

Both run in this process with the same seed, so with the same deals; sacreBLEU uses one thread. The time counted for
Dragoman is what a comparison in the store costs: unpacking both systems' statistics, the tests of all pairs and that of
their mean, with intervals. sacreBLEU starts from text, as it always must; how long it takes to count its n-grams
is printed beside. Only the pairs given to sacreBLEU are scored from text here; the other pairs' statistics are
theirs, shifted by some segments. sacreBLEU's bootstrap (`bs`) is compared on the same pairs with 1,000 resamples.
"""

import argparse
import random
import time
from typing import Any, NamedTuple

import numpy as np
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.significance import PairedTest

from dragoman.analysis.joint_tests import joint_tests_of
from dragoman.analysis.significance_plan import Plan
from dragoman.analysis.units import Block, Units
from dragoman.metrics.base import Metric, Statistics
from dragoman.metrics.sacrebleu import Bleu, ChrfPlusPlus
from dragoman.metrics.serialization import pack, unpack
from dragoman.metrics.significance import SACREBLEU_SAMPLES, SAMPLES, sacrebleu_bootstrap
from dragoman.pair import Pair

PAIR = Pair("en", "de")
METRICS = ((Bleu(PAIR), BLEU()), (ChrfPlusPlus(PAIR), CHRF(word_order=2)))
LETTERS = "abcdefghijklmnopqrst"
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


def sacrebleu_p_value(peer: Any, text: Text, kind: str, samples: int) -> float:
    """The p-value of sacreBLEU's own test, `ar` or `bs`."""
    systems = [("baseline", text.baseline), ("system", text.system)]
    table: dict[str, list[Any]]
    _, table = PairedTest(systems, {"metric": peer}, [text.references], test_type=kind, n_samples=samples)()
    (column,) = (column for name, column in table.items() if name != "System")
    return float(column[1].p_value)


def compare(metric: Metric, peer: Any, texts: list[Text], pairs: int, trials: int) -> bool:
    """Time both on one metric, print a line, and tell whether they agree and the goal is met."""
    start = time.perf_counter()
    scored = [
        (metric.statistics(t.baseline, t.baseline, t.references), metric.statistics(t.system, t.system, t.references))
        for t in texts
    ]
    counting = (time.perf_counter() - start) / len(texts)
    names = [Pair("en", f"q{first}{second}") for first in LETTERS for second in LETTERS][:pairs]
    stored = dict(zip(names, store(scored, pairs), strict=True))
    segments = len(texts[0].references)
    units = Units((Block(segments, {pair: np.arange(segments) for pair in names}),), None)

    start = time.perf_counter()
    unpacked = {pair: (unpack(baseline), unpack(system)) for pair, (baseline, system) in stored.items()}
    means = {"mean": dict.fromkeys(names, 1.0)}
    found = joint_tests_of(type(metric), unpacked, units, Plan(samples=trials), means)
    ours = (time.perf_counter() - start) / pairs

    start = time.perf_counter()
    expected = [sacrebleu_p_value(peer, text, "ar", trials) for text in texts]
    theirs = (time.perf_counter() - start) / len(texts)

    agree = expected == [found.pairs[pair].p_value for pair in names[: len(texts)]]
    own = [sacrebleu_bootstrap(metric, *sides).p_value for sides in scored]
    same = own == [sacrebleu_p_value(peer, text, "bs", SACREBLEU_SAMPLES) for text in texts]
    print(
        f"{metric.name:7} dragoman {ours * 1000:.1f} ms a pair ({ours * pairs:.2f} s for the grid and its mean), "
        f"sacreBLEU {theirs * 1000:.0f} ms a pair "
        f"({counting * 1000:.0f} ms of it counting): {theirs / ours:.0f} times as fast (goal {GOAL}); "
        f"p-values of ar {'equal' if agree else 'DIFFER'}: {expected}; of bs {'equal' if same else 'DIFFER'}: {own}",
        flush=True,
    )
    return agree and same and theirs >= GOAL * ours


def main() -> None:
    """Run both on every metric; exit with 1 if a p-value differs, or the goal is missed."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--pairs", type=int, default=156)
    options.add_argument("--segments", type=int, default=1012)
    options.add_argument("--trials", type=int, default=SAMPLES)
    options.add_argument("--peer", type=int, default=2, help="pairs that sacreBLEU tests too")
    chosen = options.parse_args()
    rng = random.Random(1)
    texts = [invent(rng, chosen.segments, gain=0.004 * (index + 1)) for index in range(chosen.peer)]
    print(f"{chosen.pairs} pairs × {chosen.segments} segments, {chosen.trials} trials, seed 12345")
    agreements = [compare(metric, peer, texts, chosen.pairs, chosen.trials) for metric, peer in METRICS]
    raise SystemExit(0 if all(agreements) else 1)


if __name__ == "__main__":
    main()
