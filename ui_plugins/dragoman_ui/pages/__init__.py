"""The pages, rendered on the server; every route is Flask's, where MLflow's authentication stands before it."""

from flask import Blueprint, render_template

from dragoman import __version__
from dragoman.cli.tables import figure
from dragoman.errors import DragomanError
from dragoman.language import english_name
from dragoman_ui.difference import direction
from dragoman_ui.heatmap import WORDS
from dragoman_ui.pages.cell import cell
from dragoman_ui.pages.compare import compare, compared
from dragoman_ui.pages.grid import grid
from dragoman_ui.pages.index import index, progress_of_grid
from dragoman_ui.pages.promotions import promotions
from dragoman_ui.security import protect

pages = Blueprint("dragoman", "dragoman_ui", template_folder="templates", static_folder="static")
"""What stands at `/dragoman/`."""

pages.add_url_rule("/", view_func=index)
pages.add_url_rule("/progress", view_func=progress_of_grid)
pages.add_url_rule("/grid", view_func=grid)
pages.add_url_rule("/cell", view_func=cell)
pages.add_url_rule("/compare", view_func=compare)
pages.add_url_rule("/compared", view_func=compared)
pages.add_url_rule("/promotions", view_func=promotions)
pages.after_request(protect)


@pages.context_processor
def _words() -> dict[str, object]:
    """What every template can use."""
    return {
        "version": __version__,
        "figure": figure,
        "language": english_name,
        "direction": direction,
        "marks": {state.value: mark for state, (mark, _) in WORDS.items()},
        "meanings": {state.value: meaning for state, (_, meaning) in WORDS.items()},
    }


@pages.errorhandler(DragomanError)
def _explain(error: DragomanError) -> tuple[str, int]:
    """What can't be shown, as the sentence that says why."""
    return render_template("dragoman/error.html", sentence=str(error)), 404
