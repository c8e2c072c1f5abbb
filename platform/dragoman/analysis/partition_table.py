"""The partition table of one model: means by partition, and the gap between seen and unseen pairs."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection

from dragoman.analysis.abstentions import note_on_abstentions
from dragoman.analysis.aggregation import ScopeMeans, masks_by_scope, mean, means_by_scope
from dragoman.analysis.bootstrap import TOO_MANY, Bounds, Joint
from dragoman.analysis.detector_check import detector_misses
from dragoman.analysis.line_slice import reading
from dragoman.analysis.long_sentences import notes_on_long_sentences
from dragoman.analysis.pair_differences import higher_is_better
from dragoman.analysis.pair_scores import OFF_TARGET, PairColumns, read_columns
from dragoman.analysis.pair_tests import ModelTests, model_tests
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.score_slice import Slice
from dragoman.analysis.segment_statistics import has_too_many, rows_of, statistics_of
from dragoman.analysis.significance_plan import Plan
from dragoman.analysis.summed_scopes import summed_by_scope
from dragoman.errors import StoreError
from dragoman.metrics.lookup import metric_class
from dragoman.pair import Pair
from dragoman.store.records import Record
from dragoman.store.repositories.grids import number_of
from dragoman.store.store import Store


class PartitionRow(Record):
    """The pairs of one partition, or of `unseen`, `unknown` or `all`, taken together."""

    scope: str
    """The partition, `unknown` where the model's graph is, `unseen` (all but `seen`), or `all`."""
    done: int
    """Pairs with a score: k ..."""
    pairs: int
    """... of n planned."""
    mean: float | None
    """Mean score over the `done` pairs."""
    low: float | None = None
    """Lower end of its 95% interval."""
    high: float | None = None
    """Upper end of it."""
    base_mean: float | None = None
    """The base model's mean over the `gain_pairs`."""
    gain: float | None = None
    """How much better than the base model it is, as the mean over the `gain_pairs`; an error rate gains by falling."""
    gain_low: float | None = None
    """Lower end of its 95% interval."""
    gain_high: float | None = None
    """Upper end of it."""
    languages_low: float | None = None
    """Lower end of the mean's 95% interval with other languages too (`analysis.languages`); None for too few."""
    languages_high: float | None = None
    """Upper end of it."""
    gain_pairs: int = 0
    """Pairs that both models have a score for."""
    off_target: float | None = None
    """Mean off-target rate over the `off_target_pairs`, in percent."""
    off_target_pairs: int = 0
    """Pairs that have an off-target rate."""
    off_target_reference: float | None = None
    """Rate at which the detector judges the references of those pairs off-target, in percent."""
    off_target_missed: float | None = None
    """Rate at which it does not judge sentences of the grid's other languages off-target, which are; in percent."""
    off_target_undecided: float | None = None
    """Rate at which it leaves those undecided, which is a part of the missed; in percent."""
    note: str | None = None
    """Why an interval or the off-target rate is absent though there is a score, what sentences without room count as,
    and what the mean is not to be taken for; as sentences."""


def partition_table(store: Store, question: ScoreQuestion, *, model: str, resample: bool = True) -> list[PartitionRow]:
    """The partitions that occur, then `unseen` and `all`, of a grid under one model.

    Args:
        store: the store.
        question: the query.
        model: the model's name in the grid.
        resample: give intervals and the detector's rates on references, which take seconds for a thousand pairs.

    Raises:
        StoreError: something named is not there, or scores would be mixed that can't be compared.
    """
    with reading(store, question) as connection:
        part = Slice.of(connection, question, [model])
        model_id = number_of(question.grid, part.models, model)
        read = _summed if has_too_many(connection, part, model_id) else _resampled
        means, signatures, joint, tests = read(connection, store, question, part, model_id, resample)
        rates = (
            _Rates()
            if question.metric == OFF_TARGET
            else _off_target(connection, store, question, part, model_id, resample)
        )
        too_long = notes_on_long_sentences(connection, part, model_id)
        unscored = note_on_abstentions(connection, part, question.metric, model_id=model_id)
    better = 1 if higher_is_better(question.metric) else -1
    mixed = mixed_signatures(question.metric, signatures)
    rows = []
    for scope, found in means.items():
        low, high = joint.bounds(scope) if joint else Bounds()
        languages = joint.over_languages(scope) if joint else Bounds()
        rate = rates.means.get(scope, ScopeMeans())
        lacks = [joint.lack(scope) if found.done else None, tests.lack(scope)] if joint else []
        said = [*lacks, rates.note, too_long.get(scope), mixed, unscored, _floor(question.metric, found.mean)]
        notes = [note for note in dict.fromkeys(said) if note]
        row = PartitionRow(
            scope=scope,
            done=found.done,
            pairs=found.pairs,
            mean=found.mean,
            low=low,
            high=high,
            languages_low=languages.low,
            languages_high=languages.high,
            off_target=rate.mean,
            off_target_pairs=rate.done,
            off_target_reference=rates.references.get(scope),
            off_target_missed=rates.missed.get(scope),
            off_target_undecided=rates.undecided.get(scope),
            note=" ".join(notes) or None,
        )
        if model_id != part.base_id:
            gain = tests.scope(scope)
            row = row.model_copy(
                update={
                    "base_mean": found.other_mean,
                    "gain": None if found.gain is None else better * found.gain,
                    "gain_low": min(better * gain.low, better * gain.high) if gain else None,
                    "gain_high": max(better * gain.low, better * gain.high) if gain else None,
                    "gain_pairs": found.both,
                }
            )
        rows.append(row)
    return rows


