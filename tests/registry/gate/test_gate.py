"""Verdicts against a table worked out by hand.

The model was trained on en→de and de→en; six directions of en, de and fr were planned:

    pair    partition      bleu   base  incumbent   off_target  base  incumbent
    en-de   seen           50.0   10.0     48.0         2.0      20.0     2.0
    de-en   seen           40.0   10.0     44.0         4.0      30.0     1.0
    en-fr   unseen_target  12.0    8.0     12.0        30.0      40.0    30.0
    de-fr   unseen_target   6.0    9.0    (none)       50.0      45.0   (none)
    fr-en   unseen_source  20.0  (none)    18.0        10.0     (none)   10.0
    fr-de   unseen_source (failed)  5.0    15.0       (failed)    60.0   20.0

Means of bleu: seen 45, unseen 38/3 = 12.67 (3 of 4), all 128/5 = 25.6 (5 of 6).
Gains of bleu: seen 35 (2 of 2), unseen_target (4 - 3)/2 = 0.5 (2 of 2), unseen 0.5 (2 of 4).
Regressions of bleu: seen (-2 + 4)/2 = 1 (2 of 2), unseen_source -2 (1 of 2).
"""

import pytest

from dragoman.errors import SpecError
from dragoman.pair import Pair
from dragoman.partition import Partition
from dragoman.spec.loading import load_spec
from dragoman.spec.promotion import Promotion, Rule
from dragoman_registry.gate.gate import PairNumbers, judge
from dragoman_registry.gate.report import Bound, GateReport, RuleFinding, RuleTest

SEEN, TARGET, SOURCE = Partition.SEEN, Partition.UNSEEN_TARGET, Partition.UNSEEN_SOURCE


def numbers(pair, partition, value, base, incumbent):
    return PairNumbers(
        pair=Pair.parse(pair),
        partition=partition,
        value=value,
        base=base,
        incumbent=incumbent,
        shared=pair != "de-fr",
        reason="" if value is not None else "the worker was out of memory",
    )


TABLE = {
    "bleu": [
        numbers("en-de", SEEN, 50.0, 10.0, 48.0),
        numbers("de-en", SEEN, 40.0, 10.0, 44.0),
        numbers("en-fr", TARGET, 12.0, 8.0, 12.0),
        numbers("de-fr", TARGET, 6.0, 9.0, None),
        numbers("fr-en", SOURCE, 20.0, None, 18.0),
        numbers("fr-de", SOURCE, None, 5.0, 15.0),
    ],
    "off_target": [
        numbers("en-de", SEEN, 2.0, 20.0, 2.0),
        numbers("de-en", SEEN, 4.0, 30.0, 1.0),
        numbers("en-fr", TARGET, 30.0, 40.0, 30.0),
        numbers("de-fr", TARGET, 50.0, 45.0, None),
        numbers("fr-en", SOURCE, 10.0, None, 10.0),
        numbers("fr-de", SOURCE, None, 60.0, 20.0),
    ],
}


def held(rule, table=TABLE, has_incumbent=True, **policy):
    promotion = Promotion(model="m", rules=(rule,), **policy)
    (finding,) = judge(promotion, table, frozenset({"off_target"}), has_incumbent)
    return finding


