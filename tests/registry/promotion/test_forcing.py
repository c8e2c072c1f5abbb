"""What the gate is not asked about, or was not: promotions by force, and what happens without Dragoman."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from tests.registry.promoting import promote

from dragoman.spec.promotion import Promotion
from dragoman_registry.audit.history import FORCED_TAG, faults
from dragoman_registry.audit.log import Action, Outcome
from dragoman_registry.promotion.champions import done_without_dragoman, standing_champions
from dragoman_registry.promotion.promotion import ForbiddenError, PromotionError, Promotions
from dragoman_registry.promotion.requests import PromotionRequest
from dragoman_registry.registry_client.client import client_at
from dragoman_registry.registry_client.versions import aliases_of

NAME = "small-translator"
STRICT = Promotion(model=NAME, rules=({"over": "seen", "at_least": 45},))
LENIENT = Promotion(model=NAME, rules=({"at_least": 1},))


@pytest.fixture
def promotions(world):
    return Promotions(world.store, world.settings.mlflow_url, may_force=True)


def forced(version, reason="the champion can't be served any more", policy=STRICT):
    return PromotionRequest(name=NAME, version=version.version, policy=policy, force=True, reason=reason)


def test_force_needs_a_reason_and_the_right(world, promotions):
    german = world.bare_version("german")
    with pytest.raises(PromotionError, match="needs a reason, which is recorded for ever: add --reason"):
        promotions.ask(forced(german, reason="  "))
    assert promotions.log.records() == []
    without = Promotions(world.store, promotions.uri, actor="somebody")
    with pytest.raises(ForbiddenError, match="somebody may not promote small-translator@1 by force: ask an admin"):
        without.ask(forced(german))
    (refusal,) = promotions.log.records()
    assert (refusal.actor, refusal.action, refusal.outcome) == ("somebody", Action.FORCED, Outcome.REFUSED)
    assert aliases_of(promotions.uri, NAME) == {}


def test_what_was_forced_is_marked_for_ever(world, promotions):
    german, english = world.bare_version("german"), world.bare_version("english")
    decision = promotions.ask(forced(german))
    assert decision.stands
    assert not decision.report.passed
    assert "is the champion now, by force and marked so for ever. german fails 1 of 1 check" in decision.sentence
    assert decision.record.action is Action.FORCED
    assert decision.record.reason.endswith("Reason: the champion can't be served any more")
    mark = client_at(promotions.uri).get_model_version(NAME, "1").tags[FORCED_TAG]
    assert mark.startswith("record 2, champion: german fails")
    assert [row["forced"] for row in standing_champions(promotions)] == [True]
    # it stays marked when the alias comes back to it, and when somebody takes the tag away
    client_at(promotions.uri).delete_model_version_tag(NAME, "1", FORCED_TAG)
    promote(promotions, english, STRICT, "champion")
    assert [row["forced"] for row in standing_champions(promotions)] == [False]
    promotions.rollback(NAME, "champion", "back")
    assert [row["forced"] for row in standing_champions(promotions)] == [True]
    assert faults(promotions.log, promotions.uri) == []


def test_force_where_the_gate_lets_through_is_an_ordinary_promotion(world, promotions):
    decision = promotions.ask(forced(world.bare_version("english")))
    assert (decision.record.action, decision.report.passed) == (Action.PROMOTION, True)
    assert decision.record.reason.endswith("Reason: the champion can't be served any more")


def test_what_happened_to_versions_without_dragoman_is_told(world, promotions):
    english, german = world.bare_version("english"), world.bare_version("german")
    client = client_at(promotions.uri)
    for version in (english, german):
        promote(promotions, version, LENIENT, "champion")
    assert done_without_dragoman(promotions, NAME) == []
    client.set_registered_model_alias(NAME, "challenger", "1")
    client.set_model_version_tag(NAME, "2", "dragoman.model", "model1-another")
    client.delete_model_version(NAME, "1")
    told = done_without_dragoman(promotions, NAME)
    assert [sentence.partition(",")[0] for sentence in told] == [f"{NAME}@1", f"{NAME}@2"]
    assert told[0].endswith("was deleted without Dragoman.")
    assert "and is said to be model1-another now: its tags were changed without Dragoman." in told[1]
    client.set_registered_model_alias(NAME, "challenger", "2")
    assert done_without_dragoman(promotions, NAME, "challenger")[0] == (
        f"{NAME}@challenger stands at version 2, though no move of it is recorded: it was moved without Dragoman."
    )
    client.delete_registered_model(NAME)
    assert "is gone, as the registered model was deleted or renamed" in done_without_dragoman(promotions, NAME)[0]


@pytest.fixture
def listener():
    """A web server of this machine that keeps what is posted to it."""
    heard, arrived = [], threading.Event()

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self):
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()
            arrived.set()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", heard, arrived
    server.shutdown()


def test_mlflows_webhooks_hear_of_a_promotion(world, promotions, listener, monkeypatch):
    url, heard, arrived = listener
    monkeypatch.setenv("MLFLOW_WEBHOOK_ALLOWED_SCHEMES", "http")
    monkeypatch.setenv("MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS", "true")
    # a process asks once a minute who has subscribed, whatever the database
    monkeypatch.setattr("mlflow.webhooks.delivery._webhook_cache", None)
    client_at(promotions.uri).create_webhook("told", url, ["model_version_alias.created"])
    promote(promotions, world.bare_version("english"), LENIENT, "champion")
    assert arrived.wait(20)
    (message,) = heard
    assert (message["entity"], message["action"]) == ("model_version_alias", "created")
    assert message["data"] == {"name": NAME, "alias": "champion", "version": "1"}
