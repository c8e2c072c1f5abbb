"""The systems of a plan whose translations are in files: scored without a cluster, and written into the store."""

from collections.abc import Callable
from functools import partial

from dragoman.metrics.scoring import text_metrics
from dragoman.pair import Pair
from dragoman.planning.baselines import PlannedBaseline, files_of, test_lines_of
from dragoman.planning.plan import Plan
from dragoman.planning.planned_test_set import PlannedTestSet, test_set_named
from dragoman.store.store import Store
from dragoman.translations.base import TranslationFiles
from dragoman.translations.committing import commit, uncommitted
from dragoman.translations.system import TestLines, unchanged


def commit_systems(
    plan: Plan, store: Store, workers: int = 1, advance: Callable[[int, int], None] | None = None
) -> None:
    """Score and commit what the store lacks of the systems from files of a grid that is in it.

    Args:
        plan: the grid.
        store: where it is kept.
        workers: processes that score.
        advance: called with the number of cells of a system done, and of how many.

    Raises:
        DragomanError: a file is gone or has been changed, or the store can't be written to.
    """
    metrics = text_metrics(plan.spec.evaluation.metric_names)
    for planned in plan.from_files.values():
        cells = uncommitted(store, plan.spec.name, planned.identity.id)
        if not cells:
            continue
        test_set = test_set_named(plan.test_sets, planned.baseline.test_set)
        lines = test_set.tested.lines
        files = files_of(plan.spec, planned.baseline, lines)
        commit(
            store, cells, partial(_hypotheses, test_set, planned, files, partial(test_lines_of, lines)),
            languages=plan.spec.languages, metrics=metrics, workers=workers, advance=advance,
        )  # fmt: skip


def _hypotheses(
    test_set: PlannedTestSet, planned: PlannedBaseline, files: TranslationFiles, test_lines: TestLines, pair: Pair
) -> list[str]:
    """The translations of a pair, without those of test sentences that are left out."""
    left_out = test_set.left_out.get(pair, ())
    whole = unchanged(files, planned.contents, pair, test_lines)
    return [line for number, line in enumerate(whole, 1) if number not in left_out]
