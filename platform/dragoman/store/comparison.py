"""One model against another on the pairs both have: differences, paired tests over the whole grid, wins and losses."""

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum

from sqlalchemy import Connection

from dragoman.metrics.base import Metric
from dragoman.metrics.packing import unpack
from dragoman.metrics.resampling import SEED
from dragoman.metrics.significance import (
    Correction,
    PairedResult,
    adjusted,
    bootstrap_p_value,
    paired_approximate_randomization,
    paired_bootstrap,
    samples_for,
)
from dragoman.pair import Pair
from dragoman.store.differences import PairDifference, higher_is_better, pair_differences, two_models
from dragoman.store.records import Record
from dragoman.store.resamples import Joint, bounds, metric_class, statistics_of
from dragoman.store.scored import scopes_of, sums_by_scope
from dragoman.store.slice import Slice
from dragoman.store.store import Store

ALPHA = 0.05
"""Adjusted p-values up to this are significant, by default."""

MOST_SAMPLES = 10_000
"""Resamples of each test unless asked for; from 250 pairs on, Holm can then find nothing on one pair alone."""


class Test(StrEnum):
    """How a difference on one pair is tested."""

    __test__ = False

    BOOTSTRAP = "bootstrap"
    """Paired bootstrap resampling (Koehn, 2004)."""
    RANDOMIZATION = "randomization"
    """Paired approximate randomization (Riezler and Maxwell, 2005)."""


class ScopeDifference(Record):
    """The pairs of one partition of model b, or of `unseen`, `unknown` or `all`, taken together."""

    scope: str
    """The scope."""
    done: int
    """Pairs that both have a score for: k ..."""
    pairs: int
    """... of n planned."""
    mean_a: float | None
    """Mean score of model a over the `done` pairs."""
    mean_b: float | None
    """Mean score of model b over the same."""
    delta: float | None
    """b minus a."""
    low: float | None = None
    """Lower end of the 95% interval of `delta`, from resampling all pairs jointly."""
    high: float | None = None
    """Upper end of it."""
    p_value: float | None = None
    """P-value of `delta`, from the same resamples; not adjusted."""
    wins: int
    """Pairs on which b is better than a."""
    losses: int
    """Pairs on which it is worse."""
    ties: int
    """Pairs on which they are equal."""
    significant_wins: int | None = None
    """Wins that are significant; None without stored statistics."""
    significant_losses: int | None = None
    """Losses that are significant."""


class Comparison(Record):
    """Model b against model a."""

    a: str
    """The one compared with: a baseline."""
    b: str
    """The one in question."""
    metric: str
    """Name of the metric."""
    test: Test
    """How pairs are tested."""
    correction: Correction
    """How their p-values are adjusted."""
    alpha: float
    """What adjusted p-values are held against."""
    samples: int | None
    """Resamples, or trials, of each test; None where none was made."""
    scopes: tuple[ScopeDifference, ...]
    """The partitions of b that occur, then `unseen` and `all`."""
    pairs: tuple[PairDifference, ...]
    """Every pair both have, sorted."""
    note: str | None = None
    """What else differs between the two than the model, as a sentence."""


