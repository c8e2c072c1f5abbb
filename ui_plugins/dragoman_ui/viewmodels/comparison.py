"""One row of a grid's results beside another: what differences are taken of, and whether they are luck."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from dragoman.analysis.comparison import Comparison
from dragoman.analysis.comparison import compare as compare_models
from dragoman.analysis.pair_differences import PairDifference
from dragoman.analysis.pair_scores import BASE, PairColumns, PairScore, Scored, pair_columns, pair_scores, version
from dragoman.analysis.systems import Row
from dragoman.store.store import Store
from dragoman_ui.viewmodels.store import stamp
from dragoman_ui.viewmodels.systems import Names
from dragoman_ui.viewmodels.view import Show, View, rival

SHOWN = 10
"""Pairs in the tables of the largest losses and gains."""


class Rival(NamedTuple):
    """What a view is compared with."""

    grid: str
    """Name of its grid."""
    row: Row
    """Its model, and the prompt where that grid has several."""
    only_prompt: str | None
    """The prompt of that grid, where it has only one."""


def rival_of(store: Store, view: View, against: str) -> Rival:
    """What a name of something compared with means; it has the view's prompt, where it says none and is asked with it.

    Raises:
        StoreError: there is nothing of that name.
    """
    names, name = Names.of(store, view.grid).elsewhere(store, against)
    row = names.row(name, view.prompt if view.prompt in names.prompts else None)
    return Rival(names.grid, row, names.prompts[0] if len(names.prompts) == 1 else None)


def said(store: Store, view: View, against: str) -> str:
    """What a view is compared with, as the store's comparisons want it named: with the prompt where it is another."""
    other = rival_of(store, view, against)
    prompt = other.row.prompt or (other.only_prompt if view.prompt else None)
    name = other.row.model if prompt in (None, view.prompt) else f"{other.row.model}:{prompt}"
    return name if other.grid == view.grid else f"{other.grid}/{name}"


def scores_beside(store: Store, view: View, against: str) -> tuple[list[PairScore], list[PairScore]]:
    """The view's pairs with another row's scores in the place of the base's, and that row's own pairs."""
    other = rival_of(store, view, against)
    ours, theirs = (
        pair_scores(store, grid, row.model, view.metric, view.signature, row.prompt)
        for grid, row in ((view.grid, view.row), (other.grid, other.row))
    )
    return side_by_side(ours, theirs), theirs


def columns_beside(store: Store, view: View, against: str) -> PairColumns:
    """The same of every pair at once, as columns."""
    rival = rival_of(store, view, against)
    asked = (store, view.grid, view.model, view.metric, view.signature)
    if (rival.grid, rival.row.prompt) == (view.grid, view.prompt):
        return pair_columns(*asked, rival.row.model, view.prompt)
    own = pair_columns(*asked, prompt=view.prompt)
    row = rival.row
    other = pair_columns(store, rival.grid, row.model, view.metric, view.signature, prompt=row.prompt)
    return own._replace(other=_faced(own, other))


def _faced(own: PairColumns, other: PairColumns) -> Scored:
    """Another row's scores at the places of one's pairs; none where the two were scored under other signatures."""
    numbers = np.full((3, len(own.sources)), np.nan)
    if own.signatures == other.signatures:
        places = {pair: place for place, pair in enumerate(zip(other.sources, other.targets, strict=True))}
        found = np.array([places.get(pair, -1) for pair in zip(own.sources, own.targets, strict=True)], np.int64)
        numbers[:, found >= 0] = np.stack(other.own)[:, found[found >= 0]]
    return Scored(*numbers)


def compared_with(store: Store, view: View) -> str:
    """What differences are taken to: the base, unless another was asked for."""
    if view.show is not Show.DIFFERENCE:
        return BASE
    finetuned = (name for name in Names.of(store, view.grid).models if name not in (BASE, view.model))
    return rival(store, view, view.against or next(finetuned, None))


def version_of(store: Store, view: View, against: str | None = None) -> str:
    """What changes whenever a view's numbers may, whatever else is written to the store.

    Args:
        store: the store.
        view: the view.
        against: what it is compared with, where its colours don't say so.
    """
    other = against or compared_with(store, view)
    own = (stamp(), store, view.grid, view.model, view.metric)
    if other == BASE:
        return _version_at(*own, BASE)
    rival = rival_of(store, view, other)
    if rival.grid == view.grid:
        return _version_at(*own, rival.row.model)
    return f"{_version_at(*own, BASE)} {_version_at(stamp(), store, rival.grid, rival.row.model, view.metric, BASE)}"


@lru_cache(maxsize=512)
def _version_at(moment: str, store: Store, *asked: str) -> str:
    """Where many write, only what a view shows is looked at; where nobody does, that is not done again either."""
    del moment
    return version(store, *asked)


def side_by_side(ours: Sequence[PairScore], theirs: Sequence[PairScore]) -> list[PairScore]:
    """One row's pairs with another's scores, of the same signature, in the place of the base's."""
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


def tested(store: Store, view: View, against: str, found: Sequence[PairDifference]) -> Comparison:
    """The comparison of a view with its tests, kept for as long as the differences found are the same."""
    names = (said(store, view, against), view.model)
    return _tested(store, view.grid, *names, view.metric, view.signature, view.prompt, hash(tuple(found)))


@lru_cache(maxsize=64)
def _tested(
    store: Store, grid: str, a: str, b: str, metric: str, signature: str | None, prompt: str | None, fingerprint: int
) -> Comparison:
    del fingerprint
    return compare_models(store, grid, a, b, metric, signature, prompt=prompt)
