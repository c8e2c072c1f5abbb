"""What alignments tell of a grid: means by layer, their change by finetuning, and how they go with scores.

Means are over directed pairs of languages, which share their languages: intervals and p-values are the jackknife's
over languages (`analysis.languages`), and correlations are tested by permuting languages (`analysis.mantel`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dragoman.alignment.named_measures import NamedMeasure
from dragoman.alignment.parallel_lines import ParallelLines
from dragoman.analysis.aggregation import masks_by_scope
from dragoman.analysis.estimate import Estimate, Part
from dragoman.analysis.languages import over_languages
from dragoman.analysis.mantel import mantel
from dragoman.analysis.pair_scores import BASE, PairColumns, pair_columns
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.metrics.significance import Correction, adjusted
from dragoman.pair import Pair, all_pairs
from dragoman.store.alignment_records import AlignmentRecord, Pooling
from dragoman.store.store import Store

Matrix = NDArray[np.float64]

FEWEST_LANGUAGES = 4
"""Languages from which a correlation over pairs of them is looked at."""


@dataclass(frozen=True, kw_only=True)
class LayerFinding:
    """The mean of a measure over the pairs of languages in one layer of a model."""

    model: str
    """Name of the model."""
    layer: int
    """The layer."""
    measure: str
    """Name of the measure."""
    estimate: float
    """The mean."""
    low: float | None
    """Lower end of its 95% interval, as of a sample of languages; None where they are too few."""
    high: float | None
    """Upper end of it."""
    chance: float
    """Mean of what chance would give."""
    n: int
    """Directed pairs."""
    languages: int
    """Languages that they are of."""
    change: float | None = None
    """The mean minus the base's; None of the base."""
    change_low: float | None = None
    """Lower end of its 95% interval."""
    change_high: float | None = None
    """Upper end of it."""
    p: float | None = None
    """Two-sided p-value of the change."""


@dataclass(frozen=True, kw_only=True)
class ScoreFinding:
    """How a measure goes with scores over the pairs of a scope, in one layer of a model."""

    model: str
    """Name of the model."""
    layer: int
    """The layer."""
    scope: str
    """The partition of the pairs, or `unseen`, `unknown` or `all`."""
    of: str
    """`score`: alignment with the score; `gain`: the change of alignment with the gain, both over the base."""
    estimate: float
    """Spearman's correlation."""
    low: float | None
    """Lower end of its 95% interval, leaving out one language at a time."""
    high: float | None
    """Upper end of it."""
    p: float
    """Two-sided p-value of Mantel's test."""
    p_is_floor: bool
    """Whether it is the smallest that the permutations can give."""
    adjusted: float
    """The p-value adjusted after Holm for the layers."""
    n: int
    """Directed pairs that have both."""
    languages: int
    """Languages that they are of."""


@dataclass(frozen=True)
class AlignedModel:
    """The alignments of a model that the store has."""

    name: str
    """Its name in the grid."""
    records: Mapping[int, Mapping[Pair, AlignmentRecord]]
    """They, by layer and directed pair."""

    def values(self, layer: int, measure: NamedMeasure) -> dict[Pair, float]:
        """A measure by pair, where it is defined."""
        found = {pair: measure.value(record) for pair, record in self.records.get(layer, {}).items()}
        return {pair: value for pair, value in found.items() if value is not None}


def aligned_models(
    store: Store,
    grid: str,
    lines: ParallelLines,
    pooling: Pooling,
    *,
    models: Sequence[str] = (),
    layers: Sequence[int] | None = None,
) -> list[AlignedModel]:
    """The models of a grid whose alignment on these lines is in the store, with all of their pairs, the base first.

    Args:
        store: the store.
        grid: name of the grid.
        lines: the sentences.
        pooling: how a sentence's tokens were made one vector.
        models: only these; all by default.
        layers: only these; all that are there by default. One that lacks a pair is left out.

    Raises:
        StoreError: there is no such grid.
    """
    record = store.grids.get(grid)
    names = {record.base: BASE, **record.names}
    pairs = len(all_pairs(lines.texts))
    found = []
    for identity, name in names.items():
        if models and name not in models:
            continue
        there = store.alignment.layers(identity, pooling)
        wanted = [layer for layer in there if layers is None or layer in layers]
        by_layer: dict[int, dict[Pair, AlignmentRecord]] = {}
        for each in store.alignment.read(lines.aligned(identity, wanted, pooling)):
            by_layer.setdefault(each.of.layer, {})[each.of.pair] = each
        if whole := {layer: its for layer, its in by_layer.items() if len(its) == pairs}:
            found.append(AlignedModel(name, whole))
    return found


