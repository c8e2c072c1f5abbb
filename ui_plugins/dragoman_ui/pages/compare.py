"""The compare page: one model of a grid against another, first the differences, then whether they are luck."""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from flask import render_template, request
from numpy.typing import NDArray

from dragoman.errors import StoreError
from dragoman.pair import Pair
from dragoman.partition import Partition
from dragoman.store.columns import PairColumns, differing, pair_columns
from dragoman.store.comparison import ALPHA, Comparison, ScopeDifference, scope_differences
from dragoman.store.comparison import compare as compare_models
from dragoman.store.differences import PairDifference, higher_is_better, regressions
from dragoman.store.queries import BASE, PairScore, metric_names, model_names, pair_scores
from dragoman.store.records import GridRecord
from dragoman.store.schema import PARTITIONS
from dragoman.store.scored import scopes_of
from dragoman.store.store import Store
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
    view = View.of(store, request.args)
    models = model_names(store, view.grid)
    against = rival(models, view, view.against)
    view = view.model_copy(update={"show": Show.DIFFERENCE, "against": against})
    record = store.grid(view.grid)
    size = size_of(len(record.languages))
    parts = (_many if size == "small" else _few)(store, view, record, is_tested)
    return render_template(
        template,
        view=view,
        against=against,
        grid=record,
        models=models,
        metrics=metric_names(store, view.grid),
        size=size,
        is_tested=is_tested,
        every_partition=Partition,
        alpha=ALPHA,
        **parts,
    )


def _few(store: Store, view: View, record: GridRecord, is_tested: bool) -> dict[str, Any]:
    """What is said of pairs that can be tested one by one."""
    against = str(view.against)
    asked = (store, view.grid, against, view.model, view.metric, view.signature)
    ours, theirs = (
        pair_scores(store, view.grid, name, view.metric, view.signature, view.prompt) for name in (view.model, against)
    )
    scores = side_by_side(ours, theirs)
    found: Sequence[PairDifference] = differences(scores, theirs)
    comparison = tested(*asked, view.prompt, hash(tuple(found))) if is_tested else None
    if comparison:
        found = comparison.pairs
    better = higher_is_better(view.metric)
    ordered = sorted(found, key=lambda each: (each.delta if better else -each.delta, each.pair))
    graph = store.model(next(model for model, name in record.names.items() if name == view.model)).graph
    return {
        "map": heat_map(scores, record.languages, graph, Show.DIFFERENCE, view.order, better),
        "tested": comparison,
        "scopes": comparison.scopes if comparison else scope_differences(*asked, prompt=view.prompt),
        "significant": {each.pair for each in found if each.significant},
        "losses": [each for each in ordered if (each.delta < 0) == better and each.delta][:SHOWN],
        "gains": [each for each in reversed(ordered) if (each.delta > 0) == better and each.delta][:SHOWN],
    }


def _many(store: Store, view: View, record: GridRecord, is_tested: bool) -> dict[str, Any]:
    """What is said of tens of thousands of pairs: the browser draws them, and intervals stand in for tests."""
    del record
    against, kind, prompt = str(view.against), (view.metric, view.signature), view.prompt
    scopes = scope_differences(store, view.grid, against, view.model, *kind, prompt=prompt)
    losses = regressions(store, view.grid, against, view.model, *kind, limit=SHOWN, prompt=prompt)
    gains = [
        turned_round(each)
        for each in regressions(store, view.grid, view.model, against, *kind, limit=SHOWN, prompt=prompt)
    ]
    significant: set[Pair] = set()
    if is_tested:
        columns = pair_columns(store, view.grid, view.model, *kind, against, prompt)
        found = differing(columns.own, columns.other)
        scopes = _counted(scopes, columns, found, higher_is_better(view.metric))
        sides = (columns.sources[found].tolist(), columns.targets[found].tolist())
        significant = {Pair(*tags) for tags in zip(*sides, strict=True)}
    return {"scopes": scopes, "losses": losses, "gains": gains, "significant": significant}


def _counted(
    scopes: Sequence[ScopeDifference], columns: PairColumns, found: NDArray[np.bool_], better: bool
) -> list[ScopeDifference]:
    """The scopes with their significant wins and losses."""
    wins = (columns.gains > 0) == better
    counts: Counter[tuple[str, bool]] = Counter()
    for number, is_win in zip(columns.partitions[found].tolist(), wins[found].tolist(), strict=True):
        counts.update((scope, is_win) for scope in scopes_of(PARTITIONS[number]))
    return [
        scope.model_copy(
            update={"significant_wins": counts[scope.scope, True], "significant_losses": counts[scope.scope, False]}
        )
        for scope in scopes
    ]


def turned_round(difference: PairDifference) -> PairDifference:
    """The same pair of models, the other way round; not tested."""
    return PairDifference(
        pair=difference.pair, partition_a=difference.partition_b, partition_b=difference.partition_a,
        a=difference.b, b=difference.a, delta=-difference.delta,
    )  # fmt: skip


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
        PairScore(
            pair=score.pair, partition=score.partition, state=score.state, reason=score.reason, value=score.value,
            low=score.low, high=score.high, signature=score.signature,
            base_value=other.value if other and other.signature == score.signature else None,
        )
        for score in ours
        for other in [others.get(score.pair)]
    ]  # fmt: skip


def differences(scores: Sequence[PairScore], theirs: Sequence[PairScore]) -> list[PairDifference]:
    """The pairs of `side_by_side` that both have a score for, not tested."""
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
def tested(
    store: Store, grid: str, a: str, b: str, metric: str, signature: str | None, prompt: str | None, fingerprint: int
) -> Comparison:
    """The comparison with its tests, kept for as long as the scores are the same."""
    del fingerprint
    return compare_models(store, grid, a, b, metric, signature, prompt=prompt)
