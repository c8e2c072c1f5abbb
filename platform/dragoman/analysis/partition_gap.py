"""The gap between two partitions of one model: how much better it is on seen pairs than on others, like with like.

Scores of pairs into different languages have no common scale, and partitions hold different target languages. So the
gap is taken within each target language that has pairs of both, and then the mean over these languages; the difference
of the two means over pairs stands beside it.
"""

import numpy as np

from dragoman.analysis.aggregation import SCOPES, ScopeMeans, masks_by_scope, means_by_scope
from dragoman.analysis.bootstrap import Joint
from dragoman.analysis.line_slice import reading
from dragoman.analysis.pair_differences import higher_is_better
from dragoman.analysis.pair_scores import PairColumns, read_columns
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.score_slice import Slice
from dragoman.errors import StoreError, nearest
from dragoman.pair import Pair
from dragoman.store.records import Record
from dragoman.store.repositories.grids import number_of
from dragoman.store.store import Store


class Gap(Record):
    """How much better a model is on one partition than on another; of error rates, how much lower they are."""

    value: float | None
    """Mean over target languages with pairs of both: that of the one minus that of the other into the same language.
    None where there is no such language."""
    low: float | None = None
    """Lower end of its 95% interval."""
    high: float | None = None
    """Upper end of it."""
    targets: tuple[str, ...] = ()
    """Those target languages."""
    raw: float
    """Mean over all pairs of the one minus mean over all of the other, whatever their target languages."""
    raw_low: float | None = None
    """Lower end of its 95% interval."""
    raw_high: float | None = None
    """Upper end of it."""
    done: int
    """Pairs of the one with a score: k ..."""
    pairs: int
    """... of n planned."""
    other_done: int
    """Pairs of the other with a score: k ..."""
    other_pairs: int
    """... of n planned."""
    note: str | None = None
    """Why there is no interval, or no value, as a sentence."""


def partition_gap(store: Store, question: ScoreQuestion, *, model: str, better: str, worse: str) -> Gap | None:
    """How much better a model is on one partition (or `unseen`, `all`) than on another, within target languages.

    Args:
        store: the store.
        question: the query.
        model: the model's name in the grid.
        better: the one partition.
        worse: the other.

    Returns:
        The gap; None where either has no score.

    Raises:
        StoreError: something named is not there, or scores would be mixed that can't be compared.
    """
    for scope in (better, worse):
        if scope not in SCOPES:
            raise StoreError(f"'{scope}' is no partition; {nearest(scope, SCOPES)}")
    with reading(store, question) as connection:
        part = Slice.of(connection, question, [model])
        model_id = number_of(question.grid, part.models, model)
        columns = read_columns(connection, part, model_id=model_id)
        joint = Joint.read(connection, part, columns, model_id=model_id, micro=question.micro, blobs=store.blobs)
    means = means_by_scope(columns, micro=question.micro)
    over, under = (means.get(scope, ScopeMeans()) for scope in (better, worse))
    if over.mean is None or under.mean is None:
        return None
    sign = 1 if higher_is_better(question.metric) else -1
    shares, targets = _within_targets(columns, better, worse, question.micro, sign)
    values = dict(zip(columns.pairs, columns.own.values.tolist(), strict=True))
    low, high = joint.contrast(shares)
    raw = sorted(sign * end for end in joint.gap(better, worse) if end is not None)
    alone = "No target language has pairs of both: the raw difference is of other languages on each side."
    return Gap(
        value=sum(share * values[pair] for pair, share in shares.items()) if shares else None,
        low=low,
        high=high,
        targets=targets,
        raw=sign * (over.mean - under.mean),
        raw_low=raw[0] if raw else None,
        raw_high=raw[1] if raw else None,
        done=over.done,
        pairs=over.pairs,
        other_done=under.done,
        other_pairs=under.pairs,
        note=joint.lack(better) or joint.lack(worse) or (None if shares else alone),
    )


def _within_targets(
    columns: PairColumns, better: str, worse: str, micro: bool, sign: int
) -> tuple[dict[Pair, float], tuple[str, ...]]:
    """The share of each pair's score in the mean of the gaps into each target language, and these languages."""
    masks, scored = masks_by_scope(columns.partitions), ~np.isnan(columns.own.values)
    sides = [masks[scope] & scored for scope in (better, worse)]
    targets = sorted(set(columns.targets[sides[0]].tolist()) & set(columns.targets[sides[1]].tolist()))
    pairs, weights = columns.pairs, columns.weights(micro)
    shares: dict[Pair, float] = {}
    for direction, side in zip((sign, -sign), sides, strict=True):
        for target in targets:
            held = np.flatnonzero(side & (columns.targets == target)).tolist()
            total = float(weights[held].sum())
            for place in held:
                own = direction * float(weights[place]) / total / len(targets)
                shares[pairs[place]] = shares.get(pairs[place], 0.0) + own
    return shares, tuple(targets)
