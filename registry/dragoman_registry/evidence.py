"""The evidence a gate looks at, read from the store: a model's numbers, the base's and the incumbent's."""

import math
from collections.abc import Iterable

from dragoman import plugins
from dragoman.errors import DragomanError, nearest
from dragoman.identity import fingerprint
from dragoman.metrics.base import Metric
from dragoman.spec.promotion import Promotion
from dragoman.store.queries import metric_names, pair_scores
from dragoman.store.records import GridRecord
from dragoman.store.store import Store
from dragoman_registry.gate import GateReport, PairNumbers, in_scope, judge
from dragoman_registry.incumbent import beside_incumbent
from dragoman_registry.versions import RegisteredVersion

UNKNOWN_INCUMBENT = "unknown"
"""What a report calls an incumbent that Dragoman did not register."""


class PolicyError(DragomanError):
    """A promotion policy that this grid can't be held to."""


def policy_id(policy: Promotion) -> str:
    """The hash of a policy."""
    return fingerprint("policy", 1, policy.model_dump(mode="json"))


def gate(
    store: Store, grid: GridRecord, model: str, policy: Promotion, incumbent: RegisteredVersion | None
) -> GateReport:
    """Hold a policy to one model of a grid.

    Args:
        store: the results store.
        grid: the grid.
        model: the model's name in it.
        policy: the rules.
        incumbent: the version the alias stands at, which rules of regression compare with.

    Raises:
        PolicyError: the policy names a metric that the grid was not scored with.
        StoreError: the grid has no such model, or its scores can't be compared.
    """
    check_metrics(store, grid, policy)
    metrics = dict.fromkeys(rule.metric for rule in policy.rules)
    model_id = id_of(grid, model)
    numbers = {metric: _numbers(store, grid.name, model, metric) for metric in metrics}
    if incumbent is not None:
        cells = {record.cell.pair: record.cell for record in store.cells(grid.name) if record.cell.model == model_id}
        tested = {rule.metric for rule in policy.rules if rule.significant_losses_at_most is not None}
        for metric, found in numbers.items():
            numbers[metric] = beside_incumbent(store, metric, found, cells, incumbent, metric in tested)
    lower = frozenset(metric for metric in metrics if not _higher_is_better(metric))
    return GateReport(
        grid=grid.name,
        model=model,
        model_id=model_id,
        policy=policy_id(policy),
        incumbent=None if incumbent is None else incumbent.model or UNKNOWN_INCUMBENT,
        findings=judge(policy, numbers, lower, incumbent is not None),
    )


def candidate(store: Store, grid: GridRecord, policy: Promotion, models: Iterable[str]) -> str:
    """The model with the best mean under the policy's metric and scope; of equals, the first.

    A pair that any of the models lacks a score for counts for none of them.

    Raises:
        PolicyError: the policy names a metric that the grid was not scored with, or no model has a score.
    """
    check_metrics(store, grid, policy)
    scores = {model: _numbers(store, grid.name, model, policy.metric) for model in models}
    lacking = {each.pair for numbers in scores.values() for each in numbers if each.value is None}
    means: dict[str, float] = {}
    for model, numbers in scores.items():
        common = [each for each in in_scope(numbers, policy.over) if each.pair not in lacking]
        values = [each.value for each in common if each.value is not None]
        if values:
            means[model] = math.fsum(values) / len(values)
    if not means:
        raise PolicyError(
            f"None of the models of '{grid.name}' has a score in {policy.metric} over {policy.over}, so none can be a "
            f"candidate for '{policy.model}': run the grid again, or choose another metric or scope in promotion."
        )
    better = 1 if _higher_is_better(policy.metric) else -1
    return max(means, key=lambda model: better * means[model])


def check_metrics(store: Store, grid: GridRecord, policy: Promotion) -> None:
    """Refuse a policy whose metrics the grid was never asked for: its rules could only fail.

    Raises:
        PolicyError: it names such a metric.
    """
    known = metric_names(store, grid.name)
    for metric in (policy.metric, *(rule.metric for rule in policy.rules)):
        if metric not in known:
            raise PolicyError(
                f"The policy speaks of the metric '{metric}', which '{grid.name}' is not scored with; "
                f"{nearest(metric, known)}"
            )


def id_of(grid: GridRecord, model: str) -> str:
    """The id of a grid's model by its name there."""
    return next(identity for identity, name in grid.names.items() if name == model)


def _numbers(store: Store, grid: str, model: str, metric: str) -> list[PairNumbers]:
    return [
        PairNumbers(
            pair=score.pair,
            partition=score.partition,
            value=score.value,
            base=score.base_value,
            signature=score.signature or "",
            reason="" if score.value is not None else score.reason or str(score.state),
        )
        for score in pair_scores(store, grid, model, metric)
    ]


def _higher_is_better(metric: str) -> bool:
    found: type[Metric] = plugins.load("metrics", metric)
    return found.higher_is_better
