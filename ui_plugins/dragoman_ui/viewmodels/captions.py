"""Captions of the pages' figures: what a view's numbers were measured on, and how, in a line."""

from dragoman.analysis.caption import caption_line, caption_of
from dragoman.analysis.comparison import captions_of_compared
from dragoman.store.store import Store
from dragoman_ui.viewmodels.comparison import said
from dragoman_ui.viewmodels.view import View


def caption(store: Store, view: View) -> str | None:
    """The caption of a view of one model."""
    return caption_line({view.model: caption_of(store, view.question, model=view.model)})


def caption_beside(store: Store, view: View, against: str) -> str | None:
    """The caption of a view of one system beside another."""
    other, own = captions_of_compared(store, view.question, a=said(store, view, against), b=view.model)
    return caption_line({against: other, view.model: own})
