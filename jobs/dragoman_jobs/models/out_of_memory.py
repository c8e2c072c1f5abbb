"""Recognise out-of-memory errors of torch and CTranslate2, and word them for the user."""

from collections.abc import Iterator
from contextlib import contextmanager

_SAID = ("out of memory", "can't allocate memory", "not enough memory")
"""What a GPU's allocators say, and torch's for the CPU on Linux and elsewhere; all in a RuntimeError."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory does not suffice."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and any(said in text for said in _SAID))


@contextmanager
def memory_or(otherwise: Exception) -> Iterator[None]:
    """Do something that may need more memory than there is, and raise something else then."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise otherwise from error
