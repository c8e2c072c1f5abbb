"""The stored error labels of a system: which lines of which pairs have which label."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from dragoman.analysis.aggregation import masks_by_scope
from dragoman.analysis.line_slice import reading
from dragoman.analysis.pair_scores import PairColumns, read_columns
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.score_slice import Slice
from dragoman.analysis.segment_statistics import OfText, rows_of, scores_of_texts
from dragoman.analysis.systems import System, metric_names
from dragoman.analysis.units import units_of
from dragoman.error_profile.resampling import Drawn
from dragoman.errors import StoreError
from dragoman.metrics.base import Statistics
from dragoman.metrics.errors.label import MEASURED, Label
from dragoman.metrics.errors.metric import FLAG, ON_REFERENCE
from dragoman.metrics.errors.wrong_language import FOUND, candidates_of
from dragoman.metrics.lookup import metric_class
from dragoman.metrics.replicates import Lines
from dragoman.pair import Pair
from dragoman.store.repositories.grids import number_of
from dragoman.store.store import Store

Flags = NDArray[np.bool_]


class PairLabels(NamedTuple):
    """The labels that are known of one pair, an array element for each line."""

    flags: Mapping[Label, Flags]
    """Which hypotheses have a label, for those that are known."""
    on_references: Mapping[Label, Flags]
    """Which references would have it."""
    found: NDArray[np.int64]
    """The language found of each hypothesis, as its place in `candidates` from 1; empty where nobody looked."""
    candidates: tuple[str, ...]
    """The languages that could be found."""

    @property
    def lines(self) -> int:
        """Lines of the pair."""
        return len(next(iter(self.flags.values())))


class SystemLabels(NamedTuple):
    """The labels of one system."""

    system: System
    """The system."""
    labels: tuple[Label, ...]
    """The labels that there are scores of, in the order of first matches."""
    pairs: Mapping[Pair, PairLabels]
    """The pairs that some of these labels are known of."""
    scopes: Mapping[str, Sequence[Pair]]
    """The planned pairs of each scope."""
    drawn: Mapping[Pair, Drawn]
    """How each is resampled."""
    lacking: Mapping[Label, str]
    """Why a label is known of none or only some of the pairs, as a clause."""


def metric_of(label: Label, detector: str | None = None) -> str:
    """The metric of a label, by a language identifier of one's own for wrong languages."""
    return f"{label.metric}:{detector}" if detector and label is Label.LANGUAGE else label.metric


def scored_labels(store: Store, grid: str, detector: str | None = None) -> list[Label]:
    """The labels that a grid is scored with.

    Raises:
        StoreError: there is no such grid, or it has none.
    """
    names = metric_names(store, grid)
    found: list[Label] = [label for label in MEASURED if metric_of(label, detector) in names]
    if not found or (detector and Label.LANGUAGE not in found):
        metric = metric_of(Label.LANGUAGE, detector) if detector else "errors"
        what = f"scores of {metric}" if detector else "error labels"
        raise StoreError(
            f"Grid '{grid}' has no {what} yet: `dragoman score {grid} --metric {metric}` adds them to the stored "
            "translations."
        )
    return found


def stored_labels(
    store: Store, question: ScoreQuestion, system: System, *, labels: Sequence[Label], detector: str | None = None
) -> SystemLabels:
    """The labels of a system; one that is known of no pair is left out.

    Args:
        store: the store.
        question: the grid, the test set and the lines; its metric and prompt are not looked at.
        system: the system, of that grid.
        labels: the labels.
        detector: the language identifier of wrong languages; the default one by default.

    Raises:
        StoreError: something named is not there, or scores would be mixed that can't be compared.
    """
    read: dict[Label, dict[Pair, OfText]] = {}
    lacking: dict[Label, str] = {}
    scopes: Mapping[str, Sequence[Pair]] = {}
    drawn: dict[Pair, Drawn] = {}
    for label in labels:
        asked = replace(question, metric=metric_of(label, detector), prompt=system.prompt)
        with reading(store, asked) as connection:
            part = Slice.of(connection, asked, [system.model])
            model_id = number_of(asked.grid, part.models, system.model)
            columns = read_columns(connection, part, model_id=model_id)
            stored = scores_of_texts(connection, part, model_id, set(columns.pairs))
            read[label] = {pair: found for pair, found in stored.items() if found.stored.packed}
            if reason := _why_lacking(columns, len(stored) - len(read[label])):
                lacking[label] = reason
            unmet = [pair for pair in sorted(read[label]) if pair not in drawn]
            if unmet:
                drawn = _drawn(store, connection, part, sorted({*drawn, *read[label]}))
            scopes = _scopes(columns)
    known = tuple(label for label in labels if read[label])
    pairs = {
        pair: _labels_of({label: read[label][pair] for label in known if pair in read[label]}, pair, detector)
        for pair in sorted(drawn)
    }
    return SystemLabels(system, known, pairs, scopes, drawn, lacking)


def _why_lacking(columns: PairColumns, unpacked: int) -> str | None:
    missing = int(np.isnan(columns.own.values).sum())
    reason = f" ({min(columns.reasons.values()).rstrip('.')})" if columns.reasons else ""
    if unpacked:
        return f"{unpacked} of {len(columns.ids)} pairs have no statistics stored"
    if missing:
        return f"{missing} of {len(columns.ids)} pairs have no score{reason}"
    return None


def _scopes(columns: PairColumns) -> dict[str, list[Pair]]:
    pairs = columns.pairs
    masks = masks_by_scope(columns.partitions)
    return {scope: [pairs[place] for place in np.flatnonzero(held).tolist()] for scope, held in masks.items()}


def _drawn(store: Store, connection: Connection, part: Slice, pairs: Sequence[Pair]) -> dict[Pair, Drawn]:
    units = units_of(connection, part, pairs, blobs=store.blobs)
    found = {
        pair: Drawn(number, Lines(block.units, lines.astype(np.intp)))
        for number, block in enumerate(units.blocks)
        for pair, lines in block.lines.items()
    }
    apart = (pair for pair in pairs if pair not in found)
    return found | {pair: Drawn(len(units.blocks) + place, None) for place, pair in enumerate(apart)}


def _labels_of(scores: Mapping[Label, OfText], pair: Pair, detector: str | None) -> PairLabels:
    rows = {label: _rows(label, score, pair, detector) for label, score in scores.items()}
    language = rows.get(Label.LANGUAGE)
    return PairLabels(
        {label: each[:, FLAG] > 0 for label, each in rows.items()},
        {label: each[:, ON_REFERENCE] > 0 for label, each in rows.items()},
        np.empty(0, np.int64) if language is None else language[:, FOUND].astype(np.int64),
        candidates_of(scores[Label.LANGUAGE].signature) if Label.LANGUAGE in scores else (),
    )


def _rows(label: Label, score: OfText, pair: Pair, detector: str | None) -> Statistics:
    name = metric_of(label, detector)
    kind = metric_class(name)
    rows = rows_of(kind(pair), score.stored) if kind is not None else None
    if rows is None:
        raise StoreError(f"The stored statistics of {name} on {pair} don't give its stored rate: score the grid again.")
    return rows
