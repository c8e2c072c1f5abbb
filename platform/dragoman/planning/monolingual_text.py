"""Drawing the monolingual examples of a finetuning: of each language, from text that a corpus has of a pair into it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
import xxhash

from dragoman.corpora.base import Corpus
from dragoman.corpora.sampling.filters import Examine, Sieve
from dragoman.corpora.sampling.sampling import draw
from dragoman.errors import CorpusError
from dragoman.pair import Pair
from dragoman.segment import Segment, Split
from dragoman.spec.filters import Filters
from dragoman.spec.monolingual import Task

SPARE = 1.25
"""How many times more segments than examples are drawn at first: some hold a sentence that another has, too."""


class Instruction(NamedTuple):
    """A monolingual example, before it is put into the template."""

    text: str
    """What the model is given: a sentence, or its first half."""
    target: str
    """What it learns to write."""


class MonolingualSample(NamedTuple):
    """What was drawn for a language."""

    instructions: list[Instruction]
    """The examples, in random order; fewer than asked for where the corpus has fewer."""
    sentences: list[str]
    """The sentences they are made of."""
    read: int
    """Segments the corpus gave."""
    removed: Counter[str]
    """Segments each filter removed; `unsplit` are sentences of one character, which can't be continued."""


def draw_instructions(
    corpus: Corpus,
    languages: Mapping[str, Pair],
    task: Task,
    count: int,
    seed: int,
    filters: Filters,
    examine: Examine | None = None,
    trained: Mapping[Pair, int] | None = None,
) -> dict[str, MonolingualSample]:
    """Monolingual examples of several languages; the same ones for the same seed, everywhere.

    They are the target sides of a sample of their own, drawn with another seed than the examples of pairs. Of a corpus
    in random order, which knows no seed, they are what comes after those.

    Args:
        corpus: what is drawn from.
        languages: each with the pair whose target side is its text.
        task: what is made of the sentences.
        count: examples of each language.
        seed: another one gives other examples.
        filters: what a segment must be like.
        examine: a further filter.
        trained: examples of each trained pair.

    Raises:
        CorpusError: the text is damaged, or has no paraphrases where these are asked for.
        MetricError: the language filter can't tell a language.
    """
    own_seed = xxhash.xxh32_intdigest(f"monolingual {seed}".encode())
    if task == "paraphrase":
        return {tag: _paraphrases(corpus, pair, count, own_seed, filters, examine) for tag, pair in languages.items()}
    known = trained if trained and corpus.shuffled else {}
    return {
        tag: _halves_or_copies(
            corpus, pair, task, count, own_seed, filters, examine, max(known.get(pair, 0), known.get(pair.reverse, 0))
        )
        for tag, pair in languages.items()
    }


def _halves_or_copies(
    corpus: Corpus,
    pair: Pair,
    task: Task,
    count: int,
    seed: int,
    filters: Filters,
    examine: Examine | None,
    passed: int,
) -> MonolingualSample:
    """The examples of continuing or copying, behind so many segments that are passed over."""
    wanted, before = round(SPARE * count), -1
    while True:
        sample = draw(corpus, {pair: passed + wanted}, Split.TRAIN, seed, filters, examine)[pair]
        sentences = list(dict.fromkeys(segment.target for segment in sample.segments[passed:]))
        made = [(_instruction(task, sentence), sentence) for sentence in sentences]
        found = [(instruction, sentence) for instruction, sentence in made if instruction is not None][:count]
        # the first of a sample are the sample of fewer: what was found stays, and more follows
        if len(found) == count or len(sample.segments) == before:
            removed = Counter(sample.removed)
            removed["unsplit"] += sum(instruction is None for instruction, _ in made)
            return MonolingualSample([each for each, _ in found], [each for _, each in found], sample.read, removed)
        wanted, before = 2 * wanted, len(sample.segments)


def _instruction(task: Task, sentence: str) -> Instruction | None:
    """The example of a sentence; None of one that has no two halves."""
    if task == "copy":
        return Instruction(sentence, sentence)
    cut = middle(sentence)
    first, second = sentence[:cut].rstrip(), sentence[cut:].lstrip()
    return Instruction(first, second) if first and second else None


def middle(sentence: str) -> int:
    """Where the second half of a sentence begins: after the space nearest to its middle, or at it without any."""
    half = len(sentence) / 2
    ends = [place + 1 for place, character in enumerate(sentence) if character.isspace() and place]
    return min(ends, key=lambda place: (abs(place - half), place), default=len(sentence) // 2)


def _paraphrases(
    corpus: Corpus, pair: Pair, count: int, seed: int, filters: Filters, examine: Examine | None
) -> MonolingualSample:
    """Two targets of one source make an example: of several, those with the lowest hashes, in their order."""
    if corpus.shuffled:
        raise CorpusError(
            f"Paraphrases of {pair.target} can't be searched for in a corpus that comes in random order and may have "
            "no end: choose `task: continue` or `task: copy`."
        )
    sieve = Sieve(filters, pair, corpus.segments(pair, Split.TRAIN), examine)
    hashes = np.fromiter((_hash(segment.source) for segment in corpus.segments(pair, Split.TRAIN)), np.uint64)
    repeated, times = np.unique(hashes, return_counts=True)
    several = set(repeated[times > 1].tolist())
    targets: dict[str, dict[str, None]] = {}
    for segment in _good(sieve, corpus.segments(pair, Split.TRAIN)):
        if _hash(segment.source) in several:
            targets.setdefault(segment.source, {})[segment.target] = None
    both = {
        Instruction(*sorted(found, key=lambda text: (_hash(text), text))[:2])
        for found in targets.values()
        if len(found) > 1
    }
    if not both:
        raise CorpusError(
            f"The corpus has no sentence with two translations into {pair.target} in its text of {pair}, so there are "
            "no paraphrases of it: choose `task: continue` or `task: copy`, or another corpus."
        )
    chosen = sorted(both, key=lambda each: (_hash(f"{seed}\t{each.text}\t{each.target}"), each))[:count]
    return MonolingualSample(chosen, [text for each in chosen for text in each], len(hashes), sieve.removed)


def _good(sieve: Sieve, segments: Iterable[Segment]) -> Iterator[Segment]:
    return (
        segment
        for segment in segments
        if sieve.of_good_lengths([segment]) and (not sieve.is_slow or sieve.may_be_drawn(segment))
    )


def _hash(text: str) -> int:
    return xxhash.xxh3_64_intdigest(text.encode())
