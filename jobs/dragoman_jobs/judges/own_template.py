"""A judge with a template of one's own, whose answer is JSON."""

from typing import Any

from dragoman.metrics.base import MetricError
from dragoman.metrics.model_metric import SegmentScore, Triple
from dragoman_jobs.judges.answers import SEVERITIES, Marked, at_path, number_of, placed, read_json
from dragoman_jobs.judges.chat_template import Chat, checked, filled, read_templates, values_of
from dragoman_jobs.judges.method import Method, Questions
from dragoman_jobs.judges.options import OwnJudgeOptions

PLACES = ("source_language", "target_language", "source", "hypothesis", "reference")
"""What a template may name."""


class OwnTemplate(Method):
    """Asks once, and reads the score and maybe the errors from an answer in JSON."""

    def __init__(self, options: OwnJudgeOptions) -> None:
        """Read the template.

        Raises:
            MetricError: it is not there, or no template.
        """
        self._options = options
        chats = read_templates(options.template)
        if len(chats) != 1:
            raise MetricError(f"The template {options.template} holds {len(chats)} chats: give one.")
        self._chat = checked(chats[0], PLACES, f"The template {options.template}")

    @property
    def chats(self) -> tuple[Chat, ...]:
        """The template."""
        return (self._chat,)

    @property
    def signature(self) -> tuple[str, ...]:
        """Where the score and the errors are read, and what the score may be."""
        worst, best = self._options.range
        fields = (f"score:{self._options.score}", f"range:{worst:g}..{best:g}")
        return (*fields, f"spans:{self._options.spans}") if self._options.spans else fields

    async def judge(self, ask: Questions, triple: Triple) -> SegmentScore | None:
        """The score, from 0 for the worst to 100 for the best, and the errors."""
        found = await ask(filled(self._chat, values_of(triple)), self._read)
        if found is None:
            return None
        score, errors = found
        return SegmentScore(score, placed(errors, triple.source, triple.hypothesis))

    def _read(self, text: str) -> tuple[float, list[Marked]] | None:
        answer = read_json(text)
        worst, best = self._options.range
        number = number_of(at_path(answer, self._options.score))
        if number is None or not min(worst, best) <= number <= max(worst, best):
            return None
        errors = [] if self._options.spans is None else _errors(at_path(answer, self._options.spans))
        return None if errors is None else (100 * (number - worst) / (best - worst), errors)


def _errors(listed: Any) -> list[Marked] | None:
    """The errors of a list of objects; None where it is none."""
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        return None
    found = [
        Marked(
            str(each.get("severity", "")).lower(), str(each.get("category") or "").lower(), str(each.get("text") or "")
        )
        for each in listed
    ]
    return found if all(error.severity in SEVERITIES for error in found) else None
