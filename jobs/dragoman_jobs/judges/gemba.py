"""GEMBA's judges: direct assessment, error span annotation and MQM by a language model."""

from pathlib import Path
from typing import ClassVar

from dragoman.metrics.base import MetricError
from dragoman.metrics.model_metric import SegmentScore, Triple
from dragoman_jobs.judges import gemba_prompts
from dragoman_jobs.judges.answers import mqm_score, placed, read_errors, read_number
from dragoman_jobs.judges.chat_template import Chat, checked, filled, read_templates, values_of
from dragoman_jobs.judges.method import Method, Questions

PLACES = ("source_lang", "target_lang", "source_seg", "target_seg")
"""What GEMBA's templates name."""

ERRORS = "error_spans"
"""The place of the errors in the second template of error span annotation."""


class GembaMethod(Method):
    """A method of GEMBA's, with the templates that come with Dragoman or others of the same places."""

    default: ClassVar[tuple[Chat, ...]]

    def __init__(self, template: Path | None = None) -> None:
        """Take the templates of a file; by default its own.

        Raises:
            MetricError: the file is not there, or holds no such templates.
        """
        self._chats = self.default if template is None else tuple(read_templates(template))
        if len(self._chats) != len(self.default):
            raise MetricError(
                f"The template {template} holds {len(self._chats)} chats, and this judge asks {len(self.default)}: "
                "give a JSON list of as many."
            )
        for number, chat in enumerate(self._chats):
            checked(chat, (*PLACES, *([ERRORS] if number else [])), f"The template {template or 'of this judge'}")

    @property
    def chats(self) -> tuple[Chat, ...]:
        """The templates."""
        return self._chats


class DirectAssessment(GembaMethod):
    """A number from 0 to 100."""

    default = (gemba_prompts.DA,)

    async def judge(self, ask: Questions, triple: Triple) -> SegmentScore | None:
        """The number."""
        score = await ask(filled(self.chats[0], values_of(triple)), read_number)
        return None if score is None else SegmentScore(float(score))


class Mqm(GembaMethod):
    """The errors with their severities, which the score follows from."""

    default = (gemba_prompts.MQM,)

    async def judge(self, ask: Questions, triple: Triple) -> SegmentScore | None:
        """The score and the errors."""
        errors = await ask(filled(self.chats[0], values_of(triple)), read_errors)
        if errors is None:
            return None
        return SegmentScore(mqm_score(errors), placed(errors, triple.source, triple.hypothesis))


class ErrorSpanAnnotation(GembaMethod):
    """The errors with their severities, then a number from 0 to 100 in view of them."""

    default = (gemba_prompts.ESA_ERRORS, gemba_prompts.ESA_SCORE)

    async def judge(self, ask: Questions, triple: Triple) -> SegmentScore | None:
        """The number and the errors; whatever the first answer says is shown to the second question."""
        values = values_of(triple)
        listed = await ask(filled(self.chats[0], values), str)
        if listed is None:
            return None
        score = await ask(filled(self.chats[1], values | {ERRORS: listed}), read_number)
        if score is None:
            return None
        return SegmentScore(float(score), placed(read_errors(listed) or (), triple.source, triple.hypothesis))
