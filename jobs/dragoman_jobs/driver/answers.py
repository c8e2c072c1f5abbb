"""The results of a grid, as its driver prints them at the end."""

import sys

from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.systems import model_names
from dragoman.planning.plan import Plan
from dragoman.reports.results_by_test_set import answers_by_test_set
from dragoman.store.store import Store
from dragoman.tables.render import Form, render


def print_answers(plan: Plan, store: Store) -> None:
    """Print what `dragoman results GRID` prints.

    Args:
        plan: the grid.
        store: where it is.
    """
    grid, metric = plan.spec.name, plan.spec.evaluation.metric_names[0]
    with store.snapshot() as snapshot:
        tables = answers_by_test_set(snapshot, ScoreQuestion(grid, metric), models=model_names(snapshot, grid))
        text = render(tables, Form.TEXT)
    sys.stdout.write(text)
