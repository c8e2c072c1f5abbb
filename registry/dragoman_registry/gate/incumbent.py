"""The incumbent's scores on the same lines and under the same signature as a model's, from whichever grid has them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from dragoman.analysis.estimate import Estimate
from dragoman.analysis.joint_tests import Contrast, joint_tests
from dragoman.analysis.recipes import RecipeTests
from dragoman.analysis.scores_by_text import Held, Lines, LinesScore, scores_by_lines
from dragoman.analysis.seeds import seeds_of
from dragoman.analysis.segment_statistics import Stored
from dragoman.analysis.significance_plan import Plan
from dragoman.analysis.units import Units
from dragoman.cell import Cell
from dragoman.metrics.base import Metric
from dragoman.metrics.difference import Difference
from dragoman.metrics.lookup import metric_class
from dragoman.metrics.serialization import unpack
from dragoman.metrics.significance import Correction, adjusted
from dragoman.pair import Pair
from dragoman.partition import TrainingGraph
from dragoman.spec.promotion import Promotion, Rule, is_in
from dragoman.store.store import Store
from dragoman.tables.table import probability
from dragoman_registry.gate.gate import Bounded, PairNumbers, in_scope
from dragoman_registry.gate.report import Bound, RuleTest
from dragoman_registry.registry_client.versions import RegisteredVersion

SEEDS = "seeds"
"""The test of two recipes over their seeds (`analysis.recipes`)."""

ONE_CHECKPOINT = "One checkpoint each: says nothing of the recipes."
"""What is said beside a test of two checkpoints."""

Scored = Mapping[Pair, Stored]
"""One model's scores of some pairs, with their statistics."""


class IncumbentNumbers(NamedTuple):
    """A model's numbers with the incumbent's beside them."""

    numbers: list[PairNumbers]
    """One of each pair."""
    tests: dict[Bounded, RuleTest]
    """The tests of the bounds on the regression of a mean, not adjusted; none where it can't be tested."""


class _Sides(NamedTuple):
    """The incumbent's models and the model's own, on the pairs that all of them have statistics of.

    The first of each is the incumbent and the model itself; the others are of other seeds, where recipes are asked for.
    """

    incumbent: Sequence[Scored]
    model: Sequence[Scored]
    is_one_recipe: bool
    """Whether the two are seeds of one recipe."""
    is_itself: bool
    """Whether the model is the incumbent."""

    @property
    def contrasts(self) -> dict[Pair, Contrast]:
        """The two checkpoints on each pair."""
        baseline, system = self.incumbent[0], self.model[0]
        return {pair: Contrast(baseline[pair], system[pair]) for pair in system}


def beside_incumbent(
    store: Store,
    policy: Promotion,
    subject: str,
    numbers: Sequence[PairNumbers],
    cells: Mapping[Pair, Cell],
    incumbent: RegisteredVersion,
    units: Units,
    *,
    held: Held | None = None,
) -> IncumbentNumbers:
    """Put the incumbent's numbers beside a model's, and test where the policy asks how the two differ.

    Args:
        store: the results store.
        policy: the rules; those of other subjects are left alone.
        subject: what the numbers are of: a metric, a test set where one is named, and lines (`Rule.subject`).
        numbers: the model's numbers.
        cells: the model's cell of each pair.
        incumbent: the version the alias stands at.
        units: the sentences of the pairs' test lines.
        held: the lines that the numbers are of, of each text; all by default.
    """
    rules = [rule for rule in policy.every_rule if rule.subject == subject]
    if incumbent.model is None or not numbers or not rules:
        return IncumbentNumbers(list(numbers), {})
    metric = rules[0].metric
    by_scope = [rule for rule in rules if rule.is_of_mean and not rule.each]
    losses = [rule for rule in rules if rule.significant_losses_at_most is not None]
    theirs = scores_by_lines(
        store, incumbent.model, metric, incumbent.prompt, incumbent.decoding, bool(by_scope or losses), held=held
    )
    found = []
    for each in numbers:
        rival = theirs.get((each.pair, cells[each.pair].content))
        if rival is None:
            found.append(each)
            continue
        value = rival.values.get(each.signature)
        reason = "the incumbent's score has another signature" if rival.values and value is None else ""
        found.append(each.model_copy(update={"shared": True, "incumbent": value, "incumbent_reason": reason}))
    kind = metric_class(metric)
    if kind is None or not (by_scope or losses):
        return IncumbentNumbers(found, {})
    asks_recipes = any(rule.seeds != "checkpoint" for rule in (*by_scope, *losses))
    sides = _sides(store, metric, found, cells, incumbent, theirs, held, with_seeds=asks_recipes)
    if not sides.model[0]:
        return IncumbentNumbers(found, {})
    plan = Plan(correction=Correction(policy.correction), alpha=policy.alpha)
    scopes = {rule: shared for rule in by_scope if (shared := _shared(found, rule, sides))}
    means = {str(rule.over): dict.fromkeys(shared, 1.0) for rule, shared in scopes.items()}
    tested = joint_tests(kind, sides.contrasts, units, plan, means)
    recipes = _recipe_tests(kind, sides, units) if asks_recipes else None
    graph = store.models.get(incumbent.model).graph
    tests = {
        (rule, bound): _bound_test(kind, rule, bound, sides, recipes, shared, checkpoints).saying(
            _other_pairs(rule, shared, graph)
        )
        for rule, shared in scopes.items()
        if (checkpoints := tested.means.get(str(rule.over))) is not None
        for bound in Bound
        if bound.is_of_mean and getattr(rule, bound) is not None
    }
    if losses:
        alone = _losses({pair: difference.p_worse for pair, difference in tested.pairs.items()}, plan, tested.samples)
        pooled = _recipe_losses(kind, sides, recipes, plan)
        found = [
            each.model_copy(update={"differs": alone.get(each.pair), "recipe_differs": pooled.get(each.pair)})
            for each in found
        ]
    return IncumbentNumbers(found, tests)