def compare(
    store: Store, grid: str, a: str, b: str, metric: str, signature: str | None = None, test: Test = Test.BOOTSTRAP,
    correction: Correction = Correction.HOLM, alpha: float = ALPHA, samples: int | None = None, seed: int = SEED,
    prompt: str | None = None,
) -> Comparison:  # fmt: skip
    """Compare model b with model a on the pairs that both have a score for.

    Args:
        store: the store.
        grid: name of the grid.
        a: name of the baseline in the grid: a model's, `MODEL:PROMPT`, or that of a baseline which is the base.
        b: likewise of the model in question.
        metric: name of the metric.
        signature: text that the signatures hold, where the metric has several.
        test: how the difference on each pair is tested.
        correction: how p-values are adjusted for the number of pairs.
        alpha: what adjusted p-values are held against.
        samples: resamples or trials of each test; by default enough for one of the pairs to be significant at all.
        seed: of the draws; p-values are sacreBLEU's for the same seed and number of samples.
        prompt: name of the prompt, or text it holds; the grid's first by default.

    Raises:
        StoreError: something named is not there, or scores would be mixed that can't be compared.
    """
    with store.database.reading() as connection:
        part, a_id, b_id, note = two_models(connection, grid, metric, a, b, signature, prompt)
        scopes = _scopes(connection, part, a_id, b_id)
        pairs = pair_differences(connection, part, a_id, b_id)
        baseline, system = statistics_of(connection, part.faced, a_id), statistics_of(connection, part, b_id)
    tested = [difference for difference in pairs if difference.pair in baseline and difference.pair in system]
    kind, used = metric_class(metric), None
    if tested and kind is not None:
        used = samples or min(samples_for(len(tested), alpha), MOST_SAMPLES)
        results = [
            _test(kind(pair), test, baseline[pair], system[pair], used, seed)
            for pair in (difference.pair for difference in tested)
        ]
        significant = _with_p_values(tested, results, correction, alpha)
        pairs = [significant.get(difference.pair, difference) for difference in pairs]
        scopes = [_with_significance(scope, pairs, higher_is_better(metric)) for scope in scopes]
    return Comparison(
        a=a, b=b, metric=metric, test=test, correction=correction, alpha=alpha, samples=used,
        scopes=tuple(scopes), pairs=tuple(pairs), note=note,
    )  # fmt: skip


def scope_differences(
    store: Store, grid: str, a: str, b: str, metric: str, signature: str | None = None, prompt: str | None = None
) -> list[ScopeDifference]:
    """The scopes of `compare` alone, summed in the database; arguments and errors as there."""
    with store.database.reading() as connection:
        part, a_id, b_id, _ = two_models(connection, grid, metric, a, b, signature, prompt)
        return _scopes(connection, part, a_id, b_id)


def _scopes(connection: Connection, part: Slice, a_id: int, b_id: int) -> list[ScopeDifference]:
    sums = sums_by_scope(connection, part, b_id, a_id)
    higher = higher_is_better(part.metric)
    joint = Joint.read(connection, part, b_id, a_id)
    rows = []
    for scope, found in sums.items():
        wins, losses = (found.above, found.below) if higher else (found.below, found.above)
        resampled = joint.gain(scope)
        low, high = bounds(resampled)
        p_value = None if resampled is None or found.gain is None else bootstrap_p_value(resampled, found.gain)
        rows.append(
            ScopeDifference(
                scope=scope, done=found.both, pairs=found.pairs, mean_a=found.other_mean, mean_b=found.both_mean,
                delta=found.gain, low=low, high=high, p_value=p_value, wins=wins, losses=losses,
                ties=found.both - wins - losses,
            )
        )  # fmt: skip
    return rows


def _test(metric: Metric, test: Test, baseline: bytes, system: bytes, samples: int, seed: int) -> PairedResult:
    run = paired_bootstrap if test is Test.BOOTSTRAP else paired_approximate_randomization
    return run(metric, unpack(baseline), unpack(system), samples, seed)


def _with_p_values(
    pairs: Sequence[PairDifference], results: Sequence[PairedResult], correction: Correction, alpha: float
) -> dict[Pair, PairDifference]:
    p_values = adjusted([result.p_value for result in results], correction).tolist()
    return {
        difference.pair: replace(
            difference, low=result.low, high=result.high, p_value=result.p_value, adjusted=p_value,
            significant=p_value <= alpha,
        )
        for difference, result, p_value in zip(pairs, results, p_values, strict=True)
    }  # fmt: skip


def _with_significance(scope: ScopeDifference, pairs: Sequence[PairDifference], higher: bool) -> ScopeDifference:
    found = [pair for pair in pairs if pair.significant and scope.scope in scopes_of(pair.partition_b)]
    wins = sum((pair.delta > 0) is higher for pair in found)
    return scope.model_copy(update={"significant_wins": wins, "significant_losses": len(found) - wins})