class _Read(NamedTuple):
    """What a partition table is made of."""

    means: Mapping[str, ScopeMeans]
    """The means by scope."""
    signatures: Sequence[str]
    """The signatures of the scores."""
    joint: Joint | None
    """The intervals of the means; None where none are asked for."""
    tests: ModelTests
    """The tests of the gains."""


def _resampled(
    connection: Connection, store: Store, question: ScoreQuestion, part: Slice, model_id: int, resample: bool
) -> _Read:
    """The means of pairs that are read one by one, with their intervals."""
    columns = read_columns(connection, part, model_id=model_id, other_id=part.base_id)
    micro, blobs, joint, tests = question.micro, store.blobs, None, ModelTests(None)
    if resample:
        joint = Joint.read(connection, part, columns, model_id=model_id, micro=micro, blobs=blobs)
    if resample and model_id != part.base_id:
        ids = (model_id, part.base_id)
        tests = model_tests(connection, part, columns, ids=ids, plan=Plan(), micro=micro, blobs=blobs, for_scopes=True)
    return _Read(means_by_scope(columns, micro=micro), columns.signatures, joint, tests)


def _summed(
    connection: Connection, store: Store, question: ScoreQuestion, part: Slice, model_id: int, resample: bool
) -> _Read:
    """The means of a large grid, which has no intervals, with the reason."""
    del store
    found = summed_by_scope(connection, part, model_id=model_id, other_id=part.base_id, micro=question.micro)
    joint = Joint(part.metric, {}, {}, TOO_MANY) if resample else None
    return _Read(found, part.signature_texts(connection), joint, ModelTests(None))


def mixed_signatures(metric: str, signatures: Sequence[str]) -> str | None:
    """What a mean mixes where the metric is computed in several ways, by target language: a sentence, or None."""
    kind = metric_class(metric)
    scaling = kind.scaling if kind else frozenset[str]()
    fields = [dict(field.partition(":")[::2] for field in text.split("|")) for text in signatures]
    ways = {key: sorted({each[key] for each in fields if key in each}) for key in sorted(scaling)}
    several = {key: values for key, values in ways.items() if len(values) > 1}
    if not several:
        return None
    listed = "; ".join(f"{key}: {', '.join(values)}" for key, values in several.items())
    return f"A mean over pairs whose {metric} is computed in several ways ({listed}), which are no common scale."


def _floor(metric: str, mean: float | None) -> str | None:
    """The sentence about a mean at which a metric measures noise; None where it is above."""
    kind = metric_class(metric)
    floor = kind.floor if kind else None
    if floor is None or mean is None or mean >= floor:
        return None
    return f"Means of {metric} under {floor:g} are noise: differences between them say nothing."


class _Rates(NamedTuple):
    """Off-target rates by scope."""

    means: Mapping[str, ScopeMeans] = {}
    """Their means."""
    references: Mapping[str, float | None] = {}
    """The detector's mean rate on the references; None where a pair has no statistics."""
    missed: Mapping[str, float | None] = {}
    """The detector's mean rate of misses on sentences of other languages."""
    undecided: Mapping[str, float | None] = {}
    """The part of them that it leaves undecided."""
    note: str | None = None
    """Why there are none, as a sentence."""


def _off_target(
    connection: Connection, store: Store, question: ScoreQuestion, part: Slice, model_id: int, has_references: bool
) -> _Rates:
    """A model's off-target rates in a slice; none where they would be mixed, with the reason."""
    try:
        part = part.with_metric(connection, question.grid, OFF_TARGET, [model_id])
    except StoreError as error:
        return _Rates(note=f"No off-target rates: {str(error)[0].lower()}{str(error)[1:]}")
    if has_too_many(connection, part, model_id):
        return _Rates(summed_by_scope(connection, part, model_id=model_id, micro=question.micro))
    columns = read_columns(connection, part, model_id=model_id)
    means = means_by_scope(columns, micro=question.micro)
    misses = detector_misses(connection, store, part, store.grids.get(question.grid).languages)
    missed = {pair: misses[pair.target].missed for pair in columns.pairs if pair.target in misses}
    undecided = {pair: misses[pair.target].undecided for pair in columns.pairs if pair.target in misses}
    rates = _Rates(
        means,
        missed=_means_of(missed, columns, question.micro),
        undecided=_means_of(undecided, columns, question.micro),
    )
    kind = metric_class(OFF_TARGET)
    if kind is None or not has_references:
        return rates
    found = {}
    for pair, (own, _) in statistics_of(connection, part, model_id, model_id).items():
        metric = kind(pair)
        if own.packed is not None and (rows := rows_of(metric, own)) is not None:
            found[pair] = metric.details(rows)["reference_off_target"]
    return rates._replace(references=_means_of(found, columns, question.micro))


def _means_of(rates: Mapping[Pair, float], columns: PairColumns, micro: bool) -> dict[str, float | None]:
    """The mean by scope of a rate that each scored pair has; None where one lacks it."""
    values = np.array([rates.get(pair, np.nan) for pair in columns.pairs], np.float64)
    weights, scored = columns.weights(micro), ~np.isnan(columns.own.values)
    means = {}
    for scope, held in masks_by_scope(columns.partitions).items():
        own_values, own_weights = (each[held & scored] for each in (values, weights))
        is_complete = not np.isnan(own_values).any()
        means[scope] = mean(own_values.tolist(), own_weights.tolist()) if is_complete else None
    return means
