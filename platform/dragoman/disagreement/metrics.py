"""Disagreement of a grid's metrics: the ranks that each gives systems, and the sentences that two see most apart."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dragoman.analysis.aggregation import ALL
from dragoman.analysis.entrants import Entrants, entrants
from dragoman.analysis.line_slice import reading
from dragoman.analysis.pair_differences import higher_is_better
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.system_ranking import blocks_of
from dragoman.analysis.systems import metric_names
from dragoman.analysis.units import Unit, units_of
from dragoman.disagreement.segments import Apart, Segments, furthest_apart, segment_kendall, segments_of
from dragoman.errors import DragomanError, StoreError, nearest
from dragoman.metrics.errors.label import MEASURED
from dragoman.metrics.lookup import metric_class
from dragoman.metrics.many_systems import Level, Systems, systems_of
from dragoman.metrics.meta_evaluation import soft_pairwise_accuracy
from dragoman.metrics.names import plugin_of
from dragoman.metrics.resampling import SEED
from dragoman.pair import Pair
from dragoman.store.store import Store

TRIALS = 1000
"""Deals of each test of two systems."""

_ROUNDING = 1e-9
"""Means this close are ties: adding in another order moves them by less."""


@dataclass(frozen=True)
class MetricRank:
    """Where a metric puts a system."""

    metric: str
    """The metric."""
    system: str
    """The system."""
    rank: int
    """Its place, from 1 for the best; of equal means the best of theirs."""
    level: Level
    """Its mean over the pairs, with a 95% interval."""


@dataclass(frozen=True)
class Agreement:
    """How far two metrics agree, by one measure."""

    first: str
    """A metric."""
    second: str
    """The other."""
    measure: str
    """`soft_accuracy`: 1 minus the mean distance of their one-sided p-values of every two systems (Thompson et al.,
    2024); `system_kendall`: Kendall's tau-b of the systems' means; `segment_kendall`: that of translations' scores
    within a language pair, the mean over the pairs."""
    estimate: float | None
    """The figure; None where one side does not vary."""
    low: float | None
    """Lower end of a 95% interval, from resampled language pairs; None where there is none."""
    high: float | None
    """Upper end of it."""
    p: float | None
    """Two-sided p-value of no association, exact for few systems; None of the others."""
    n: int
    """What it is of: pairs of systems, systems, translations."""


@dataclass(frozen=True)
class MetricDisagreement:
    """How the metrics of a grid disagree."""

    metrics: tuple[str, ...]
    """The metrics, in the order of the grid."""
    systems: tuple[str, ...]
    """The systems that all of them score, in the order of the grid."""
    pairs: tuple[Pair, ...]
    """The language pairs that all of them score all of these on."""
    ranks: tuple[MetricRank, ...]
    """Every system by every metric."""
    agreements: tuple[Agreement, ...]
    """Every two metrics by every measure."""
    between: tuple[str, str]
    """The two metrics that `apart` is of."""
    apart: tuple[Apart, ...]
    """The translations that these see most apart, the furthest first."""
    notes: tuple[str, ...]
    """What was left out, and why."""


class _Ranked(NamedTuple):
    """A metric's view of the systems."""

    found: Entrants
    made: Systems
    p_better: NDArray[np.float64]


def metric_disagreement(
    store: Store,
    question: ScoreQuestion,
    *,
    metrics: Sequence[str] = (),
    models: Sequence[str] = (),
    over: str = ALL,
    between: tuple[str, str] | None = None,
    limit: int = 20,
    seed: int = SEED,
) -> MetricDisagreement:
    """Compare what metrics say of the same systems on the same language pairs and lines.

    Args:
        store: the store.
        question: the query, whose metric is of no account.
        metrics: the metrics; by default all of the grid that are installed here, without error labels: each of these
            counts one kind of error, and ranks no systems.
        models: models with all their prompts, or `MODEL:PROMPT`; all systems of the grid by default.
        over: the pairs: a partition, `unseen` or `all`.
        between: the metrics whose sentences are looked at; by default the two that judge sentences and agree least.
        limit: sentences that are listed.
        seed: of the deals and resamples.

    Raises:
        StoreError: something named is not there, or fewer than two metrics have scores of two systems in common.
        MetricError: statistics are damaged.
    """
    known = metric_names(store, question.grid)
    for name in (*metrics, *(between or ())):
        if name not in known:
            raise StoreError(f"Grid '{question.grid}' has no scores of '{name}'; {nearest(name, known)}")
    compared = list(dict.fromkeys([*(metrics or _judging_quality(known)), *(between or ())]))
    found, notes = _entrants(store, question, compared, models, over)
    if not metrics and (left_out := len(set(known) - set(compared))):
        notes.append(f"Left out: {left_out} error labels, each of which counts one kind of error.")
    systems = [
        each.name
        for each in next(iter(found.values())).systems
        if all(each.name in {other.name for other in its.systems} for its in found.values())
    ]
    pairs = sorted(set.intersection(*(set(its.pairs) for its in found.values())))
    if len(systems) < 2 or not pairs:
        raise StoreError(
            f"{' and '.join(found)} have no two systems and no pair in common in grid '{question.grid}': name the "
            "metrics with --metric."
        )
    for metric, its in found.items():
        if len(its.pairs) > len(pairs):
            notes.append(f"{metric} has scores of {len(its.pairs)} pairs; compared are the {len(pairs)} that all have.")
    ranked = {metric: _ranked(store, question, metric, its, systems, pairs, seed) for metric, its in found.items()}
    segments = {
        metric: segments_of(metric, each.found, pairs) for metric, each in ranked.items() if metric_class(metric)
    }
    agreements = [
        agreement
        for first, second in combinations(ranked, 2)
        for agreement in _agreements(first, second, ranked, segments, seed)
    ]
    chosen = between or _least_agreeing(list(ranked), agreements)
    for name in chosen:
        if name not in segments:
            raise StoreError(f"{name} is left out here, so that its sentences can't be compared: {' '.join(notes)}")
    return MetricDisagreement(
        metrics=tuple(ranked),
        systems=tuple(systems),
        pairs=tuple(pairs),
        ranks=tuple(_ranks(systems, ranked)),
        agreements=tuple(agreements),
        between=chosen,
        apart=furthest_apart(store, question, segments[chosen[0]], segments[chosen[1]], limit),
        notes=tuple(dict.fromkeys(notes)),
    )


