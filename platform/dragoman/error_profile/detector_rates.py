"""Language detectors held to the references of a grid: their false rates, and what they take for what."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.test_sets import chosen_test_set
from dragoman.error_profile.flows import OPEN, OTHER_SCRIPT
from dragoman.errors import StoreError
from dragoman.metrics.base import MetricError
from dragoman.metrics.detector_misses import spread
from dragoman.metrics.language_detector import Detector, Verdict
from dragoman.pair import Pair
from dragoman.store.database.ids import grid_number
from dragoman.store.repositories.conditions import is_text
from dragoman.store.schema import ConditionRow, GridPairRow, PairRow, TestRow, TestSetRow
from dragoman.store.store import Store

MOST = 500
"""References of each language that are judged, at most."""


@dataclass(frozen=True)
class DetectorRate:
    """What a detector makes of the references in one language, in percent of them."""

    detector: str
    """Its name."""
    language: str
    """The language that they are in."""
    estimate: float
    """Judged off-target, wrongly."""
    low: float
    """Lower end of the 95% interval (Clopper and Pearson, 1934)."""
    high: float
    """Upper end of it."""
    undecided: float
    """Left undecided."""
    n: int
    """Different references judged."""
    signature: str
    """The detector's version, candidates and threshold."""


@dataclass(frozen=True)
class Confusion:
    """How many references in one language a detector takes for which."""

    detector: str
    """Its name."""
    asked: str
    """The language that they are in."""
    found: str
    """The most probable candidate; `undecided` or `other script` in place of a language."""
    sentences: int
    """How many."""
    estimate: float
    """Their share of those in that language, in percent."""
    n: int
    """References in that language."""


@dataclass(frozen=True)
class Unjudged:
    """A language that a detector can't be asked about."""

    detector: str
    """Its name."""
    language: str
    """The language."""
    reason: str
    """Why, as a sentence."""


@dataclass(frozen=True)
class DetectorCheck:
    """The detectors on the references of a grid."""

    rates: Sequence[DetectorRate]
    """By detector and language."""
    confusions: Sequence[Confusion]
    """Those that occur."""
    unjudged: Sequence[Unjudged]
    """What could not be judged."""


def check_detectors(store: Store, question: ScoreQuestion, detectors: Sequence[str]) -> DetectorCheck:
    """Judge the references of a grid's test set by several detectors, each restricted to the grid's languages.

    Args:
        store: the store.
        question: the grid and the test set.
        detectors: names of language identifiers.

    Raises:
        StoreError: there is no such grid or test set, or it has no test lines here.
    """
    languages = store.grids.get(question.grid).languages
    texts = references(store, question)
    rates: list[DetectorRate] = []
    confusions: list[Confusion] = []
    unjudged: list[Unjudged] = []
    for name in detectors:
        for language, (source, lines) in texts.items():
            try:
                detector = Detector(Pair(source, language), languages, by=name)
                verdicts = [(detector.judge(line), detector.guess(line)) for line in lines]
                signature = detector.signature
            except MetricError as error:
                unjudged.append(Unjudged(name, language, str(error)))
                continue
            rates.append(_rate(name, language, [verdict for verdict, _ in verdicts], signature))
            counts = Counter(_taken_for(language, verdict, guess) for verdict, guess in verdicts)
            confusions += [
                Confusion(name, language, found, count, 100 * count / len(lines), len(lines))
                for found, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
            ]
    return DetectorCheck(rates, confusions, unjudged)


def _taken_for(language: str, verdict: Verdict, guess: str | None) -> str:
    if verdict is Verdict.ON_TARGET:
        return language
    if verdict is Verdict.UNDECIDED:
        return OPEN
    return guess or OTHER_SCRIPT


def _rate(detector: str, language: str, verdicts: Sequence[Verdict], signature: str) -> DetectorRate:
    from scipy.stats import binomtest

    wrong, count = sum(verdict.is_off_target for verdict in verdicts), len(verdicts)
    found = binomtest(wrong, count).proportion_ci(0.95, method="exact")
    undecided = sum(verdict is Verdict.UNDECIDED for verdict in verdicts)
    return DetectorRate(
        detector, language, 100 * wrong / count, 100 * float(found.low), 100 * float(found.high),
        100 * undecided / count, count, signature,
    )  # fmt: skip


def references(store: Store, question: ScoreQuestion) -> Mapping[str, tuple[str, Sequence[str]]]:
    """Different references of each target language of a grid, with a source language they are translated from.

    Raises:
        StoreError: there is no such grid or test set, or it has no test lines here.
    """
    with store.database.reading() as connection:
        grid_id = grid_number(connection, question.grid)
        test_set = chosen_test_set(connection, question.grid, grid_id, question.test_set)
        query = (
            select(PairRow.source, PairRow.target, TestRow.lines)
            .select_from(GridPairRow)
            .join(ConditionRow, ConditionRow.id == GridPairRow.condition_id)
            .join(TestSetRow, TestSetRow.id == ConditionRow.test_set_id)
            .join(PairRow, PairRow.id == GridPairRow.pair_id)
            .join(TestRow, is_text(TestRow))
            .where(GridPairRow.grid_id == grid_id, TestRow.lines.is_not(None))
            .order_by(PairRow.source, PairRow.target)
        )
        if test_set is not None:
            query = query.where(TestSetRow.identity == test_set)
        rows = list(connection.execute(query))
    found: dict[str, tuple[str, Sequence[str]]] = {}
    for source, target, lines in rows:
        if target not in found:
            found[target] = source, spread(store.blobs.test(str(lines))[1], MOST)
    if not found:
        raise StoreError(f"Grid '{question.grid}' has no test lines in this store: detectors have nothing to judge.")
    return dict(sorted(found.items()))
