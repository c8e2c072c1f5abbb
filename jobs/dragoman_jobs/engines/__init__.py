"""Engines: what decodes a model. What one is, and how the one for a model is chosen."""

from typing import TYPE_CHECKING

from dragoman.exports import lazy_exports

if TYPE_CHECKING:
    from dragoman.errors import ModelError
    from dragoman.spec.decoding import Decoding
    from dragoman_jobs.engines.base import Engine, Hypothesis, Request, UnsupportedModelError
    from dragoman_jobs.engines.selection import choose_engine
    from dragoman_jobs.models.checkpoint import Checkpoint

__all__ = [
    "Checkpoint",
    "Decoding",
    "Engine",
    "Hypothesis",
    "ModelError",
    "Request",
    "UnsupportedModelError",
    "choose_engine",
]

_NAMES = {
    "dragoman.errors": ("ModelError",),
    "dragoman.spec.decoding": ("Decoding",),
    "dragoman_jobs.engines.base": (
        "Engine",
        "Hypothesis",
        "Request",
        "UnsupportedModelError",
    ),
    "dragoman_jobs.engines.selection": ("choose_engine",),
    "dragoman_jobs.models.checkpoint": ("Checkpoint",),
}

__getattr__ = lazy_exports(__name__, _NAMES)
