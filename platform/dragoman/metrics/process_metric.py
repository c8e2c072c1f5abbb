"""Base class of metrics that load a checkpoint in a process of its own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from dragoman.metrics.model_metric import ModelMetric, SegmentScorer
from dragoman.metrics.process_scorer import Licence, ProcessScorer, Program


class ProcessMetric(ModelMetric):
    """A metric whose checkpoint is loaded, and computed with, by a worker program; its options are of a checkpoint."""

    program: ClassVar[Program]
    """What runs."""
    worker_options: ClassVar[tuple[str, ...]] = ()
    """Names of the options that the worker is told besides those of every checkpoint."""

    @classmethod
    def scorer(cls, options: Mapping[str, Any], *, home: Path, device: str) -> SegmentScorer:
        """Start the process and load the checkpoint; errors as for `ProcessScorer`."""
        return ProcessScorer(
            cls.program,
            options,
            home=home,
            device=device,
            licence=Licence(cls.licence, cls.gated),
            with_references=cls.needs_reference and bool(options.get("references", True)),
            load={name: options[name] for name in cls.worker_options},
        )
