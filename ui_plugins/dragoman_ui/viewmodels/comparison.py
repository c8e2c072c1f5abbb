"""View model of two systems' scores side by side: their differences and significance tests."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from threading import Lock

import numpy as np

from dragoman.analysis.comparison import Comparison
from dragoman.analysis.comparison import compare as compare_models
from dragoman.analysis.pair_differences import PairDifference
from dragoman.analysis.pair_scores import BASE, PairColumns, PairScore, Scored, pair_columns, pair_scores, version
from dragoman.analysis.recipe_comparison import RecipeComparison, compare_recipes
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.systems import System
from dragoman.analysis.test_sets import asked_of
from dragoman.store.store import Store
from dragoman_ui.viewmodels.store import stamp
from dragoman_ui.viewmodels.systems import Names
from dragoman_ui.viewmodels.view import Order, Show, View, rival

_READING = Lock()

SHOWN = 10
"""Pairs in the tables of the largest losses and gains."""


def rival_of(store: Store, view: View, against: str) -> System:
    """The system that a view is compared with; by default with the view's prompt, if it is run with that.

    Raises:
        StoreError: there is no system of that name.
    """
    names, name = Names.of(store, view.grid).elsewhere(store, against)
    return names.system(name, view.prompt if view.prompt in names.prompts else None)


def said(store: Store, view: View, against: str) -> str:
    """The name of what a view is compared with, for `comparison.compare`: with the prompt where it is another."""
    other = rival_of(store, view, against)
    prompts = Names.of(store, other.grid).prompts
    prompt = other.prompt or (prompts[0] if view.prompt and len(prompts) == 1 else None)
    return replace(other, prompt=None if prompt == view.prompt else prompt).within(view.grid)


def scores_beside(store: Store, view: View, against: str) -> tuple[list[PairScore], list[PairScore]]:
    """The view's pairs with another system's scores in place of the base's, and that system's own pairs."""
    ours, theirs = (
        pair_scores(store, _of(store, view, system), model=system.model)
        for system in (view.system, rival_of(store, view, against))
    )
    return side_by_side(ours, theirs), theirs


def columns_beside(store: Store, view: View, against: str) -> PairColumns:
    """The same of every pair at once, as columns: read once for the map, the map by family and their files."""
    asked = view.model_copy(update={"show": Show.SCORE, "order": Order.GRID, "only": None, "against": None})
    with _READING:  # a page asks for several of them at once
        return _columns(stamp(), store, asked, against)


@lru_cache(maxsize=4)
def _columns(moment: str, store: Store, view: View, against: str) -> PairColumns:
    del moment
    other = rival_of(store, view, against)
    if (other.grid, other.prompt) == (view.grid, view.prompt):
        return pair_columns(store, view.question, model=view.model, against=other.model)
    own = pair_columns(store, view.question, model=view.model)
    return own._replace(other=_aligned(own, pair_columns(store, _of(store, view, other), model=other.model)))


def _of(store: Store, view: View, system: System) -> ScoreQuestion:
    """The view's question, asked of another system: about the same test set, whatever it is called in its grid."""
    with store.database.reading() as connection:
        return replace(asked_of(connection, view.question, system.grid), prompt=system.prompt)


def _aligned(own: PairColumns, other: PairColumns) -> Scored:
    """Another system's scores aligned with one's pairs; NaN where the two were scored under other signatures."""
    numbers = np.full((3, len(own.sources)), np.nan)
    if own.signatures == other.signatures:
        places = {pair: place for place, pair in enumerate(zip(other.sources, other.targets, strict=True))}
        found = np.array([places.get(pair, -1) for pair in zip(own.sources, own.targets, strict=True)], np.int64)
        numbers[:, found >= 0] = np.stack(other.own)[:, found[found >= 0]]
    return Scored(*numbers)


def compared_with(store: Store, view: View) -> str:
    """The reference of differences: the base, unless another was chosen."""
    if view.show is not Show.DIFFERENCE:
        return BASE
    finetuned = (name for name in Names.of(store, view.grid).models if name not in (BASE, view.model))
    return rival(store, view, view.against or next(finetuned, None))


def version_of(store: Store, view: View, against: str | None = None) -> str:
    """A version that changes whenever a view's numbers may, but not with other writes to the store.

    Args:
        store: the store.
        view: the view.
        against: what it is compared with, where the view doesn't name it.
    """
    other = against or compared_with(store, view)
    if other == BASE:
        return _version_at(stamp(), store, view.question, view.model, BASE)
    rival = rival_of(store, view, other)
    if rival.grid == view.grid:
        return _version_at(stamp(), store, view.question, view.model, rival.model)
    own = _version_at(stamp(), store, view.question, view.model, BASE)
    return f"{own} {_version_at(stamp(), store, _of(store, view, rival), rival.model, BASE)}"


@lru_cache(maxsize=512)
def _version_at(moment: str, store: Store, question: ScoreQuestion, model: str, against: str) -> str:
    """Where many write, only what a view shows is looked at; where nobody does, that is not done again either."""
    del moment
    return version(store, question, model=model, against=against)


def side_by_side(ours: Sequence[PairScore], theirs: Sequence[PairScore]) -> list[PairScore]:
    """One system's pairs with another's scores, of the same signature, in place of the base's."""
    others = {score.pair: score for score in theirs}
    return [
        PairScore(
            pair=score.pair,
            partition=score.partition,
            state=score.state,
            reason=score.reason,
            value=score.value,
            low=score.low,
            high=score.high,
            signature=score.signature,
            base_value=other.value if other and other.signature == score.signature else None,
        )
        for score in ours
        for other in [others.get(score.pair)]
    ]


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
    """The comparison of a view with its tests, cached for as long as the differences are the same."""
    return _tested(store, view.question, said(store, view, against), view.model, hash(tuple(found)))


def over_seeds(store: Store, view: View, against: str, found: Sequence[PairDifference]) -> RecipeComparison | None:
    """The comparison of a view's recipe with that of another system, cached likewise; None where there is none."""
    return _over_seeds(store, view.question, said(store, view, against), view.model, hash(tuple(found)))


@lru_cache(maxsize=64)
def _over_seeds(store: Store, question: ScoreQuestion, a: str, b: str, fingerprint: int) -> RecipeComparison | None:
    del fingerprint
    return compare_recipes(store, question, a=a, b=b)


@lru_cache(maxsize=64)
def _tested(store: Store, question: ScoreQuestion, a: str, b: str, fingerprint: int) -> Comparison:
    del fingerprint
    return compare_models(store, question, a=a, b=b)
