"""COMET, CometKiwi and XCOMET: models of unbabel-comet, in its isolated environment."""

from typing import ClassVar

from pydantic import BaseModel

from dragoman.metrics.covered_languages import uncovered
from dragoman.metrics.process_metric import ProcessMetric
from dragoman.metrics.process_scorer import CheckpointOptions, Program
from dragoman.pair import Pair


class CometOptions(CheckpointOptions):
    """Options of `comet`."""

    references: bool = True
    """Whether references are given to the model; those of quality estimation do without, and XCOMET can."""


class Comet(ProcessMetric):
    """Any checkpoint of COMET's regression, referenceless, unified (UniTE) or XCOMET models."""

    name = "comet"
    digits = 4
    Options: ClassVar[type[BaseModel]] = CometOptions
    program = Program("comet_worker.py", "comet", "unbabel-comet")

    @classmethod
    def worst(cls) -> float:
        """Of an empty hypothesis, by rule: 0, also for checkpoints that know no range."""
        return 0.0


class _Published(Comet):
    """A checkpoint that Unbabel has published, whose encoder is XLM-R or InfoXLM."""

    bounds = (0.0, 1.0)

    @classmethod
    def uncovered(cls, pair: Pair) -> str | None:
        """Languages that XLM-R has not read."""
        return uncovered(pair, "xlm-r", cls.name)


class Wmt22CometDaOptions(CheckpointOptions):
    """Options of `wmt22-comet-da`."""

    checkpoint: str = "Unbabel/wmt22-comet-da"


class Wmt22CometDa(_Published):
    """COMET-22 (Rei et al., 2022): direct assessment predicted from source, hypothesis and reference."""

    name = "wmt22-comet-da"
    licence = "Apache-2.0"
    Options = Wmt22CometDaOptions


class Wmt22CometKiwiDaOptions(CheckpointOptions):
    """Options of `wmt22-cometkiwi-da`."""

    checkpoint: str = "Unbabel/wmt22-cometkiwi-da"


class Wmt22CometKiwiDa(_Published):
    """CometKiwi-22 (Rei et al., 2022): quality estimation from source and hypothesis alone."""

    name = "wmt22-cometkiwi-da"
    needs_reference = False
    licence = "CC-BY-NC-SA-4.0"
    gated = True
    Options = Wmt22CometKiwiDaOptions


class _XComet(_Published):
    """A score with error spans in the hypothesis, minor, major and critical (Guerreiro et al., 2024)."""

    marks_spans = True
    licence = "CC-BY-NC-SA-4.0"
    gated = True


class XCometXlOptions(CometOptions):
    """Options of `XCOMET-XL`."""

    checkpoint: str = "Unbabel/XCOMET-XL"


class XCometXl(_XComet):
    """XCOMET-XL, with 3.5 billion parameters."""

    name = "XCOMET-XL"
    Options = XCometXlOptions


class XCometXxlOptions(CometOptions):
    """Options of `XCOMET-XXL`."""

    checkpoint: str = "Unbabel/XCOMET-XXL"


class XCometXxl(_XComet):
    """XCOMET-XXL, with 10.7 billion parameters."""

    name = "XCOMET-XXL"
    Options = XCometXxlOptions
