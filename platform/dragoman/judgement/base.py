"""Errors of human judgements, and hashes that order things the same on every machine."""

import hashlib

from dragoman.errors import DragomanError


class JudgementError(DragomanError):
    """Judgements that are not of a grid's translations, or a campaign that can't be made."""


def draw(seed: int, *names: object) -> bytes:
    """The place of something in a seeded random order: sort by it.

    Args:
        seed: another one gives another order.
        names: what is ordered, by names that no other has.
    """
    return hashlib.sha256("\n".join(map(str, (seed, *names))).encode()).digest()
