"""Segment scorers whose model is held by a process of its own, mostly in an isolated environment."""

import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from dragoman.environments import (
    PipeWorker,
    WorkerDiedError,
    WorkerError,
    WorkerMemoryError,
    WorkerMissingError,
    WorkerRefusedError,
    ensured,
    workers,
)
from dragoman.errors import DragomanError
from dragoman.metrics import covered_languages
from dragoman.metrics.base import MetricError, MetricNeedError
from dragoman.metrics.error_span import ErrorSpan
from dragoman.metrics.model_metric import ModelDiedError, SegmentScore, SegmentScorer, Triple
from dragoman.settings import settings

_HASH_DIGITS = 16

_WITHIN = {"float32": "within-1e-5"}
"""How far a score depends on what is computed with it; in other precisions by more than that."""


Precision: TypeAlias = Literal["float32", "float16", "bfloat16"]
"""In what weights are held."""


class CheckpointOptions(BaseModel):
    """Options of every metric that loads a checkpoint."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    checkpoint: str = Field(min_length=1)
    """A folder, a file, or a name on the hub (`ORGANISATION/NAME`)."""
    revision: str | None = None
    """Of the hub: a commit, a branch or a tag."""
    precision: Precision = "float32"
    """In what the weights are held. The half ones save memory, and make scores depend on the batch."""
    accept_licence: bool = False
    """Whether a checkpoint under terms may be fetched, since you have accepted them; others are always fetched."""


class Program(NamedTuple):
    """A worker file, and the environment it runs in."""

    file: str
    """Its name among `dragoman.environments.workers`."""
    environment: str | None
    """Name of the environment; None for Dragoman's own packages, of the extra `jobs`."""
    package: str
    """Distribution whose version is part of the signature."""

    def start(self, home: Path) -> PipeWorker:
        """Start it.

        Raises:
            DragomanError: the environment is not there and can't be built, or does not work.
        """
        if self.environment is None:
            if find_spec("torch") is None or find_spec("transformers") is None:
                raise MetricNeedError("This metric needs torch and transformers: pip install 'dragoman[jobs]'.")
            python, name = Path(sys.executable), "of dragoman[jobs]"
        else:
            python, name = ensured(self.environment, home).python, self.environment
        file = Path(str(workers.__file__)).parent / self.file
        return PipeWorker(python, file, name=name, threads=settings().metric_threads)


class Licence(NamedTuple):
    """Under what terms a checkpoint is."""

    name: str
    """As `Apache-2.0`; empty where it is not known."""
    gated: bool = False
    """Whether it may be fetched only by those who have accepted its terms."""


class ProcessScorer(SegmentScorer):
    """A model in a process of its own, which ends with this one."""

    def __init__(
        self,
        program: Program,
        options: Mapping[str, Any],
        *,
        home: Path,
        device: str,
        licence: Licence,
        with_references: bool = True,
        load: Mapping[str, Any] | None = None,
    ) -> None:
        """Start the process and load the checkpoint.

        Args:
            program: what runs.
            options: as `CheckpointOptions`.
            home: of environments and converted checkpoints.
            device: `cpu` or `cuda`.
            licence: the checkpoint's.
            with_references: whether references are given to the model.
            load: what else the worker is told.

        Raises:
            MetricNeedError: the environment, the checkpoint or the device is not there, or memory ran out.
            MetricError: the checkpoint is not one of this program's.
        """
        self._with_references, self._checkpoint = with_references, str(options["checkpoint"])
        wanted = {
            "checkpoint": self._checkpoint,
            "revision": options.get("revision"),
            "may_fetch": not licence.gated or bool(options.get("accept_licence")),
            "cache": str(home.resolve() / "cache" / "metrics"),
            "terms": _terms(self._checkpoint, licence) if licence.gated else "",
        }
        body = {
            "wanted": wanted,
            "device": device,
            "precision": options["precision"],
            "threads": settings().metric_threads,
            "batch_tokens": settings().metric_batch_tokens,
            **(load or {}),
        }
        worker = None
        try:
            worker = program.start(home)
            facts = worker.ask("load", body, silence_seconds=settings().metric_seconds)
        except BaseException as error:
            if worker is not None:
                worker.close()
            if isinstance(error, WorkerRefusedError) and not isinstance(error, WorkerMissingError):
                raise MetricError(str(error)) from error
            if isinstance(error, WorkerDiedError | WorkerMemoryError):
                raise ModelDiedError(str(error)) from error
            if isinstance(error, DragomanError) and not isinstance(error, MetricError):
                raise MetricNeedError(str(error)) from error
            raise
        self._worker = worker
        self._encoder = covered_languages.encoder_of(str(facts.get("encoder") or self._checkpoint))
        self.signature = "|".join(
            [
                f"class:{facts['class']}",
                f"hash:{facts['hash'][:_HASH_DIGITS]}",
                f"package:{program.package}-{worker.packages[program.package]}",
                f"precision:{options['precision']}",
                f"batching:{_WITHIN.get(options['precision'], 'dependent')}",
                f"references:{'yes' if with_references else 'no'}",
                *([f"licence:{licence.name}{' (gated)' if licence.gated else ''}"] if licence.name else []),
                *(f"{name}:{value}" for name, value in (load or {}).items() if name in _OF_SIGNATURE),
            ]
        )

    def score(self, triples: Sequence[Triple]) -> list[SegmentScore]:
        """The scores, computed in batches of similar lengths.

        Raises:
            MetricError: languages that the encoder has not read, or texts that the model refuses.
            MetricNeedError: the process died, or memory ran out.
        """
        if not triples:
            return []
        for pair in dict.fromkeys(triple.pair for triple in triples):
            if self._encoder and (reason := covered_languages.uncovered(pair, self._encoder, self._checkpoint)):
                raise MetricError(reason)
        body = {
            "sources": [triple.source for triple in triples],
            "hypotheses": [triple.hypothesis for triple in triples],
            "references": [triple.reference or "" for triple in triples] if self._with_references else None,
        }
        try:
            found = self._worker.ask("score", body, silence_seconds=settings().metric_seconds)
        except WorkerRefusedError as error:
            raise MetricError(str(error)) from error
        except WorkerError as error:
            raise MetricNeedError(str(error)) from error
        spans = found["spans"] or [()] * len(triples)
        return [
            SegmentScore(
                float(value),
                tuple(
                    ErrorSpan(start, end, severity, confidence=confidence)
                    for start, end, severity, confidence in marked
                ),
            )
            for value, marked in zip(found["scores"], spans, strict=True)
        ]

    def close(self) -> None:
        """End the process."""
        self._worker.close()


_OF_SIGNATURE = frozenset({"layer"})
"""What a worker is told that scores depend on."""


def _terms(checkpoint: str, licence: Licence) -> str:
    return (
        f"it is under {licence.name} and gated, and never fetched unasked: accept its terms at "
        f"https://huggingface.co/{checkpoint}, sign in (`hf auth login`), and write `accept_licence: true` beside the "
        "metric."
    )
