"""Options that print what a paper has to say of numbers, in place of tables: citations, and a methods paragraph."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated

import typer

from dragoman.analysis.citations import citations
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.test_sets import test_sets_of
from dragoman.reports.methods import methods_paragraph
from dragoman.reports.results import captioned
from dragoman.store.store import Store
from dragoman.tables.render import Form

CiteOption = Annotated[
    bool,
    typer.Option(
        "--cite", help="Print what to cite in place of tables, as BibTeX: Dragoman, test sets, metrics, and tests."
    ),
]
MethodsOption = Annotated[
    bool,
    typer.Option(
        "--methods", help="Print a paragraph on methods in place of tables, for a paper: Markdown, or LaTeX (--latex)."
    ),
]


def about_numbers(
    store: Store, questions: Mapping[ScoreQuestion, Sequence[str]], *, is_paragraph: bool
) -> Callable[[Form], str]:
    """What makes the citations of some grids' results, or a paragraph for each grid and test set.

    Args:
        store: the store.
        questions: the models of each grid's question.
        is_paragraph: whether the paragraphs are asked for.

    Raises:
        StoreError: something named is not there, or scores would be mixed that can't be compared.
    """
    found = [
        (asked, captioned(store, asked, models))
        for question, models in questions.items()
        for asked in _by_test_set(store, question)
    ]
    if not is_paragraph:
        text = citations([caption for _, captions in found for caption in captions.values()])
        return lambda _: text
    grids = {asked.grid: store.grids.get(asked.grid) for asked, _ in found}

    def paragraphs(form: Form) -> str:
        parts = (
            methods_paragraph(captions, grids[asked.grid], is_latex=form is Form.LATEX) for asked, captions in found
        )
        return "\n".join(parts)

    return paragraphs


def _by_test_set(store: Store, question: ScoreQuestion) -> list[ScoreQuestion]:
    """The question on each test set of its grid, or on the one it names."""
    names = test_sets_of(store, question.grid)
    if question.test_set is not None or len(names) < 2:
        return [question]
    return [replace(question, test_set=name) for name in names]
