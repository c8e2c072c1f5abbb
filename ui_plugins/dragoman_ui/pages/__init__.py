"""Blueprint of the pages under `/dragoman/`: routes, template context and error handlers."""

from collections.abc import Iterable
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from markupsafe import Markup, escape
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from dragoman.analysis.aggregation import SCOPES
from dragoman.analysis.comparability import MixedSignaturesError
from dragoman.analysis.pair_differences import higher_is_better
from dragoman.cell import CellState
from dragoman.control_characters import LINES, visible
from dragoman.errors import DragomanError, StoreError, StoreUnusableError
from dragoman.language import english_name
from dragoman.metrics.errors.label import Label
from dragoman.metrics.lookup import digits_of
from dragoman.partition import Partition
from dragoman.reports.trainings import age, brief
from dragoman.settings import settings
from dragoman.store.maintenance.integrity import sentence_of_damage
from dragoman.tables.durations import duration
from dragoman.tables.table import figure
from dragoman.version import __version__
from dragoman_registry.tables import gate_table
from dragoman_ui.auth.headers import protect
from dragoman_ui.pages.analyses import analysed, analysis, figure_file
from dragoman_ui.pages.campaign import campaign, campaign_state
from dragoman_ui.pages.cell import cell
from dragoman_ui.pages.compare import compare, compared
from dragoman_ui.pages.grid import drawn, families, grid, heat_map_with_tests, seen_and_unseen
from dragoman_ui.pages.grid_models import grid_models
from dragoman_ui.pages.heat_map_file import heat_map_file
from dragoman_ui.pages.index import index, progress_of_grid
from dragoman_ui.pages.job import job, job_state
from dragoman_ui.pages.models import card, gate, model
from dragoman_ui.pages.overview import overview, overview_of_grid
from dragoman_ui.pages.partitions import partitions
from dragoman_ui.pages.promotions import promotions
from dragoman_ui.pages.rank import rank, ranked
from dragoman_ui.pages.runs import runs, runs_chart
from dragoman_ui.pages.states import state_script, state_styles
from dragoman_ui.responses.markdown import rendered
from dragoman_ui.responses.validation import NO_TEXT, is_text, unread
from dragoman_ui.viewmodels.analyses import analyses_of
from dragoman_ui.viewmodels.captions import subject_of, title_of, unit_of
from dragoman_ui.viewmodels.signatures import signature_choices
from dragoman_ui.viewmodels.slices import line_choices
from dragoman_ui.viewmodels.store import open_store, read_snapshots
from dragoman_ui.viewmodels.systems import Names
from dragoman_ui.viewmodels.tabs import tabs_of
from dragoman_ui.viewmodels.text_diff import direction

pages = Blueprint("dragoman", "dragoman_ui", template_folder="templates", static_folder="static")
"""Blueprint of `/dragoman/`."""

pages.add_url_rule("/", view_func=index)
pages.add_url_rule("/progress", view_func=progress_of_grid)
pages.add_url_rule("/grid", view_func=grid)
pages.add_url_rule("/overview", view_func=overview)
pages.add_url_rule("/overviewed", view_func=overview_of_grid)
pages.add_url_rule("/map", view_func=heat_map_with_tests)
pages.add_url_rule("/heat_map", view_func=heat_map_file)
pages.add_url_rule("/families", view_func=families)
pages.add_url_rule("/seen", view_func=seen_and_unseen)
pages.add_url_rule("/drawing", view_func=drawn)
pages.add_url_rule("/partitions", view_func=partitions)
pages.add_url_rule("/runs", view_func=runs)
pages.add_url_rule("/charted", view_func=runs_chart)
pages.add_url_rule("/campaign", view_func=campaign)
pages.add_url_rule("/swept", view_func=campaign_state)
pages.add_url_rule("/job", view_func=job)
pages.add_url_rule("/working", view_func=job_state)
pages.add_url_rule("/cell", view_func=cell)
pages.add_url_rule("/compare", view_func=compare)
pages.add_url_rule("/compared", view_func=compared)
pages.add_url_rule("/rank", view_func=rank)
pages.add_url_rule("/ranked", view_func=ranked)
pages.add_url_rule("/analysis", view_func=analysis)
pages.add_url_rule("/analysed", view_func=analysed)
pages.add_url_rule("/figure", endpoint="figure", view_func=figure_file)
pages.add_url_rule("/promotions", view_func=promotions)
pages.add_url_rule("/model", view_func=model)
pages.add_url_rule("/models", view_func=grid_models)
pages.add_url_rule("/gate", view_func=gate)
pages.add_url_rule("/card", view_func=card)
pages.add_url_rule("/states.css", view_func=state_styles)
pages.add_url_rule("/states.js", view_func=state_script)
pages.after_request(protect)
read_snapshots(pages)


