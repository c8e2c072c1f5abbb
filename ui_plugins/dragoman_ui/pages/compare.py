"""The compare page: one model of a grid against another, first the differences, then their significance tests."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from flask import render_template, request
from numpy.typing import NDArray

from dragoman.analysis.campaigns import siblings
from dragoman.analysis.comparison import (
    Comparison,
    ScopeDifference,
    Verdicts,
    captions_of_compared,
    scope_differences,
    with_significance,
)
from dragoman.analysis.pair_differences import PairDifference, higher_is_better, regressions
from dragoman.analysis.pair_scores import PairColumns, differing
from dragoman.analysis.significance_plan import ALPHA
from dragoman.metrics.lookup import digits_of
from dragoman.metrics.significance import Correction, Test, interval_tests
from dragoman.pair import Pair
from dragoman.partition import Partition
from dragoman.reports import comparison as report
from dragoman.store.records import GridRecord
from dragoman.store.store import Store
from dragoman_ui.charts.heatmap import heat_map, size_of
from dragoman_ui.viewmodels.captions import Measured
from dragoman_ui.viewmodels.comparison import (
    SHOWN,
    columns_beside,
    differences,
    over_seeds,
    said,
    scores_beside,
    tested,
)
from dragoman_ui.viewmodels.decorations import SCOPES, marked, of_pairs, scope_class
from dragoman_ui.viewmodels.store import open_store
from dragoman_ui.viewmodels.systems import Names
from dragoman_ui.viewmodels.view import Show, View, rival


def compare() -> str:
    """Answer `/dragoman/compare?grid=...&model=...&against=...`: at once, as tests of every pair take a while."""
    return _page("dragoman/compare.html", is_tested=False)


def compared() -> str:
    """Answer `/dragoman/compared?...`: the part of the page that the tests change, with them."""
    return _page("dragoman/compared.html", is_tested=True)


def _page(template: str, is_tested: bool) -> str:
    store = open_store()
    view = View.of(store, request.args)
    names = Names.of(store, view.grid)
    against = rival(store, view, view.against)
    view = view.model_copy(update={"show": Show.DIFFERENCE, "against": against})
    record = store.grids.get(view.grid)
    size = size_of(len(record.languages))
    parts = (_large_grid_context if size == "small" else _small_grid_context)(store, view, record, is_tested)
    return render_template(
        template,
        view=view,
        against=against,
        grid=record,
        names=names,
        rivals=list(dict.fromkeys([*names.rivals(view.system), *_of_campaign(store, view.grid), against])),
        size=size,
        is_tested=is_tested,
        every_partition=Partition,
        alpha=ALPHA,
        caption=parts["scopes"].caption,
        **parts,
    )


def _of_campaign(store: Store, grid: str) -> list[str]:
    """The models of the other grids of a campaign, as `GRID/MODEL`."""
    others = [name for name in siblings(store, grid) if name != grid]
    return [f"{name}/{model}" for name in others for model in Names.of(store, name).models]


def _small_grid_context(store: Store, view: View, record: GridRecord, is_tested: bool) -> dict[str, Any]:
    """Template context of a grid whose pairs are tested one by one."""
    against = str(view.against)
    scores, theirs = scores_beside(store, view, against)
    found: Sequence[PairDifference] = differences(scores, theirs)
    comparison = tested(store, view, against, found) if is_tested else None
    recipes = over_seeds(store, view, against, found) if is_tested else None
    if comparison is None:
        comparison = _untested(store, view, _scopes(store, view, is_tested=False), found)
    better = higher_is_better(view.metric)
    graph = store.models.get(next(model for model, name in record.names.items() if name == view.model)).graph
    return {
        "map": heat_map(scores, record.languages, graph, Show.DIFFERENCE, view.order, better),
        "tested": comparison if is_tested else None,
        "recipes": report.recipes(view.grid, recipes).decorated(SCOPES, scope_class) if recipes else None,
        **_tables(view, comparison, {each.pair for each in comparison.pairs if each.significant}),
    }


def _untested(
    store: Store, view: View, scopes: Sequence[ScopeDifference], pairs: Sequence[PairDifference]
) -> Comparison:
    """A comparison of which no pair is tested."""
    captions = captions_of_compared(store, view.question, a=said(store, view, str(view.against)), b=view.model)
    return Comparison(
        a=str(view.against),
        b=view.model,
        metric=view.metric,
        test=Test.INTERVALS,
        correction=Correction.HOLM,
        alpha=ALPHA,
        samples=None,
        caption_a=captions[0],
        caption_b=captions[1],
        scopes=tuple(scopes),
        pairs=tuple(pairs),
    )


def _tables(view: View, found: Comparison, significant: set[Pair]) -> dict[str, Any]:
    """The tables that `dragoman compare` prints, for the page."""
    found = found.model_copy(update={"a": str(view.against)})
    pairs = of_pairs(view, "partition_b", sentences="apart", beside=[view.model, found.a])
    starred = marked("delta", significant, digits_of(found.metric))
    losses, gains = (table.decorated({**pairs, **starred}) for table in report.extremes(view.grid, found, SHOWN))
    scopes = report.scopes(view.grid, found).decorated(SCOPES, scope_class)
    captions = {str(found.a): found.caption_a, found.b: found.caption_b}
    measured = Measured.of({name: caption for name, caption in captions.items() if caption})
    return {
        "scopes": scopes,
        "losses": losses,
        "gains": gains,
        "significant": significant,
        "measured": measured.on,
    }


def _large_grid_context(store: Store, view: View, record: GridRecord, is_tested: bool) -> dict[str, Any]:
    """Template context of tens of thousands of pairs, drawn by the browser, with intervals in place of paired tests."""
    del record
    against, question = said(store, view, str(view.against)), view.question
    scopes: Sequence[ScopeDifference] = _scopes(store, view, is_tested)
    losses = regressions(store, question, a=against, b=view.model, limit=SHOWN)
    gains = [turned_round(each) for each in regressions(store, question, a=view.model, b=against, limit=SHOWN)]
    significant: set[Pair] = set()
    if is_tested:
        columns = columns_beside(store, view, str(view.against))
        found = differing(columns.own, columns.other)
        scopes = with_significance(scopes, _verdicts(columns, found, higher_is_better(view.metric)), ALPHA)
        sides = (columns.sources[found].tolist(), columns.targets[found].tolist())
        significant = {Pair(*tags) for tags in zip(*sides, strict=True)}
    return _tables(view, _untested(store, view, scopes, [*losses, *gains]), significant)


def _verdicts(columns: PairColumns, significant: NDArray[np.bool_], higher: bool) -> Verdicts:
    """The tests by intervals of the pairs that both have a score for."""
    both = ~np.isnan(columns.gains)
    own, other, gains = (each[both] for each in (columns.own.widths, columns.other.widths, columns.gains))
    is_win, tests = (gains > 0) == higher, interval_tests(gains, own, other)
    sides = (tests.one_sided(is_win), tests.one_sided(~is_win))
    return Verdicts(columns.partitions[both], columns.targets[both], is_win, significant[both], *sides)


def _scopes(store: Store, view: View, is_tested: bool) -> list[ScopeDifference]:
    against = said(store, view, str(view.against))
    return scope_differences(store, view.question, a=against, b=view.model, resample=is_tested)


def turned_round(difference: PairDifference) -> PairDifference:
    """The same two models with a and b exchanged; not tested."""
    return PairDifference(
        pair=difference.pair,
        partition_a=difference.partition_b,
        partition_b=difference.partition_a,
        a=difference.b,
        b=difference.a,
        delta=-difference.delta,
    )
