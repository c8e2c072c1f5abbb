"""Import of peft that runs no code from the Hugging Face hub: with it comes bitsandbytes, where that is installed."""

import logging
import sys
from typing import Any

_FETCHED_BY = "kernels"
"""The package by which bitsandbytes fetches compiled kernels from the hub when it is imported (0.50,
`backends/cpu/ops.py`, on processors with AVX512-BF16), and runs them."""


def import_peft() -> Any:
    """The module peft, with bitsandbytes' own kernels, and without its warning that there might be others."""
    logger, is_there = logging.getLogger("bitsandbytes"), _FETCHED_BY in sys.modules
    before = logger.level
    if not is_there:
        sys.modules[_FETCHED_BY] = None  # type: ignore[assignment]  # an import of it then fails
    logger.setLevel(logging.ERROR)
    try:
        import peft
    finally:
        logger.setLevel(before)
        if not is_there:
            del sys.modules[_FETCHED_BY]
    return peft