HAND_COMPUTED = [
    # rule, options of the policy, value, k, n, verdict
    (Rule(over="seen", at_least=40), {}, 45.0, 2, 2, True),
    (Rule(over="seen", at_least=45), {}, 45.0, 2, 2, True),  # a tie passes
    (Rule(over="seen", at_least=45.01), {}, 45.0, 2, 2, False),
    (Rule(over="seen", at_most=45), {}, 45.0, 2, 2, True),
    (Rule(over="seen", at_most=44.9), {}, 45.0, 2, 2, False),
    (Rule(over="seen", each=True, at_least=40), {}, 40.0, 2, 2, True),
    (Rule(over="seen", each=True, at_least=41), {}, 40.0, 2, 2, False),
    (Rule(over="en-de", at_least=50), {}, 50.0, 1, 1, True),
    (Rule(over="de-en", at_least=50), {}, 40.0, 1, 1, False),
    (Rule(over="unseen", at_least=1), {}, 38 / 3, 3, 4, False),  # one of four is missing
    (Rule(over="unseen", at_least=1), {"coverage": 0.75}, 38 / 3, 3, 4, True),
    (Rule(over="unseen", at_least=13), {"coverage": 0.75}, 38 / 3, 3, 4, False),
    (Rule(over="all", at_least=25.6), {"coverage": 0.8}, 25.6, 5, 6, True),
    (Rule(over="recombined", at_least=0), {}, None, 0, 0, False),  # no such pair
    (Rule(over="recombined", at_least=0), {"missing": "pass"}, None, 0, 0, True),
    (Rule(over="fr-de", at_least=0), {"missing": "pass"}, None, 0, 1, False),  # planned and not scored
    (Rule(over="seen", gain_at_least=35), {}, 35.0, 2, 2, True),
    (Rule(over="seen", gain_at_least=35.1), {}, 35.0, 2, 2, False),
    (Rule(over="unseen_target", gain_at_least=0.5), {}, 0.5, 2, 2, True),
    (Rule(over="unseen_target", each=True, gain_at_least=0), {}, -3.0, 2, 2, False),
    (Rule(over="unseen", gain_at_least=0), {}, 0.5, 2, 4, False),  # the base's fr-en is missing, and fr-de
    (Rule(over="seen", regression_at_most=1), {}, 1.0, 2, 2, True),
    (Rule(over="seen", regression_at_most=0.5), {}, 1.0, 2, 2, False),
    (Rule(over="seen", each=True, regression_at_most=1), {}, 4.0, 2, 2, False),
    (Rule(over="unseen_source", regression_at_most=0), {"coverage": 0.5}, -2.0, 1, 2, True),
    (Rule(over="unseen_source", regression_at_most=0), {}, -2.0, 1, 2, False),
    (Rule(over="unseen_target", regression_at_most=0), {}, 0.0, 1, 1, True),  # de-fr is not shared
    (Rule(over="de-fr", regression_at_most=0), {}, None, 0, 0, False),  # nothing is
    (Rule(metric="off_target", over="seen", at_most=3), {}, 3.0, 2, 2, True),
    (Rule(metric="off_target", over="seen", at_most=2.9), {}, 3.0, 2, 2, False),
    (Rule(metric="off_target", over="seen", gain_at_least=22), {}, 22.0, 2, 2, True),  # (18 + 26) / 2
    (Rule(metric="off_target", over="seen", regression_at_most=1), {}, 1.5, 2, 2, False),  # (0 + 3) / 2
    (Rule(metric="chrf++", over="seen", at_least=0), {}, None, 0, 0, False),  # never asked for
]


@pytest.mark.parametrize(("rule", "policy", "value", "scored", "pairs", "passed"), HAND_COMPUTED)
def test_every_kind_of_rule(rule, policy, value, scored, pairs, passed):
    finding = held(rule, **policy)
    assert finding.value == pytest.approx(value) if value is not None else finding.value is None
    assert (finding.scored, finding.pairs, finding.passed) == (scored, pairs, passed)


def test_rounding_of_a_mean_does_not_decide_a_tie():
    table = {
        "bleu": [
            numbers(pair, SEEN, value, 0.0, 0.0) for pair, value in (("en-de", 0.1), ("de-en", 0.2), ("en-fr", 0.3))
        ]
    }
    assert sum((0.1, 0.2, 0.3)) / 3 != 0.2
    assert held(Rule(over="seen", at_least=0.2), table).passed
    assert held(Rule(over="seen", at_most=0.2), table).passed


def test_a_score_that_is_no_number_is_missing():
    table = {"bleu": [numbers("en-de", SEEN, float("nan"), 1.0, 1.0), numbers("de-en", SEEN, 40.0, float("inf"), 1.0)]}
    floor = held(Rule(over="seen", at_least=0), table)
    assert (floor.scored, floor.pairs, floor.passed, floor.value) == (1, 2, False, 40.0)
    assert held(Rule(over="seen", gain_at_least=0), table).scored == 0


def test_significant_losses_are_counted():
    differing = {"en-de": True, "de-en": True, "en-fr": False, "fr-en": False, "fr-de": None, "de-fr": None}
    table = {"bleu": [each.model_copy(update={"differs": differing[str(each.pair)]}) for each in TABLE["bleu"]]}
    # en-de is significantly better than the incumbent, de-en significantly worse; fr-de has no score
    rule = Rule(over="seen", significant_losses_at_most=0)
    lost = held(rule, table)
    assert (lost.value, lost.scored, lost.pairs, lost.passed) == (1.0, 2, 2, False)
    assert [str(figure) for figure in lost.worst] == ["de-en 4.00"]
    assert lost.measured == "1 (2 of 2 pairs)"
    assert held(Rule(over="seen", significant_losses_at_most=1), table).passed
    assert held(rule, table, has_incumbent=False).passed
    everything = held(Rule(significant_losses_at_most=1), table)
    assert (everything.scored, everything.pairs, everything.passed) == (4, 5, False)
    untested = held(rule)
    assert (untested.scored, untested.pairs, untested.passed) == (0, 2, False)
    assert untested.worst[0].reason.startswith("no stored statistics to test, or more pairs than Holm")


