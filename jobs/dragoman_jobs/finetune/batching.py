"""Batches by tokens: sentences of like length together, in an order that the seed alone decides."""

from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from dragoman_jobs.finetune.examples import EncodedExamples

_POOL_BATCHES = 64
"""Batches' worth of examples that are sorted by length together: enough that little is padded, and few enough that
what shares a batch is still chance."""


class Batch(NamedTuple):
    """The tensors of one optimiser step; rows are padded on the right."""

    input_ids: torch.Tensor
    """Token ids, (rows × longest)."""
    attention_mask: torch.Tensor
    """1 for tokens, 0 for padding, (rows × longest)."""
    positions: torch.Tensor
    """Flat indices into rows × longest of the positions that predict a target token."""
    labels: torch.Tensor
    """The target token predicted at each of `positions`, end of sentence included."""


def batches(lengths: NDArray[np.int64], batch_tokens: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """The examples of step 0, 1, 2, ... without end, as indices: a function of the arguments alone.

    Every example comes once in each epoch. A batch's rows times its longest row is at most `batch_tokens`;
    an example longer than that is a batch of its own.
    """
    for epoch in count():
        yield from _epoch(lengths, batch_tokens, np.random.default_rng((seed, epoch)))


def _epoch(lengths: NDArray[np.int64], batch_tokens: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    order = rng.permutation(len(lengths))
    size = max(1, int(_POOL_BATCHES * batch_tokens / lengths.mean()))
    found: list[NDArray[np.int64]] = []
    for start in range(0, len(order), size):
        pool = order[start : start + size]
        pool = pool[np.argsort(lengths[pool], kind="stable")]
        first = 0
        for end, longest in enumerate(lengths[pool].tolist()):
            if end > first and (end - first + 1) * longest > batch_tokens:
                found.append(pool[first:end])
                first = end
        found.append(pool[first:])
    return [found[index] for index in rng.permutation(len(found))]


def split(rows: NDArray[np.int64], pieces: int, worker: int = 0, workers: int = 1) -> list[NDArray[np.int64]]:
    """One worker's part of a batch, in so many pieces of about as many rows; fewer where the batch has fewer rows.

    Every worker gets as many pieces, since workers wait for each other in each: some may be empty.
    """
    rounds = min(pieces, -(-len(rows) // workers))
    return np.array_split(rows, rounds * workers)[worker::workers]


def without_labels(batch: Batch) -> Batch:
    """The same rows with nothing to predict."""
    return batch._replace(positions=batch.positions[:0], labels=batch.labels[:0])


def collate(examples: EncodedExamples, rows: NDArray[np.int64], padding: int) -> Batch:
    """The tensors of some examples; the last token of each is only predicted, never read."""
    lengths = examples.lengths[rows] - 1
    shape = (len(rows), int(lengths.max()))
    input_ids = np.full(shape, padding, dtype=np.int64)
    attention_mask = np.zeros(shape, dtype=np.int64)
    positions: list[NDArray[np.int64]] = []
    labels: list[NDArray[np.int32]] = []
    for row, (index, length) in enumerate(zip(rows, lengths, strict=True)):
        start, prompt = examples.starts[index], examples.prompt_lengths[index]
        input_ids[row, :length] = examples.tokens[start : start + length]
        attention_mask[row, :length] = 1
        positions.append(row * shape[1] + np.arange(prompt - 1, length))
        labels.append(examples.tokens[start + prompt : start + length + 1])
    return Batch(
        torch.from_numpy(input_ids),
        torch.from_numpy(attention_mask),
        torch.from_numpy(np.concatenate(positions)),
        torch.from_numpy(np.concatenate(labels).astype(np.int64)),
    )
