"""The grid page: the pair matrix as a heat map, and what it comes to by partition."""

from collections import Counter

from flask import render_template, request

from dragoman.partition import Partition
from dragoman.store.differences import higher_is_better
from dragoman.store.queries import metric_names, model_names, pair_scores, partition_gap, partition_table
from dragoman_ui.heatmap import heat_map, size_of
from dragoman_ui.mlflow_links import experiment_link
from dragoman_ui.reading import open_store
from dragoman_ui.scale import Scale
from dragoman_ui.spread import spreads
from dragoman_ui.view import View


def grid() -> str:
    """Answer `/dragoman/grid?grid=...`."""
    store = open_store()
    view = View.of(store, request.args)
    record = store.grid(view.grid)
    models = store.models(view.grid)
    model = next(each for each in models if each.name == view.model)
    asked = (store, view.grid, view.model, view.metric)
    size = size_of(len(record.languages))
    # tens of thousands of pairs are drawn by the browser, which asks for them when the page is there
    scores = pair_scores(*asked, view.signature) if size != "small" else []
    better = higher_is_better(view.metric)
    numbers = [number for score in scores for number in (score.value, score.base_value) if number is not None]
    axis = Scale.of_scores(numbers, better)
    return render_template(
        "dragoman/grid.html",
        view=view,
        grid=record,
        model=model,
        size=size,
        models=model_names(store, view.grid),
        metrics=metric_names(store, view.grid),
        map=heat_map(scores, record.languages, model.graph, view.show, view.order, better),
        axis=axis,
        spreads=spreads(scores, axis),
        rows=partition_table(*asked, view.signature),
        gap=partition_gap(*asked, Partition.SEEN, Partition.RECOMBINED, view.signature),
        reasons=Counter((score.state, score.reason) for score in scores if score.value is None and score.reason),
        signatures=sorted({score.signature for score in scores if score.signature}),
        every_partition=Partition,
        experiment=experiment_link(view.grid),
    )
