"""Entity fidelity on the embedded corpus: whether the entities of each sentence came out right, decided by look-up."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from sqlalchemy import select

from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.score_slice import Slice
from dragoman.corpora.kinds.cldr import Cldr, CldrOptions
from dragoman.corpora.kinds.cldr_entities import EntityKind, entities, recogniser
from dragoman.corpora.kinds.cldr_phrases import Meaning
from dragoman.error_profile.resampling import Drawn, Numbers, mean_interval
from dragoman.error_profile.stored_labels import SystemLabels, metric_of
from dragoman.pair import Pair
from dragoman.segment import Split
from dragoman.store.blobs import BlobStore
from dragoman.store.repositories.grids import number_of
from dragoman.store.schema import CellRow, ConditionRow, PairRow, TestRow, TestSetRow
from dragoman.store.store import Store

RIGHT, WRONG, LOST, REFERENCE, COUNT = range(5)
"""The columns of a kind's statistics: one row for each line that has entities of it, 0 or 1."""


@dataclass(frozen=True)
class Fidelity:
    """How often entities of a kind came out right, in percent of the sentences that have them; means over pairs."""

    model: str
    """The model's name in the grid."""
    prompt: str | None
    """The prompt's name; None where the grid has none of its own."""
    scope: str
    """A partition, `unseen`, `unknown` or `all`."""
    kind: EntityKind
    """The kind of entity."""
    estimate: float
    """Sentences in which all of them are right, and no other one stands beside."""
    low: float
    """Lower end of its 95% interval."""
    high: float
    """Upper end of it."""
    wrong: float
    """Sentences with another entity of that kind, or one too many or too few."""
    lost: float
    """Sentences with none of that kind."""
    references: float
    """References that are right by the same look-up: what it misses of itself."""
    n: int
    """Sentences with such entities, over all pairs."""
    pairs: int
    """Pairs that it is a mean over."""


def fidelity(store: Store, question: ScoreQuestion, labels: SystemLabels) -> list[Fidelity]:
    """The fidelity of a system's translations of the embedded corpus, by scope and kind of entity.

    Nothing for other test sets, and of lines that this version of CLDR words otherwise.

    Args:
        store: the store.
        question: the grid and the test set; all lines are looked at.
        labels: the labels of the system, whose draws of sentences are taken.

    Raises:
        StoreError: something named is not there, or a text can't be read.
    """
    rows = {pair: found for pair, found in _rows_by_pair(store, question, labels).items() if found}
    listed = []
    for scope, planned in labels.scopes.items():
        for kind in EntityKind:
            own = {pair: rows[pair][kind] for pair in planned if pair in rows and kind in rows[pair]}
            if own:
                listed.append(_mean(own, labels, scope, kind))
    return listed


def _mean(own: dict[Pair, Numbers], labels: SystemLabels, scope: str, kind: EntityKind) -> Fidelity:
    weights = dict.fromkeys(own, 1.0)
    shares = np.mean([100 * each.sum(axis=0) / each[:, COUNT].sum() for each in own.values()], axis=0)
    drawn = {pair: labels.drawn.get(pair, Drawn(len(labels.drawn), None)) for pair in own}
    resampled = {pair: drawn[pair].percentages(each[:, [RIGHT]], each[:, COUNT])[:, 0] for pair, each in own.items()}
    lines = {pair: len(each) for pair, each in own.items()}
    low, high = mean_interval(resampled, weights, drawn, lines) or (shares[RIGHT],) * 2
    return Fidelity(
        model=labels.system.model,
        prompt=labels.system.asked_with,
        scope=scope,
        kind=kind,
        estimate=float(shares[RIGHT]),
        low=float(low),
        high=float(high),
        wrong=float(shares[WRONG]),
        lost=float(shares[LOST]),
        references=float(shares[REFERENCE]),
        n=int(sum(each[:, COUNT].sum() for each in own.values())),
        pairs=len(own),
    )


def _rows_by_pair(store: Store, question: ScoreQuestion, labels: SystemLabels) -> dict[Pair, dict[EntityKind, Numbers]]:
    if not labels.labels or question.lines is not None:
        return {}
    asked = ScoreQuestion(
        question.grid,
        metric_of(labels.labels[0]),
        prompt=labels.system.prompt,
        test_set=question.test_set,
        decoding=question.decoding,
    )
    with store.database.reading() as connection:
        part = Slice.of(connection, asked, [labels.system.model])
        query = (
            select(PairRow.source, PairRow.target, CellRow.hypotheses, TestRow.lines)
            .add_columns(TestSetRow.corpus, TestSetRow.revision, TestSetRow.split)
            .select_from(CellRow)
            .join(ConditionRow, ConditionRow.id == CellRow.condition_id)
            .join(PairRow, PairRow.id == CellRow.pair_id)
            .join(
                TestRow,
                (TestRow.test_set_id == ConditionRow.test_set_id)
                & (TestRow.edition == ConditionRow.edition)
                & (TestRow.pair_id == CellRow.pair_id),
            )
            .join(TestSetRow, TestSetRow.id == ConditionRow.test_set_id)
            .where(CellRow.model_id == number_of(asked.grid, part.models, labels.system.model), part.holds(CellRow))
            .where(CellRow.hypotheses.is_not(None), TestRow.lines.is_not(None))
        )
        cells = list(connection.execute(query))
    found = {}
    for source, target, hypotheses, test, corpus, revision, split in cells:
        seed = _seed(str(corpus), str(revision))
        if seed is not None:
            pair = Pair(source, target)
            texts = [line.text for line in store.blobs.translation(hypotheses)]
            found[pair] = _verdicts(_due_in(store.blobs, test, pair, seed, Split(split)), pair.target, texts)
    return found


