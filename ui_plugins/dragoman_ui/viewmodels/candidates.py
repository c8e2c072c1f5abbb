"""The systems of a pair side by side: their cells, lines, scores of each sentence, and error labels."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from dragoman.analysis.pair_scores import BASE
from dragoman.errors import StoreError
from dragoman.pair import Pair
from dragoman.sentences.labels import Found, found_labels, in_wrong_language, scores_by_line, with_language
from dragoman.store.blobs import Line
from dragoman.store.records import CellRecord, GridRecord, StoredScore
from dragoman.store.store import Store
from dragoman.translations.committing import ENGINE
from dragoman_ui.viewmodels.comparison import rival_of
from dragoman_ui.viewmodels.judgements import Judgement, judgements_of
from dragoman_ui.viewmodels.metric_errors import Marked, marked_errors
from dragoman_ui.viewmodels.slices import scores_of_lines
from dragoman_ui.viewmodels.systems import Names
from dragoman_ui.viewmodels.view import View

SIDE_BY_SIDE = 4
"""Number of systems side by side by default."""


class Asking(NamedTuple):
    """A system of a grid."""

    model: str
    """Identity of the model."""
    prompt: str | None
    """Identity of the prompt; none where the grid has only one."""
    grid: str
    """Name of the grid."""
    test_set: str | None = None
    """Identity of the test set; none where the grid has only one."""


def rows_beside(store: Store, names: Names, view: View, asked: Sequence[str]) -> dict[str, Asking]:
    """The systems side by side, by name.

    Args:
        store: the store.
        names: the names of the grid.
        view: the view; its prompt is the default of names without one.
        asked: the chosen names; by default all models of a few, of many the base, the one looked at and its rival.

    Raises:
        StoreError: the grid has no such row.
    """
    few = names.models
    if len(few) > SIDE_BY_SIDE:
        few = [name for name in names.models if name in (BASE, view.model)]
    wanted = asked or dict.fromkeys([*few, *([view.against] if view.against else [])])
    found = {}
    for name in wanted:
        system = rival_of(store, view, name)
        grid = store.grids.get(system.grid)
        model = next((identity for identity, called in grid.names.items() if called == system.model), grid.base)
        prompt = Names.of(store, system.grid).identities[system.prompt] if system.prompt else None
        found[name] = Asking(model, prompt, system.grid, names.test_sets.get(view.test_set or ""))
    return found


class Candidate(BaseModel):
    """One system on one pair."""

    model_config = ConfigDict(frozen=True)

    model: str
    """The system's name: a model's, `MODEL:PROMPT` or a baseline's."""
    cell: CellRecord
    """Its cell."""
    scores: tuple[StoredScore, ...] = ()
    """Its scores, under every metric and signature; without the statistics."""
    lines: tuple[Line, ...] = Field(default=(), exclude=True)
    """Its hypotheses; none where it is not translated."""
    by_line: tuple[float | None, ...] | None = Field(default=None, exclude=True)
    """The score of each hypothesis alone under the page's metric; None where there is none, of all or of one."""
    labels: tuple[Found, ...] = Field(default=(), exclude=True)
    """Error labels of each hypothesis, with the stretches that make them."""
    counted: tuple[Found, ...] | None = Field(default=None, exclude=True)
    """Those of the lines that are looked at, where these are not all."""
    judgements: dict[int, tuple[Judgement, ...]] = Field(default_factory=dict, exclude=True)
    """What people said of hypotheses, by their line from 0."""
    errors: Marked = Field(default_factory=dict, exclude=True)
    """What metrics and judges mark in hypotheses, by metric and line."""


class SideBySide(NamedTuple):
    """All lines of a pair, and what each system wrote for them."""

    sources: list[str]
    """The source sentences; none where no system has any."""
    references: list[str]
    """Their references."""
    further: list[tuple[str, ...]]
    """Further references of each."""
    candidates: list[Candidate]
    """The systems."""