EVERYTHING = Promotion.model_validate({
    "model": "m", "coverage": 0.5, "protected": ["en-de", "de-en"], "alpha": 0.05,
    "rules": [
        {"over": "seen", "at_least": 45},
        {"over": "all", "at_least": 25.7},
        {"over": "fr-de", "at_least": 0, "coverage": 0.1},
        {"over": "recombined", "at_least": 0},
        {"over": "recombined", "at_least": 0, "missing": "pass"},
        {"over": "seen", "each": True, "at_least": 40},
        {"over": "unseen_target", "gain_at_least": 0.5},
        {"over": "unseen", "gain_at_least": 0, "coverage": 0.75},
        {"over": "seen", "regression_at_most": 1},
        {"over": "unseen_source", "regression_at_most": 0},
        {"over": "all", "significant_losses_at_most": 0},
        {"over": "all", "no_significant_regression": True},
        {"over": "seen", "no_significant_regression": True},
        {"over": "unseen_target", "no_significant_regression": True},
        {"over": "unseen", "no_significant_regression": True},
        {"over": "all", "regression_upper_at_most": 2},
        {"over": "seen", "regression_upper_at_most": 2},
        {"over": "unseen", "regression_upper_at_most": 2, "coverage": 0.1},
        {"over": "seen", "seeds_at_least": 3},
        {"over": "unseen_target", "seeds_at_least": 3},
        {"metric": "off_target", "over": "seen", "at_most": 3},
        {"metric": "contamination", "over": "all", "each": True, "at_most": 1},
        {"metric": "contamination", "over": "seen", "at_most": 1},
        {"metric": "chrf++", "over": "seen", "at_least": 0},
    ],
})  # fmt: skip
"""A policy with every kind of rule, a tie of most kinds, missing cells, and a pair whose incumbent's score is under
another signature (fr-en, which therefore has none to be compared with)."""


def rule_test(regression=1.0, upper=2.0, p_value=0.2, **more):
    return RuleTest(regression=regression, upper=upper, p_value=p_value, error=0.5, method="randomization", **more)


DIFFERS = {"en-de": True, "de-en": True, "en-fr": False, "fr-en": None, "fr-de": None, "de-fr": None}
SEEDS = {"en-de": 3, "de-en": 3, "en-fr": 3, "de-fr": 2, "fr-en": 3, "fr-de": 0}
CONTAMINATED = {"en-de": 0.0, "de-en": 2.0, "en-fr": 0.5, "de-fr": 1.0, "fr-en": None, "fr-de": 0.0}
P_VALUES = {"all": 0.2, "seen": 0.05, "unseen_target": 0.001}  # none of `unseen`: its statistics are not stored
UPPER = {"all": 2.0, "seen": 2.01, "unseen_target": 0.5}

VERDICTS = [
    # over, bound, value, k, n, verdict
    ("seen", "at_least", 45.0, 2, 2, True),  # a tie
    ("all", "at_least", 25.6, 5, 6, False),
    ("fr-de", "at_least", None, 0, 1, False),  # planned and failed: missing is not zero
    ("recombined", "at_least", None, 0, 0, False),  # the grid has no such pair
    ("recombined", "at_least", None, 0, 0, True),
    ("seen", "at_least", 40.0, 2, 2, True),  # the worse of 50 and 40
    ("unseen_target", "gain_at_least", 0.5, 2, 2, True),  # (4 - 3) / 2
    ("unseen", "gain_at_least", 0.5, 2, 4, False),  # half have both scores
    ("seen", "regression_at_most", 1.0, 2, 2, True),  # (-2 + 4) / 2
    ("unseen_source", "regression_at_most", None, 0, 2, False),  # another signature, and a failed cell
    ("all", "significant_losses_at_most", 1.0, 3, 5, False),  # de-en; en-de is a significant win
    ("all", "no_significant_regression", 2 / 3, 3, 5, True),  # (-2 + 4 + 0) / 3, p 0.2
    ("seen", "no_significant_regression", 1.0, 2, 2, False),  # p = alpha is significant
    ("unseen_target", "no_significant_regression", 0.0, 1, 1, True),  # no regression, whatever p
    ("unseen", "no_significant_regression", None, 1, 3, False),
    ("all", "regression_upper_at_most", 2.0, 3, 5, True),  # a tie
    ("seen", "regression_upper_at_most", 2.01, 2, 2, False),
    ("unseen", "regression_upper_at_most", None, 1, 3, False),  # not tested: not shown
    ("seen", "seeds_at_least", 3.0, 2, 2, True),
    ("unseen_target", "seeds_at_least", 2.0, 2, 2, False),
    ("seen", "at_most", 3.0, 2, 2, True),
    ("all", "at_most", 2.0, 5, 6, False),  # the worst pair's
    ("seen", "at_most", 1.0, 2, 2, True),  # (0 + 2) / 2
    ("seen", "at_least", None, 0, 0, False),  # a metric without numbers
    ("en-de", "significant_losses_at_most", 0.0, 1, 1, True),  # protected
    ("de-en", "significant_losses_at_most", 1.0, 1, 1, False),
]  # fmt: skip


