"""Redaction of secrets before anything is shown, logged or recorded.

The values that this process knows come first, in every form; then what looks like a secret by its name or its shape.
"""

from dragoman.redaction.addresses import ADDRESSES
from dragoman.redaction.commands import COMMANDS
from dragoman.redaction.issued_keys import ISSUED_KEYS
from dragoman.redaction.known import mask_known, remember, remember_urls
from dragoman.redaction.named_values import NAMED_VALUES
from dragoman.redaction.shape import MASK

__all__ = ["MASK", "masked", "remember", "remember_urls"]

_SHAPES = (*ADDRESSES, *ISSUED_KEYS, *NAMED_VALUES, *COMMANDS)


def masked(text: str) -> str:
    """A text without the secrets in it: those known to this process, and what has the shape of one."""
    text = mask_known(text, MASK)
    folded = text.casefold()
    for shape in _SHAPES:
        if any(word in folded for word in shape.needs):
            text = shape.mask(text)
    return text
