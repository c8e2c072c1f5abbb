"""Query for sentences: reads the translations of a grid's pairs, and chooses among them by score or by label."""

from collections.abc import Iterable, Sequence
from contextlib import nullcontext, suppress
from math import inf
from typing import NamedTuple

from dragoman.analysis.pair_differences import higher_is_better
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.systems import metric_names
from dragoman.errors import StoreError, nearest
from dragoman.judgement.base import JudgementError
from dragoman.judgement.texts import GridTexts, PairTexts
from dragoman.line_filter import LineFilter
from dragoman.metrics.errors.label import Label
from dragoman.metrics.lookup import sentence_metric
from dragoman.pair import Pair
from dragoman.sentences.labels import found_labels, in_wrong_language, scores_by_line, with_language
from dragoman.sentences.sentences import Sentence, Sentences, Translated
from dragoman.store.blobs import Bitext
from dragoman.store.records import StoredScore
from dragoman.store.store import Store


class Choice(NamedTuple):
    """Which sentences are wanted."""

    labels: tuple[Label, ...] = ()
    """Those in which a translation has one of these error labels; all by default."""
    flipped: tuple[str, str] | None = None
    """Those that one system has right, or better, and the other wrong, or worse: with labels, the first has none of
    them and the second has one; otherwise the first has the better score."""
    worst: int | None = None
    """So many of those: with the lowest score of any system, or, of flipped ones, with the largest difference."""


def sentences(
    store: Store,
    question: ScoreQuestion,
    *,
    pairs: Sequence[Pair | str] = (),
    systems: Sequence[str] = (),
    choice: Choice | None = None,
) -> Sentences:
    """The sentences of some pairs of a grid, in their order, or the worst first.

    Args:
        store: the store.
        question: grid, metric of the scores, and where there are several signature, prompt, test set and test lines.
        pairs: the pairs; all that have translations by default.
        systems: the systems shown, `MODEL` or `MODEL:PROMPT`; all by default, and of flipped sentences the two.
        choice: which sentences; all by default.

    Raises:
        StoreError: something named is not there, or there are no scores to choose by.
        JudgementError: nothing has translated a pair.
    """
    choice = choice or Choice()
    texts = GridTexts(store, question.grid, question.test_set)
    names = _systems(texts, question, [*(choice.flipped or ()), *systems])
    found = [texts.pair(str(pair)) for pair in pairs] or texts.pairs
    reader = _Reader(store, question, names)
    every = list[Sentence]()
    for pair in found:
        with nullcontext() if pairs else suppress(JudgementError):  # what was not named may be still to do
            every += reader.read(texts.of(pair))
    if question.lines and not every:
        raise StoreError(f"No test line of {', '.join(map(str, found))} has {question.lines}: choose others.")
    chosen = _chosen(every, choice, question.metric)
    return Sentences(
        grid=question.grid, metric=question.metric, signature=reader.signature, systems=tuple(names),
        pairs=tuple(found), chosen=tuple(chosen),
        how=f"{len(chosen):,} of {len(every):,} sentences{_told(choice, question.metric)}.",
    )  # fmt: skip


def default_metric(store: Store, grid: str, metric: str | None) -> str:
    """The metric of sentences: the one named, else the grid's first that judges single sentences, else its first.

    Raises:
        StoreError: the grid is unknown, or has no scores of that metric, or of none.
    """
    known = metric_names(store, grid)
    if metric is None:
        found = sentence_metric(known)
        if found is None:
            raise StoreError(f"Grid '{grid}' has no scores: `dragoman score {grid} --metric METRIC` adds some.")
        return found
    if metric not in known:
        raise StoreError(f"Grid '{grid}' has no scores of '{metric}'; {nearest(metric, known)}")
    return metric


def label_named(name: str) -> Label:
    """The error label of a name.

    Raises:
        StoreError: there is none.
    """
    try:
        return Label(name.removeprefix("error_"))
    except ValueError as error:
        raise StoreError(f"There is no error label '{name}'; {nearest(name, Label)}") from error


def _systems(texts: GridTexts, question: ScoreQuestion, wanted: Sequence[str]) -> list[str]:
    """The names of the systems asked for; all that were asked with the question's prompt by default."""
    own = [name for name, each in texts.systems.items() if question.prompt in (None, each.prompt)]
    if question.prompt is not None and not own:
        known = {str(each.prompt) for each in texts.systems.values()}
        raise StoreError(f"Grid '{question.grid}' has no prompt '{question.prompt}'; {nearest(question.prompt, known)}")
    for name in wanted:
        if name not in texts.systems:
            raise StoreError(f"Grid '{question.grid}' has no system '{name}'; {nearest(name, texts.systems)}")
    return list(dict.fromkeys(wanted)) or own