def test_a_policy_with_every_kind_of_rule():
    extra = {pair: {"differs": DIFFERS[pair], "seeds": SEEDS[pair]} for pair in DIFFERS}
    other_signature = {"incumbent": None, "incumbent_reason": "the incumbent's score has another signature"}
    extra["fr-en"] |= other_signature
    bleu = [each.model_copy(update=extra[str(each.pair)]) for each in TABLE["bleu"]]
    looked_at = [
        PairNumbers(pair=each.pair, partition=each.partition, value=CONTAMINATED[str(each.pair)]) for each in bleu
    ]
    table = {"bleu": bleu, "off_target": TABLE["off_target"], "contamination": looked_at}
    tests = {
        (rule, bound): rule_test(p_value=P_VALUES[rule.over], upper=UPPER[rule.over])
        for rule in EVERYTHING.rules
        for bound in Bound
        if bound.is_of_mean and rule.over in P_VALUES
    }
    findings = judge(EVERYTHING, table, frozenset({"off_target", "contamination"}), True, tests)
    found = [(each.over, each.bound.value, each.value, each.scored, each.pairs, each.passed) for each in findings]
    for got, wanted in zip(found, VERDICTS, strict=True):
        value = got[2] if got[3:5] != (1, 3) else None  # the mean of one of three pairs decides nothing
        assert (got[0], got[1], value, *got[3:]) == (*wanted[:2], pytest.approx(wanted[2]), *wanted[3:]), wanted
    losses = next(each for each in findings if each.bound == "significant_losses_at_most")
    assert [str(figure) for figure in losses.worst][:3] == [
        "fr-en (the incumbent's score has another signature)", "fr-de (the worker was out of memory)", "de-en 4.00"
    ]  # fmt: skip
    significant = findings[12]
    assert significant.claim == "bleu regression over seen not significant at 0.05, one-sided"
    assert significant.measured == "1.00, p 0.0500 (2 of 2 pairs)"
    assert [str(figure) for figure in significant.worst] == ["de-en 4.00", "en-de -2.00"]


def test_the_upper_end_of_a_regression_says_what_it_is_of_and_what_the_test_set_can_tell():
    rule = Rule(over="seen", regression_upper_at_most=1.5)
    (finding,) = judge(
        Promotion(model="m", rules=(rule,)), TABLE, has_incumbent=True, tests={(rule, Bound.UPPER): rule_test()}
    )
    assert finding.claim == "bleu regression's upper end over seen ≤ 1.5"
    assert finding.measured == "2.00, of a regression of 1.00 (2 of 2 pairs)"
    # (1.5 - 1.96 * 0.5) / 0.5 is 1.04 standard deviations, and (1.96 + 0.84) * 0.5 is 1.40
    assert finding.remark == (
        "Of models as good as the incumbent 85% pass this bound; it would take one of 1.40 for 80% of them."
    )
    assert not finding.passed


def test_recipes_are_judged_by_the_regression_over_their_seeds():
    """The checkpoints' mean regression is 1; the recipes' is 0.2, and not significant."""
    pooled = rule_test(regression=0.2, upper=0.9, p_value=0.4, is_pooled=True, remark="Recipes.")
    for bound, limit, value in (
        ("regression_at_most", 0.5, 0.2),
        ("no_significant_regression", True, 0.2),
        ("regression_upper_at_most", 1, 0.9),
    ):
        rule = Rule(over="seen", **{bound: limit})
        (finding,) = judge(
            Promotion(model="m", rules=(rule,)), TABLE, has_incumbent=True, tests={(rule, Bound(bound)): pooled}
        )
        assert (finding.value, finding.passed) == (value, True)
        assert finding.remark.startswith("Recipes.")