class _Due(NamedTuple):
    """The entities of a kind that are due in a line."""

    kind: EntityKind
    """The kind."""
    keys: tuple[str, ...]
    """Their keys."""
    is_in_reference: bool
    """Whether the reference is right by the look-up that hypotheses are decided by."""


@lru_cache(maxsize=4096)  # texts are addressed by their content, and all systems of a grid translate the same
def _due_in(blobs: BlobStore, test: str, pair: Pair, seed: int, split: Split) -> tuple[tuple[_Due, ...], ...]:
    """What is due in each line of a test."""
    return _due(pair, *blobs.test(test), seed=seed, split=split)


def _seed(corpus: str, revision: str) -> int | None:
    """The seed of an embedded corpus; None of any other."""
    if not corpus.startswith("cldr"):
        return None
    seed = revision.rpartition("+seed-")[2]
    return int(seed) if seed.isdecimal() else None


def decided(
    pair: Pair, sources: Sequence[str], references: Sequence[str], hypotheses: Sequence[str], *, seed: int, split: Split
) -> dict[EntityKind, Numbers]:
    """The verdicts on each hypothesis, by kind of entity: lines × (right, wrong, lost, reference right, 1).

    A line without an entity of the kind has a row of zeros, and so has one that this version of CLDR words otherwise.

    Args:
        pair: the direction.
        sources: the sources.
        references: the references.
        hypotheses: the hypotheses.
        seed: the seed of the corpus.
        split: its split.
    """
    return _verdicts(_due(pair, sources, references, seed=seed, split=split), pair.target, hypotheses)


def _due(
    pair: Pair, sources: Sequence[str], references: Sequence[str], *, seed: int, split: Split
) -> tuple[tuple[_Due, ...], ...]:
    meanings = dict(zip(zip(_texts(seed, split, pair.source), _texts(seed, split, pair.target), strict=True),
                        _meanings(seed, split), strict=True))  # fmt: skip
    found = [(meanings.get(both), both[1]) for both in zip(sources, references, strict=True)]
    return tuple(() if meaning is None else _named(meaning, pair.target, text) for meaning, text in found)


@lru_cache(maxsize=32_768)
def _named(meaning: Meaning, language: str, text: str) -> tuple[_Due, ...]:
    """What a meaning's text in a language names: its entities, and its numbers as that language writes them."""
    find = recogniser(language)
    named: dict[EntityKind, list[str]] = {}
    for entity in entities(meaning):
        named.setdefault(entity.kind, []).append(entity.key)
    if digits := [key for keys in find.found(EntityKind.NUMBER, text) for key in keys]:
        named[EntityKind.NUMBER] = digits
    return tuple(_Due(kind, tuple(keys), is_all(keys, find.found(kind, text))) for kind, keys in named.items())


def _verdicts(due: Sequence[Sequence[_Due]], language: str, hypotheses: Sequence[str]) -> dict[EntityKind, Numbers]:
    find = recogniser(language)
    found: dict[EntityKind, Numbers] = {}
    for place, (named, hypothesis) in enumerate(zip(due, hypotheses, strict=True)):
        for kind, keys, is_in_reference in named:
            own = find.found(kind, hypothesis)
            is_right = is_all(keys, own)
            row = (is_right, not is_right and bool(own), not is_right and not own, is_in_reference, True)
            found.setdefault(kind, np.zeros((len(due), COUNT + 1)))[place] = row
    return found


def is_all(due: Sequence[str], found: Sequence[frozenset[str]]) -> bool:
    """Whether entities found are those due: each once, in any order, and none beside them."""
    if len(due) != len(found):
        return False
    left = Counter(found)
    for key in sorted(due):
        fitting = [keys for keys, count in left.items() if count and key in keys]
        if not fitting:
            return False
        left[min(fitting, key=lambda keys: (len(keys), sorted(keys)))] -= 1
    return True


@lru_cache(maxsize=4)
def _meanings(seed: int, split: Split) -> tuple[Meaning, ...]:
    return tuple(Cldr(CldrOptions(seed=seed)).meanings(split))


@lru_cache(maxsize=64)
def _texts(seed: int, split: Split, language: str) -> tuple[str | None, ...]:
    return tuple(Cldr.render(meaning, language) for meaning in _meanings(seed, split))
