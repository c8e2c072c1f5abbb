"""What people say of translations: campaigns for raters, their judgements, agreement of raters and of metrics."""

from typing import TYPE_CHECKING

from dragoman.exports import lazy_exports

if TYPE_CHECKING:
    from dragoman.judgement.base import JudgementError
    from dragoman.judgement.importing import Format, exported, import_judgements
    from dragoman.judgement.metrics import MetricAgreement, metric_agreement
    from dragoman.judgement.raters import RaterAgreement, rater_agreement
    from dragoman.judgement.scores import HumanScore, human_scores
    from dragoman.judgement.selection import Choice, Method, choose
    from dragoman.judgement.texts import GridTexts

__all__ = [
    "Choice",
    "Format",
    "GridTexts",
    "HumanScore",
    "JudgementError",
    "Method",
    "MetricAgreement",
    "RaterAgreement",
    "choose",
    "exported",
    "human_scores",
    "import_judgements",
    "metric_agreement",
    "rater_agreement",
]

_NAMES = {
    "dragoman.judgement.base": ("JudgementError",),
    "dragoman.judgement.importing": ("Format", "exported", "import_judgements"),
    "dragoman.judgement.metrics": ("MetricAgreement", "metric_agreement"),
    "dragoman.judgement.raters": ("RaterAgreement", "rater_agreement"),
    "dragoman.judgement.scores": ("HumanScore", "human_scores"),
    "dragoman.judgement.selection": ("Choice", "Method", "choose"),
    "dragoman.judgement.texts": ("GridTexts",),
}

__getattr__ = lazy_exports(__name__, _NAMES)
