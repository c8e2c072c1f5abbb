"""The evidence of a gate, read from the store: the scores of a model, its base and the incumbent."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from dragoman.analysis.aggregation import mean
from dragoman.analysis.caption import caption_of
from dragoman.analysis.line_labels import lines_of
from dragoman.analysis.line_slice import reading
from dragoman.analysis.pair_scores import pair_scores
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.score_slice import Slice
from dragoman.analysis.scores_by_text import Held
from dragoman.analysis.seeds import seed_groups
from dragoman.analysis.systems import metric_names
from dragoman.analysis.units import Units, units_of
from dragoman.cell import Cell
from dragoman.errors import DragomanError, nearest
from dragoman.identity import fingerprint
from dragoman.line_filter import LineFilter
from dragoman.metrics.lookup import installed_metric
from dragoman.model import is_from_elsewhere, is_quoted
from dragoman.pair import Pair
from dragoman.planning.candidates import candidates_name
from dragoman.spec.grid import GridSpec
from dragoman.spec.promotion import CONTAMINATION, Promotion, Rule
from dragoman.store.records import GridRecord
from dragoman.store.store import Store
from dragoman_registry.gate.contamination import contamination
from dragoman_registry.gate.gate import Bounded, PairNumbers, in_scope, judge
from dragoman_registry.gate.incumbent import adjusted_tests, beside_incumbent
from dragoman_registry.gate.report import GateReport, RuleTest
from dragoman_registry.registry_client.versions import RegisteredVersion, id_of

UNKNOWN_INCUMBENT = "unknown"
"""What a report calls an incumbent that Dragoman did not register."""


class PolicyError(DragomanError):
    """A promotion policy that this grid can't be held to."""


def policy_id(policy: Promotion) -> str:
    """The hash of a policy."""
    # a key added to policies one day leaves the hashes of those without it as they are
    return fingerprint("policy", 2, policy.model_dump(mode="json", exclude_defaults=True))


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
    check_test_sets(grid, policy)
    questions = {rule.subject: _question(grid, policy, rule) for rule in policy.every_rule}
    model_id = id_of(grid, model)
    if is_from_elsewhere(recipe := store.models.get(model_id).recipe):
        what = "scores are quoted" if is_quoted(recipe) else "translations are from files"
        raise PolicyError(f"'{model}' has no model that could be promoted: its {what}. Name a model of the grid.")
    numbers = {subject: _numbers(store, grid, model, policy, question) for subject, question in questions.items()}
    tests: dict[Bounded, RuleTest] = {}
    prompt = GridSpec.from_store(grid.spec).prompts[0].id
    planned = [record.cell for record in store.cells.of_grid(grid.name, model=model_id)]
    cells = [cell for cell in planned if cell.prompt == prompt]
    if incumbent is not None:
        units: dict[tuple[str | None, str | None], Units] = {}
        for subject, question in questions.items():
            if question.metric != CONTAMINATION:
                key = question.test_set, question.lines
                if key not in units:
                    units[key] = _units(store, model, question)
                tested = _test_set(grid, question.test_set, cells)
                of_set = {cell.pair: cell for cell in cells if cell.test_set == tested}
                held = _held(store, grid, question.lines)
                beside = beside_incumbent(
                    store, policy, subject, numbers[subject], of_set, incumbent, units[key], held=held
                )
                numbers[subject] = beside.numbers
                tests |= beside.tests
    looked_at = _test_set(grid, policy.test_set, cells)
    named = {question.test_set for question in questions.values()} - {None}
    further = {str(_test_set(grid, name, cells)) for name in named}
    lower = frozenset(rule.metric for rule in policy.every_rule if not _higher_is_better(rule.metric))
    return GateReport(
        grid=grid.name,
        model=model,
        model_id=model_id,
        policy=policy_id(policy),
        held_to=policy,
        incumbent=None if incumbent is None else incumbent.model or UNKNOWN_INCUMBENT,
        test_set=looked_at,
        further_test_sets=tuple(sorted(further - {looked_at})),
        captions={
            subject: caption_of(store, question, model=model)
            for subject, question in questions.items()
            if question.metric != CONTAMINATION
        },
        findings=judge(policy, numbers, lower, incumbent is not None, adjusted_tests(tests, policy)),
    )