def _judging_quality(known: Sequence[str]) -> list[str]:
    """The metrics that are no error labels; all, where fewer than two are."""
    labels = {label.metric for label in MEASURED}
    found = [name for name in known if plugin_of(name) not in labels]
    return found if len(found) > 1 else list(known)


def _entrants(
    store: Store, question: ScoreQuestion, metrics: Sequence[str], models: Sequence[str], over: str
) -> tuple[dict[str, Entrants], list[str]]:
    """What each metric has of which systems; why another has nothing is a note."""
    found: dict[str, Entrants] = {}
    notes: list[str] = []
    refusals: list[DragomanError] = []
    for metric in metrics:
        asked = replace(question, metric=metric)
        try:
            with reading(store, asked) as connection:
                found[metric] = entrants(connection, asked, models=models, over=over)
        except StoreError as error:
            refusals.append(error)
            notes.append(f"Left out: {metric}. {error}")
            continue
        notes += found[metric].notes
    if len(found) < 2:
        if refusals and not found:
            raise refusals[0]
        raise StoreError(
            f"Two metrics are compared, and {' '.join(found) or 'none'} alone has scores of two systems with "
            f"statistics in grid '{question.grid}': `dragoman score` adds others. {' '.join(notes)}".strip()
        )
    return found, notes


def _ranked(
    store: Store, question: ScoreQuestion, metric: str, its: Entrants, systems: Sequence[str], pairs: Sequence[Pair],
    seed: int,
) -> _Ranked:  # fmt: skip
    """A metric's means of the shared systems over the shared pairs, with tests of every two."""
    by_name = {each.name: each for each in its.systems}
    narrowed = its._replace(
        systems=tuple(by_name[name] for name in systems), pairs={pair: its.pairs[pair] for pair in pairs}
    )
    asked = replace(question, metric=metric)
    with reading(store, asked) as connection:
        units = units_of(connection, narrowed.systems[0].part, narrowed.pairs, unit=Unit.SENTENCE, blobs=store.blobs)
    _, blocks = blocks_of(narrowed, units)
    made = systems_of(blocks)
    tested = made.tested(range(len(made.versus)), TRIALS, seed)
    p_better = np.full((len(systems), len(systems)), np.nan)
    for (one, other), each in zip(made.versus, tested, strict=True):
        p_better[one, other], p_better[other, one] = each.p_better, each.p_worse
    return _Ranked(narrowed, made, p_better)


def _ranks(systems: Sequence[str], ranked: dict[str, _Ranked]) -> list[MetricRank]:
    """Every system by every metric; systems with the same mean share the better rank."""
    found = []
    for metric, each in ranked.items():
        means = _sign(metric) * np.array([level.value for level in each.made.levels])
        for place in each.made.order:
            rank = 1 + int((means > means[place] + _ROUNDING).sum())
            found.append(MetricRank(metric, systems[place], rank, each.made.levels[place]))
    return found


def _agreements(
    first: str, second: str, ranked: dict[str, _Ranked], segments: dict[str, Segments], seed: int
) -> list[Agreement]:
    from scipy.stats import kendalltau

    own, other = ranked[first], ranked[second]
    upper = np.triu_indices(len(own.p_better), 1)
    soft = soft_pairwise_accuracy(own.p_better[upper], other.p_better[upper])
    means = [
        _sign(metric) * np.array([level.value for level in ranked[metric].made.levels]) for metric in (first, second)
    ]
    tau = kendalltau(*means)
    is_known = bool(np.isfinite(tau.statistic))
    within = segment_kendall(segments[first], segments[second], seed)
    return [
        Agreement(first, second, "soft_accuracy", soft, None, None, None, len(upper[0])),
        Agreement(
            first, second, "system_kendall", float(tau.statistic) if is_known else None, None, None,
            float(tau.pvalue) if is_known else None, len(means[0]),
        ),
        Agreement(first, second, "segment_kendall", within.estimate, within.low, within.high, None, within.n),
    ]  # fmt: skip


def _least_agreeing(metrics: Sequence[str], agreements: Sequence[Agreement]) -> tuple[str, str]:
    """The two metrics that judge sentences and agree least on them; of all, where fewer than two judge sentences."""
    judging = {metric for metric in metrics if (kind := metric_class(metric)) is not None and kind.judges_segments}
    within = [each for each in agreements if each.measure == "segment_kendall"]
    of_judging = [each for each in within if {each.first, each.second} <= judging]
    least = min(of_judging or within, key=lambda each: 1.0 if each.estimate is None else each.estimate)
    return least.first, least.second


def _sign(metric: str) -> float:
    return 1.0 if higher_is_better(metric) else -1.0
