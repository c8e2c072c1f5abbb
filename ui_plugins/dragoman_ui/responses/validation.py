"""Validation of query parameters, and the error for unreadable records."""

from pydantic import ValidationError

from dragoman.errors import StoreError

NO_TEXT = "The question holds signs that are no text (NUL, or half of a pair): take them out."
"""The error sentence for parameters that `is_text` refuses."""


def unread(error: ValidationError) -> StoreError:
    """The error sentence for something in the store that another version wrote."""
    return StoreError(
        f"The store holds a {error.title} that this version can't read ({error.error_count()} mistakes): run the grid "
        "again from a spec of this version."
    )


def is_text(string: str) -> bool:
    """Whether a string is text that every database accepts: no NUL, no half of a surrogate pair."""
    return not any(sign == "\0" or "\ud800" <= sign <= "\udfff" for sign in string)
