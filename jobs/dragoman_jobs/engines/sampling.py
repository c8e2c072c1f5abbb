"""Sampling that is independent of the batch: each sentence's random numbers follow from the seed and its prompt."""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dragoman.identity import canonical_json
from dragoman.spec.decoding import Decoding

if TYPE_CHECKING:
    import torch


def seed_of(decoding: Decoding, prompt: str | Sequence[int]) -> int:
    """The seed of one sentence's draws, 31 bits: that of the decoding, and what the model reads."""
    digest = hashlib.sha256(canonical_json([decoding.seed, prompt]).encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


class GumbelNoise:
    """Adds noise to the logits of each sentence of a batch; the largest is then a sample of their softmax.

    That is the Gumbel-max trick (Gumbel, 1954; Maddison et al., "A* Sampling", 2014). Each sentence has a generator
    of its own, so what is drawn for it depends on nothing else. A logits processor as `transformers` calls it.
    """

    def __init__(self, seeds: Sequence[int]) -> None:
        """Take the seed of each sentence, in the batch's order."""
        self._generators = [np.random.Generator(np.random.Philox(seed)) for seed in seeds]

    def __call__(self, input_ids: "torch.Tensor", scores: "torch.Tensor") -> "torch.Tensor":
        """The logits, shape [sentences, vocabulary], with noise."""
        import torch

        del input_ids
        drawn = [each.standard_exponential(scores.shape[1], dtype=np.float32) for each in self._generators]
        noise = -np.log(np.maximum(np.stack(drawn), np.finfo(np.float32).tiny))
        return scores.float() + torch.from_numpy(noise).to(scores.device)


def samplers(decoding: Decoding, prompts: Sequence[Sequence[int]]) -> list[Any]:
    """What `transformers` puts the logits of a batch through, so that the best token is a drawn one.

    Args:
        decoding: how to draw; where it doesn't, there is nothing.
        prompts: what the model reads of each sentence, in the batch's order.
    """
    if not decoding.samples:
        return []
    from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

    warpers: list[Any] = [TemperatureLogitsWarper(decoding.temperature)]
    if decoding.top_k is not None:
        warpers.append(TopKLogitsWarper(decoding.top_k))
    if decoding.top_p < 1:
        warpers.append(TopPLogitsWarper(decoding.top_p))
    return [*warpers, GumbelNoise([seed_of(decoding, list(prompt)) for prompt in prompts])]