def layer_findings(models: Sequence[AlignedModel], measure: NamedMeasure) -> list[LayerFinding]:
    """A measure's mean in every layer of every model, and its change over the base's same layer."""
    base = next((model for model in models if model.name == BASE), None)
    found = []
    for model in models:
        for layer, records in model.records.items():
            values = model.values(layer, measure)
            if not values:
                continue
            before = base.values(layer, measure) if base is not None and base is not model else {}
            changes = {pair: value - before[pair] for pair, value in values.items() if pair in before}
            mean, change = over_languages(values), over_languages(changes) if changes else None
            found.append(
                LayerFinding(
                    model=model.name,
                    layer=layer,
                    measure=measure.name,
                    estimate=float(np.mean(list(values.values()))),
                    low=max(mean.low, measure.least) if mean else None,
                    high=min(mean.high, 1.0) if mean else None,
                    chance=float(np.mean([measure.chance(records[pair]) or 0.0 for pair in values])),
                    n=len(values),
                    languages=_languages(values),
                    change=float(np.mean(list(changes.values()))) if changes else None,
                    change_low=change.low if change else None,
                    change_high=change.high if change else None,
                    p=change.p_value if change else None,
                )
            )
    return found


def score_findings(
    store: Store,
    question: ScoreQuestion,
    models: Sequence[AlignedModel],
    measure: NamedMeasure,
    *,
    permutations: int,
) -> list[ScoreFinding]:
    """How a measure goes with scores, and its change with gains, by model, layer and partition.

    Scopes whose pairs are of fewer than four languages are left out, and models without scores.

    Args:
        store: the store.
        question: the scores.
        models: the models.
        measure: the measure.
        permutations: of the languages, in each test.

    Raises:
        StoreError: something named is not there, or scores would be mixed that can't be compared.
    """
    base = next((model for model in models if model.name == BASE), None)
    with_scores = set(store.grids.get(question.grid).names.values())
    found: list[ScoreFinding] = []
    for model in models:
        if model.name not in with_scores:
            continue
        columns = pair_columns(store, question, model=model.name)
        for scope, held in masks_by_scope(columns.partitions).items():
            found += _tested(model, "score", scope, _by_pair(columns, columns.own.values, held), measure, permutations)
            if base is not None and base is not model:
                gains = _by_pair(columns, columns.gains, held)
                found += _tested(model, "gain", scope, gains, measure, permutations, base=base)
    return found


def _tested(
    model: AlignedModel,
    of: str,
    scope: str,
    scores: Mapping[Pair, float],
    measure: NamedMeasure,
    permutations: int,
    *,
    base: AlignedModel | None = None,
) -> list[ScoreFinding]:
    rows: list[dict[str, Any]] = []
    for layer in model.records:
        values = model.values(layer, measure)
        if base is not None:
            before = base.values(layer, measure)
            values = {pair: value - before[pair] for pair, value in values.items() if pair in before}
        both = {pair: (values[pair], score) for pair, score in scores.items() if pair in values}
        if _languages(both) < FEWEST_LANGUAGES:
            continue
        # all pairs are aligned, also those that are not of the scope: permuted languages meet them
        tags = sorted({tag for pair in values for tag in pair})
        x, y = pair_matrix(tags, values), pair_matrix(tags, {pair: score for pair, (_, score) in both.items()})
        test = mantel(x, y, permutations=permutations)
        if np.isnan(test.statistic):
            continue
        low, high = jackknife_interval(x, y, test.statistic)
        rows.append(
            {
                "layer": layer, "estimate": test.statistic, "low": low, "high": high, "p": test.p,
                "p_is_floor": test.is_floor, "n": test.cells, "languages": test.n_languages,
            }
        )  # fmt: skip
    corrected = adjusted([row["p"] for row in rows], Correction.HOLM).tolist() if rows else []
    return [
        ScoreFinding(model=model.name, scope=scope, of=of, adjusted=p, **row)
        for row, p in zip(rows, corrected, strict=True)
    ]


def jackknife_interval(x: Matrix, y: Matrix, observed: float) -> tuple[float | None, float | None]:
    """The interval of a correlation from those without each language (Tukey, 1958), on the scale of Fisher's z."""
    from scipy.stats import spearmanr

    left = []
    for out in range(len(x)):
        kept = np.arange(len(x)) != out
        held = ~np.isnan(x[kept][:, kept]) & ~np.isnan(y[kept][:, kept])
        one, other = x[kept][:, kept][held], y[kept][:, kept][held]
        if len(one) < 3 or np.ptp(one) == 0 or np.ptp(other) == 0:
            return None, None
        left.append(float(spearmanr(one, other).statistic))
    z = np.arctanh(np.clip([*left, observed], -0.999999, 0.999999))
    found = Estimate.of(float(z[-1]), [Part.jackknife(z[:-1])])
    return float(np.tanh(found.low)), float(np.tanh(found.high))


def pair_matrix(tags: Sequence[str], values: Mapping[Pair, float]) -> Matrix:
    """Values of pairs as a matrix, sources × targets in the order of some languages; NaN where there is none."""
    place = {tag: number for number, tag in enumerate(tags)}
    found = np.full((len(tags), len(tags)), np.nan)
    for pair, value in values.items():
        found[place[pair.source], place[pair.target]] = value
    return found


def _by_pair(columns: PairColumns, values: NDArray[np.float64], held: NDArray[np.bool_]) -> dict[Pair, float]:
    chosen = held & ~np.isnan(values)
    sides = zip(columns.sources[chosen].tolist(), columns.targets[chosen].tolist(), strict=True)
    return dict(zip((Pair(*each) for each in sides), values[chosen].tolist(), strict=True))


def _languages(values: Mapping[Pair, Any]) -> int:
    return len({tag for pair in values for tag in pair})
