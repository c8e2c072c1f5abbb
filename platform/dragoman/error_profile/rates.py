"""Rates of error labels by system and partition: of hypotheses, of references, and as first matches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np

from dragoman.error_profile.resampling import Numbers, mean_interval
from dragoman.error_profile.stored_labels import Flags, PairLabels, SystemLabels
from dragoman.metrics.errors.label import Label
from dragoman.pair import Pair


@dataclass(frozen=True)
class LabelRate:
    """How often a system's hypotheses in a scope have a label, in percent; means over pairs."""

    model: str
    """The model's name in the grid."""
    prompt: str | None
    """The prompt's name; None where the grid has none of its own."""
    scope: str
    """A partition, `unseen`, `unknown` or `all`."""
    label: Label | None
    """The label; None for any of them."""
    estimate: float
    """The rate: of all hypotheses those that have the label, whatever else they have."""
    low: float
    """Lower end of its 95% interval."""
    high: float
    """Upper end of it."""
    references: float
    """The same label's rate on the references, examined as though they were hypotheses."""
    first: float | None
    """The share of hypotheses of which it is the first label that matches, in the order of labels."""
    first_low: float | None
    """Lower end of its 95% interval."""
    first_high: float | None
    """Upper end of it."""
    n: int
    """Pairs that the rate is a mean over ..."""
    first_n: int
    """... and the share of first matches: those that all labels are known of ..."""
    pairs: int
    """... of so many planned."""
    sentences: int
    """Hypotheses in these pairs."""


def rates(found: SystemLabels, *, micro: bool = False) -> list[LabelRate]:
    """The rates of every label, and of any, in each scope.

    Args:
        found: the labels of a system.
        micro: weigh each pair by its lines; by default all pairs count alike.
    """
    labels: list[Label | None] = [*found.labels, None]
    own = {pair: _columns(each, found.labels) for pair, each in found.pairs.items()}
    values = {pair: 100 * columns.mean(axis=0) for pair, columns in own.items()}
    drawn = {pair: found.drawn[pair].percentages(columns, np.ones(len(columns))) for pair, columns in own.items()}
    lines = {pair: float(len(columns)) if micro else 1.0 for pair, columns in own.items()}
    listed = []
    for scope, planned in found.scopes.items():
        whole = {
            pair: lines[pair] for pair in planned if pair in own and len(found.pairs[pair].flags) == len(labels) - 1
        }
        for place, label in enumerate(labels):
            weights = {
                pair: lines[pair]
                for pair in planned
                if pair in own and (label is None or label in found.pairs[pair].flags)
            }
            weights = whole if label is None else weights
            if not weights:
                continue
            rate = _mean(values, drawn, weights, place, found)
            first = _mean(values, drawn, whole, place + len(labels), found)
            listed.append(
                LabelRate(
                    model=found.system.model,
                    prompt=found.system.asked_with,
                    scope=scope,
                    label=label,
                    estimate=rate[0],
                    low=rate[1],
                    high=rate[2],
                    references=_on_references(found.pairs, label, weights),
                    first=first[0] if whole else None,
                    first_low=first[1] if whole else None,
                    first_high=first[2] if whole else None,
                    n=len(weights),
                    first_n=len(whole),
                    pairs=len(planned),
                    sentences=sum(len(own[pair]) for pair in weights),
                )
            )
    return listed


def first_matches(flags: Mapping[Label, Flags], order: Sequence[Label]) -> dict[Label, Flags]:
    """Which lines have each label first, in some order: of each line at most one."""
    taken = np.zeros(len(next(iter(flags.values()))), np.bool_)
    found = {}
    for label in order:
        found[label] = flags[label] & ~taken
        taken |= flags[label]
    return found


def _columns(labels: PairLabels, order: Sequence[Label]) -> Numbers:
    """Lines × columns: each label and any; then each label as the first match, and any. Zeros for unknown labels."""
    none = np.zeros(labels.lines, np.bool_)
    flags = {label: labels.flags.get(label, none) for label in order}
    first, some = first_matches(flags, order), np.logical_or.reduce([*flags.values()])
    return np.stack([*flags.values(), some, *first.values(), some], axis=1).astype(np.float64)


def _mean(
    values: Mapping[Pair, Numbers],
    drawn: Mapping[Pair, Numbers],
    weights: Mapping[Pair, float],
    column: int,
    found: SystemLabels,
) -> tuple[float, float, float]:
    """The weighted mean of a column over some pairs, with its interval; NaN over none."""
    resampled = {pair: drawn[pair][:, column] for pair in weights}
    interval = mean_interval(resampled, weights, found.drawn, {pair: found.pairs[pair].lines for pair in weights})
    if interval is None:
        return nan, nan, nan
    return float(np.average([values[pair][column] for pair in weights], weights=list(weights.values()))), *interval


def _on_references(pairs: Mapping[Pair, PairLabels], label: Label | None, weights: Mapping[Pair, float]) -> float:
    shares = []
    for pair in weights:
        flags = pairs[pair].on_references
        found = np.logical_or.reduce([*flags.values()]) if label is None else flags[label]
        shares.append(100 * float(found.mean()))
    return float(np.average(shares, weights=list(weights.values())))
