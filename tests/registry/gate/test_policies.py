"""Policies against a store: what they ask besides scores, what they are called, and which aliases they speak of."""

import json

import pytest
from tests.registry.promoting import promote

from dragoman.contamination import SEARCH
from dragoman.errors import SpecError, StoreError
from dragoman.metrics.sacrebleu import ChrfPlusPlus
from dragoman.metrics.serialization import pack
from dragoman.spec.promotion import Promotion
from dragoman.store.records import ContaminationRecord, StoredScore
from dragoman.tables.render import Form, render
from dragoman_registry.audit.log import Outcome
from dragoman_registry.finisher import register_and_promote
from dragoman_registry.gate.evidence import PolicyError, candidate, gate, policy_id
from dragoman_registry.gate.policy import load_policy, policy_for
from dragoman_registry.gate.report import GateReport
from dragoman_registry.promotion.gated_aliases import gated_aliases
from dragoman_registry.promotion.promotion import Promotions
from dragoman_registry.promotion.requests import PromotionRequest
from dragoman_registry.registry_client.versions import aliases_of
from dragoman_registry.tables import gate_table

NAME = "small-translator"


@pytest.fixture
def promotions(world):
    return Promotions(world.store, world.settings.mlflow_url)


def policy_of(*rules, **options):
    return Promotion(model=NAME, rules=rules, **options)


def only(report):
    (finding,) = report.findings
    return finding


# contamination


def look(world, model, search=SEARCH, **rates):
    """Record what was found in the training text of some pairs: exact copies of so many of 4 test sentences."""
    identity = next(number for number, name in world.grid.names.items() if name == model)
    test_set = world.store.cells.of_grid(world.spec.name)[0].cell.test_set
    found = [
        ContaminationRecord(
            model=identity, test_set=test_set, pair=tuple(pair.split("_")), side=side, segments=5, sentences=4,
            exact=exact, near=0, similarity=0.75, search=search,
        )
        for pair, sides in rates.items()
        for side, exact in zip(("source", "target"), sides, strict=True)
    ]  # fmt: skip
    world.store.contamination.record(identity, test_set, found)


def test_contamination_is_the_largest_share_found_in_either_language(world):
    # `english` is trained on en-de, de-en, en-fr and fr-en
    rule = {"metric": "contamination", "each": True, "at_most": 25}
    finding = only(gate(world.store, world.grid, "english", policy_of(rule), None))
    assert (finding.passed, finding.scored, finding.pairs) == (False, 0, 6)
    assert str(finding.worst[0]) == "de-en (the training text of de-en was not searched for test sentences)"
    look(world, "english", en_de=(0, 1), de_en=(0, 0), en_fr=(0, 0), fr_en=(0, 0))
    finding = only(gate(world.store, world.grid, "english", policy_of(rule), None))
    assert (finding.passed, finding.value, finding.scored) == (True, 25.0, 6)  # a tie
    look(world, "english", en_de=(0, 1), de_en=(0, 0), en_fr=(0, 2), fr_en=(0, 0))
    finding = only(gate(world.store, world.grid, "english", policy_of(rule), None))
    assert (finding.passed, finding.value) == (False, 50.0)
    assert [str(figure) for figure in finding.worst][:4] == [
        "de-fr 50.00", "en-fr 50.00", "fr-de 50.00", "fr-en 50.00"
    ]  # fmt: skip
    mean = only(gate(world.store, world.grid, "english", policy_of({**rule, "each": False, "at_most": 42}), None))
    assert mean.value == pytest.approx((2 * 25 + 4 * 50) / 6)


def test_what_an_earlier_search_found_is_no_number(world):
    rule = {"metric": "contamination", "each": True, "at_most": 25}
    look(world, "english", search=1, en_de=(0, 0), de_en=(0, 0), en_fr=(0, 0), fr_en=(0, 0))
    finding = only(gate(world.store, world.grid, "english", policy_of(rule), None))
    assert (finding.passed, finding.scored) == (False, 0)
    assert "was searched by an earlier version, which could miss copies" in str(finding.worst[0])


# seeds


