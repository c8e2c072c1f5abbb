"""The table of what a promotion policy can tell on a test set, before anything is trained."""

from collections.abc import Sequence

from dragoman.analysis.known_differences import KnownErrors, known_errors
from dragoman.analysis.power import HALF_DEVIATE, passes_margin, smallest_excluded
from dragoman.analysis.units import units_of_lines
from dragoman.planning.plan import Plan
from dragoman.planning.planned_test_set import PlannedTestSet, test_set_named
from dragoman.reports.planned_test_sets import columns_of
from dragoman.reports.scores import finer
from dragoman.spec.promotion import Rule, is_in
from dragoman.store.repositories.known import known_models
from dragoman.store.store import Store
from dragoman.tables.table import Table, number, word


def power(planned: Plan, store: Store | None) -> Table:
    """What each rule about a regression can tell on the test set of a plan, for each rule of the policy.

    How far two models' scores differ by chance is read from models that are scored on the same lines.
    """
    policy = planned.spec.promotion
    asked = [rule for rule in policy.every_rule if rule.is_of_mean and not rule.each] if policy else []
    rules = [rule for rule in asked if not rule.lines]
    rows, notes = [], []
    if len(rules) < len(asked):
        notes.append(
            "Rules about a slice of the test lines tell less, from fewer lines: `dragoman gate` prints how much."
        )
    for metric, name in dict.fromkeys((rule.metric, rule.test_set) for rule in rules):
        of_metric = [rule for rule in rules if (rule.metric, rule.test_set) == (metric, name)]
        test_set, subject = test_set_named(planned.test_sets, name), of_metric[0].subject
        known = _known(planned, store, metric, of_metric, test_set) if store else None
        if store is None or known is None:
            notes.append(
                f"What the rules on {subject} can tell is known when two models are scored on this test set; "
                "`dragoman gate` prints it then."
            )
            continue
        notes.append(
            f"{subject}: read from {' and '.join(store.models.get(model).name for model in known.models)}, on the same "
            "sentences; models that are more alike are told apart more closely."
        )
        rows += [_row(rule, known.errors[str(rule.over)]) for rule in of_metric if str(rule.over) in known.errors]
    return Table(
        name="power",
        title="What the rules about regressions can tell",
        columns=[
            word("metric"), *columns_of(planned), word("over"), finer("error", "standard error"),
            finer("excluded", "smallest regression ruled out"),
            finer("margin"), number("equal_passes", "equal models passing %", digits=0),
            finer("half", "worse by, passing the test half the time"),
        ],
        content=rows,
        notes=[*notes, *(["Ruled out: of models as good as the champion, for four in five."] if rows else [])],
    )  # fmt: skip


def _known(
    planned: Plan, store: Store, metric: str, rules: Sequence[Rule], test_set: PlannedTestSet
) -> KnownErrors | None:
    graph = planned.trainings[0].graph.inherit(planned.base_graph)
    partitions = {pair: graph.partition(pair) for pair in test_set.contents}
    groups = {
        str(rule.over): [pair for pair, partition in partitions.items() if is_in(rule.over, pair, partition)]
        for rule in rules
    }
    stored = known_models(store).values()
    own = {model.id: place for place, model in enumerate(planned.models)}
    trained = sorted(stored, key=lambda model: (-own.get(model.id, -1), not model.is_trained, -model.created))
    units = units_of_lines({pair: test_set.lines.located(pair) for pair in test_set.contents})
    return known_errors(store, metric, test_set.contents, [model.id for model in trained], units, groups)


def _row(rule: Rule, error: float) -> dict[str, object]:
    margin = rule.regression_upper_at_most
    return {
        "metric": rule.metric,
        "test_set": rule.test_set,
        "over": str(rule.over),
        "error": error,
        "excluded": smallest_excluded(error),
        "margin": margin,
        "equal_passes": None if margin is None else 100 * passes_margin(margin, error),
        "half": HALF_DEVIATE * error if rule.no_significant_regression else None,
    }
