"""The off-target detector held to a grid's own test sentences: those of each language, offered as every other one."""

from collections.abc import Mapping
from functools import lru_cache

from sqlalchemy import Connection

from dragoman.analysis.line_slice import reading
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.score_slice import Slice
from dragoman.analysis.segment_statistics import MOST_PAIRS
from dragoman.errors import StoreError
from dragoman.metrics.base import MetricError
from dragoman.metrics.detector_misses import Misses, misses
from dragoman.metrics.language_detector import Detector
from dragoman.pair import Pair
from dragoman.store.blobs import BlobStore
from dragoman.store.store import Store


def detector_misses(
    connection: Connection, store: Store, part: Slice, languages: tuple[str, ...]
) -> Mapping[str, Misses]:
    """What the detector misses in a slice, by target language; nothing where test sentences or detector are not here.

    Seconds the first time; what was measured is kept for as long as the process lives. Nothing of a grid too large.

    Args:
        connection: a reading transaction.
        store: the store, for the texts.
        part: the slice.
        languages: the grid's languages, the detector's candidates.
    """
    if part.pairs > MOST_PAIRS:
        return {}
    found = part.test_lines(connection)
    targets = {pair.target: pair for pair in reversed(found)}
    return _measured(store.blobs, tuple(_covering(found).items()), tuple(sorted(targets.items())), languages)


def misses_of(store: Store, question: ScoreQuestion, *, model: str) -> Mapping[str, Misses]:
    """The same for a question about off-target rates.

    Raises:
        StoreError: something named is not there, or rates would be mixed that can't be compared.
    """
    languages = store.grids.get(question.grid).languages
    with reading(store, question) as connection:
        return detector_misses(connection, store, Slice.of(connection, question, [model]), languages)


def _covering(found: Mapping[Pair, str]) -> dict[Pair, str]:
    """Pairs enough to read sentences of every language."""
    met: set[str] = set()
    chosen = {}
    for pair, lines in found.items():
        if not met.issuperset(pair):
            met.update(pair)
            chosen[pair] = lines
    return chosen


@lru_cache(maxsize=16)  # texts are addressed by their content, so what was measured holds
def _measured(
    blobs: BlobStore,
    lines: tuple[tuple[Pair, str], ...],
    targets: tuple[tuple[str, Pair], ...],
    languages: tuple[str, ...],
) -> Mapping[str, Misses]:
    texts: dict[str, list[str]] = {}
    detectors: dict[str, Detector] = {}
    try:
        for pair, address in lines:
            for tag, side in zip(pair, blobs.test(address), strict=True):
                texts.setdefault(tag, side)
    except StoreError:
        return {}
    for target, pair in targets:
        try:
            detectors[target] = Detector(pair, languages)
        except MetricError:  # it can't tell the language, and so scores none of its pairs
            continue
    return misses(detectors, texts)