def test_models_that_differ_in_their_seed_are_counted_pair_by_pair(world):
    rule = {"over": "all", "seeds_at_least": 2}
    alone = only(gate(world.store, world.grid, "english", policy_of(rule), None))
    assert (alone.value, alone.passed) == (1.0, False)
    models = world.spec.model_dump(mode="json")["models"]
    again = {**models[1], "name": "english-2", "seed": 2}
    world.checkpoints = {**world.checkpoints, "english-2": world.checkpoints["english"]}
    lacking = {**world.scores["english"], "de-fr": None}
    world.run({"models": [*models, again]}, {**world.scores, "english-2": lacking})
    two = only(gate(world.store, world.grid, "english", policy_of(rule), None))
    assert (two.value, two.passed) == (1.0, False)
    assert str(two.worst[0]) == "de-fr 1.00"
    assert only(gate(world.store, world.grid, "english", policy_of({**rule, "over": "seen"}), None)).passed


# significance of a mean


def score_with_statistics(world, model, right):
    """Score a model as if it had got so many of 60 sentences of each pair right, and the others wrong."""
    references = [f"sentence number {number} says this and that" for number in range(60)]
    for cell in world.store.cells.of_grid(world.spec.name):
        if world.grid.names[cell.cell.model] == model:
            metric = ChrfPlusPlus(cell.cell.pair)
            count = right[str(cell.cell.pair)]
            hypotheses = references[:count] + ["nothing of the kind at all"] * (60 - count)
            found = metric.statistics(references, hypotheses, references)
            score = StoredScore(metric="chrf++", signature="v1", value=metric.score(found), statistics=pack(found))
            world.store.cells.add_scores(cell.cell.id, [score])


def test_a_mean_may_not_fall_significantly_and_noise_is_no_fall(world, promotions):
    pairs = list(world.scores["english"])
    rules = [
        {"metric": "chrf++", "over": scope, "no_significant_regression": True, "seeds": "checkpoint"}
        for scope in ("all", "seen", "unseen")
    ]
    policy = policy_of(*rules)
    score_with_statistics(world, "english", dict.fromkeys(pairs, 40))
    promote(promotions, world.bare_version("english"), policy, "champion")
    world.run({"seed": 2})
    score_with_statistics(world, "english", {**dict.fromkeys(pairs, 40), "en-fr": 39})
    slightly = promote(promotions, world.bare_version("english"), policy, "champion").report
    assert [finding.passed for finding in slightly.findings] == [True, True, True]
    assert slightly.findings[0].value > 0
    assert slightly.findings[0].p_value > 0.05
    world.run({"seed": 3})
    score_with_statistics(world, "english", {**dict.fromkeys(pairs, 40), "de-fr": 20, "fr-de": 20})
    refused = promote(promotions, world.bare_version("english"), policy, "champion").report
    assert [(finding.over, finding.passed) for finding in refused.findings] == [
        ("all", False), ("seen", True), ("unseen", False)
    ]  # fmt: skip
    assert refused.findings[2].p_value <= 0.05
    protecting = policy_of({"at_least": 1}, protected=["fr-de", "en-de"], metric="chrf++")
    kept = promote(promotions, world.bare_version("english"), protecting, "champion").report
    assert [(finding.over, finding.passed) for finding in kept.findings[1:]] == [("fr-de", False), ("en-de", True)]


# signatures


def score_again(world, model, signature):
    for record in world.store.cells.of_grid(world.spec.name):
        if world.grid.names[record.cell.model] == model:
            bleu = world.scores[model][str(record.cell.pair)][0]
            score = StoredScore(metric="bleu", signature=f"bleu|{signature}", value=bleu)
            world.store.cells.add_scores(record.cell.id, [score])


def test_scores_of_two_signatures_are_judged_once_one_is_named_and_the_incumbent_has_it_too(world, promotions):
    german, english = world.bare_version("german"), world.bare_version("english")
    promote(promotions, german, policy_of({"at_least": 1}), "champion")
    regression = {"over": "all", "regression_at_most": 1}
    score_again(world, "english", "v2")
    with pytest.raises(StoreError, match="--signature TEXT"):
        promote(promotions, english, policy_of(regression), "champion")
    newer = policy_of(regression, signatures={"bleu": "v2"})
    refused = only(promote(promotions, english, newer, "champion").report)
    assert (refused.passed, refused.scored) == (False, 0)
    assert refused.worst[0].reason == "the incumbent's score has another signature"
    score_again(world, "german", "v2")
    asked = asking(english, "champion", policy=policy_of(regression), signatures={"": "v2"})
    passed = only(promotions.ask(asked).report)
    assert (passed.passed, passed.scored) == (True, 6)
    assert passed.value == pytest.approx((138 - 220) / 6)