def _other_pairs(rule: Rule, pairs: Sequence[Pair], graph: TrainingGraph) -> str:
    """The sentence about a rule's pairs that are in its scope for the model alone; nothing where all are for both."""
    both = sum(is_in(rule.over, pair, graph.partition(pair)) for pair in pairs)
    if both == len(pairs):
        return ""
    return f"The pairs are those that are {rule.over} for the model: {both} of {len(pairs)} are for the incumbent too."


def adjusted_tests(tests: Mapping[Bounded, RuleTest], policy: Promotion) -> dict[Bounded, RuleTest]:
    """The tests with the p-values of rules that forbid a significant regression adjusted for their number."""
    asked = [which for which in tests if which[1] is Bound.SIGNIFICANCE]
    p_values = adjusted([tests[which].p_value for which in asked], Correction(policy.correction)).tolist()
    final = {
        which: tests[which].model_copy(update={"p_value": p_value})
        for which, p_value in zip(asked, p_values, strict=True)
    }
    return {**tests, **final}


def _sides(
    store: Store,
    metric: str,
    numbers: Sequence[PairNumbers],
    cells: Mapping[Pair, Cell],
    incumbent: RegisteredVersion,
    theirs: Mapping[Lines, LinesScore],
    held: Held | None,
    *,
    with_seeds: bool,
) -> _Sides:
    """The statistics of both models, and of their other seeds, on the same lines and under the same signatures."""
    own = cells[numbers[0].pair]
    ours = scores_by_lines(store, own.model, metric, own.prompt, own.decoding, True, held=held)
    model, rival = _stored(numbers, cells, ours), _stored(numbers, cells, theirs)
    pairs = [pair for pair in model if pair in rival]
    sides = []
    for first, identity, prompt, decoding in (
        (rival, incumbent.model or "", incumbent.prompt, incumbent.decoding),
        (model, own.model, own.prompt, own.decoding),
    ):
        side = [{pair: first[pair] for pair in pairs}]
        for other in seeds_of(store, identity) if with_seeds else ():
            if other != identity:
                scored = scores_by_lines(store, other, metric, prompt, decoding, True, held=held)
                stored = _stored(numbers, cells, scored)
                if pairs and all(pair in stored for pair in pairs):
                    side.append({pair: stored[pair] for pair in pairs})
        sides.append(side)
    is_one_recipe = own.model in seeds_of(store, incumbent.model or "")
    return _Sides(sides[0], sides[1], is_one_recipe, own.model == incumbent.model)


def _stored(
    numbers: Sequence[PairNumbers], cells: Mapping[Pair, Cell], scored: Mapping[Lines, LinesScore]
) -> dict[Pair, Stored]:
    """A model's scores with their statistics, of each pair that has both under the signature of the numbers."""
    found = {}
    for each in numbers:
        score = scored.get((each.pair, cells[each.pair].content))
        if score is not None and each.signature in score.statistics:
            found[each.pair] = Stored(score.values[each.signature], score.statistics[each.signature])
    return found


