"""The cell page: one pair, sentence by sentence, every model beside the others."""

from flask import render_template, request

from dragoman.pair import Pair
from dragoman.store.queries import metric_names
from dragoman_ui.reading import open_store
from dragoman_ui.segments import Arrangement, pair_view, sentence_metric
from dragoman_ui.view import View, one_of


def cell() -> str:
    """Answer `/dragoman/cell?grid=...&source=...&target=...`."""
    store = open_store()
    view = View.of(store, request.args)
    grid = store.grid(view.grid)
    pair = Pair.of(request.args.get("source", ""), request.args.get("target", ""))
    asked = request.args.get("sentences") or Arrangement.FILE
    arrangement = Arrangement(one_of("Sentences can't be ordered by", asked, Arrangement))
    search, page = request.args.get("search", ""), request.args.get("page", 1, type=int)
    metrics = metric_names(store, view.grid)
    by = one_of(f"Grid '{view.grid}' has no metric", request.args.get("by") or sentence_metric(metrics), metrics)
    names = {model.id: model.name for model in store.models(view.grid)}
    found = pair_view(store, grid, names, pair, by, search, arrangement, page)
    return render_template(
        "dragoman/cell.html",
        view=view,
        grid=grid,
        metrics=metrics,
        by=by,
        found=found,
        search=search,
        arrangement=arrangement,
        arrangements=Arrangement,
    )