# names, versions and aliases


def test_one_name_and_version_stand_for_one_policy(world, promotions):
    english = world.bare_version("english")
    first = policy_of({"at_least": 1}, policy="house", version=1)
    promote(promotions, english, first, "champion")
    changed = policy_of({"at_least": 2}, policy="house", version=1)
    with pytest.raises(PolicyError, match=r"house version 1 said something else on .* give the changed one version 2"):
        promote(promotions, english, changed, "champion")
    later = changed.model_copy(update={"version": 2})
    assert promote(promotions, english, later, "champion").sentence.startswith(f"{NAME}@1 is the champion already")
    record = promotions.log.records()[-1]
    assert (record.outcome, record.policy) == (Outcome.DONE, policy_id(first))
    assert '"policy":"house"' in record.evidence


def test_a_key_that_is_not_used_leaves_the_hash_alone():
    assert policy_id(policy_of({"at_least": 1})) == policy_id(policy_of({"at_least": 1}, coverage=1.0, protected=[]))
    assert policy_id(policy_of({"at_least": 1})) != policy_id(policy_of({"at_least": 2}))


def test_a_scope_has_a_champion_of_its_own(world, promotions):
    champions = ["unseen_source", {"over": "fr-de", "rules": [{"over": "fr-de", "at_least": 25}]}]
    rules = [{"over": "seen", "at_least": 30}]
    world.run({"promotion": {"model": NAME, "rules": rules, "champions": champions, "metric": "bleu"}})
    policy = world.spec.promotion
    assert policy.known_aliases == ("champion", "candidate", "challenger", "champion-unseen_source", "champion-fr-de")
    assert gated_aliases(world.store, NAME) == set(policy.known_aliases)
    meant = policy_for(world.grid, "champion-fr-de")
    assert (meant.alias, str(meant.over), meant.rules[0].at_least) == ("champion-fr-de", "fr-de", 25)
    assert meant.meant_for("champion-fr-de") == meant
    assert policy_for(world.grid, "champion-unseen_source").rules == policy.rules
    with pytest.raises(SpecError, match="has no alias 'champoin'; did you mean 'champion'"):
        policy_for(world.grid, "champoin")
    german, english = world.bare_version("german"), world.bare_version("english")
    assert promotions.ask(asking(german, "champion-fr-de")).stands  # 30 against english's 10
    assert not promotions.ask(asking(english, "champion-fr-de")).stands
    assert promotions.ask(asking(english, "challenger")).stands
    assert aliases_of(promotions.uri, NAME) == {"champion-fr-de": "1", "challenger": "2"}


def asking(version, alias, **more):
    return PromotionRequest(name=version.name, version=version.version, alias=alias, **more)


def test_a_grid_puts_its_best_model_forward_for_each_champion(world, promotions):
    champions = [{"over": "fr-de", "rules": [{"over": "fr-de", "at_least": 25}]}]
    changed = {"promotion": {"model": NAME, "rules": [{"over": "seen", "at_least": 40}], "champions": champions}}
    world.run(changed)
    said = []
    register_and_promote(world.settings, world.spec.name, world.spec, {}, said.append)
    assert any(line.startswith("candidate for champion: english") for line in said)
    assert any(line.startswith("candidate for champion-fr-de: german") for line in said)
    assert aliases_of(promotions.uri, NAME) == {"champion": "2", "champion-fr-de": "1"}


