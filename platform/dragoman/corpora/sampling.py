"""Drawing examples: the same ones for the same seed, on every machine and whatever the number of workers."""

import heapq
from collections.abc import Iterable, Iterator
from itertools import islice

import xxhash

from dragoman.corpora.base import Corpus, Segment, Split
from dragoman.pair import Pair


def take(corpus: Corpus, pair: Pair, split: Split, count: int, seed: int) -> list[Segment]:
    """So many distinct segments of a pair, drawn at random; fewer where the corpus has fewer.

    Each segment's rank is a hash of its text, the pair and the seed, and the lowest ranks are taken: the sample depends
    on what the corpus holds, not on the order it is read in, and a repeated segment counts once. A corpus whose
    stream is in random order already is read only as far as needed.

    Raises:
        CorpusError: the pair is missing, or its text is damaged.
    """
    stream = corpus.segments(pair, split)
    if corpus.shuffled:
        return list(islice(_distinct(stream), count))
    salt = f"{seed}\t{pair.source}\t{pair.target}\t"
    lowest: dict[int, Segment] = {}
    ranks: list[int] = []
    for segment in stream:
        rank = xxhash.xxh3_64_intdigest(f"{salt}{segment.source}\t{segment.target}".encode())
        if rank in lowest or (len(ranks) == count and rank > -ranks[0]):
            continue
        lowest[rank] = segment
        if len(ranks) < count:
            heapq.heappush(ranks, -rank)
        else:
            del lowest[-heapq.heappushpop(ranks, -rank)]
    return [lowest[rank] for rank in sorted(lowest)]


def _distinct(segments: Iterable[Segment]) -> Iterator[Segment]:
    seen: set[Segment] = set()
    for segment in segments:
        if segment not in seen:
            seen.add(segment)
            yield segment
