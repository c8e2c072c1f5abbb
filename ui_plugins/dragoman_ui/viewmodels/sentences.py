"""View model of the sentences of one pair: source, reference, and each system's hypothesis."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from dragoman.analysis.pair_differences import higher_is_better
from dragoman.analysis.pair_scores import BASE, OFF_TARGET
from dragoman.errors import StoreError
from dragoman.metrics.lookup import metric_class
from dragoman.metrics.serialization import unpack
from dragoman.pair import Pair
from dragoman.store.blobs import TOO_LONG, Line
from dragoman.store.records import CellRecord, GridRecord, StoredScore
from dragoman.store.store import Store
from dragoman.translations.committing import ENGINE
from dragoman_ui.viewmodels.comparison import rival_of
from dragoman_ui.viewmodels.error_labels import Guess, Label, counted, labels
from dragoman_ui.viewmodels.judgements import Judgement, judgements_of
from dragoman_ui.viewmodels.prompts import rendered_prompt
from dragoman_ui.viewmodels.slices import held_lines, labels_of_cell, scores_of_lines
from dragoman_ui.viewmodels.systems import Names
from dragoman_ui.viewmodels.text_diff import Part, parts
from dragoman_ui.viewmodels.view import View

PAGE = 50
"""Sentences on one page."""

FOR_SENTENCES = ("chrf++", "chrf")
"""Metrics that are meaningful for a single sentence; BLEU is zero for a perfect one of less than four words."""


def sentence_metric(metrics: Sequence[str]) -> str:
    """The default metric of sentences among a grid's metrics."""
    return next((metric for metric in FOR_SENTENCES if metric in metrics), metrics[0])


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


class Arrangement(StrEnum):
    """The order of sentences."""

    FILE = "file"
    """As in the test set."""
    WORST = "worst"
    """The lowest score of any model first."""
    APART = "apart"
    """Where the models' scores lie furthest apart first."""


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
    by_line: tuple[float, ...] | None = Field(default=None, exclude=True)
    """The score of each hypothesis alone under the page's metric; None where there is none."""
    labels: tuple[tuple[Label, ...], ...] = Field(default=(), exclude=True)
    """Error labels of each hypothesis."""
    counted: tuple[tuple[Label, ...], ...] | None = Field(default=None, exclude=True)
    """Those of the lines that are looked at, where these are not all."""
    judgements: dict[int, tuple[Judgement, ...]] = Field(default_factory=dict, exclude=True)
    """What people said of hypotheses, by their line from 0."""


class Hypothesis(BaseModel):
    """A model's hypothesis of a sentence."""

    model_config = ConfigDict(frozen=True)

    model: str
    """The model's name in the grid."""
    text: str
    """The hypothesis."""
    parts: tuple[Part, ...]
    """The same in stretches that the reference has and has not."""
    was_cut: bool
    """Whether it reached the longest length allowed."""
    labels: tuple[Label, ...] = ()
    """Its error labels."""
    language: str | None = None
    """The detected language; None where it can't be detected."""
    score: float | None
    """Its score alone; corpus scores are no means of these."""
    judgements: tuple[Judgement, ...] = ()
    """What people said of it."""


class Segment(BaseModel):
    """One sentence of a test set."""

    model_config = ConfigDict(frozen=True)

    number: int
    """Its place in the test set, from 1."""
    source: str
    """The source sentence."""
    reference: str
    """The reference translation."""
    further: tuple[str, ...] = ()
    """Further references, which scores hold hypotheses against as well."""
    about: dict[str, str] = Field(default_factory=dict)
    """The labels of the line, by name: its domain, its document, the language it was first written in."""
    hypotheses: tuple[Hypothesis, ...]
    """One for each model that has translated it."""


