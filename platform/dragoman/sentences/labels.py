"""Scores and error labels of single translations, from stored statistics and from the rules of the labels."""

from collections.abc import Collection, Mapping, Sequence
from math import isnan

from dragoman.analysis.pair_scores import OFF_TARGET
from dragoman.metrics.base import MetricError
from dragoman.metrics.errors.label import MEASURED, Label
from dragoman.metrics.errors.metric import ErrorMetric, Places
from dragoman.metrics.generation import Generation
from dragoman.metrics.lookup import installed_metric, metric_class
from dragoman.metrics.serialization import unpack
from dragoman.pair import Pair
from dragoman.store.blobs import TOO_LONG, Bitext, Line
from dragoman.store.records import StoredScore

Found = Mapping[Label, Places]
"""The labels of a hypothesis, in their order, with the stretches of text that make each."""


def found_labels(
    pair: Pair, languages: Collection[str], text: Bitext, lines: Sequence[Line], prompt: str | None
) -> list[Found]:
    """The labels of each hypothesis but for its language, which a detector would take long for: scores have that.

    Args:
        pair: the direction.
        languages: the grid's languages.
        text: the test lines.
        lines: the hypotheses.
        prompt: the prompt in use, as people are shown it.
    """
    generation = Generation.of(prompt, [line.finish_reason for line in lines])
    hypotheses = [line.text for line in lines]
    found: list[dict[Label, Places]] = [{} for _ in lines]
    for label in MEASURED:
        if label is Label.LANGUAGE:
            continue
        kind = installed_metric(label.metric)
        metric = kind(pair, languages)
        metric.inform(generation)
        if not isinstance(metric, ErrorMetric):
            continue
        try:
            places = metric.found(text.sources, hypotheses, text.references)
        except MetricError:  # how translations from files ended is not known
            continue
        for own, its in zip(found, places, strict=True):
            if its is not None:
                own[label] = its
    for own, line in zip(found, lines, strict=True):
        if line.finish_reason in TOO_LONG:
            own[Label.NO_ROOM] = ()
    return list(found)


def with_language(found: Found, text: str) -> Found:
    """The same labels with that of a wrong language, at its place in their order."""
    every = {**found, Label.LANGUAGE: ((0, len(text)),)}
    return {label: every[label] for label in Label if label in every}


def in_wrong_language(scores: Sequence[StoredScore]) -> list[bool] | None:
    """Which hypotheses are in another language, from the last signature's statistics of the metric that says so."""
    for metric in (Label.LANGUAGE.metric, OFF_TARGET):
        packed = [score.statistics for score in scores if score.metric == metric and score.statistics]
        if packed:
            return [bool(row[0]) for row in unpack(packed[-1]).tolist()]
    return None


def scores_by_line(pair: Pair, metric: str, scores: Sequence[StoredScore]) -> tuple[float | None, ...] | None:
    """The score of each sentence alone, from the last signature's statistics; None of one that has no part in it."""
    kind = metric_class(metric)
    packed = [score.statistics for score in scores if score.metric == metric and score.statistics]
    if kind is None or not packed:
        return None
    alone = kind(pair).aggregate(unpack(packed[-1])).tolist()
    return tuple(None if isnan(score) else score for score in alone)
