"""Sampling of training examples: the same ones for the same seed, on every machine and with any number of workers.

A segment's rank is a hash of its text, the pair and the seed, and the lowest ranks are drawn (bottom-k sampling,
Cohen and Kaplan 2007, https://doi.org/10.1145/1281100.1281133). So the sample depends on what a corpus holds, not on
the order it is read in; a repeated segment is drawn once; and the first n of a sample are the sample of n.
"""

import gc
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import xxhash
from numpy.typing import NDArray

from dragoman.corpora.base import Corpus
from dragoman.corpora.sampling.bloom_filter import Repetition
from dragoman.corpora.sampling.filters import Examine, Sieve
from dragoman.errors import CorpusError
from dragoman.pair import Pair
from dragoman.reading import over_limit
from dragoman.segment import Segment, Split
from dragoman.settings import settings
from dragoman.spec.filters import Filters

SPARE = 1.25
"""How many times more segments than asked for are kept before the highest ranks are dropped."""


class Sample(NamedTuple):
    """What was drawn for a pair."""

    segments: list[Segment]
    """The segments, in random order; fewer than asked for where the corpus has fewer."""
    read: int
    """Segments the corpus gave."""
    removed: Counter[str]
    """Segments each filter removed. `duplicate` is counted in all of the text, `language` and whatever else is slow to
    examine only in the segments that would otherwise have been drawn at some time."""


def take(corpus: Corpus, pair: Pair, split: Split, count: int, seed: int) -> list[Segment]:
    """So many distinct segments of a pair, drawn at random; fewer where the corpus has fewer.

    Raises:
        CorpusError: the pair is missing, or its text is damaged.
    """
    return draw(corpus, {pair: count}, split, seed)[pair].segments


def draw(
    corpus: Corpus,
    counts: Mapping[Pair, int],
    split: Split,
    seed: int,
    filters: Filters | None = None,
    examine: Examine | None = None,
) -> dict[Pair, Sample]:
    """Samples of several pairs, reading text that they share once.

    A corpus whose stream is in random order already is read only as far as needed, and the seed has no part in it.

    Args:
        corpus: what is drawn from.
        counts: how many segments of each pair.
        split: the part of the corpus.
        seed: another one gives another sample.
        filters: what a segment must be like.
        examine: a further filter, such as `HeldOut.examine` of `overlap`.

    Raises:
        CorpusError: a pair is missing, or its text is damaged.
        MetricError: the language filter can't tell a language.
    """
    filters = filters or Filters()
    if corpus.shuffled:
        return {pair: _first(corpus, pair, count, split, filters, examine) for pair, count in counts.items()}
    lowest = {pair: _Lowest(count, pair, seed) for pair, count in counts.items()}
    drawings: dict[tuple[Pair, ...], _Drawing] = {}
    repetition = Repetition()
    with _no_search_for_cycles():
        for served, batch in corpus.together(list(counts), split):
            if served not in drawings:
                sieve = Sieve(filters, served[0], corpus.segments(served[0], split), examine)
                drawings[served] = _Drawing(sieve, repetition, {pair: lowest[pair] for pair in served})
            drawings[served].add(batch)
    samples = {pair: Sample([], 0, Counter()) for pair in counts}
    for served, drawing in drawings.items():
        for pair in served:
            segments = lowest[pair].segments()
            if pair != served[0]:
                segments = [Segment(segment.target, segment.source) for segment in segments]
            samples[pair] = Sample(segments, drawing.read, drawing.sieve.removed)
    return samples


@contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """Millions of tuples of text make no cycles, and looking for some among them takes a seventh of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class _Lowest:
    """The segments of a pair with the lowest ranks so far."""

    def __init__(self, count: int, pair: Pair, seed: int) -> None:
        self._count = count
        # multiplying by an odd number orders all contents anew, for each pair and seed
        self._factor = np.uint64(xxhash.xxh3_64_intdigest(f"{seed} {pair.source}>{pair.target}".encode()) | 1)
        self._bound = (1 << 64) - 1
        self._kept: dict[int, Segment] = {}

    def ranked(self, contents: NDArray[np.uint64]) -> tuple[list[int], list[int]]:
        """Which of some contents may be among the lowest, and their ranks."""
        ranks = contents * self._factor
        low = np.flatnonzero(ranks <= self._bound)
        return low.tolist(), ranks[low].tolist()

    def keep(self, segments: Mapping[int, Segment]) -> None:
        """Keep segments by rank, for a while at least."""
        self._kept.update(segments)
        if len(self._kept) > SPARE * self._count:
            self._drop()

    def segments(self) -> list[Segment]:
        """The segments with the lowest ranks, by rank."""
        self._drop()
        return list(self._kept.values())

    def _drop(self) -> None:
        ranks = sorted(self._kept)[: self._count]
        self._kept = {rank: self._kept[rank] for rank in ranks}
        if len(ranks) == self._count:
            self._bound = ranks[-1] if ranks else -1


class _Drawing:
    """The drawing from one text, for the pair it is read as and perhaps its reverse; in batches, which is faster."""

    def __init__(self, sieve: Sieve, repetition: Repetition, lowest: Mapping[Pair, _Lowest]) -> None:
        self.read = 0
        self.sieve = sieve
        self._repetition, self._lowest = repetition, list(lowest.values())
        pair = next(iter(lowest))
        self._straight = pair < pair.reverse
        self._pair = np.uint64(xxhash.xxh3_64_intdigest("\t".join(sorted(pair)).encode()))

    def add(self, batch: Sequence[Segment]) -> None:
        """Draw from some more segments."""
        self.read += len(batch)
        good = self.sieve.of_good_lengths(batch)
        if self._straight:
            texts = [f"{source}\t{target}".encode() for source, target in good]
        else:
            texts = [f"{target}\t{source}".encode() for source, target in good]
        contents = np.fromiter(map(xxhash.xxh3_64_intdigest, texts), np.uint64, len(good))
        self.sieve.removed["duplicate"] += self._repetition.count(contents ^ self._pair)
        passes: dict[int, bool] = {}
        for lowest in self._lowest:
            positions, ranks = lowest.ranked(contents)
            if self.sieve.is_slow:
                for position in positions:
                    if position not in passes:
                        passes[position] = self.sieve.may_be_drawn(good[position])
            drawn = zip(ranks, positions, strict=True)
            lowest.keep({rank: good[position] for rank, position in drawn if passes.get(position, True)})


def _first(corpus: Corpus, pair: Pair, count: int, split: Split, filters: Filters, examine: Examine | None) -> Sample:
    """The first segments that pass, of a corpus in random order, which may have no end."""
    if count > settings().limit_examples:
        what = f"{count:,} examples of {pair} are asked for, of a corpus that may never end"
        raise CorpusError(str(over_limit(what, "limit_examples", "ask for fewer")))
    sieve = Sieve(filters, pair, corpus.segments(pair, split), examine)
    stream = corpus.segments(pair, split)
    kept: dict[Segment, None] = {}
    read = 0
    while len(kept) < count and (segment := next(stream, None)) is not None:
        read += 1
        if not sieve.of_good_lengths([segment]):
            continue
        if segment in kept:
            sieve.removed["duplicate"] += 1
        elif sieve.may_be_drawn(segment):
            kept[segment] = None
    return Sample(list(kept), read, sieve.removed)
