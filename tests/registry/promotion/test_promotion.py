"""From a grid's scores to an alias: gates, refusals, rollbacks, races and crashes."""

import json
import multiprocessing
import sys
from pathlib import Path

import pytest
from tests.registry.promoting import promote

from dragoman.errors import ModelError
from dragoman.metrics.sacrebleu import ChrfPlusPlus
from dragoman.metrics.serialization import pack
from dragoman.spec.promotion import Promotion
from dragoman.store.records import StoredScore
from dragoman_registry.audit.history import faults, standing, unrecorded_moves
from dragoman_registry.audit.log import Action, Outcome, UnderWayError
from dragoman_registry.finisher import register_and_promote
from dragoman_registry.gate import evidence
from dragoman_registry.gate.evidence import PolicyError, candidate, gate
from dragoman_registry.promotion.promotion import PromotionError, Promotions
from dragoman_registry.registry_client.alias import compare_and_swap
from dragoman_registry.registry_client.client import client_at
from dragoman_registry.registry_client.versions import aliases_of, version_at, versions_of

NAME = "small-translator"


@pytest.fixture
def promotions(world):
    return Promotions(world.store, world.settings.mlflow_url)


@pytest.fixture
def policy(world):
    return world.spec.promotion


def standing_at(promotions, alias="champion"):
    return aliases_of(promotions.uri, NAME).get(alias)


def outcomes(promotions):
    return [record.outcome for record in promotions.log.records()]


def policy_of(*rules, **options):
    return Promotion(model=NAME, rules=rules, **options)


# evidence


def test_the_store_gives_the_gate_its_numbers(world, policy):
    report = gate(world.store, world.grid, "english", policy, None)
    # seen: (50 + 40 + 45 + 55) / 4; unseen gains: (18 + 8) / 2; off target over seen: 10 / 4
    assert [(found.value, found.scored, found.pairs, found.passed) for found in report.findings] == [
        (47.5, 4, 4, True),
        (13.0, 2, 2, True),
        (2.5, 4, 4, True),
        (None, 0, 0, True),
    ]
    assert report.passed
    refused = gate(world.store, world.grid, "german", policy, None)
    assert [found.passed for found in refused.findings] == [False, True, True, True]
    assert refused.findings[0].value == 30.25
    assert [str(figure) for figure in refused.findings[0].worst] == [
        "de-fr 20.00", "en-de 30.00", "fr-de 30.00", "de-en 41.00"
    ]  # fmt: skip
    assert refused.reason.startswith("german fails 1 of 4 checks: bleu over seen ≥ 40: 30.25")


def test_the_candidate_is_the_best_on_the_pairs_all_have(world, policy):
    names = ["german", "english"]
    assert candidate(world.store, world.grid, policy, names).model == "english"
    # english's best pairs don't count where german lacks them: (40 + 20 + 10) / 3 against (41 + 20 + 30) / 3
    holes = {**world.scores["german"], "en-de": None, "en-fr": None, "fr-en": None}
    world.run({"seed": 2}, {**world.scores, "german": holes})
    assert candidate(world.store, world.grid, policy, names).model == "german"
    refused = gate(world.store, world.grid, "german", policy_of({"at_least": 1}), None)
    assert refused.findings[0].note == "3 of 6 pairs lack a score and 100% must have one"
    assert str(refused.findings[0].worst[0]) == "en-de (out of memory)"
    lowest = policy_of({"metric": "off_target", "at_most": 100}, metric="off_target")
    assert candidate(world.store, world.grid, lowest, names).model == "german"


def test_a_regression_is_taken_on_the_same_lines_whatever_grid_they_were_scored_in(world, promotions, policy):
    champion = world.bare_version("english")
    assert promote(promotions, champion, policy, "champion").record.outcome is Outcome.DONE
    # the grid is run again with another seed: new models, the old one is no part of it any more
    worse = {**world.scores, "english": {**world.scores["english"], "en-de": (44.0, 0.0)}}
    world.run({"seed": 2}, worse)
    challenger = world.bare_version("english")
    assert challenger.model != champion.model
    assert champion.model not in world.grid.names
    report = promote(promotions, challenger, policy, "champion").report
    # one of six pairs is worse by 6
    assert (report.findings[3].value, report.findings[3].scored, report.passed) == (1.0, 6, True)
    world.run({"seed": 3}, {**worse, "english": {**worse["english"], "en-fr": (38.9, 10.0)}})
    refused = promote(promotions, world.bare_version("english"), policy, "champion")
    assert refused.record.outcome is Outcome.REFUSED
    assert refused.report.findings[3].value == pytest.approx(6.1 / 6)
    assert refused.report.incumbent == challenger.model
    assert standing_at(promotions) == challenger.version


