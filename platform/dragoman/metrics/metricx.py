"""MetricX-24: error scores from 0 (best) to 25, with references or without, by a fine-tuned mT5."""

from typing import ClassVar

from pydantic import BaseModel

from dragoman.metrics.covered_languages import uncovered
from dragoman.metrics.process_metric import ProcessMetric
from dragoman.metrics.process_scorer import CheckpointOptions, Precision, Program
from dragoman.pair import Pair


class MetricXOptions(CheckpointOptions):
    """Options of `metricx`."""

    references: bool = True
    """Whether references are given to the model; without them it estimates quality."""
    tokenizer: str = "google/mt5-large"
    """Folder or name on the hub of mT5's tokenizer, where the checkpoint has none; all sizes have the same."""


class MetricX(ProcessMetric):
    """Any checkpoint of MetricX-24 (Juraska et al., 2024), or of MetricX-23's form."""

    name = "metricx"
    higher_is_better = False
    bounds = (0.0, 25.0)
    digits = 2
    Options: ClassVar[type[BaseModel]] = MetricXOptions
    program = Program("metricx_worker.py", None, "transformers")
    worker_options = ("tokenizer",)

    @classmethod
    def uncovered(cls, pair: Pair) -> str | None:
        """Languages that mT5 has not read."""
        return uncovered(pair, "mt5", cls.name)


class MetricX24LargeOptions(MetricXOptions):
    """Options of `metricx-24-hybrid-large-v2p6`."""

    checkpoint: str = "google/metricx-24-hybrid-large-v2p6"


class MetricX24Large(MetricX):
    """MetricX-24 hybrid, 1.2 billion parameters."""

    name = "metricx-24-hybrid-large-v2p6"
    licence = "Apache-2.0"
    Options = MetricX24LargeOptions


class MetricX24XlOptions(MetricXOptions):
    """Options of `metricx-24-hybrid-xl-v2p6`."""

    checkpoint: str = "google/metricx-24-hybrid-xl-v2p6"


class MetricX24Xl(MetricX):
    """MetricX-24 hybrid, 3.7 billion parameters."""

    name = "metricx-24-hybrid-xl-v2p6"
    licence = "Apache-2.0"
    Options = MetricX24XlOptions


class MetricX24XxlOptions(MetricXOptions):
    """Options of `metricx-24-hybrid-xxl-v2p6`."""

    checkpoint: str = "google/metricx-24-hybrid-xxl-v2p6"


class MetricX24Xxl(MetricX):
    """MetricX-24 hybrid, 13 billion parameters."""

    name = "metricx-24-hybrid-xxl-v2p6"
    licence = "Apache-2.0"
    Options = MetricX24XxlOptions


class MetricX24LargeBfloat16Options(MetricXOptions):
    """Options of `metricx-24-hybrid-large-v2p6-bfloat16`."""

    checkpoint: str = "google/metricx-24-hybrid-large-v2p6-bfloat16"
    precision: Precision = "bfloat16"


class MetricX24LargeBfloat16(MetricX):
    """MetricX-24 hybrid, 1.2 billion parameters, whose weights were published in half precision."""

    name = "metricx-24-hybrid-large-v2p6-bfloat16"
    licence = "Apache-2.0"
    Options = MetricX24LargeBfloat16Options


class MetricX24XlBfloat16Options(MetricXOptions):
    """Options of `metricx-24-hybrid-xl-v2p6-bfloat16`."""

    checkpoint: str = "google/metricx-24-hybrid-xl-v2p6-bfloat16"
    precision: Precision = "bfloat16"


class MetricX24XlBfloat16(MetricX):
    """MetricX-24 hybrid, 3.7 billion parameters, whose weights were published in half precision."""

    name = "metricx-24-hybrid-xl-v2p6-bfloat16"
    licence = "Apache-2.0"
    Options = MetricX24XlBfloat16Options


class MetricX24XxlBfloat16Options(MetricXOptions):
    """Options of `metricx-24-hybrid-xxl-v2p6-bfloat16`."""

    checkpoint: str = "google/metricx-24-hybrid-xxl-v2p6-bfloat16"
    precision: Precision = "bfloat16"


class MetricX24XxlBfloat16(MetricX):
    """MetricX-24 hybrid, 13 billion parameters, whose weights were published in half precision."""

    name = "metricx-24-hybrid-xxl-v2p6-bfloat16"
    licence = "Apache-2.0"
    Options = MetricX24XxlBfloat16Options
