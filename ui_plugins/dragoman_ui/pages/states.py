"""Styles of cell states: a style sheet and the constants that scripts need, both from `CellState`."""

import json
from collections.abc import Iterable

from flask import Response, render_template

from dragoman.cell import CellState, DescribedState, Tone
from dragoman_ui.responses.cache import kept


def state_styles() -> Response:
    """Answer `/dragoman/states.css`."""
    return kept("", "text/css", lambda: styles(CellState).encode())


def state_script() -> Response:
    """Answer `/dragoman/states.js`."""
    return kept("", "text/javascript", lambda: script(CellState).encode())


def styles(states: Iterable[DescribedState]) -> str:
    """The classes `s-STATE` of tiles without a number, and `is-STATE` of parts of bars and of counts."""
    return render_template("dragoman/states.css", states=states)


def script(states: Iterable[DescribedState]) -> str:
    """The constant `STATES`: by class of the tile, its hatching and whether it is drawn as an alarm."""
    looks = {
        f"s-{state}": {"hatching": state.facts.hatching, "isAlarm": state.facts.tone is Tone.BAD} for state in states
    }
    return f'"use strict";\n\nconst STATES = {json.dumps(looks)};\n'
