"""The judges as metrics: GEMBA-DA, GEMBA-ESA, GEMBA-MQM, and a template of one's own."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import BaseModel

from dragoman.metrics.base import Statistics
from dragoman.metrics.model_metric import ModelMetric, SegmentScore, SegmentScorer
from dragoman_jobs.judges.gemba import DirectAssessment, ErrorSpanAnnotation, Mqm
from dragoman_jobs.judges.method import Method
from dragoman_jobs.judges.options import JudgeOptions, OwnJudgeOptions
from dragoman_jobs.judges.own_template import OwnTemplate

if TYPE_CHECKING:
    from dragoman_jobs.judges.scorer import JudgeScorer


class Judge(ModelMetric):
    """A language model behind an endpoint that scores segments from 0 to 100, the best.

    A segment that no readable answer came for has no part in the mean: its statistics are 0 and 0, where those of
    others are the score and 1. `details` has their share.
    """

    bounds: ClassVar[tuple[float | None, float | None]] = (0.0, 100.0)
    Options: ClassVar[type[BaseModel]] = JudgeOptions
    path_options: ClassVar[frozenset[str]] = frozenset({"template"})
    needs_reference: ClassVar[bool] = False
    abstains: ClassVar[bool] = True

    @classmethod
    def scorer(cls, options: Mapping[str, Any], *, home: Path, device: str) -> SegmentScorer:
        """Look for the endpoint, which has to have the model.

        Raises:
            MetricNeedError: it can't be asked; the sentence says why.
            MetricError: a template can't be read.
        """
        del device  # the endpoint's own
        return cls.judge(options, home=home)

    @classmethod
    def judge(cls, options: Mapping[str, Any], *, home: Path, round_: int = 1) -> "JudgeScorer":
        """The same; `round_` 2 judges a second time."""
        from dragoman_jobs.judges.scorer import JudgeScorer  # not in the base install, which aggregates scores

        chosen = cls.Options.model_validate(options)
        assert isinstance(chosen, JudgeOptions)  # noqa: S101  # every judge's are
        return JudgeScorer(cls.method(chosen), chosen, home, round_=round_)

    @classmethod
    @abstractmethod
    def method(cls, options: Any) -> Method:
        """How it judges, by its validated options.

        Raises:
            MetricError: a template can't be read.
        """

    @classmethod
    def rows(cls, scores: Sequence[SegmentScore]) -> Statistics:
        """The score and 1 of each segment; 0 and 0 of one without a readable answer."""
        given = np.array([score.value for score in scores], dtype=np.float64)
        return np.column_stack([np.nan_to_num(given), ~np.isnan(given)]).astype(np.float64)

    def details(self, statistics: Statistics) -> dict[str, float]:
        """The segments without a readable answer, in percent."""
        return {"unreadable": float(100 * (statistics[:, 1] == 0).mean())}


class GembaDa(Judge):
    """GEMBA-DA (Kocmi and Federmann, 2023): direct assessment without a reference."""

    name = "gemba-da"

    @classmethod
    def method(cls, options: JudgeOptions) -> Method:
        """Direct assessment."""
        return DirectAssessment(options.template)


class GembaEsa(Judge):
    """GEMBA-ESA: errors first, then a score in view of them, without a reference."""

    name = "gemba-esa"
    marks_spans: ClassVar[bool] = True

    @classmethod
    def method(cls, options: JudgeOptions) -> Method:
        """Error span annotation."""
        return ErrorSpanAnnotation(options.template)


class GembaMqm(Judge):
    """GEMBA-MQM (Kocmi and Federmann, 2023): errors with severities, without a reference; 100 is none."""

    name = "gemba-mqm"
    marks_spans: ClassVar[bool] = True

    @classmethod
    def method(cls, options: JudgeOptions) -> Method:
        """MQM."""
        return Mqm(options.template)


class OwnJudge(Judge):
    """A judge with a template of one's own, which may show the reference, and an answer in JSON."""

    name = "judge"
    Options: ClassVar[type[BaseModel]] = OwnJudgeOptions
    needs_reference: ClassVar[bool] = True

    @classmethod
    def method(cls, options: OwnJudgeOptions) -> Method:
        """The template."""
        return OwnTemplate(options)
