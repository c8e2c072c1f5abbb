"""A finding says forwards what was found: more is better, of error rates too, and the verdict's word stands beside."""

from typing import Any

import pytest

from dragoman_registry.gate.report import Bound, RuleFinding

COMMON: dict[str, Any] = {
    "metric": "bleu", "over": "all", "each": False, "limit": 1.0, "scored": 20, "pairs": 20, "passed": True,
}  # fmt: skip


@pytest.mark.parametrize(
    ("finding", "found", "asked"),
    [
        ({"bound": Bound.FLOOR, "limit": 40, "value": 30.25, "over": "seen"}, "30.25 bleu", "≥ 40 over seen"),
        ({"bound": Bound.CEILING, "metric": "off_target", "value": 2.5}, "2.50 off_target", "≤ 1 over all"),
        ({"bound": Bound.GAIN, "value": 13.0}, "+13.00 bleu over the base", "≥ 1 gain over all"),
        ({"bound": Bound.REGRESSION, "value": 2.34}, "against the champion: -2.34 bleu: worse", "≤ 1 worse over all"),
        ({"bound": Bound.REGRESSION, "value": -0.5}, "against the champion: +0.50 bleu: better", "≤ 1 worse over all"),
        ({"bound": Bound.REGRESSION, "value": 0.0}, "against the champion: +0.00 bleu: as good", "≤ 1 worse over all"),
        # the regression of an error rate is how much it rises
        (
            {"bound": Bound.SIGNIFICANCE, "metric": "ter", "limit": 0.05, "value": 2.34, "p_value": 0.005},
            "against the champion: -2.34 ter, p 0.0050: worse",
            "no significant loss over all",
        ),
        (
            {"bound": Bound.SIGNIFICANCE, "limit": 0.05, "value": 0.3, "p_value": 0.3},
            "against the champion: -0.30 bleu, p 0.3000: not shown to be worse",
            "no significant loss over all",
        ),
        (
            {"bound": Bound.UPPER, "limit": 1.5, "value": 1.2, "regression": -0.3},
            "against the champion: +0.30 bleu, -1.20 at worst: better",
            "≤ 1.5 worse at worst over all",
        ),
        (
            {"bound": Bound.LOSSES, "limit": 0, "value": 1},
            "against the champion: significantly worse on 1 pair",
            "≤ 0 such pairs over all",
        ),
        ({"bound": Bound.REGRESSION, "value": None, "note": "there is no incumbent"}, "there is no incumbent", None),
    ],
)
def test_a_finding_is_said_forwards(finding: dict[str, Any], found: str, asked: str | None) -> None:
    made = RuleFinding(**{**COMMON, **finding})
    assert made.found() == found
    assert asked is None or made.asked == asked
    assert made.found("challenger") == found.replace("champion", "challenger")
