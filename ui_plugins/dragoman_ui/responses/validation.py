"""Validation of what a request says."""

from pydantic import ValidationError

from dragoman.errors import StoreError

NO_TEXT = "The question holds signs that are no text (NUL, or half of a pair): take them out."
"""What a question that `is_text` refuses is answered."""


def unread(error: ValidationError) -> StoreError:
    """What is said of something in the store that is not as this version writes it."""
    return StoreError(
        f"The store holds a {error.title} that this version can't read ({error.error_count()} mistakes): run the grid "
        "again from a spec of this version."
    )


def is_text(string: str) -> bool:
    """Whether a string is text that every database takes: no NUL, no half of a surrogate pair."""
    return not any(sign == "\0" or "\ud800" <= sign <= "\udfff" for sign in string)
