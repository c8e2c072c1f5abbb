"""How hypotheses came about: the prompt that asked for them, and why each ended."""

from collections.abc import Sequence
from typing import NamedTuple, Self

FROM_FILE = "file"
"""Finish reason of a translation from a file: nobody knows its prompt or why it ends."""

CUT = "length"
"""Finish reason of a translation that reached the longest length allowed."""


class Generation(NamedTuple):
    """What is known of how the hypotheses of a cell were generated, besides their text."""

    prompt: str | None
    """The prompt in use, as people are shown it (`Prompt.shown`: the template comes first); None if none is known."""
    finish_reasons: tuple[str, ...]
    """Why each hypothesis ended, as the store keeps it."""

    @classmethod
    def of(cls, prompt: str | None, finish_reasons: Sequence[str]) -> Self:
        """What is known; of translations from files the prompt is that of the systems beside them, and not theirs."""
        is_asked = any(reason != FROM_FILE for reason in finish_reasons)
        return cls(prompt if is_asked else None, tuple(finish_reasons))
