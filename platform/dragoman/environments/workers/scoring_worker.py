"""Base class of the workers of metrics: each loads a checkpoint, then scores triples with it."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from dragoman.environments.workers import checkpoints
from dragoman.environments.workers.batches import Batching
from dragoman.environments.workers.channel import Refusal


class ScoringWorker(ABC):
    """Answers two requests: `load`, with the facts of a checkpoint, and `score`, whose last answer is the scores."""

    name: ClassVar[str]
    """The metric's, for messages."""
    packages: ClassVar[Sequence[str]] = ("torch", "transformers", "safetensors")
    """Distributions whose versions are told at the start."""

    def answers(self, kind: str, body: dict[str, Any]) -> Iterator[Any]:
        """The answers to a request."""
        if kind == "load":
            yield self._begin(**body)
        elif kind == "score":
            yield from self.score(**body)
        else:
            raise Refusal(f"{self.name}'s worker has no answer to '{kind}'.")

    def _begin(
        self, *, wanted: dict[str, Any], device: str, precision: str, threads: int, batch_tokens: int, **own: Any
    ) -> dict[str, Any]:
        import torch

        torch.set_num_threads(threads)
        checkpoints.require_device(device)
        self._device, self._dtype = device, getattr(torch, precision)
        self._batching = Batching(batch_tokens)
        return self.load(checkpoints.Wanted(**wanted), own)

    @abstractmethod
    def load(self, wanted: checkpoints.Wanted, own: Mapping[str, Any]) -> dict[str, Any]:
        """Load a checkpoint onto the device; returns its facts: `class` and `hash`, and `encoder` where that is known.

        Args:
            wanted: the checkpoint.
            own: what else is told to this worker.

        Raises:
            Refusal: it is not one of this metric's.
        """

    @abstractmethod
    def score(
        self, *, sources: Sequence[str], hypotheses: Sequence[str], references: Sequence[str] | None
    ) -> Iterator[Any]:
        """How far it is, then `scores` and the error `spans` of each triple (None of a metric that marks none)."""
