"""View model of the sentences of one pair: source, reference, and each system's hypothesis."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from math import inf

from pydantic import BaseModel, ConfigDict, Field

from dragoman.analysis.pair_differences import higher_is_better
from dragoman.metrics.errors.label import Label
from dragoman.metrics.errors.metric import Places
from dragoman.pair import Pair
from dragoman.store.records import GridRecord
from dragoman.store.store import Store
from dragoman_ui.viewmodels.candidates import Asking, Candidate, is_from_elsewhere, of_lines, side_by_side
from dragoman_ui.viewmodels.error_labels import Guess, Piece, counted, pieces
from dragoman_ui.viewmodels.judgements import Judgement
from dragoman_ui.viewmodels.metric_errors import MetricErrors, errors_of
from dragoman_ui.viewmodels.prompts import rendered_prompt
from dragoman_ui.viewmodels.slices import held_lines, labels_of_cell
from dragoman_ui.viewmodels.text_diff import Part, lacking, parts

PAGE = 50
"""Sentences on one page."""


class Arrangement(StrEnum):
    """The order of sentences."""

    FILE = "file"
    """As in the test set."""
    WORST = "worst"
    """The lowest score of any model first."""
    APART = "apart"
    """Where the models' scores lie furthest apart first."""


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
    places: dict[Label, Places] = Field(default_factory=dict)
    """The stretches of it that make each label: start and end (exclusive), in code points."""
    language: str | None = None
    """The detected language; None where it can't be detected."""
    score: float | None
    """Its score alone; corpus scores are no means of these."""
    judgements: tuple[Judgement, ...] = ()
    """What people said of it."""
    errors: tuple[MetricErrors, ...] = ()
    """What metrics and judges mark in it."""

    @property
    def pieces(self) -> list[Piece]:
        """The same in pieces, parted where a label begins or ends too."""
        return pieces(self.parts, self.places)


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

    @property
    def lacked(self) -> list[Part]:
        """The reference in stretches that a hypothesis has at their place, and that all of them lack."""
        return lacking(self.reference, [each.text for each in self.hypotheses])

    def lacks(self, hypothesis: Hypothesis) -> list[str] | None:
        """The stretches of the reference that a hypothesis lacks; None where that is most of it, or all."""
        found = lacking(self.reference, [hypothesis.text])
        gone = [part.text.strip() for part in found if not part.matches]
        return gone if 2 * sum(map(len, gone)) <= len(self.reference) else None


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
    marking: tuple[str, ...] = ()
    """The metrics that mark errors in the page's translations."""
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
        candidates = [of_lines(each, pair, held) for each in candidates]
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
    marking = {
        metric for each in candidates for metric, spans in each.errors.items() if any(spans[index] for index in shown)
    }
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
        marking=tuple(sorted(marking)),
        labels={each.model: counted(each.labels if each.counted is None else each.counted) for each in candidates},
    )


def _prompt(grid: GridRecord, candidates: Sequence[Candidate], source: str, reference: str) -> str | None:
    """What the first system was asked that was asked here."""
    asked = next((each.cell for each in candidates if not is_from_elsewhere(each.cell)), None)
    return None if asked is None else rendered_prompt(grid, asked, source, reference)


def _without_statistics(candidate: Candidate) -> Candidate:
    scores = tuple(score.model_copy(update={"statistics": None, "spans": None}) for score in candidate.scores)
    return candidate.model_copy(update={"scores": scores})


def _rank(candidates: Sequence[Candidate], index: int, arrangement: Arrangement, better: int) -> float:
    """The place of a sentence among others; `better` is -1 for error rates, of which the highest is the worst.

    One that no system has a score of is last, as nothing is known of it.
    """
    given = [each.by_line[index] for each in candidates if each.by_line]
    scores = [better * score for score in given if score is not None]
    if arrangement is Arrangement.FILE:
        return 0.0
    if not scores:
        return inf
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
                labels=tuple(each.labels[index]),
                places=dict(each.labels[index]),
                language=guess(each.lines[index].text),
                judgements=each.judgements.get(index, ()),
                errors=errors_of(each.errors, index, source, each.lines[index].text),
            )
            for each in candidates
            if each.lines
        ),
    )