class PairView(BaseModel):
    """One page of a pair's sentences, with how each model fared on all of them."""

    model_config = ConfigDict(frozen=True)

    pair: Pair
    """The direction."""
    candidates: tuple[Candidate, ...]
    """The rows that stand side by side."""
    found: int
    """Sentences that hold the text searched for."""
    page: int
    """The page, from 1."""
    pages: int
    """Pages in all; at least one."""
    prompt: str | None
    """The prompt of the page's first sentence as a model reads it."""
    segments: tuple[Segment, ...]
    """The page's sentences."""
    labels: dict[str, dict[Label, int]] = Field(default_factory=dict)
    """How many of all the pair's hypotheses have each label, by model."""


def pair_view(
    store: Store,
    grid: GridRecord,
    rows: Mapping[str, Asking],
    pair: Pair,
    metric: str,
    search: str = "",
    arrangement: Arrangement = Arrangement.FILE,
    page: int = 1,
    label: Label | None = None,
    size: int | None = PAGE,
    *,
    lines: str | None = None,
) -> PairView:
    """One page of the sentences of a pair.

    Args:
        store: the store.
        grid: the grid.
        rows: the systems side by side, by name.
        pair: the direction.
        metric: the metric of the sentences' scores.
        search: text that the source, the reference or a hypothesis must hold, in any case.
        arrangement: the order of sentences.
        page: the page, from 1; a number too high is the last.
        lines: filter of the test lines that are looked at; all by default. Scores are then of these alone.
        label: a label that one of the hypotheses must have.
        size: sentences on a page; None is all.

    Raises:
        StoreError: the grid has no such pair, or a text is not in the blob storage.
    """
    sources, references, further, candidates = side_by_side(store, grid, rows, pair, metric)
    about = labels_of_cell(store, grid.name, candidates[0].cell)
    held = held_lines(pair, about, len(sources), lines)
    if lines:
        candidates = [_of_lines(each, pair, held) for each in candidates]
    wanted = search.casefold()
    found = [
        index
        for index, sentences in enumerate(zip(sources, references, strict=True))
        if held[index]
        and any(
            wanted in text.casefold()
            for text in (*sentences, *further[index], *(each.lines[index].text for each in candidates if each.lines))
        )
        and (label is None or any(label in each.labels[index] for each in candidates if each.lines))
    ]
    better = 1 if higher_is_better(metric) else -1
    found.sort(key=lambda index: _rank(candidates, index, arrangement, better))
    size = size or max(1, len(found))
    pages = max(1, -(-len(found) // size))
    page = min(max(page, 1), pages)
    shown = found[(page - 1) * size : page * size]
    guess = Guess(pair, grid.languages)
    return PairView(
        pair=pair,
        candidates=tuple(map(_without_statistics, candidates)),
        found=len(found),
        page=page,
        pages=pages,
        prompt=_prompt(grid, candidates, sources[shown[0]], references[shown[0]]) if shown else None,
        segments=tuple(
            _segment(candidates, index, sources[index], (references[index], *further[index]), guess).model_copy(
                update={"about": {name: values[index] for name, values in about.items() if values[index]}}
            )
            for index in shown
        ),
        labels={each.model: counted(each.labels if each.counted is None else each.counted) for each in candidates},
    )


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
        [_candidate(store, name, cell, metric, test) for name, cell in cells.items()],
    )


def _of_lines(candidate: Candidate, pair: Pair, held: NDArray[np.bool_]) -> Candidate:
    """A system with the scores of some lines; what is known of all lines alone is left out."""
    count = int(held.sum()) if candidate.lines else None
    cell = candidate.cell.model_copy(update={"segments": count, "cut": None, "too_long": None, "tokens": None})
    labels = tuple(each for each, is_held in zip(candidate.labels, held.tolist(), strict=False) if is_held)
    scores = scores_of_lines(pair, candidate.scores, held)
    return candidate.model_copy(update={"scores": scores, "cell": cell, "counted": labels})


def is_from_elsewhere(cell: CellRecord) -> bool:
    """Whether a cell was neither asked nor decoded here: its translations are from files, or its scores are quoted."""
    return cell.engine == ENGINE or cell.state.facts.is_quoted


def _prompt(grid: GridRecord, candidates: Sequence[Candidate], source: str, reference: str) -> str | None:
    """What the first system was asked that was asked here."""
    asked = next((each.cell for each in candidates if not is_from_elsewhere(each.cell)), None)
    return None if asked is None else rendered_prompt(grid, asked, source, reference)


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


def _candidate(store: Store, name: str, cell: CellRecord, metric: str, test: str | None) -> Candidate:
    if cell.state.facts.is_quoted:
        return Candidate(model=name, cell=cell, scores=tuple(store.cells.scores(cell.cell.id)))
    if not cell.hypotheses or not test or not cell.state.is_translated:
        return Candidate(model=name, cell=cell)
    scores = store.cells.scores(cell.cell.id)
    flaws = _flaws(store, test, cell.hypotheses)
    off_target = _off_target(scores) or [False] * len(flaws)
    lines = tuple(store.blobs.translation(cell.hypotheses))
    return Candidate(
        model=name,
        cell=cell,
        scores=tuple(scores),
        lines=lines,
        by_line=_by_line(cell.cell.pair, metric, scores),
        labels=tuple(
            (Label.OFF_TARGET, *found) if is_off else found for found, is_off in zip(flaws, off_target, strict=True)
        ),
        judgements=judgements_of(store, cell.cell.id, store.blobs.test(test)[0], [line.text for line in lines]),
    )


def _without_statistics(candidate: Candidate) -> Candidate:
    scores = tuple(score.model_copy(update={"statistics": None}) for score in candidate.scores)
    return candidate.model_copy(update={"scores": scores})


@lru_cache(maxsize=512)
def _flaws(store: Store, test: str, hypotheses: str) -> tuple[tuple[Label, ...], ...]:
    """Error labels of each line of a translation but for its language; cached by the blobs' addresses."""
    found = zip(*store.blobs.test(test), store.blobs.translation(hypotheses), strict=True)
    return tuple(
        labels(source, reference, line.text, line.finish_reason == "length", line.finish_reason in TOO_LONG)
        for source, reference, line in found
    )


def _off_target(scores: Sequence[StoredScore]) -> list[bool] | None:
    """Which hypotheses are in another language, from the last signature's statistics of that metric."""
    packed = [score.statistics for score in scores if score.metric == OFF_TARGET and score.statistics]
    return [bool(row[0]) for row in unpack(packed[-1]).tolist()] if packed else None


def _by_line(pair: Pair, metric: str, scores: Sequence[StoredScore]) -> tuple[float, ...] | None:
    """The score of each sentence alone, from the last signature's statistics."""
    kind = metric_class(metric)
    packed = [score.statistics for score in scores if score.metric == metric and score.statistics]
    if kind is None or not packed:
        return None
    return tuple(kind(pair).aggregate(unpack(packed[-1])).tolist())


def _rank(candidates: Sequence[Candidate], index: int, arrangement: Arrangement, better: int) -> float:
    """The place of a sentence among others; `better` is -1 for error rates, of which the highest is the worst."""
    scores = [better * each.by_line[index] for each in candidates if each.by_line]
    if not scores or arrangement is Arrangement.FILE:
        return 0.0
    return min(scores) if arrangement is Arrangement.WORST else min(scores) - max(scores)


def _segment(
    candidates: Sequence[Candidate], index: int, source: str, references: tuple[str, ...], guess: Guess
) -> Segment:
    reference, *further = references
    return Segment(
        number=index + 1,
        source=source,
        reference=reference,
        further=tuple(further),
        hypotheses=tuple(
            Hypothesis(
                model=each.model,
                text=each.lines[index].text,
                parts=tuple(parts(each.lines[index].text, reference)),
                was_cut=each.lines[index].finish_reason == "length",
                score=each.by_line[index] if each.by_line else None,
                labels=each.labels[index],
                language=guess(each.lines[index].text),
                judgements=each.judgements.get(index, ()),
            )
            for each in candidates
            if each.lines
        ),
    )