def test_other_lines_or_another_signature_are_no_comparison(world, promotions, policy):
    promote(promotions, world.bare_version("english"), policy, "champion")
    evaluation = world.spec.evaluation.model_dump(mode="json")
    world.run({"name": "more", "seed": 2, "evaluation": {**evaluation, "sentences": 4}})
    report = promote(promotions, world.bare_version("english"), policy, "champion").report
    assert not report.passed
    assert report.findings[3].note == "the incumbent was tested on none of these pairs with the same lines"
    again = {**evaluation, "decoding": {"max_new_tokens": 11}}
    world.run({"name": "newer", "seed": 3, "evaluation": again}, signature="v2")
    report = promote(promotions, world.bare_version("english"), policy, "champion").report
    assert (report.findings[3].scored, report.findings[3].pairs) == (0, 6)
    assert report.findings[3].worst[0].reason == "the incumbent's score has another signature"


def score_with_statistics(world, model, right):
    """Score a model as if it had got so many of 60 sentences of each pair right, and the others wrong."""
    for cell in world.store.cells.of_grid(world.spec.name):
        if world.grid.names[cell.cell.model] == model:
            metric, pair = ChrfPlusPlus(cell.cell.pair), str(cell.cell.pair)
            references = [f"sentence number {number} says this and that" for number in range(60)]
            hypotheses = references[: right[pair]] + ["nothing of the kind at all"] * (60 - right[pair])
            statistics = metric.statistics(references, hypotheses, references)
            score = StoredScore(
                metric="chrf++", signature="chrF2++|v1", value=metric.score(statistics), statistics=pack(statistics)
            )  # fmt: skip
            world.store.cells.add_scores(cell.cell.id, [score])


def test_a_significant_loss_on_one_pair_is_told_from_noise(world, promotions):
    pairs = [str(score) for score in world.scores["english"]]
    policy = policy_of({"metric": "chrf++", "significant_losses_at_most": 0, "seeds": "checkpoint"})
    score_with_statistics(world, "english", dict.fromkeys(pairs, 30))
    promote(promotions, world.bare_version("english"), policy, "champion")
    world.run({"seed": 2})
    score_with_statistics(world, "english", {**dict.fromkeys(pairs, 31), "en-fr": 29})
    assert promote(promotions, world.bare_version("english"), policy, "champion").report.passed
    world.run({"seed": 3})
    score_with_statistics(world, "english", {**dict.fromkeys(pairs, 32), "en-fr": 5})
    refused = promote(promotions, world.bare_version("english"), policy, "champion").report
    assert (refused.findings[0].value, refused.findings[0].scored, refused.passed) == (1.0, 6, False)
    assert str(refused.findings[0].worst[0].pair) == "en-fr"


def test_an_incumbent_of_another_make_has_no_scores(world, promotions, policy):
    client = client_at(promotions.uri)
    client.create_registered_model(NAME)
    client.create_model_version(NAME, "file:///nowhere")
    client.set_registered_model_alias(NAME, "champion", "1")
    report = promote(promotions, world.bare_version("english"), policy, "champion").report
    assert (report.passed, report.incumbent) == (False, evidence.UNKNOWN_INCUMBENT)
    foreign = version_at(promotions.uri, NAME, "champion")
    with pytest.raises(PromotionError, match="was not registered by Dragoman"):
        promote(promotions, foreign, policy, "champion")


def test_a_policy_about_a_metric_nobody_scored_is_a_sentence(world, promotions):
    with pytest.raises(PolicyError, match="'blue', which 'small' is not scored with; did you mean 'bleu'"):
        promote(promotions, world.bare_version("english"), policy_of({"metric": "blue", "at_least": 1}), "champion")
    assert outcomes(promotions) == []


# promotions


