"""BERTScore: similarity of hypothesis and reference, token by token, in an encoder's layer."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from dragoman.metrics.model_metric import ModelMetric, SegmentScorer
from dragoman.metrics.process_scorer import CheckpointOptions, Licence, ProcessScorer, Program

_PROGRAM = Program("bertscore_worker.py", None, "transformers")


class BertScoreOptions(CheckpointOptions):
    """Options of `bertscore`."""

    checkpoint: str = "google-bert/bert-base-multilingual-cased"
    layer: int = Field(default=9, ge=1)
    """Layer whose states are compared; 9 is the authors' choice for the default encoder."""


class BertScore(ModelMetric):
    """BERTScore's F1 (Zhang et al., 2020), without document frequencies and without rescaling."""

    name = "bertscore"
    bounds = (None, 1.0)
    digits = 4
    licence = ""
    Options = BertScoreOptions

    @classmethod
    def worst(cls) -> float:
        """Of an empty hypothesis, by rule: 0, as the authors' program gives it."""
        return 0.0

    @classmethod
    def scorer(cls, options: Mapping[str, Any], *, home: Path, device: str) -> SegmentScorer:
        """Load the encoder in a process of Dragoman's own packages."""
        return ProcessScorer(
            _PROGRAM,
            options,
            home=home,
            device=device,
            licence=Licence(cls.licence, cls.gated),
            load={"layer": options["layer"]},
        )