@pages.app_template_filter("with_code")
def _with_code(text: Any) -> Markup:
    """A sentence in which what stands between backticks is code."""
    parts = str(_visible(text)).split("`")
    if len(parts) % 2 == 0:
        return escape(_visible(text))
    code = Markup("<code>{}</code>")
    return Markup("").join(code.format(part) if place % 2 else part for place, part in enumerate(parts))


pages.add_app_template_filter(rendered, "markdown")


@pages.app_template_filter("visible")
def _visible(text: Any) -> Any:
    """Template filter: text of others with control characters as escapes; HTML of our own as it is."""
    return text if hasattr(text, "__html__") else visible(str(text), LINES)


@pages.context_processor
def _template_names() -> dict[str, object]:
    """Context processor: the names that every template can use."""
    return {
        "version": __version__,
        "figure": figure,
        "digits_of": digits_of,
        "language": english_name,
        "direction": direction,
        "marks": {state.value: state.facts.tile for state in CellState},
        "meanings": {state.value: state.meaning for state in CellState},
        "spoken_partitions": _values_in_words(Partition),
        "spoken_scopes": _values_in_words(SCOPES),
        "spoken_labels": [(label.value, label.facts.title) for label in Label],
        "duration": duration,
        "brief": brief,
        "age": age,
        "gate_table": gate_table,
        "unit_of": unit_of,
        "subject_of": subject_of,
        "title_of": title_of,
        "is_error_rate": lambda metric: not higher_is_better(metric),
    }


def _values_in_words(values: Iterable[str]) -> list[tuple[str, str]]:
    """Values with their names in words."""
    return [(str(value), str(value).replace("_", " ")) for value in values]


@pages.before_request
def _refuse_invalid_text() -> None:
    """Refuse query values that no database accepts as text."""
    if not all(is_text(text) for values in request.args.lists() for text in (values[0], *values[1])):
        raise DragomanError(NO_TEXT)


@pages.before_request
def _follow_renamed() -> Response | None:
    """Redirect from a grid's page under a name that it had to the one under its name."""
    if request.method != "GET" or not (asked := request.args.get("grid")):
        return None
    try:
        current = open_store().annotations.current_name(asked)
    except StoreError:  # of a store that is not there, the page says so
        return None
    if current is None or request.endpoint is None:
        return None
    values: dict[str, Any] = {**request.args.to_dict(flat=False), "grid": current}
    return redirect(url_for(request.endpoint, **values))


@pages.errorhandler(ValidationError)
def _explain_unread(error: ValidationError) -> tuple[str, int]:
    """Error handler for what was stored by another version."""
    return _explain(unread(error))


@pages.errorhandler(DragomanError)
def _explain(error: DragomanError) -> tuple[str, int]:
    """Error handler: the sentence of why a page can't be shown; where a signature has to be chosen, with links."""
    status = 503 if isinstance(error, StoreUnusableError) else 404
    return render_template("dragoman/error.html", sentence=str(error), choices=_choices(error)), status


@pages.errorhandler(Exception)
def _explain_damage(error: Exception) -> Any:
    """Error handler for anything else: values that make no sense may come of a damaged store, which is then said."""
    if isinstance(error, HTTPException):
        return error
    told = sentence_of_damage(settings().store_url)
    if told is None:
        raise error
    return _explain(StoreUnusableError(told))


def _choices(error: DragomanError) -> dict[str, str]:
    """The signatures to choose from, with links to the same page under each."""
    if not isinstance(error, MixedSignaturesError):
        return {}
    asked: dict[str, Any] = {name: values for name, values in request.args.lists() if name != "signature"}
    grid = request.args.get("grid", "")
    metric = request.args.get("metric") or Names.of(open_store(), grid).metrics[0]
    endpoint = str(request.endpoint)
    return {text: url_for(endpoint, **asked, signature=text) for text in signature_choices(grid, metric)}


pages.add_app_template_global(signature_choices)
pages.add_app_template_global(line_choices)
pages.add_app_template_global(analyses_of)
pages.add_app_template_global(tabs_of)