def test_a_promotion_a_refusal_and_a_rollback_leave_their_trail(world, promotions, policy):
    german, english = world.bare_version("german"), world.bare_version("english")
    refused = promote(promotions, german, policy, "champion")
    assert refused.record.outcome is Outcome.REFUSED
    assert refused.sentence.startswith("small-translator@1 is not promoted to champion: german fails 1 of 4")
    assert standing_at(promotions) is None
    done = promote(promotions, english, policy, "champion")
    assert standing_at(promotions) == "2"
    assert done.sentence.startswith("small-translator@2 is the champion now. english passes 4 checks")
    assert json.loads(done.record.evidence)["findings"][0]["value"] == 47.5
    assert (done.record.from_version, done.record.to_version, done.record.model) == (None, "2", english.model)
    assert done.record.policy == evidence.policy_id(policy)
    again = promote(promotions, english, policy, "champion")
    assert again.record is None
    with pytest.raises(PromotionError, match="is the first champion"):
        promotions.rollback(NAME, "champion", "why not")
    lenient = policy_of({"over": "seen", "at_least": 1})
    promote(promotions, german, lenient, "champion")
    assert standing_at(promotions) == "1"
    back = promotions.rollback(NAME, "champion", "it mistranslates numbers")
    assert standing_at(promotions) == "2"
    assert (back.action, back.outcome, back.reason) == (Action.ROLLBACK, Outcome.DONE, "it mistranslates numbers")
    assert outcomes(promotions) == ["refused", *["begun", "done"] * 3]
    assert faults(promotions.log, promotions.uri) == []
    assert unrecorded_moves(promotions.log, promotions.uri, NAME) == {}


def test_a_rollback_of_several_promotions_goes_back_one_by_one(world, promotions):
    lenient = policy_of({"at_least": 1})
    for model in ("german", "english", "german"):
        promote(promotions, world.bare_version(model), lenient, "challenger")
    assert [promotions.rollback(NAME, "challenger", "back").to_version for _ in range(2)] == ["2", "1"]
    assert standing(promotions.log.records(NAME, "challenger")) == ["1"]
    promote(promotions, versions_of(promotions.uri, NAME)[2], lenient, "challenger")
    assert promotions.rollback(NAME, "challenger", "back").to_version == "1"


def test_what_was_moved_without_dragoman_is_noticed(world, promotions, policy):
    english, german = world.bare_version("english"), world.bare_version("german")
    promote(promotions, english, policy, "champion")
    client_at(promotions.uri).set_registered_model_alias(NAME, "champion", german.version)
    assert "stands at version 2, though its last recorded move was to version 1" in unrecorded_moves(
        promotions.log, promotions.uri, NAME
    )["champion"]  # fmt: skip
    with pytest.raises(PromotionError, match="there is nothing to take back"):
        promotions.rollback(NAME, "champion", "why")
    client_at(promotions.uri).delete_registered_model_alias(NAME, "champion")
    assert "is not set" in unrecorded_moves(promotions.log, promotions.uri, NAME)["champion"]
    client_at(promotions.uri).rename_registered_model(NAME, "another-name")
    assert "is gone, as the registered model was renamed to another-name" in unrecorded_moves(
        promotions.log, promotions.uri, NAME
    )["champion"]  # fmt: skip


def test_a_version_of_the_grid_before_its_spec_changed_is_refused(world, promotions, policy):
    version = world.bare_version("english")
    evaluation = {**world.spec.evaluation.model_dump(mode="json"), "decoding": {"max_new_tokens": 12, "beam": 4}}
    world.run({"evaluation": evaluation})
    with pytest.raises(PromotionError, match="as it was before its spec changed"):
        promote(promotions, version, policy, "champion")


# the alias


def test_the_alias_moves_only_from_where_it_was_seen(world, promotions):
    for model in ("english", "german"):
        world.bare_version(model)
    uri = promotions.uri
    assert not compare_and_swap(uri, NAME, "champion", "1", "2")
    assert compare_and_swap(uri, NAME, "champion", None, "1")
    assert not compare_and_swap(uri, NAME, "champion", None, "2")
    assert not compare_and_swap(uri, NAME, "champion", "2", "1")
    assert standing_at(promotions) == "1"
    assert compare_and_swap(uri, NAME, "champion", "1", "2")
    assert standing_at(promotions) == "2"
    with pytest.raises(ModelError, match="has no version 9 of"):
        compare_and_swap(uri, NAME, "champion", "2", "9")
    with pytest.raises(ModelError, match="has no version 9 of"):
        compare_and_swap(uri, NAME, "other", None, "9")
    assert aliases_of(uri, NAME) == {"champion": "2"}


@pytest.fixture(scope="module")
def fresh_processes():
    """Starts processes that have nothing of this one but what they import, which they import once for all."""
    here = str(Path(__file__).parent)
    sys.path.insert(0, here)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["promoter_process", "mlflow.store.model_registry.sqlalchemy_store"])
    yield context
    sys.path.remove(here)