def _held(store: Store, grid: GridRecord, lines: str | None) -> Held | None:
    """The lines of each text of a grid that a filter chooses; None for all."""
    if lines is None:
        return None
    asked, labels = LineFilter.parse(lines), store.conditions.labels_of_grid(grid.name)
    return {(pair, content): asked.chosen(pair, its, lines_of(its)) for (_, pair, content), its in labels.items()}


def _test_set(grid: GridRecord, name: str | None, cells: Sequence[Cell]) -> str | None:
    """The identity of a grid's test set by its name, by default of the first."""
    named = {each: identity for identity, each in grid.test_sets.items()}
    by_default = next(iter(grid.test_sets), None) or next((cell.test_set for cell in cells), None)
    return by_default if name is None else named[name]


def _units(store: Store, model: str, question: ScoreQuestion) -> Units:
    """The sentences of the test lines of a grid's pairs."""
    with reading(store, question) as connection:
        part = Slice.of(connection, question, [model])
        pairs = {score.pair for score in pair_scores(store, question, model=model)}
        return units_of(connection, part, pairs, blobs=store.blobs)


class Candidate(NamedTuple):
    """The model that is put forward for an alias."""

    model: str
    """Its name."""
    reason: str
    """Of how many it is the best, in what and on which sentences, as a clause."""


def candidate(store: Store, grid: GridRecord, policy: Promotion, models: Sequence[str]) -> Candidate:
    """The model with the best mean under the policy's metric and scope; of equals, the first.

    It is chosen on the dev sentences that the grid's run translated for that, so that the gate alone looks at the test
    set; on the test set where the policy says so or there are none. Models that differ only in their seed are
    one recipe: the recipe with the best mean over its seeds is chosen, and of its seeds the best.
    A pair that any of the models lacks a score for counts for none of them.

    Raises:
        PolicyError: the policy names a metric that the grid was not scored with, or no model has a score.
    """
    check_metrics(store, grid, policy)
    check_test_sets(grid, policy)
    where, means = grid, dict[str, float]()
    sentences = "on the test set"
    if (dev := dev_grid(store, grid)) is not None and policy.candidates.split == "dev":
        where, sentences = dev, "on dev"
        means = _means(store, dev, policy, [name for name in models if name in dev.names.values()])
    if not means:
        where, sentences = grid, "on the test set"
        means = _means(store, grid, policy, models)
    if not means:
        raise PolicyError(
            f"None of the models of '{grid.name}' has a score in {policy.metric} over {policy.over}, so none can be a "
            f"candidate for '{policy.model}': run the grid again, or choose another metric or scope in promotion."
        )
    better = 1 if _higher_is_better(policy.metric) else -1
    groups = [[name for name in names if name in means] for names in seed_groups(store, where.name)]
    recipes = [names for names in groups if len(names) > 1]
    recipes += [[name] for name in means if not any(name in names for names in recipes)]
    recipes.sort(key=lambda names: list(means).index(names[0]))
    best = max(recipes, key=lambda names: better * (mean(means[name] for name in names) or 0.0))
    chosen = max(best, key=lambda name: better * means[name])
    what = f"the best of {len(means)} in {policy.metric} over {policy.over} {sentences}"
    if len(best) > 1:
        what += f", and of the {len(best)} seeds of the best recipe"
    return Candidate(chosen, what)


def dev_grid(store: Store, grid: GridRecord) -> GridRecord | None:
    """The grid of dev sentences on which a grid's candidates are chosen, if there is one."""
    name = candidates_name(grid.name)
    if name not in store.grids.names():
        return None
    found = store.grids.get(name)
    return found if found.spec.get("candidates_of") == grid.name else None


