"""What a check of a bundle finds: what is not what it claims to be, and what could not be computed here."""

from typing import Any, NamedTuple


class Finding(NamedTuple):
    """Something in a bundle that is not what it claims to be."""

    place: str
    """The member, with its line; or the bytes of the file."""
    what: str
    """What is wrong, as a clause."""
    claimed: Any = None
    """The number or word that stands there; None where it is none."""
    found: Any = None
    """The one that follows from the rest of the bundle."""

    def __str__(self) -> str:
        """The finding as a sentence."""
        both = f": {_shown(self.claimed)} is claimed, {_shown(self.found)} follows"
        return f"{self.place}: {self.what}{both if self.claimed != self.found else ''}."


class Unchecked(NamedTuple):
    """Numbers that could not be computed here."""

    metric: str
    """The metric."""
    signature: str
    """The signature they were computed under."""
    numbers: int
    """How many they are."""
    reason: str
    """Why, and what to do, as a sentence."""


def _shown(value: Any) -> str:
    return "nothing" if value is None else repr(value) if isinstance(value, float) else str(value)