@pytest.fixture
def promoter(world, fresh_processes):
    import promoter_process

    started = []

    def start(*numbers):
        ours, theirs = fresh_processes.Pipe()
        process = fresh_processes.Process(target=promoter_process.work, args=(world.settings.home, numbers, theirs))
        process.start()
        started.append(process)
        return process, ours

    yield start
    for process in started:
        process.kill()
        process.join()


def test_of_promotions_at_once_one_wins_each_round(world, promotions, promoter):
    workers, rounds = 4, 3
    for _ in range(workers * rounds):
        world.bare_version("english")
    numbers = [str(number) for number in range(1, workers * rounds + 1)]
    pipes = [promoter(*numbers[place::workers])[1] for place in range(workers)]
    for _ in range(rounds):
        for pipe in pipes:
            pipe.send("go")
        answers = [pipe.recv() for pipe in pipes]
        won = [answer for answer in answers if "is the champion now" in answer]
        assert won  # one that starts when another has won already follows it: that is no race
        for answer in set(answers) - set(won):
            assert answer.startswith(("lost: small-translator@champion moved from version", "lost: "))
            assert "moved from version" in answer or "began to move" in answer
        done = [record for record in promotions.log.records() if record.outcome is Outcome.DONE]
        assert [record.from_version for record in done] == [None, *[record.to_version for record in done][:-1]]
        assert standing_at(promotions) == done[-1].to_version
    assert faults(promotions.log, promotions.uri) == []
    records = promotions.log.records()
    begun = [record.sequence for record in records if record.outcome is Outcome.BEGUN]
    assert [record.begun for record in records if record.begun] == begun


@pytest.mark.parametrize(("moment", "outcome", "stands"), [("before", "abandoned", None), ("after", "done", "1")])
def test_a_promoter_killed_in_the_middle_is_mended_by_the_next_command(
    world, promotions, promoter, moment, outcome, stands
):
    world.bare_version("english")
    other = world.bare_version("german")
    process, pipe = promoter("1")
    pipe.send(f"die {moment}")
    assert pipe.recv() == "stopped"
    assert outcomes(promotions) == ["begun"]
    with pytest.raises(UnderWayError, match=r"began to move small-translator@champion to version 1 .* try again"):
        promote(promotions, other, policy_of({"at_least": 1}), "champion")
    process.kill()
    process.join()
    assert [record.outcome for record in promotions.mend(NAME)] == [outcome]
    assert promotions.mend(NAME) == []
    assert standing_at(promotions) == stands
    assert faults(promotions.log, promotions.uri) == []
    promote(promotions, other, policy_of({"at_least": 1}), "champion")
    assert standing_at(promotions) == "2"


# the finisher


def finish(world):
    said = []
    register_and_promote(world.settings, world.spec.name, world.spec, {}, said.append)
    return "\n".join(said)


def test_a_complete_grid_registers_its_models_and_promotes_the_best_once(world, promotions):
    said = finish(world)
    assert "registered: german as small-translator@1, english as small-translator@2" in said
    assert "candidate for champion: english" in said
    assert "small-translator@2 is the champion now. english passes 4 checks" in said
    assert standing_at(promotions) == "2"
    trail = promotions.log.records()
    assert "is the champion already" in finish(world)
    assert promotions.log.records() == trail
    assert len(versions_of(promotions.uri, NAME)) == 2
    # someone moves it on: finishing the same grid again does not undo that
    promote(promotions, versions_of(promotions.uri, NAME)[0], policy_of({"at_least": 1}), "champion")
    assert "was promoted to champion on" in finish(world)
    assert standing_at(promotions) == "1"


def test_a_refusal_is_explained_and_recorded_once(world, promotions):
    world.run(
        {"promotion": {**world.spec.promotion.model_dump(mode="json"), "rules": [{"over": "unseen", "at_least": 20}]}}
    )
    said = finish(world)
    assert "small-translator@2 is not promoted to champion: english fails 1 of 1 check" in said
    assert "fr-de 10.00" in said
    assert "was refused as champion on" in finish(world)
    assert outcomes(promotions) == ["refused"]
    assert standing_at(promotions) is None


def test_without_a_policy_nothing_is_registered(world, promotions):
    world.run({"promotion": None})
    assert finish(world) == ""
    assert versions_of(promotions.uri, NAME) == []