def test_candidates_are_compared_on_the_pairs_that_are_in_the_scope_for_all_of_them(world):
    # `german` has seen en-de, de-en, de-fr, fr-de and `english` en-de, de-en, en-fr, fr-en: two pairs are shared
    scores = {model: dict(pairs) for model, pairs in world.scores.items()}
    scores["english"] |= {"en-de": (20.0, 0.0), "de-en": (20.0, 0.0), "en-fr": (90.0, 0.0), "fr-en": (90.0, 0.0)}
    scores["german"] |= {"en-de": (30.0, 0.0), "de-en": (30.0, 0.0), "de-fr": (5.0, 0.0), "fr-de": (5.0, 0.0)}
    world.run({"name": "apart", "seed": 5}, scores)
    found = candidate(
        world.store, world.grid, policy_of({"at_least": 1}, metric="bleu", over="seen"), ["german", "english"]
    )
    assert found.model == "german"
    with pytest.raises(PolicyError, match="No pair of 'apart' is unseen for all of german, english"):
        candidate(
            world.store, world.grid, policy_of({"at_least": 1}, metric="bleu", over="unseen"), ["german", "english"]
        )
    assert (
        candidate(world.store, world.grid, policy_of({"at_least": 1}, metric="bleu", over="unseen"), ["german"]).model
        == "german"
    )


def test_a_gate_says_of_what_its_numbers_are_and_which_pairs_are_others_for_the_incumbent(world, promotions):
    pairs = list(world.scores["english"])
    rules = [{"metric": "chrf++", "over": "seen", "no_significant_regression": True}, {"metric": "bleu", "at_least": 1}]
    policy = policy_of(*rules)
    score_with_statistics(world, "english", dict.fromkeys(pairs, 60))
    score_with_statistics(world, "german", dict.fromkeys(pairs, 5))
    promote(promotions, world.bare_version("english"), policy, "champion")
    report = promote(promotions, world.bare_version("german"), policy, "champion").report
    (finding, _) = report.findings
    assert "The pairs are those that are seen for the model: 2 of 4 are for the incumbent too." in finding.remark
    assert finding.p_is_floor and "p < 0.000" in finding.measured and "0.0000" not in report.reason
    table = gate_table([report])
    assert table.caption.startswith("Test set: cldr test, revision ")
    assert "; 3 sentences a pair, the first ones; " in table.caption
    assert "signature: v1 (chrf++), bleu|v1 (bleu);" in table.caption
    said = render([table], Form.MARKDOWN)
    assert "< 0.000" in said and "0.0000" not in said and table.caption in said
    row = json.loads(render([table], Form.JSON))["gate"][0]
    assert {"metric": "chrf++", "corpus": "cldr", "sentences_most": 3, "p_is_floor": True}.items() <= row.items()
    # reports of before have none of it, and are read
    old = GateReport.model_validate({**report.model_dump(), "captions": {}})
    assert gate_table([old]).caption is None and gate_table([old]).rows[0]["metric"] == "chrf++"


def test_an_alias_that_only_moves_from_where_it_was_seen(world, promotions):
    first, second = world.bare_version("english"), world.bare_version("english")
    assert promotions.ask(asking(first, "champion", replacing="none")).stands
    with pytest.raises(Exception, match="stands at version 1, not at none: look at what it is now"):
        promotions.ask(asking(second, "champion", replacing="none"))
    assert promotions.log.records()[-1].outcome is Outcome.LOST
    assert promotions.ask(asking(second, "champion", replacing="1")).stands


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "rules: [{at_least: yes}]",
            r"rules.0.at_least \(True\) is a truth value where a number stands; give the number",
        ),
        ("rules: [{at_least: 010}]", r"line 1: 010 is 8 in YAML 1.1 and 10 in YAML 1.2"),
        ("rules: [{at_least: 1}]\nprotected: [[en, no]]", r"protected.0.1 \(False\) .*put the word in quotes"),
        ("rules: [{at_least: 1}]\nrules: []", r"line 2: the key 'rules' is there already, in line 1"),
        ("rules: [{at_least: .nan}]", "at_least .*finite number"),
        (f"rules: [{{at_least: 1}}]\npolicy: {'p' * 231}", "policy .* at most 200 characters"),
        ("rules: [", "is not YAML"),
        ("- 1", "holds no policy"),
    ],
)
def test_a_policys_file_is_read_as_a_spec_is(tmp_path, text, sentence):
    file = tmp_path / "policy.yaml"
    file.write_text(text)
    with pytest.raises(PolicyError, match=sentence) as caught:
        load_policy(file, NAME)
    assert "\n" not in str(caught.value)
