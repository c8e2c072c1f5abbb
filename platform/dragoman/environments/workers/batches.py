"""Batches of similar lengths, which are halved where memory runs out."""

import gc
import hashlib
import sys
from collections.abc import Callable, Generator, Sequence
from typing import TypeVar

from dragoman.environments.workers.channel import is_out_of_memory

Result = TypeVar("Result")

_CUTS = 8
"""A batch that is half full ends after a text whose hash is a multiple of this."""


class Batching:
    """Divides what is computed by padded tokens, and remembers how much there was room for."""

    def __init__(self, tokens: int) -> None:
        self.tokens = tokens
        """Padded tokens of a batch, at most; of a longer text it is the only one."""

    def places(self, lengths: Sequence[int]) -> list[list[int]]:
        """The places of what has these lengths, in batches, the longest first."""
        order = sorted(range(len(lengths)), key=lambda place: -lengths[place])
        return self._cut(order, lengths, lambda place: False)

    def places_of_texts(self, texts: Sequence[str], lengths: Sequence[int]) -> list[list[int]]:
        """The same, in batches that are mostly the same ones where a few texts more or less are given.

        They end where the content says so, as chunks of deduplicating backups do; what is in a batch then follows from
        the set of texts alone, not from their order.
        """
        order = sorted(range(len(lengths)), key=lambda place: (-lengths[place], texts[place]))

        def may_end(place: int) -> bool:
            return hashlib.blake2b(_bytes(texts[place]), digest_size=1).digest()[0] % _CUTS == 0

        return self._cut(order, lengths, may_end)

    def computed(
        self, lengths: Sequence[int], function: Callable[[Sequence[int]], Sequence[Result]]
    ) -> Generator[dict[str, int], None, list[Result]]:
        """Compute what has these lengths batch by batch; tells how much is done, and returns the results in order.

        Args:
            lengths: the length of each item.
            function: computes the results of the items at some places.
        """
        found: dict[int, Result] = {}
        for batch in self.places(lengths):
            found.update(zip(batch, self.compute(batch, function), strict=True))
            yield {"scored": len(found)}
        return [found[place] for place in range(len(lengths))]

    def compute(self, batch: Sequence[int], function: Callable[[Sequence[int]], Sequence[Result]]) -> list[Result]:
        """The results of a batch, which is halved as often as memory runs out; one item must fit.

        Args:
            batch: places of items.
            function: computes the results of some of them.
        """
        try:
            return list(function(batch))
        except Exception as error:
            if not is_out_of_memory(error) or len(batch) == 1:
                raise
        free_memory()  # when the exception, which holds what was computed, is gone
        half = len(batch) // 2
        self.tokens = max(1, self.tokens // 2)
        return [*self.compute(batch[:half], function), *self.compute(batch[half:], function)]

    def _cut(self, order: Sequence[int], lengths: Sequence[int], may_end: Callable[[int], bool]) -> list[list[int]]:
        batches: list[list[int]] = []
        longest = is_ended = 0
        for place in order:
            if is_ended or not batches or (len(batches[-1]) + 1) * longest > self.tokens:
                batches.append([])
                longest = lengths[place]
            batches[-1].append(place)
            is_ended = len(batches[-1]) * longest * 2 > self.tokens and may_end(place)
        return batches


def free_memory() -> None:
    """Give back what a computation that failed has held."""
    gc.collect()
    if (torch := sys.modules.get("torch")) is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()


def key(texts: Sequence[str]) -> bytes:
    """A hash of texts, in their order."""
    digest = hashlib.blake2b(digest_size=16)
    for text in texts:
        encoded = _bytes(text)
        digest.update(len(encoded).to_bytes(8, "big"))
        digest.update(encoded)
    return digest.digest()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