def _means(store: Store, grid: GridRecord, policy: Promotion, models: Iterable[str]) -> dict[str, float]:
    """Each model's mean over the pairs that all of them have a score for, and that are in the scope for all of them.

    What is unseen for one may be seen for another: means over other pairs would not tell which is better. Models that
    have no pair in the scope are left out.

    Raises:
        PolicyError: no pair is in the scope for all of them.
    """
    test_set = policy.test_set if grid.test_sets else None  # the dev sentences are those of the policy's test set
    signature = policy.signatures.get(policy.metric)
    question = ScoreQuestion(grid.name, policy.metric, signature=signature, test_set=test_set)
    scores = {model: _numbers(store, grid, model, policy, question) for model in models}
    lacking = {each.pair for numbers in scores.values() for each in numbers if each.value is None}
    scopes: dict[str, dict[Pair, float]] = {}
    for model, numbers in scores.items():
        held = [each for each in in_scope(numbers, policy.over) if each.pair not in lacking]
        values = {each.pair: each.value for each in held if each.value is not None}
        scopes |= {model: values} if values else {}
    common = set.intersection(*map(set, scopes.values())) if scopes else set()
    if scopes and not common:
        raise PolicyError(
            f"No pair of '{grid.name}' is {policy.over} for all of {', '.join(scopes)}, so no mean over the same pairs "
            "tells which is the best: choose a scope that they share in promotion, such as all."
        )
    means = {model: mean(values[pair] for pair in common) for model, values in scopes.items()}
    return {model: found for model, found in means.items() if found is not None}


def check_metrics(store: Store, grid: GridRecord, policy: Promotion) -> None:
    """Refuse a policy whose metrics the grid was never asked for: its rules could only fail.

    Raises:
        PolicyError: it names such a metric.
    """
    known = [*metric_names(store, grid.name), CONTAMINATION]
    for metric in (policy.metric, *(rule.metric for rule in policy.every_rule), *policy.signatures):
        if metric not in known:
            raise PolicyError(
                f"The policy speaks of the metric '{metric}', which '{grid.name}' is not scored with; "
                f"{nearest(metric, known)}"
            )


def check_test_sets(grid: GridRecord, policy: Promotion) -> None:
    """Refuse a policy about a test set that the grid lacks.

    Raises:
        PolicyError: it names one.
    """
    known = grid.test_sets.values()
    for name in (policy.test_set, *(rule.test_set for rule in policy.every_rule)):
        if name is not None and name not in known:
            remedy = nearest(name, known) if known else "its one test set has no name: take it out of the policy."
            raise PolicyError(f"The policy speaks of the test set '{name}', which '{grid.name}' lacks; {remedy}")


def _question(grid: GridRecord, policy: Promotion, rule: Rule) -> ScoreQuestion:
    """The question for the scores that a rule is about, under the signature that the policy chooses."""
    signature = policy.signatures.get(rule.metric)
    return ScoreQuestion(grid.name, rule.metric, signature=signature, test_set=rule.test_set, lines=rule.lines)


def _numbers(
    store: Store, grid: GridRecord, model: str, policy: Promotion, question: ScoreQuestion
) -> list[PairNumbers]:
    """What is known of a model on a question, as far as the policy asks for it.

    Of a slice, the pairs that have a line in it.
    """
    metric, test_set, lines = question.metric, question.test_set, question.lines
    if metric == CONTAMINATION:
        signature = policy.signatures.get(policy.metric)
        planned = pair_scores(
            store, replace(question, metric=policy.metric, signature=signature, lines=None), model=model
        )
        tested = next((identity for identity, name in grid.test_sets.items() if test_set in (None, name)), None)
        return contamination(store, grid, id_of(grid, model), planned, tested)
    seeds: Counter[Pair] = Counter()
    if any(_question(grid, policy, rule) == question and rule.seeds_at_least for rule in policy.every_rule):
        siblings = next((names for names in seed_groups(store, grid.name) if model in names), [model])
        for sibling in siblings:
            scores = pair_scores(store, question, model=sibling)
            seeds.update(score.pair for score in scores if score.value is not None)
    held = _held(store, grid, lines)
    with_lines = None if held is None else {pair for (pair, _), chosen in held.items() if chosen.any()}
    return [
        PairNumbers(
            pair=score.pair,
            partition=score.partition,
            value=score.value,
            base=score.base_value,
            signature=score.signature or "",
            reason="" if score.value is not None else score.reason or str(score.state),
            seeds=seeds[score.pair],
        )
        for score in pair_scores(store, question, model=model)
        if with_lines is None or score.pair in with_lines
    ]


def _higher_is_better(metric: str) -> bool:
    if metric == CONTAMINATION:
        return False
    return installed_metric(metric).higher_is_better
