"""Worth of the instruction: how much likelier the right one makes the reference than none or a wrong one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dragoman.analysis.estimate import Estimate, Part
from dragoman.analysis.test_sets import test_set_id
from dragoman.instructions.scopes import pairs_by_scope
from dragoman.instructions.variants import INSTRUCTIONS, Family, Instruction
from dragoman.metrics.serialization import unpack
from dragoman.pair import Pair
from dragoman.store.alignment_records import Likely
from dragoman.store.line_keys import unpack as unpack_keys
from dragoman.store.store import Store


@dataclass(frozen=True, kw_only=True)
class WorthFinding:
    """What the right instruction is worth over another: mean over the pairs of a scope."""

    model: str
    """Name of the model."""
    scope: str
    """A pair, or the partition of the pairs, `unseen`, `unknown` or `all`."""
    over: str
    """The other instruction, `none` or `wrong`."""
    estimate: float
    """Nats per token of the reference by which the right instruction makes it likelier: mean over pairs."""
    low: float
    """Lower end of its 95% interval, with other sentences."""
    high: float
    """Upper end of it."""
    p: float
    """Two-sided p-value, paired by sentence."""
    right: float
    """Mean log probability per token after the right instruction."""
    other: float
    """The same after the other."""
    n: int
    """Pairs."""
    sentences: int
    """Different sentences; where they are the same in all pairs, each counts once."""
    tokens: int
    """Tokens of the references."""


class Worths(NamedTuple):
    """The findings, by scope and by pair."""

    scopes: list[WorthFinding]
    """By model, scope and other instruction."""
    pairs: list[WorthFinding]
    """By model, pair and other instruction."""
    behind: dict[str, set[str]]
    """The identities and values of the likelihoods behind them, by model."""


class _Lines(NamedTuple):
    """The references of a pair under two instructions."""

    sentence: NDArray[np.uint64]
    """Which sentence each is: equal numbers in two pairs are the same."""
    right: NDArray[np.float64]
    """Log probability of each after the right instruction."""
    other: NDArray[np.float64]
    """After the other."""
    tokens: NDArray[np.float64]
    """Tokens of each."""


def worths(
    store: Store, grid: str, family: Family, *, test_set: str | None = None, models: tuple[str, ...] = ()
) -> Worths:
    """What the right instruction is worth to a grid's models, as far as likelihoods are stored.

    Args:
        store: the store.
        grid: name of the grid.
        family: the prompts.
        test_set: name of the test set; the first by default.
        models: names of the models; all by default.

    Raises:
        StoreError: something named is not there.
    """
    record = store.grids.get(grid)
    tested = test_set_id(store, grid, test_set)
    contents = {
        cell.cell.pair: cell.cell.content
        for cell in store.cells.of_grid(grid)
        if cell.cell.test_set == tested and cell.cell.content
    }
    rows = {
        pair: unpack_keys(keys.corpus_rows)
        for (test, pair, content), keys in store.conditions.keys_of_grid(grid).items()
        if test == tested and contents.get(pair) == content and keys.corpus_rows is not None
    }
    names = {record.base: "base", **record.names}
    found = Worths([], [], {})
    for identity, name in names.items():
        if models and name not in models:
            continue
        wanted = {
            (pair, instruction): Likely(
                model=identity, pair=pair, content=content, prompt=family.variants[instruction].id
            )
            for pair, content in contents.items()
            for instruction in INSTRUCTIONS
        }
        records = store.likelihood.read(list(wanted.values()))
        found.behind[name] = {f"{each.of.id} {each.log_probability!r} {each.tokens}" for each in records}
        likely = {each.of.id: unpack(each.of_lines) for each in records}
        of = {key: likely[each.id] for key, each in wanted.items() if each.id in likely}
        scopes = pairs_by_scope(store, identity, record.languages)
        for other in INSTRUCTIONS[1:]:
            both = {pair: _both(of, rows, pair, other, number) for number, pair in enumerate(sorted(contents), 1)}
            lines = {pair: its for pair, its in both.items() if its is not None}
            for scope, pairs in scopes.items():
                if its := {pair: lines[pair] for pair in pairs if pair in lines}:
                    found.scopes.append(_finding(name, scope, other, its))
            found.pairs.extend(_finding(name, str(pair), other, {pair: its}) for pair, its in sorted(lines.items()))
    return found


def _both(
    of: Mapping[tuple[Pair, Instruction], NDArray[np.float64]],
    rows: Mapping[Pair, NDArray[np.uint64]],
    pair: Pair,
    other: Instruction,
    number: int,
) -> _Lines | None:
    """The references of a pair, the number-th from 1, that there was room for after both prompts."""
    right, after = of.get((pair, "right")), of.get((pair, other))
    if right is None or after is None:
        return None
    held = (right[:, 1] > 0) & (after[:, 1] > 0)
    if not held.any():
        return None
    # without rows in the corpus a pair's lines are sentences of its own
    sentence = rows.get(pair, np.arange(len(right), dtype=np.uint64) + np.uint64(number << 32))
    return _Lines(sentence[held], right[held, 0], after[held, 0], right[held, 1])


def _finding(model: str, scope: str, over: Instruction, lines: Mapping[Pair, _Lines]) -> WorthFinding:
    """The mean of the pairs' ratios, with the variance of its linear part in the sentences, which pairs share."""
    value, parts = 0.0, []
    for its in lines.values():
        differences, tokens = its.right - its.other, its.tokens.sum()
        ratio = float(differences.sum() / tokens)
        value += ratio / len(lines)
        parts.append((differences - ratio * its.tokens) / tokens / len(lines))
    sentences, places = np.unique(np.concatenate([its.sentence for its in lines.values()]), return_inverse=True)
    linear = np.bincount(places, np.concatenate(parts))
    count = len(sentences)
    variance = float(np.sum(linear**2)) * count / max(count - 1, 1)
    found = Estimate.of(value, [Part(variance, max(count - 1, 1))])
    return WorthFinding(
        model=model,
        scope=scope,
        over=over,
        estimate=value,
        low=found.low,
        high=found.high,
        p=found.p_value,
        right=float(np.mean([its.right.sum() / its.tokens.sum() for its in lines.values()])),
        other=float(np.mean([its.other.sum() / its.tokens.sum() for its in lines.values()])),
        n=len(lines),
        sentences=count,
        tokens=int(sum(its.tokens.sum() for its in lines.values())),
    )
