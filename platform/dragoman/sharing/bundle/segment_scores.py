"""The scores of single segments by metrics that hold a model, which nobody computes again without that model.

With them a bundle's means, intervals and p-values are still computed again; the scores themselves are taken from it.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import isclose
from typing import NamedTuple

import numpy as np

from dragoman.metrics.lookup import metric_class
from dragoman.metrics.model_metric import ModelMetric
from dragoman.metrics.resampling import confidence_interval
from dragoman.metrics.serialization import pack, unpack
from dragoman.pair import Pair, PairKey
from dragoman.sharing.bundle.claims import CellClaim, Claim, ScoreClaim
from dragoman.sharing.bundle.findings import Finding
from dragoman.sharing.bundle.rebuilding import Place
from dragoman.sharing.shared_grid import SharedGrid
from dragoman.store.store import Store

SEGMENTS = "segment-scores.jsonl"
"""The member that holds them; a grid without such metrics has none."""

_EXACT, _RESAMPLED = 1e-9, 1e-6


class SegmentsClaim(Claim):
    """The scores of a cell's segments."""

    test_set: str
    """Folder of the test set."""
    system: str
    """File name of the system."""
    pair: PairKey
    """The direction."""
    metric: str
    """The metric."""
    signature: str
    """What they depend on besides the text."""
    scores: tuple[float, ...]
    """One for each segment."""


class SegmentsKey(NamedTuple):
    """Of what scores of segments are."""

    place: Place
    """The cell."""
    metric: str
    """The metric."""
    signature: str
    """The signature."""


def model_metrics(metrics: Sequence[str]) -> list[str]:
    """Those of some metrics that hold a model, as far as they are installed here."""
    return [name for name in metrics if (kind := metric_class(name)) is not None and issubclass(kind, ModelMetric)]


def segments_of(store: Store, shared: SharedGrid, metrics: Sequence[str]) -> Iterator[SegmentsClaim]:
    """The scores of a grid's segments by metrics that hold a model."""
    for (folder, system), cells in shared.cells.items():
        for pair, cell in cells.items():
            for score in store.cells.scores(cell.cell.id) if cell.state.is_translated else ():
                if score.metric in metrics and score.statistics is not None:
                    yield SegmentsClaim(
                        test_set=folder, system=system, pair=pair, metric=score.metric, signature=score.signature,
                        scores=tuple(unpack(score.statistics)[:, 0].tolist()),
                    )  # fmt: skip


def held_segments(
    rows: Iterator[tuple[int, SegmentsClaim]],
    cells: Mapping[Place, CellClaim],
    scores: Mapping[Place, Sequence[ScoreClaim]],
    findings: list[Finding],
) -> dict[SegmentsKey, bytes]:
    """The statistics that the segments of a bundle give, held against its scores; what does not agree is a finding.

    Args:
        rows: the claims, each with its line.
        cells: the cells of the bundle.
        scores: their scores.
        findings: it is added to.
    """
    found: dict[SegmentsKey, bytes] = {}
    for line, claim in rows:
        where = f"{SEGMENTS}, line {line:,}"
        place = (claim.test_set, claim.system, claim.pair)
        key = SegmentsKey(place, claim.metric, claim.signature)
        name = f"{claim.metric} of {claim.system} on {claim.pair} of {claim.test_set}"
        own = [each for each in scores.get(place, ()) if (each.metric, each.signature) == key[1:]]
        if place not in cells or not own or key in found:
            findings.append(Finding(where, f"{name} has no such score, or its segments are there twice"))
        elif len(claim.scores) != cells[place].segments:
            told = f"{name} has other segments than its texts"
            findings.append(Finding(where, told, len(claim.scores), cells[place].segments))
        else:
            found[key] = _held(claim, own[0], Finding(where, name), findings)
    return found


def _held(claim: SegmentsClaim, score: ScoreClaim, about: Finding, findings: list[Finding]) -> bytes:
    """The statistics of a cell's segments, whose score and interval are held against what is claimed."""
    statistics = np.stack([np.asarray(claim.scores), np.ones(len(claim.scores))], axis=1)
    right = {"value": (float(np.mean(claim.scores)), _EXACT)}
    if (kind := metric_class(claim.metric)) is not None:
        ends = confidence_interval(kind(Pair(*claim.pair)), statistics)
        right |= {end: (value, _RESAMPLED) for end, value in zip(("low", "high"), ends, strict=True)}
    for field, (due, tolerance) in right.items():
        there = getattr(score, field)
        if there is None or not isclose(there, due, rel_tol=tolerance, abs_tol=tolerance):
            findings.append(Finding(about.place, f"{field}: {about.what}", there, due))
    return pack(statistics)
