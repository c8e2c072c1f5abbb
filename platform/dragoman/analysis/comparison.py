"""Comparison of two models on the pairs both have: differences, paired tests over the whole grid, wins and losses."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from dragoman.analysis.aggregation import Mask, masks_by_scope, means_by_scope
from dragoman.analysis.bootstrap import Joint, bounds
from dragoman.analysis.pair_differences import PairDifference, higher_is_better, pair_differences, two_models
from dragoman.analysis.pair_scores import read_columns
from dragoman.analysis.pair_tests import ALPHA, Plan, tested
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.score_slice import Slice
from dragoman.metrics.resampling import SEED
from dragoman.metrics.significance import Correction, Test, bootstrap_p_value
from dragoman.store.records import Record
from dragoman.store.schema import PARTITION_IDS
from dragoman.store.store import Store


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
    """Wins that are significant; None where no pair could be tested."""
    significant_losses: int | None = None
    """Losses that are significant."""


class Comparison(Record):
    """Model b against model a."""

    a: str
    """The baseline."""
    b: str
    """The model that is compared with it."""
    metric: str
    """Name of the metric."""
    test: Test
    """How pairs are tested: as requested, or by intervals where that can't be; `note` has the reason."""
    correction: Correction
    """How their p-values are adjusted."""
    alpha: float
    """The level of significance of adjusted p-values."""
    samples: int | None
    """Resamples, or trials, of each paired test; None where none was made."""
    micro: bool = False
    """Whether means over pairs weigh each by its segments."""
    scopes: tuple[ScopeDifference, ...]
    """The partitions of b that occur, then `unseen` and `all`."""
    pairs: tuple[PairDifference, ...]
    """Every pair both have, sorted."""
    note: str | None = None
    """What else differs between the two than the model, and what was tested otherwise than requested, as sentences."""

    @property
    def how(self) -> str | None:
        """The test and correction, as a clause to follow "significant at 0.05"; None where no pair could be tested."""
        if not any(pair.test for pair in self.pairs):
            return None
        correction = {
            Correction.HOLM: "adjusted after Holm",
            Correction.BH: "adjusted after Benjamini and Hochberg",
            Correction.NONE: "not adjusted",
        }[self.correction]
        if self.test is Test.INTERVALS:
            return f"by the two scores' 95% intervals, {correction}; paired tests find more"
        return f"by paired {self.test}, {self.samples} samples, {correction}"


def compare(
    store: Store,
    question: ScoreQuestion,
    *,
    a: str,
    b: str,
    test: Test = Test.BOOTSTRAP,
    correction: Correction = Correction.HOLM,
    alpha: float = ALPHA,
    samples: int | None = None,
    seed: int = SEED,
) -> Comparison:
    """Compare model b with model a on the pairs that both have a score for.

    Args:
        store: the store.
        question: the question; its prompt is that of the models whose names have none.
        a: name of the baseline in the grid: a model's, `MODEL:PROMPT`, or that of a baseline which is the base; of
            another grid as `GRID/...`.
        b: likewise of the model in question.
        test: how the difference on each pair is tested, where it can be tested so (`testing.tested`).
        correction: how p-values are adjusted for the number of pairs.
        alpha: the level of significance of adjusted p-values, between 0 and 1.
        samples: resamples or trials of each test, 100 to 100,000; by default enough for one of the pairs to be
            significant at all.
        seed: of the draws; p-values are sacreBLEU's for the same seed and number of samples.

    Raises:
        StoreError: something named is not there or out of range, or scores would be mixed that can't be compared.
    """
    plan = Plan(test, correction, alpha, samples, seed)
    plan.check()
    with store.database.reading() as connection:
        part, a_id, b_id, note = two_models(connection, question, a=a, b=b)
        scopes = _scopes(connection, part, a_id, b_id, question.micro)
        found = tested(connection, part, a_id, b_id, *pair_differences(connection, part, a_id, b_id), plan)
    if any(pair.test for pair in found.pairs):
        scopes = with_significance(
            scopes,
            partitions=np.array([PARTITION_IDS[pair.partition_b] for pair in found.pairs], np.int8),
            is_win=np.array([(pair.delta > 0) is higher_is_better(question.metric) for pair in found.pairs], np.bool_),
            is_significant=np.array([bool(pair.significant) for pair in found.pairs], np.bool_),
        )
    return Comparison(
        a=a,
        b=b,
        metric=question.metric,
        test=found.test,
        correction=correction,
        alpha=alpha,
        samples=found.samples,
        micro=question.micro,
        scopes=tuple(scopes),
        pairs=tuple(found.pairs),
        note=" ".join([note, *found.notes] if note else found.notes) or None,
    )


def scope_differences(
    store: Store, question: ScoreQuestion, *, a: str, b: str, resample: bool = True
) -> list[ScopeDifference]:
    """The scopes of `compare` alone; arguments and errors as there.

    Without `resample` they have no intervals and p-values, which take seconds for a thousand pairs.
    """
    with store.database.reading() as connection:
        part, a_id, b_id, _ = two_models(connection, question, a=a, b=b)
        return _scopes(connection, part, a_id, b_id, question.micro, resample)


def _scopes(
    connection: Connection, part: Slice, a_id: int, b_id: int, micro: bool, resample: bool = True
) -> list[ScopeDifference]:
    columns = read_columns(connection, part, model_id=b_id, other_id=a_id)
    higher = higher_is_better(part.metric)
    joint = Joint.read(connection, part, columns, model_id=b_id, other_id=a_id, micro=micro) if resample else None
    rows = []
    for scope, found in means_by_scope(columns, micro=micro).items():
        wins, losses = (found.above, found.below) if higher else (found.below, found.above)
        resampled = joint.gain(scope) if joint else None
        low, high = bounds(resampled)
        p_value = None if resampled is None or found.gain is None else bootstrap_p_value(resampled, found.gain)
        rows.append(
            ScopeDifference(
                scope=scope,
                done=found.both,
                pairs=found.pairs,
                mean_a=found.other_mean,
                mean_b=found.both_mean,
                delta=found.gain,
                low=low,
                high=high,
                p_value=p_value,
                wins=wins,
                losses=losses,
                ties=found.both - wins - losses,
            )
        )
    return rows


def with_significance(
    scopes: Sequence[ScopeDifference], *, partitions: NDArray[np.int8], is_win: Mask, is_significant: Mask
) -> list[ScopeDifference]:
    """Scopes with the number of their significant wins and losses.

    Args:
        scopes: the scopes.
        partitions: the partition of each pair under model b, by its number in the store.
        is_win: on which pairs b is better.
        is_significant: on which pairs the two differ significantly.
    """
    masks = masks_by_scope(partitions, chosen=is_significant)
    none = np.zeros(len(partitions), np.bool_)
    counts = {scope.scope: masks.get(scope.scope, none) for scope in scopes}
    return [
        scope.model_copy(
            update={
                "significant_wins": int((counts[scope.scope] & is_win).sum()),
                "significant_losses": int((counts[scope.scope] & ~is_win).sum()),
            }
        )
        for scope in scopes
    ]