def _shared(numbers: Sequence[PairNumbers], rule: Rule, sides: _Sides) -> list[Pair]:
    """The pairs of a rule that both have a score for; none where one of them can't be tested."""
    both = [each for each in in_scope(numbers, rule.over) if each.value is not None and each.incumbent is not None]
    return [each.pair for each in both] if all(each.pair in sides.model[0] for each in both) else []


def _bound_test(
    kind: type[Metric],
    rule: Rule,
    bound: Bound,
    sides: _Sides,
    recipes: RecipeTests | None,
    pairs: Sequence[Pair],
    checkpoints: Difference,
) -> RuleTest:
    """The test of a bound: of recipes where it asks for that, or by default where significance is asked for.

    How much worse a model may be by its number is by default asked of the checkpoint that is to be served; of seeds of
    one recipe the difference says nothing of the recipe, yet much of the checkpoint.
    """
    better = 1 if kind.higher_is_better else -1
    p_worse = probability(checkpoints.p_worse, is_floor=checkpoints.p_worse_is_floor)
    alone = f"as checkpoints the regression is {-better * checkpoints.delta + 0.0:+.2f}, p {p_worse}"
    of_checkpoints = RuleTest(
        regression=-better * checkpoints.delta + 0.0,
        upper=-checkpoints.low if better > 0 else checkpoints.high,
        p_value=checkpoints.p_worse,
        p_is_floor=checkpoints.p_worse_is_floor,
        error=checkpoints.se,
        method=Plan().test,
        remark="It is the incumbent itself."
        if sides.is_itself
        else "One checkpoint each: says nothing of the recipes.",
    )
    by_default = bound is Bound.SIGNIFICANCE or (bound is Bound.UPPER and not sides.is_one_recipe)
    if sides.is_itself or rule.seeds == "checkpoint" or (rule.seeds is None and not by_default):
        return of_checkpoints
    if sides.is_one_recipe:
        return RuleTest(
            regression=0.0, upper=0.0, p_value=1.0, error=0.0, method=SEEDS, is_pooled=True,
            remark=f"The incumbent is another seed of the same recipe, so the recipes are equal ({alone}).",
        )  # fmt: skip
    if recipes is None:
        return of_checkpoints
    pooled = recipes.difference(dict.fromkeys(pairs, 1.0))
    return RuleTest(
        regression=-better * pooled.value,
        upper=-pooled.low if better > 0 else pooled.high,
        p_value=_p_worse(pooled, better),
        error=pooled.error,
        method=SEEDS,
        is_pooled=True,
        remark=f"Recipes, over {len(sides.model)} and {len(sides.incumbent)} seeds and other sentences of this kind "
        f"({alone}).",
    )


def _losses(p_values: Mapping[Pair, float], plan: Plan, samples: int | None = None) -> dict[Pair, bool]:
    """Whether a model is significantly worse on each pair, by one-sided p-values, adjusted over all of them.

    None where so many trials can tell no pair apart.
    """
    if samples is not None and plan.finds_none(len(p_values), samples):
        return {}
    final = adjusted(list(p_values.values()), plan.correction).tolist()
    return {pair: p_value <= plan.alpha for pair, p_value in zip(p_values, final, strict=True)}


def _recipe_tests(kind: type[Metric], sides: _Sides, units: Units) -> RecipeTests | None:
    """The tests of the two recipes; None where they are one, or there is one seed of each."""
    if sides.is_one_recipe or max(len(sides.incumbent), len(sides.model)) == 1:
        return None
    incumbent, model = (
        [{pair: unpack(score.packed or b"") for pair, score in seed.items()} for seed in side]
        for side in (sides.incumbent, sides.model)
    )
    return RecipeTests(kind, incumbent, model, units)


def _recipe_losses(kind: type[Metric], sides: _Sides, recipes: RecipeTests | None, plan: Plan) -> dict[Pair, bool]:
    """Whether the model's recipe is significantly worse on each pair; none where recipes can't be compared."""
    pairs, better = list(sides.model[0]), 1 if kind.higher_is_better else -1
    if sides.is_one_recipe and not sides.is_itself:
        return dict.fromkeys(pairs, False)
    if recipes is None:
        return {}
    return _losses({pair: _p_worse(recipes.difference({pair: 1.0}), better) for pair in pairs}, plan)


def _p_worse(recipes: Estimate, better: int) -> float:
    """The one-sided p-value against a recipe that is no worse; `better` is 1, and -1 for error rates."""
    return recipes.p_below if better > 0 else 1 - recipes.p_below
