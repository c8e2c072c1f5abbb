"""Policies about a grid with two test sets: a rule is about the one that it names, or the policy, or the first."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.two_test_sets import METRIC, NEWS, TALKS, fill

from dragoman.analysis.partition_table import partition_table
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.contamination import SEARCH
from dragoman.pair import Pair
from dragoman.spec.promotion import Promotion
from dragoman.store.records import ContaminationRecord
from dragoman.store.store import Store
from dragoman.tables.render import Form, render
from dragoman_registry.gate.evidence import PolicyError, candidate, gate, policy_id
from dragoman_registry.gate.report import GateReport
from dragoman_registry.registry_client.versions import RegisteredVersion
from dragoman_registry.tables import gate_table


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("two")
    fill(home)
    return home


@pytest.fixture
def store(home: Path) -> Any:
    opened = Store.open_existing(f"sqlite:///{home}/store.db", f"file://{home}/blobs")
    yield opened
    opened.close()


def policy_of(*rules: dict[str, Any], **options: Any) -> Promotion:
    return Promotion(model="m", metric=METRIC, rules=[{"metric": METRIC, **rule} for rule in rules], **options)


def held(store: Store, policy: Promotion, incumbent: RegisteredVersion | None = None) -> GateReport:
    return gate(store, store.grids.get("asked"), "tuned", policy, incumbent)


def mean_of(store: Store, model: str, test_set: str) -> float:
    rows = partition_table(store, ScoreQuestion("asked", METRIC, test_set=test_set), model=model, resample=False)
    return next(row.mean for row in rows if row.scope == "all" and row.mean is not None)


def test_a_rule_is_about_the_test_set_that_it_or_the_policy_names(store: Store) -> None:
    by_default, named = {"at_least": 1}, {"at_least": 1, "test_set": TALKS}
    both = held(store, policy_of(by_default, named))
    assert [(each.value, each.test_set, each.pairs) for each in both.findings] == [
        (pytest.approx(mean_of(store, "tuned", NEWS)), None, 6),
        (pytest.approx(mean_of(store, "tuned", TALKS)), TALKS, 2),
    ]  # fmt: skip
    assert both.findings[1].claim == f"{METRIC} on {TALKS} over all ≥ 1"
    assert (both.test_set, both.further_test_sets) == (f"t-{NEWS}", (f"t-{TALKS}",))
    whole = held(store, policy_of(by_default, {**named, "test_set": NEWS}, test_set=TALKS))
    assert [each.test_set for each in whole.findings] == [TALKS, NEWS]
    assert [each.value for each in whole.findings] == [each.value for each in both.findings][::-1]
    assert whole.test_set == f"t-{TALKS}"
    rows = json.loads(render([gate_table([both])], Form.JSON))["gate"]
    assert [row["test_set"] for row in rows] == [NEWS, TALKS]
    assert [row["split"] for row in rows] == [NEWS, TALKS]


def test_regressions_are_measured_on_the_lines_of_the_test_set(store: Store) -> None:
    cell = store.cells.of_grid("asked", model="m-base")[0].cell
    incumbent = RegisteredVersion(
        name="m", version="1", model="m-base", grid="asked", model_name="base", prompt=cell.prompt,
        decoding=cell.decoding,
    )  # fmt: skip
    bounds = {"regression_at_most": 1, "significant_losses_at_most": 0, "no_significant_regression": True}
    found = held(store, policy_of(bounds, {**bounds, "test_set": TALKS}), incumbent).findings
    for test_set, of_set in ((NEWS, found[:3]), (TALKS, found[3:])):
        regression = mean_of(store, "base", test_set) - mean_of(store, "tuned", test_set)
        assert of_set[0].value == pytest.approx(regression)
        assert [each.scored for each in of_set] == [6 if test_set == NEWS else 2] * 3


def test_contamination_is_that_of_the_test_set(store: Store) -> None:
    for test_set, exact in ((NEWS, 1), (TALKS, 3)):
        records = [
            ContaminationRecord(
                model="m-tuned", test_set=f"t-{test_set}", pair=Pair("en", "de"), side=side, segments=5, sentences=4,
                exact=exact, near=0, similarity=0.75, search=SEARCH,
            )
            for side in ("source", "target")
        ]  # fmt: skip
        store.contamination.record("m-tuned", f"t-{test_set}", records)
    store.models.add_training("m-tuned", {"examples": {"en-de": 10}})
    rule = {"metric": "contamination", "over": "en-de", "at_most": 50}
    found = held(store, policy_of(rule, {**rule, "test_set": TALKS})).findings
    assert [(each.value, each.passed) for each in found] == [(25.0, True), (75.0, False)]


def test_a_candidate_is_chosen_on_the_policys_test_set(store: Store) -> None:
    grid = store.grids.get("asked")
    for test_set in (NEWS, TALKS):
        policy = policy_of({"at_least": 1}, test_set=test_set, candidates={"split": "test"})
        assert candidate(store, grid, policy, ["base", "tuned"]).model == "tuned"


@pytest.mark.parametrize("where", ["policy", "rule"])
def test_a_test_set_that_is_not_there_is_refused(store: Store, where: str) -> None:
    wrong = {"test_set": "talk"}
    policy = policy_of({"at_least": 1}, **wrong) if where == "policy" else policy_of({"at_least": 1, **wrong})
    with pytest.raises(PolicyError, match=r"the test set 'talk', which 'asked' lacks; did you mean 'talks'\?"):
        held(store, policy)


def test_a_policy_that_names_no_test_set_is_the_one_it_was() -> None:
    policy = policy_of({"at_least": 1})
    assert "test_set" not in policy.model_dump_json()
    assert policy_id(policy) != policy_id(policy_of({"at_least": 1}, test_set=TALKS))
    champions = policy_of({"at_least": 1}, champions=[{"over": "seen"}, {"over": "seen", "test_set": TALKS}])
    assert list(champions.by_scope) == ["champion-seen", "champion-seen-talks"]
    assert [champions.meant_for(alias).test_set for alias in champions.by_scope] == [None, TALKS]
