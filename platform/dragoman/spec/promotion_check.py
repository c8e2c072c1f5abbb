"""Check of a spec's promotion policy against its evaluation: metrics, pairs and test sets that are there."""

from collections.abc import Collection, Mapping

from dragoman.errors import nearest
from dragoman.pair import Pair
from dragoman.spec.promotion import CONTAMINATION, Promotion
from dragoman.spec.test_sets import require_test_set


def check_promotion(
    promotion: Promotion, *, metrics: Collection[str], evaluated: Mapping[str | None, Collection[Pair]], has_base: bool
) -> None:
    """Refuse a policy that speaks of what is not evaluated: it could only fail.

    Args:
        promotion: the policy.
        metrics: names of the evaluation's metrics.
        evaluated: the pairs that are evaluated on each test set, the first one first; None is one without a name.
        has_base: whether the base is evaluated.

    Raises:
        ValueError: it does.
    """
    policies = {"promotion": promotion} | {
        f"promotion.champions.{index}": champion.within(promotion) for index, champion in enumerate(promotion.champions)
    }
    asked = {place: (policy.metric, policy.over, policy.test_set) for place, policy in policies.items()}
    for place, policy in policies.items():
        asked |= {
            f"{place}.rules.{index}": (rule.metric, rule.over, rule.test_set or policy.test_set)
            for index, rule in enumerate(policy.rules)
        }
    for index, pair in enumerate(promotion.protected):
        asked[f"promotion.protected.{index}"] = (promotion.metric, pair, promotion.test_set)
    names = [name for name in evaluated if name is not None]
    for place, (metric, over, test_set) in asked.items():
        if metric not in (*metrics, CONTAMINATION):
            raise ValueError(
                f"names the metric '{metric}' in {place}, which evaluation.metrics lacks; {nearest(metric, metrics)} "
                "Or add it there"
            )
        require_test_set(test_set, place, names)
        pairs = evaluated[test_set] if test_set is not None else next(iter(evaluated.values()))
        if isinstance(over, Pair) and over not in pairs:
            where = "evaluation.pairs" if test_set is None else f"the pairs of the test set {test_set}"
            raise ValueError(f"names {over} in {place}, which is not evaluated; add it to {where} or take it out")
    if not has_base and any(rule.gain_at_least is not None for rule in promotion.rules):
        raise ValueError(
            "asks for a gain over the base in promotion.rules but leaves the base out; set evaluation.base"
        )
