"""The tables of the results of a grid that has several test sets: those of each, one below the other."""

from collections.abc import Sequence
from dataclasses import replace

from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.test_sets import test_sets_of
from dragoman.reports.campaign import across
from dragoman.reports.overview import EVERYTHING, Layout
from dragoman.reports.results import answers
from dragoman.reports.slices import by_label
from dragoman.store.store import Store
from dragoman.tables.table import Table


def answers_by_test_set(
    store: Store,
    question: ScoreQuestion,
    *,
    models: Sequence[str],
    other_languages: bool = False,
    with_quoted: bool = False,
    by: str | None = None,
    layout: Layout = EVERYTHING,
) -> list[Table]:
    """What `answers` gives, on every test set of the grid or on the one named; no mean is over two of them.

    Args:
        store: the store.
        question: the query.
        models: names of the models.
        other_languages: give means a second interval, with other languages.
        with_quoted: set quoted scores beside the others.
        by: in place of these tables the one of the slices that a label makes.
        layout: what of the overview is shown.

    Raises:
        StoreError: the grid is unknown, or has no test set or prompt of that name.
    """

    def answered(asked: ScoreQuestion) -> list[Table]:
        if by is not None:
            return [by_label(store, asked, models=models, label=by)]
        return answers(
            store, asked, models=models, other_languages=other_languages, with_quoted=with_quoted, layout=layout
        )

    names = test_sets_of(store, question.grid)
    if question.test_set is not None or len(names) < 2:
        return answered(question)
    return across(question.grid, {name: answered(replace(question, test_set=name)) for name in names}, by="test_set")
