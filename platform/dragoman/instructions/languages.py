"""Languages of translations: shares in the target language, the one that was named, and the source."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from dragoman.analysis.languages import over_languages
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.test_sets import test_set_id
from dragoman.instructions.scopes import pairs_by_scope
from dragoman.instructions.variants import INSTRUCTIONS, Family, Instruction
from dragoman.metrics.base import MetricError
from dragoman.metrics.language_detector import Detector
from dragoman.pair import Pair
from dragoman.store.records import CellRecord
from dragoman.store.store import Store

UNDECIDED = ""
"""The language of a text without letters of a script of the grid's languages."""


@dataclass(frozen=True, kw_only=True)
class ShareFinding:
    """The languages of a model's translations under one instruction, over the pairs of a scope."""

    model: str
    """Name of the model."""
    scope: str
    """The partition of the pairs, or `unseen`, `unknown` or `all`."""
    instruction: str
    """`right`, `none` or `wrong`."""
    estimate: float
    """Percentage in the target language of the pair: mean over pairs."""
    low: float | None
    """Lower end of its 95% interval, as of a sample of languages."""
    high: float | None
    """Upper end of it."""
    named: float | None
    """Percentage in the language that the instruction names; None without one."""
    source: float
    """Percentage in the source language."""
    other: float
    """Percentage in another language of the grid."""
    undecided: float
    """Percentage without letters of their scripts."""
    reference: float
    """Percentage of the references that the detector finds in the target language."""
    change: float | None
    """`estimate` minus that of the right instruction, on the pairs that have both; None of the right one."""
    change_low: float | None
    """Lower end of its 95% interval."""
    change_high: float | None
    """Upper end of it."""
    p: float | None
    """Two-sided p-value of the change."""
    n: int
    """Pairs."""
    languages: int
    """Languages that they are of."""


Shares = Mapping[str, float]
"""Percentages by language, `UNDECIDED` among them."""


def share_findings(
    store: Store, question: ScoreQuestion, family: Family, *, models: tuple[str, ...]
) -> list[ShareFinding]:
    """The languages of the translations of some models under each instruction that they were asked with.

    The language of a text is the most probable one of the grid's; that of a few words often can't be told. Pairs whose
    target the detector does not know are left out.

    Args:
        store: the store.
        question: the grid and its test set.
        family: the prompts.
        models: names of the models.

    Raises:
        StoreError: something named is not there.
    """
    record = store.grids.get(question.grid)
    test_set = test_set_id(store, question.grid, question.test_set)
    names = {identity: name for identity, name in record.names.items() if name in models}
    prompts = {family.variants[each].id: each for each in family.asked}
    cells = {
        (names[cell.cell.model], prompts[cell.cell.prompt], cell.cell.pair): cell
        for cell in store.cells.of_grid(question.grid)
        if cell.cell.model in names
        and cell.cell.prompt in prompts
        and cell.cell.test_set == test_set
        and cell.state.is_translated
    }
    scopes = {name: pairs_by_scope(store, identity, record.languages) for identity, name in names.items()}
    shares = {key: _shares(store, cell, tuple(record.languages)) for key, cell in cells.items()}
    found = []
    for model in models:
        for scope, its in scopes[model].items():
            for instruction in (each for each in INSTRUCTIONS if each in family.asked):
                by_pair = {pair: each for pair in its if (each := shares.get((model, instruction, pair))) is not None}
                right = {pair: each for pair in its if (each := shares.get((model, "right", pair))) is not None}
                if by_pair:
                    found.append(_finding(model, scope, instruction, by_pair, right, family))
    return found


def _finding(
    model: str,
    scope: str,
    instruction: Instruction,
    shares: Mapping[Pair, tuple[Shares, Shares]],
    right: Mapping[Pair, tuple[Shares, Shares]],
    family: Family,
) -> ShareFinding:
    prompt = family.variants[instruction]
    target = {pair: own.get(pair.target, 0.0) for pair, (own, _) in shares.items()}
    named = {pair: own.get(prompt.named_target(pair) or "", 0.0) for pair, (own, _) in shares.items()}
    changes = {
        pair: value - right[pair][0].get(pair.target, 0.0)
        for pair, value in target.items()
        if pair in right and instruction != "right"
    }
    mean, change = over_languages(target), over_languages(changes) if changes else None
    source = _mean({pair: own.get(pair.source, 0.0) for pair, (own, _) in shares.items()})
    undecided = _mean({pair: own.get(UNDECIDED, 0.0) for pair, (own, _) in shares.items()})
    return ShareFinding(
        model=model,
        scope=scope,
        instruction=instruction,
        estimate=_mean(target),
        low=max(mean.low, 0.0) if mean else None,
        high=min(mean.high, 100.0) if mean else None,
        named=None if instruction == "none" else _mean(named),
        source=source,
        other=100 - _mean(target) - source - undecided,
        undecided=undecided,
        reference=_mean({pair: references.get(pair.target, 0.0) for pair, (_, references) in shares.items()}),
        change=_mean(changes) if changes else None,
        change_low=max(change.low, -100.0) if change else None,
        change_high=min(change.high, 100.0) if change else None,
        p=change.p_value if change else None,
        n=len(shares),
        languages=len({tag for pair in shares for tag in pair}),
    )


def _shares(store: Store, cell: CellRecord, languages: tuple[str, ...]) -> tuple[Shares, Shares] | None:
    """The languages of a cell's hypotheses and of its references; None where the detector does not know its target."""
    texts = _Texts(store, str(cell.hypotheses), _hypotheses), _Texts(store, str(cell.test), _references)
    own, references = (_counted(each, cell.cell.pair, languages) for each in texts)
    return None if own is None or references is None else (own, references)


def _hypotheses(store: Store, address: str) -> list[str]:
    return [line.text for line in store.blobs.translation(address)]


def _references(store: Store, address: str) -> list[str]:
    return store.blobs.test_text(address).references


class _Texts:
    """Texts of a blob, equal where their content is, and read when they are wanted."""

    def __init__(self, store: Store, address: str, read: Callable[[Store, str], list[str]]) -> None:
        self._store, self._key, self._read = store, (address, read), read

    def lines(self) -> list[str]:
        return self._read(self._store, self._key[0])

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Texts) and self._key == other._key


@lru_cache(maxsize=50_000)
def _counted(texts: _Texts, pair: Pair, languages: tuple[str, ...]) -> Shares | None:
    try:
        return _percentages(Detector(pair, languages), texts.lines())
    except MetricError:
        return None


def _percentages(detector: Detector, lines: list[str]) -> Shares:
    counts = Counter(detector.guess(line) or UNDECIDED for line in lines)
    return {tag: 100 * count / len(lines) for tag, count in counts.items()}


def _mean(values: Mapping[Pair, float]) -> float:
    return sum(values.values()) / len(values)
