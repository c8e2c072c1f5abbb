"""MLflow's database is lost and written again: aliases come back to the models that they stood at."""

import shutil
import time

import pytest
from tests.registry.promoting import promote

from dragoman_registry.audit.history import changed_versions, unrecorded_moves
from dragoman_registry.audit.log import Outcome
from dragoman_registry.promotion.promotion import PromotionError, Promotions
from dragoman_registry.registry_client.client import client_at
from dragoman_registry.registry_client.versions import aliases_of, version_at, versions_of

NAME = "small-translator"
LENIENT = [{"over": "all", "at_least": 1}]


@pytest.fixture
def promotions(world):
    return Promotions(world.store, world.settings.mlflow_url, may_force=True)


def finish(world, promotions):
    """What a grid's finisher does; its versions hold nothing."""
    there = {version.model_name: version for version in versions_of(promotions.uri, NAME)}
    found = {model: there.get(model) or world.bare_version(model) for model in ("german", "english")}
    return promote(promotions, found["english"], world.spec.promotion, "champion", again=False)


def lose(world, empty_mlflow):
    """Another database in the place of MLflow's; MLflow's clocks have milliseconds."""
    time.sleep(0.01)
    uri = f"sqlite:///{world.settings.home}/again.db"
    shutil.copy(empty_mlflow, world.settings.home / "again.db")
    world.settings = world.settings.model_copy(update={"mlflow": uri})
    return Promotions(world.store, uri, may_force=True)


def test_a_champion_is_put_back_when_its_grid_is_finished_again(world, promotions, empty_mlflow):
    finish(world, promotions)
    again = lose(world, empty_mlflow)
    assert "small-translator@2 is the champion now" in finish(world, again).sentence
    assert aliases_of(again.uri, NAME) == {"champion": "2"}
    trail = again.log.records()
    assert [record.outcome for record in trail] == [Outcome.BEGUN, Outcome.DONE] * 2
    assert unrecorded_moves(again.log, again.uri, NAME) == {}
    assert changed_versions(again.log, again.uri, NAME) == []
    assert "is the champion already" in finish(world, again).sentence
    assert again.log.records() == trail


def test_one_that_was_removed_by_hand_stays_removed(world, promotions):
    finish(world, promotions)
    client_at(promotions.uri).delete_registered_model_alias(NAME, "champion")
    assert "was promoted to champion on" in finish(world, promotions).sentence
    assert aliases_of(promotions.uri, NAME) == {}
    assert "moved without Dragoman" in unrecorded_moves(promotions.log, promotions.uri, NAME)["champion"]


def test_no_other_model_takes_the_place_of_a_forgotten_champion(world, promotions, empty_mlflow):
    spec = world.spec.promotion
    promote(promotions, world.bare_version("german"), spec.model_copy(update={"rules": ()}), "challenger")
    promote(promotions, world.bare_version("english"), spec, "champion")
    again = lose(world, empty_mlflow)
    german = world.bare_version("german")  # version 1 is the other model in the new registry, too
    lenient = spec.model_validate({**spec.model_dump(mode="json"), "rules": LENIENT})
    with pytest.raises(
        PromotionError, match=r"the model model1-\w+, which MLflow has forgotten since: `dragoman resume"
    ):
        promote(again, german, lenient, "champion")
    assert "`dragoman resume` of its grid sets it again" in unrecorded_moves(again.log, again.uri, NAME)["champion"]
    english = world.bare_version("english")
    strict = spec.model_validate({**spec.model_dump(mode="json"), "rules": [{"over": "all", "regression_at_most": 1}]})
    assert promote(again, german, strict, "champion").record.outcome is Outcome.REFUSED, "it is held against english"
    assert promote(again, english, strict, "champion", again=False).record.outcome is Outcome.DONE
    assert version_at(again.uri, NAME, "champion") == english


def test_numbers_that_mean_other_models_now_are_told_and_nothing_goes_back_to_them(world, promotions, empty_mlflow):
    spec = world.spec.promotion
    lenient = spec.model_validate({**spec.model_dump(mode="json"), "rules": LENIENT})
    for model in ("german", "english"):
        promote(promotions, world.bare_version(model), lenient, "champion")
    again = lose(world, empty_mlflow)
    for model in ("english", "german"):  # the other way round
        world.bare_version(model)
    first = versions_of(again.uri, NAME)[0]
    assert promote(again, first, lenient, "champion", again=False).record.outcome is Outcome.DONE
    assert len(changed_versions(again.log, again.uri, NAME)) == 1
    assert all("made anew at" in each for each in changed_versions(again.log, again.uri, NAME))
    with pytest.raises(PromotionError, match=r"Version 2 of small-translator is not the model that was its champion"):
        again.rollback(NAME, "champion", "back")
    assert version_at(again.uri, NAME, "champion") == first
