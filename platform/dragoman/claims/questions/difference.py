"""The questions of differences between two systems: of their scores, their error rates, or of one under two prompts."""

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from scipy.special import ndtr

from dragoman.analysis.aggregation import ALL, SCOPES
from dragoman.analysis.cells_hash import cells_hash, cells_of
from dragoman.analysis.comparison import ScopeDifference, scope_differences
from dragoman.analysis.finding import Finding
from dragoman.analysis.line_slice import reading
from dragoman.analysis.pair_differences import two_models
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.claims.question import Asked, Question, QuestionOptions
from dragoman.claims.questions.normal_interval import error_of
from dragoman.claims.questions.over_draws import over_draws
from dragoman.errors import StoreError, nearest
from dragoman.store.store import Store

PAIRS = "pairs, over their sentences"
"""What chance is over."""


class DifferenceQuestion(Question):
    """How much higher are the scores of system b than of system a?"""

    title: ClassVar = "difference of two systems, b minus a"
    fewest: ClassVar = 1

    class Options(QuestionOptions):
        """The two systems."""

        a: str
        """The one: `MODEL`, `MODEL:PROMPT`, or of another grid `GRID/...`."""
        b: str
        """The other."""
        partition: str = ALL
        """The pairs: a partition of b, `unseen` or `all`."""

    def find(self, store: Store, asked: Asked) -> Finding:
        """The difference, b minus a."""
        return _difference(store, asked, self.options.a, self.options.b, self.options.partition)


class RateDifferenceQuestion(DifferenceQuestion):
    """How much higher is an error rate of system b than of system a?"""

    title: ClassVar = "difference of an error rate of two systems, b minus a"

    class Options(DifferenceQuestion.Options):
        """The two systems, and the rate."""

        rate: str = "off_target"
        """The metric that is the rate; the share of wrong languages by default."""

    def find(self, store: Store, asked: Asked) -> Finding:
        """The difference of the rates."""
        return super().find(store, asked._replace(metric=self.options.rate))


class PromptDifferenceQuestion(Question):
    """How much higher are the scores of a model under prompt b than under prompt a?"""

    title: ClassVar = "difference of two prompts, b minus a"
    fewest: ClassVar = 1

    class Options(QuestionOptions):
        """The model and the two prompts."""

        model: str
        """The model."""
        a: str
        """Name of the one prompt, such as the one without or with a wrong instruction."""
        b: str
        """Name of the other."""
        partition: str = ALL
        """The pairs: a partition of the model, `unseen` or `all`."""

    def find(self, store: Store, asked: Asked) -> Finding:
        """The difference."""
        one, two = (f"{self.options.model}:{prompt}" for prompt in (self.options.a, self.options.b))
        return _difference(store, asked._replace(prompt=None), one, two, self.options.partition)


def _difference(store: Store, asked: Asked, a: str, b: str, scope: str) -> Finding:
    """The difference on a grid, tested over sentences; of a campaign the mean, tested over draws of training pairs."""
    if scope not in SCOPES:
        raise StoreError(f"'{scope}' is no partition; {nearest(scope, SCOPES)}")
    questions = asked.each_grid(store)
    is_one = len(questions) == 1
    found, cells = dict[str, ScopeDifference](), set[str]()
    for question in questions:
        cells |= _cells(store, question, a, b)
        for each in scope_differences(store, question, a=a, b=b, resample=is_one):
            if each.scope == scope and each.delta is not None:
                found[question.grid] = each
    behind = cells_hash(cells)
    if not found:
        why = f"There is no pair that is {scope} and that both have a score for."
        return Finding(of_what=PAIRS, cells=behind, why=why)
    if is_one:
        return replace(_finding(found[questions[0].grid], asked.value), cells=behind)
    return replace(
        _over_draws(store, asked, {grid: float(each.delta or 0) for grid, each in found.items()}), cells=behind
    )


def _over_draws(store: Store, asked: Asked, deltas: Mapping[str, float]) -> Finding:
    """The mean over draws of the differences on the grids of a campaign."""
    scores = asked.scores(store, fewest=1)
    draw_of = {model.grid: draw for model, draw in zip(scores.models, scores.draws, strict=True)}
    by_draw: dict[int, list[float]] = {}
    for grid, delta in deltas.items():
        if grid in draw_of:
            by_draw.setdefault(draw_of[grid], []).append(delta)
    return over_draws(list(by_draw.values()), asked.value)


def _finding(found: ScopeDifference, null: float) -> Finding:
    """The finding of a scope; against another value than 0 by the interval, as tests are of no difference."""
    finding = Finding(
        estimate=found.delta, low=found.low, high=found.high, p=found.p_value, n=found.done, of_what=PAIRS
    )
    if found.p_value is None or found.low is None or found.high is None or found.delta is None:
        return replace(finding, why="There are no statistics of sentences, so there is no test.")
    if null == 0:
        return finding
    error = error_of(found.low, found.high)
    certain = 0.0 if found.delta != null else 1.0
    return replace(finding, p=2 * float(ndtr(-abs(found.delta - null) / error)) if error else certain)


def _cells(store: Store, question: ScoreQuestion, a: str, b: str) -> set[str]:
    with reading(store, question, a, b) as connection:
        part, a_id, b_id, _ = two_models(connection, question, a=a, b=b)
        return cells_of(connection, part, {a_id, b_id})
