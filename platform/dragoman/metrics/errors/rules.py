"""The error metrics that look at a text, its source and its reference: one class for each label."""

from collections.abc import Collection
from typing import ClassVar

from dragoman.metrics.base import MetricError
from dragoman.metrics.errors.copying import is_copy
from dragoman.metrics.errors.label import Label
from dragoman.metrics.errors.metric import ErrorMetric, Examined, Places
from dragoman.metrics.errors.numbers import wrong_numbers
from dragoman.metrics.errors.preambles import preambles
from dragoman.metrics.errors.prompt_fragments import Fragments
from dragoman.metrics.errors.repetition import EXCESS, longest_run, places_of_top, top_count
from dragoman.metrics.generation import CUT, FROM_FILE, Generation
from dragoman.pair import Pair

SHORT, LONG = 1 / 2, 2
"""Shares of the expected characters below and above which a text is too short or too long."""


class Oscillation(ErrorMetric):
    """Hypotheses that repeat a stretch: tokens three times running, or characters four times.

    The longest run of the reference excuses one that is no longer: "very, very, very" may be what is meant.
    """

    name: ClassVar[str] = "error_oscillation"
    label: ClassVar[Label] = Label.OSCILLATION

    def places(self, examined: Examined) -> Places | None:
        """The longest run."""
        run = longest_run(examined.text)
        excused = longest_run(examined.reference).length if examined.reference is not None else 0
        return ((run.start, run.end),) if run.length > excused else None


class TopNgram(ErrorMetric):
    """Hypotheses whose most frequent 4-gram comes at least twice more often than that of source and reference.

    Top n-gram hallucination (Raunak et al., 2021; Guerreiro et al., 2023); the reference is looked at as well because
    tokens of two languages are not the same units.
    """

    name: ClassVar[str] = "error_tng"
    label: ClassVar[Label] = Label.TNG

    def places(self, examined: Examined) -> Places | None:
        """Every occurrence of the most frequent n-gram."""
        if top_count(examined.text) - max(map(top_count, examined.others)) < EXCESS:
            return None
        return tuple(places_of_top(examined.text))


class Copy(ErrorMetric):
    """Hypotheses that are copies of their source, where the reference is none."""

    name: ClassVar[str] = "error_copy"
    label: ClassVar[Label] = Label.COPY

    def places(self, examined: Examined) -> Places | None:
        """The whole text."""
        text = examined.text.strip()
        if not text or not is_copy(text, examined.source):
            return None
        if examined.reference is not None and is_copy(examined.reference, examined.source):
            return None
        return ((0, len(examined.text)),)


class Short(ErrorMetric):
    """Hypotheses of fewer than half the characters of their reference; empty ones have a label of their own.

    References are held to the characters of their source times the pair's own ratio of references to sources.
    """

    name: ClassVar[str] = "error_short"
    label: ClassVar[Label] = Label.SHORT

    def places(self, examined: Examined) -> Places | None:
        """The whole text."""
        length = len(examined.text.strip())
        return ((0, len(examined.text)),) if 0 < length < SHORT * examined.expected else None


class Long(ErrorMetric):
    """Hypotheses of more than twice the characters of their reference; references are held to the same as for short."""

    name: ClassVar[str] = "error_long"
    label: ClassVar[Label] = Label.LONG

    def places(self, examined: Examined) -> Places | None:
        """What goes beyond twice the length."""
        text = examined.text.rstrip()
        room = int(LONG * examined.expected) + len(text) - len(text.lstrip())
        return ((room, len(text)),) if len(text.strip()) > LONG * examined.expected else None


class Empty(ErrorMetric):
    """Hypotheses of nothing but white space."""

    name: ClassVar[str] = "error_empty"
    label: ClassVar[Label] = Label.EMPTY

    def places(self, examined: Examined) -> Places | None:
        """No place."""
        return None if examined.text.strip() else ()


class Cut(ErrorMetric):
    """Hypotheses that reached the longest length allowed; unscorable where nobody knows, as of files."""

    name: ClassVar[str] = "error_cut"
    label: ClassVar[Label] = Label.CUT
    needs_generation: ClassVar[bool] = True

    def places(self, examined: Examined) -> Places | None:
        """The end of the text."""
        if examined.reference is None:
            return None
        if examined.finish_reason in (None, FROM_FILE):
            raise MetricError("error_cut can't score these translations: how they ended is not known.")
        end = len(examined.text)
        return ((max(0, end - 1), end),) if examined.finish_reason == CUT else None


class PromptFragment(ErrorMetric):
    """Hypotheses with fragments of the prompt in use that neither source nor reference has."""

    name: ClassVar[str] = "error_prompt"
    label: ClassVar[Label] = Label.PROMPT
    needs_generation: ClassVar[bool] = True

    def __init__(self, pair: Pair, languages: Collection[str] = ()) -> None:
        super().__init__(pair, languages)
        self._fragments = Fragments(None, pair, languages)

    def inform(self, generation: Generation) -> None:
        """Take the prompt in use."""
        super().inform(generation)
        self._fragments = Fragments(generation.prompt, self._pair, self._languages)

    def places(self, examined: Examined) -> Places | None:
        """The fragments."""
        return tuple(self._fragments.places(examined.text, *examined.others)) or None


class Preamble(ErrorMetric):
    """Hypotheses that speak of the translation, think aloud, or are wrapped in quotes or code marks."""

    name: ClassVar[str] = "error_preamble"
    label: ClassVar[Label] = Label.PREAMBLE

    def places(self, examined: Examined) -> Places | None:
        """The words or marks."""
        return tuple(preambles(examined.text, *examined.others)) or None


class Numbers(ErrorMetric):
    """Hypotheses with a number that neither source nor reference has, or without one that both have.

    Digits of all scripts are compared without their separators. An empty hypothesis has a label of its own.
    """

    name: ClassVar[str] = "error_numbers"
    label: ClassVar[Label] = Label.NUMBERS

    def places(self, examined: Examined) -> Places | None:
        """The numbers too many; no place for those that are lost."""
        if not examined.text.strip():
            return None
        due = examined.source if examined.reference is None else examined.reference
        wrong = wrong_numbers(examined.text, examined.source, due)
        if not wrong.invented and not wrong.lost:
            return None
        return tuple((number.start, number.end) for number in wrong.invented)