class _Reader:
    """Reads the sentences of pairs, their scores all under one signature."""

    def __init__(self, store: Store, question: ScoreQuestion, names: Sequence[str]) -> None:
        self.signature: str | None = None
        self._store, self._question, self._names = store, question, names
        self._languages = store.grids.get(question.grid).languages

    def read(self, texts: PairTexts) -> list[Sentence]:
        """The sentences of a pair, as far as one of the systems has translated it."""
        names = [name for name in self._names if name in texts.cells]
        if not names:
            return []
        first = texts.cells[names[0]]
        text = self._store.blobs.test_text(str(first.test))
        scores = {name: self._store.cells.scores(texts.cells[name].cell.id) for name in names}
        kept = self._of_one_signature(scores.values())
        columns = [self._column(texts, name, text, scores[name], kept) for name in names]
        key = (first.cell.test_set, texts.pair, first.cell.content)
        labels = self._store.conditions.labels_of_grid(self._question.grid, texts.pair).get(key, {})
        count = len(text.sources)
        lines = self._question.lines
        held = LineFilter.parse(lines).chosen(texts.pair, labels, count).tolist() if lines else [True] * count
        return [
            Sentence(
                texts.pair, place + 1, text.sources[place], text.references[place], text.further[place],
                {name: values[place] for name, values in labels.items() if values[place]},
                tuple(column[place] for column in columns),
            )
            for place in range(count)
            if held[place]
        ]  # fmt: skip

    def _of_one_signature(self, scores: Iterable[Sequence[StoredScore]]) -> str | None:
        """The signature of the metric that all of some cells have statistics under; of several, the last."""
        wanted = self._question.signature or ""
        by_cell = [
            {
                each.signature
                for each in its
                if each.metric == self._question.metric and each.statistics and wanted in each.signature
            }
            for its in scores
        ]
        scored = [each for each in by_cell if each]
        found = max(set.intersection(*scored), default=None) if scored else None
        self.signature = self.signature or found
        return found

    def _column(
        self, texts: PairTexts, name: str, text: Bitext, scores: Sequence[StoredScore], signature: str | None
    ) -> list[Translated]:
        cell = texts.cells[name]
        lines = self._store.blobs.translation(str(cell.hypotheses))
        shown = self._store.conditions.prompts([cell.cell.prompt]).get(cell.cell.prompt)
        found = found_labels(texts.pair, self._languages, text, lines, shown)
        wrong = in_wrong_language(scores) or [False] * len(lines)
        own = [each for each in scores if each.signature == signature]
        alone = scores_by_line(texts.pair, self._question.metric, own) or [None] * len(lines)
        return [
            Translated(
                name, line.text, score, tuple(with_language(labels, line.text) if is_wrong else labels),
                line.finish_reason,
            )
            for line, score, labels, is_wrong in zip(lines, alone, found, wrong, strict=True)
        ]  # fmt: skip


def _chosen(every: Sequence[Sentence], choice: Choice, metric: str) -> list[Sentence]:
    """The sentences wanted, in their order."""
    better = 1 if higher_is_better(metric) else -1
    scored = any(own.score is not None for each in every for own in each.translations)
    if every and not scored and (choice.worst is not None or (choice.flipped and not choice.labels)):
        raise StoreError(
            f"There are no scores of single sentences by {metric}: name another metric with --metric, or choose by "
            "--label."
        )

    def lead(each: Sentence) -> float:
        """By how much the first of two systems is ahead; below any number where one has no score."""
        own, other = map(each.by, choice.flipped or ("", ""))
        if own is None or other is None or own.score is None or other.score is None:
            return -inf
        return better * (own.score - other.score)

    def lowest(each: Sentence) -> float:
        return min((better * own.score for own in each.translations if own.score is not None), default=inf)

    if choice.flipped and choice.labels:
        wanted = set(choice.labels)
        first, second = choice.flipped
        found = [each for each in every if not _has(each, first, wanted, True) and _has(each, second, wanted, False)]
    elif choice.flipped:
        found = [each for each in every if lead(each) > 0]
    else:
        names = {own.system for each in every for own in each.translations}
        wanted = set(choice.labels)
        found = [each for each in every if not wanted or any(_has(each, name, wanted, False) for name in names)]
    if choice.flipped and (choice.worst is not None or not choice.labels):
        found.sort(key=lead, reverse=True)
    elif choice.worst is not None:
        found.sort(key=lowest)
    return found if choice.worst is None else found[: choice.worst]


def _has(each: Sentence, system: str, labels: set[Label], if_none: bool) -> bool:
    """Whether a system's translation has one of some labels."""
    own = each.by(system)
    return if_none if own is None else not labels.isdisjoint(own.labels)


def _told(choice: Choice, metric: str) -> str:
    """What was chosen, as the end of a sentence."""
    labels = " or ".join(label.facts.title for label in choice.labels)
    order = ""
    if choice.flipped:
        first, second = choice.flipped
        what = (
            f", {second} with {labels} and {first} without"
            if labels
            else f", {first} with a better {metric} than {second}"
        )
        order = "" if labels and choice.worst is None else "; the largest difference first"
    else:
        what = f" with {labels}" if labels else ""
        order = f"; the worst {metric} of any system first" if choice.worst is not None else ""
    return what + order