def side_by_side(store: Store, grid: GridRecord, rows: Mapping[str, Asking], pair: Pair, metric: str) -> SideBySide:
    """All lines of a pair, and each system on them; arguments and errors as for `pair_view`."""
    cells = _cells(store, grid, rows, pair)
    test = next((cell.test for cell in cells.values() if cell.test), None)
    sources, references, further = store.blobs.test_text(test) if test else ([], [], [])
    return SideBySide(
        sources,
        references,
        further,
        [_candidate(store, grid, name, cell, metric, test, sources) for name, cell in cells.items()],
    )


def of_lines(candidate: Candidate, pair: Pair, held: NDArray[np.bool_]) -> Candidate:
    """A system with the scores of some lines; what is known of all lines alone is left out."""
    count = int(held.sum()) if candidate.lines else None
    cell = candidate.cell.model_copy(update={"segments": count, "cut": None, "too_long": None, "tokens": None})
    labels = tuple(each for each, is_held in zip(candidate.labels, held.tolist(), strict=False) if is_held)
    scores = scores_of_lines(pair, candidate.scores, held)
    return candidate.model_copy(update={"scores": scores, "cell": cell, "counted": labels})


def is_from_elsewhere(cell: CellRecord) -> bool:
    """Whether a cell was neither asked nor decoded here: its translations are from files, or its scores are quoted."""
    return cell.engine == ENGINE or cell.state.facts.is_quoted


def _cells(store: Store, grid: GridRecord, rows: Mapping[str, Asking], pair: Pair) -> dict[str, CellRecord]:
    """The cell of each system on a pair, by its name; all of them are of the same test lines."""
    cells = {name: store.cells.of_grid(name, pair) for name in {grid.name, *(row.grid for row in rows.values())}}
    if not cells[grid.name]:
        raise StoreError(f"Grid '{grid.name}' has no pair {pair}: its evaluation does not choose it.")
    found = {
        name: [
            each
            for each in cells[row.grid]
            if each.cell.model == row.model
            and row.prompt in (None, each.cell.prompt)
            and row.test_set in (None, each.cell.test_set)
        ]
        for name, row in rows.items()
    }
    first = next((each.cell for own in found.values() for each in own), None)
    if first is None:
        raise StoreError(f"Grid '{grid.name}' has no cells of {' or '.join(rows)} on {pair}.")
    text = (first.test_set, first.content)
    of_text = {
        name: next((each for each in own if (each.cell.test_set, each.cell.content) == text), None)
        for name, own in found.items()
    }
    return {name: cell for name, cell in of_text.items() if cell is not None}


def _candidate(
    store: Store, grid: GridRecord, name: str, cell: CellRecord, metric: str, test: str | None, sources: Sequence[str]
) -> Candidate:
    if cell.state.facts.is_quoted:
        return Candidate(model=name, cell=cell, scores=tuple(store.cells.scores(cell.cell.id)))
    if not cell.hypotheses or not test or not cell.state.is_translated:
        return Candidate(model=name, cell=cell)
    scores = store.cells.scores(cell.cell.id)
    flaws = _flaws(store, test, cell.hypotheses, cell.cell.pair, grid.languages, cell.cell.prompt)
    wrong = in_wrong_language(scores) or [False] * len(flaws)
    lines = tuple(store.blobs.translation(cell.hypotheses))
    return Candidate(
        model=name,
        cell=cell,
        scores=tuple(scores),
        lines=lines,
        by_line=scores_by_line(cell.cell.pair, metric, scores),
        labels=tuple(
            with_language(found, line.text) if is_wrong else found
            for found, line, is_wrong in zip(flaws, lines, wrong, strict=True)
        ),
        judgements=judgements_of(store, cell.cell.id, sources, [line.text for line in lines]),
        errors=marked_errors(scores, len(lines)),
    )


@lru_cache(maxsize=512)
def _flaws(
    store: Store, test: str, hypotheses: str, pair: Pair, languages: tuple[str, ...], prompt: str
) -> tuple[Found, ...]:
    """Error labels of each line of a translation but for its language; cached by the blobs' addresses."""
    shown = store.conditions.prompts([prompt]).get(prompt)
    text, lines = store.blobs.test_text(test), store.blobs.translation(hypotheses)
    return tuple(found_labels(pair, languages, text, lines, shown))
