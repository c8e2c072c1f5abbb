"""BERTScore: similarity of hypothesis and reference, token by token, in an encoder's layer."""

from pydantic import Field

from dragoman.metrics.process_metric import ProcessMetric
from dragoman.metrics.process_scorer import CheckpointOptions, Program


class BertScoreOptions(CheckpointOptions):
    """Options of `bertscore`."""

    checkpoint: str = "google-bert/bert-base-multilingual-cased"
    layer: int = Field(default=9, ge=1)
    """Layer whose states are compared; 9 is the authors' choice for the default encoder."""


class BertScore(ProcessMetric):
    """BERTScore's F1 (Zhang et al., 2020), without document frequencies and without rescaling."""

    name = "bertscore"
    bounds = (None, 1.0)
    digits = 4
    licence = ""
    Options = BertScoreOptions
    program = Program("bertscore_worker.py", None, "transformers")
    worker_options = ("layer",)

    @classmethod
    def worst(cls) -> float:
        """Of an empty hypothesis, by rule: 0, as the authors' program gives it."""
        return 0.0