def test_findings_of_before_tests_had_names_were_sacrebleus_bootstrap():
    old = {
        "metric": "bleu", "over": "all", "each": False, "bound": "no_significant_regression", "limit": 0.05,
        "value": 1.2, "p_value": 0.03, "scored": 2, "pairs": 2, "passed": False, "note": "", "worst": [],
    }  # fmt: skip
    assert RuleFinding.model_validate(old).method == "sacrebleu-bs"
    (finding,) = judge(
        Promotion(model="m", rules=(rule := Rule(no_significant_regression=True),)),
        TABLE, has_incumbent=True, tests={(rule, Bound.SIGNIFICANCE): rule_test()},
    )  # fmt: skip
    assert finding.method == "randomization"


def test_a_regression_that_cannot_be_tested_is_not_let_through():
    rule = Rule(over="seen", no_significant_regression=True)
    finding = held(rule)
    assert (finding.passed, finding.note) == (False, "no stored statistics to test")
    assert held(rule, has_incumbent=False).passed


def test_without_an_incumbent_nothing_can_regress():
    assert held(Rule(over="seen", regression_at_most=0), has_incumbent=False).passed


def test_an_unknown_partition_is_not_unseen():
    table = {"bleu": [numbers("en-de", None, 50.0, 10.0, 48.0)]}
    assert held(Rule(over="all", at_least=50), table).passed
    for scope in ("seen", "unseen"):
        finding = held(Rule(over=scope, at_least=0), table)
        assert not finding.passed
        assert "unknown" in finding.note


def test_the_pairs_behind_a_failed_verdict_come_worst_first():
    floor = held(Rule(over="all", at_least=60), coverage=0.5)
    assert [str(figure.pair) for figure in floor.worst] == ["fr-de", "de-fr", "en-fr", "fr-en", "de-en"]
    assert floor.worst[0].reason == "the worker was out of memory"
    ceiling = held(Rule(metric="off_target", over="seen", at_most=1))
    assert [figure.value for figure in ceiling.worst] == [4.0, 2.0]


def test_one_rule_of_several_bounds_is_several_findings_and_one_failure_fails_all():
    promotion = Promotion(model="m", rules=(Rule(over="seen", at_least=40, at_most=44),))
    findings = judge(promotion, TABLE)
    assert [(finding.bound, finding.passed) for finding in findings] == [("at_least", True), ("at_most", False)]
    report = GateReport(
        grid="g", model="roles", model_id="model1-0", policy="policy1-0", incumbent=None, findings=findings
    )
    assert not report.passed
    assert report.reason == (
        "roles fails 1 of 2 checks: bleu over seen ≤ 44: 45.00 (2 of 2 pairs), worst en-de 50.00, de-en 40.00."
    )
    passing = report.model_copy(update={"findings": findings[:1]})
    assert passing.passed
    assert passing.reason == "roles passes 1 check: bleu over seen ≥ 40: 45.00 (2 of 2 pairs)."


def test_a_value_that_only_just_fails_is_not_printed_as_its_bound():
    assert held(Rule(over="seen", at_least=45.001)).measured == "45.00 (2 of 2 pairs)"
    table = {"bleu": [numbers("en-de", SEEN, 39.9996, 0.0, 0.0)]}
    assert held(Rule(over="seen", at_least=40), table).measured == "39.9996 (1 of 1 pairs)"


def test_a_policy_that_the_grid_cannot_be_held_to_is_refused_with_the_spec(tmp_path):
    spec = """
name: g
base: a/b
languages: [en, de, fr]
corpus: cldr
models: [{name: m, pairs: {centric: en}, examples: 1, method: {kind: full, learning_rate: 0.1, steps: 1}}]
evaluation: {metrics: [bleu], base: %s}
promotion: {model: m, alias: %s, rules: [%s]}
"""
    for base, alias, rule, words in [
        ("true", "champion", "{metric: contamination, at_least: 1}", "takes at_most and nothing else"),
        ("true", "champion", "{each: true, no_significant_regression: true}", "say significant_losses_at_most: 0"),
        ("true", "champion", "{no_significant_regression: false}", "promotion.rules.0.no_significant_regression"),
        ("true", "champion", "{metric: blue, at_least: 1}", "'blue' in promotion.rules.0"),
        ("true", "champion", "{over: seeen, at_least: 1}", "did you mean 'seen'?"),
        ("true", "champion", "{over: en-sw, at_least: 1}", "en-sw in promotion.rules.0"),
        ("true", "champion", "{over: seen}", "bounds nothing"),
        ("false", "champion", "{gain_at_least: 1}", "set evaluation.base"),
        ("true", "latest", "{at_least: 1}", "promotion.alias"),
    ]:
        file = tmp_path / "spec.yaml"
        file.write_text(spec % (base, alias, rule), encoding="utf-8")
        with pytest.raises(SpecError) as caught:
            load_spec(file)
        assert words in str(caught.value)
