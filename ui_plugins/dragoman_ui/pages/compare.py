"""The compare page: one model of a grid against another, first the differences, then whether they are luck."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from flask import render_template, request

from dragoman.errors import StoreError
from dragoman.store.comparison import Comparison, scope_differences
from dragoman.store.comparison import compare as compare_models
from dragoman.store.differences import PairDifference, higher_is_better
from dragoman.store.queries import BASE, PairScore, metric_names, model_names, pair_scores
from dragoman_ui.heatmap import heat_map, size_of
from dragoman_ui.reading import open_store
from dragoman_ui.view import Show, View, one_of

SHOWN = 10
"""Pairs in the tables of the largest losses and gains."""


def compare() -> str:
    """Answer `/dragoman/compare?grid=...&model=...&against=...`: at once, as tests of every pair take a while."""
    return _page("dragoman/compare.html", is_tested=False)


def compared() -> str:
    """Answer `/dragoman/compared?...`: the part of the page that the tests change, with them."""
    return _page("dragoman/compared.html", is_tested=True)


def _page(template: str, is_tested: bool) -> str:
    store = open_store()
    view = View.of(store, request.args).model_copy(update={"show": Show.GAIN})
    models = model_names(store, view.grid)
    against = rival(models, view, request.args.get("against"))
    record = store.grid(view.grid)
    asked = (store, view.grid, against, view.model, view.metric, view.signature)
    ours, theirs = (pair_scores(store, view.grid, name, view.metric, view.signature) for name in (view.model, against))
    scores = side_by_side(ours, theirs)
    differences: Sequence[PairDifference] = _differences(scores, theirs)
    tested = _tested(*asked, fingerprint=hash(tuple(differences))) if is_tested else None
    if tested:
        differences = tested.pairs
    better = higher_is_better(view.metric)
    ordered = sorted(differences, key=lambda each: (each.delta if better else -each.delta, each.pair))
    size = size_of(len(record.languages))
    graph = next(each.graph for each in store.models(view.grid) if each.name == view.model)
    return render_template(
        template,
        view=view,
        against=against,
        grid=record,
        models=models,
        metrics=metric_names(store, view.grid),
        size=size,
        map=heat_map(scores, record.languages, graph, Show.GAIN, view.order, better) if size != "small" else None,
        tested=tested,
        scopes=tested.scopes if tested else scope_differences(*asked),
        significant={each.pair for each in differences if each.significant},
        losses=[each for each in ordered if (each.delta < 0) == better and each.delta][:SHOWN],
        gains=[each for each in reversed(ordered) if (each.delta > 0) == better and each.delta][:SHOWN],
    )


def rival(models: Sequence[str], view: View, asked: str | None) -> str:
    """The model compared with: the one asked for, else the base, else the first other.

    Raises:
        StoreError: the grid has no such model, or no other one.
    """
    others = [name for name in models if name != view.model]
    if not others:
        raise StoreError(f"Grid '{view.grid}' has no model besides '{view.model}': nothing to compare it with.")
    default = BASE if BASE in others else others[0]
    return one_of(f"'{view.model}' can't be compared with", asked or default, others)


def side_by_side(ours: Sequence[PairScore], theirs: Sequence[PairScore]) -> list[PairScore]:
    """One model's pairs with another's scores, of the same signature, in the place of the base's."""
    others = {score.pair: score for score in theirs}
    return [
        replace(score, base_value=other.value if other and other.signature == score.signature else None)
        for score in ours
        for other in [others.get(score.pair)]
    ]


def _differences(scores: Sequence[PairScore], theirs: Sequence[PairScore]) -> list[PairDifference]:
    partitions = {score.pair: score.partition for score in theirs}
    return [
        PairDifference(
            pair=score.pair,
            partition_a=partitions[score.pair],
            partition_b=score.partition,
            a=score.base_value,
            b=score.value,
            delta=score.value - score.base_value,
        )
        for score in scores
        if score.value is not None and score.base_value is not None
    ]


@lru_cache(maxsize=64)
def _tested(*asked: Any, fingerprint: int) -> Comparison:
    """The comparison with its tests, kept for as long as the scores are the same."""
    del fingerprint
    return compare_models(*asked)
