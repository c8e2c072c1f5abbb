"""Writes and the guard on a real server with MLflow's authentication, below a static prefix."""

import re
import shutil
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urljoin

import pytest
import requests
from sqlalchemy import update
from tests.ui_plugins.mlflow_users import AUTH

from dragoman.spec.decoding import Decoding
from dragoman.spec.grid import GridSpec
from dragoman.store.records import JobState
from dragoman.store.schema import GridRow
from dragoman.store.store import Store
from dragoman.tracking.logged_models import DECODING_TAG, GRID_TAG, MODEL_TAG, NAME_TAG, PROMPT_TAG
from dragoman_registry.audit.log import AuditLog, AuditRecord
from dragoman_registry.registry_client.client import client_at
from dragoman_registry.registry_client.versions import aliases_of

MODEL = "demo-translator"
ADMIN, VIEWER, PROMOTER = ("admin", "an admin's password"), ("viola", "a viewer's one"), ("petra", "a promoter's one")
PREFIX = "/lab"
GOOD, POOR, FREE = "1", "2", "3"
"""Versions: passes the policy, fails it, and none of the grid's."""
MODELS = ("english-centric", "roles")
METHOD = {"kind": "full", "learning_rate": 0.1, "steps": 1}
SPEC = {
    "name": "demo",
    "base": "nowhere",
    "languages": ["en", "de", "ru", "ar", "zh-Hans", "hi"],
    "corpus": "cldr",
    "models": [{"name": name, "pairs": {"centric": "en"}, "examples": 5, "method": METHOD} for name in MODELS],
    "evaluation": {"metrics": ["bleu", "chrf++"]},
    "promotion": {"model": MODEL, "rules": [{"metric": "bleu", "over": "seen", "at_least": 20, "coverage": 0.5}]},
}


class Lab(NamedTuple):
    """A server, asked as different people."""

    address: str
    home: Path

    @property
    def registry(self) -> str:
        """The registry behind the server's back."""
        return f"sqlite:///{self.home}/mlflow.db"

    def api(self, path: str) -> str:
        return f"{self.address}/ajax-api/3.0/dragoman/{path}"

    def records(self) -> list[AuditRecord]:
        store = Store.open_existing(f"sqlite:///{self.home}/store.db", f"file://{self.home}/blobs")
        found = AuditLog(store.database).records(MODEL)
        store.close()
        return found

    def session(self, user: tuple[str, str]) -> requests.Session:
        """A browser with a token."""
        session = requests.Session()
        session.auth = user
        answer = session.get(self.api("session"), params={"name": MODEL, "grid": "demo"})
        assert answer.status_code == 200, answer.text
        assert answer.json()["user"] == user[0]
        session.headers["X-Dragoman-Token"] = answer.json()["token"]
        return session


@pytest.fixture(scope="module")
def lab(filled_home: Path, tmp_path_factory: pytest.TempPathFactory, serve: Callable[..., Any]) -> Iterator[Lab]:
    home = tmp_path_factory.mktemp("lab") / "home"
    shutil.copytree(filled_home, home)
    store = Store.open_existing(f"sqlite:///{home}/store.db", f"file://{home}/blobs")
    grid = store.grids.get("demo")
    spec = GridSpec.model_validate(SPEC | {"prompt": grid.spec["prompt"]})
    with store.database.writing() as connection:
        connection.execute(update(GridRow).values(spec=spec.model_dump(mode="json")))
    store.close()
    client, ids = client_at(f"sqlite:///{home}/mlflow.db"), {name: identity for identity, name in grid.names.items()}
    client.create_registered_model(MODEL)
    for name in ("english-centric", "base"):
        tags = {MODEL_TAG: ids[name], GRID_TAG: "demo", NAME_TAG: name, PROMPT_TAG: spec.prompt.id,
                DECODING_TAG: Decoding().id}  # fmt: skip
        client.create_model_version(MODEL, "file:///nowhere", tags=tags)
    client.create_model_version(MODEL, "file:///nowhere")
    client.set_registered_model_alias(MODEL, "playground", FREE)
    (home / "auth.ini").write_text(AUTH.format(home=home))
    secrets = {"MLFLOW_AUTH_ADMIN_PASSWORD": ADMIN[1], "MLFLOW_FLASK_SERVER_SECRET_KEY": "a secret for a test"}
    server = serve(home, "dragoman-auth", PREFIX, MLFLOW_AUTH_CONFIG_PATH=str(home / "auth.ini"), **secrets)
    rest = f"{server.address}/api"
    for name, password in (VIEWER, PROMOTER):
        made = requests.post(f"{rest}/2.0/mlflow/users/create", json={"username": name, "password": password},
                             auth=ADMIN)  # fmt: skip
        assert made.status_code == 200, made.text
    granted = requests.post(
        f"{rest}/3.0/mlflow/users/permissions/grant",
        json={"username": PROMOTER[0], "resource_type": "registered_model", "resource_id": MODEL,
              "permission": "MANAGE"},
        auth=ADMIN,
    )  # fmt: skip
    assert granted.status_code == 200, granted.text
    yield Lab(server.address, home)


PROMOTION = {"name": MODEL, "version": GOOD}
WRITES = {
    "promote": PROMOTION,
    "refuse": {**PROMOTION, "reason": "no"},
    "rollback": {"name": MODEL},
    "stop": {"grid": "demo"},
    "retry": {"grid": "demo"},
}


def test_who_may_not_is_told_so_and_nothing_is_written(lab: Lab) -> None:
    before = lab.records()
    viewer, promoter = lab.session(VIEWER), lab.session(PROMOTER)
    for path, body in WRITES.items():
        address = lab.api(path)
        assert requests.post(address, json=body).status_code == 401
        assert requests.post(address, json=body, auth=(PROMOTER[0], "wrong")).status_code == 401
        refused = viewer.post(address, json=body)
        assert refused.status_code == 403
        assert "permissions make viola a viewer" in refused.json()["message"]
        for origin in ("https://elsewhere.example", "http://localhost:1", "http://127.0.0.1", "null"):
            assert promoter.post(address, json=body, headers={"Origin": origin}).status_code == 403, origin
        other_site = promoter.post(address, json=body, headers={"Sec-Fetch-Site": "same-site"})
        assert other_site.status_code == 403
        without = promoter.post(address, json=body, headers={"X-Dragoman-Token": None})
        assert without.status_code == 403
        assert "no valid token" in without.json()["message"]
        borrowed = {"X-Dragoman-Token": viewer.headers["X-Dragoman-Token"]}
        assert promoter.post(address, json=body, headers=borrowed).status_code == 403
        bare = requests.post(address, json=body, headers={"X-Dragoman-Token": "0" * 64}, auth=PROMOTER)
        assert bare.status_code == 403
        ambient = {"X-Dragoman-Client": "a program", "Cookie": "a=b"}
        assert requests.post(address, json=body, headers=ambient, auth=PROMOTER).status_code == 403
    assert lab.records() == before
    for path in ("/dragoman/", "/dragoman/static/pages.css", "/ajax-api/3.0/dragoman/grids"):
        assert requests.get(lab.address + path).status_code == 401
        found = requests.get(lab.address + path, auth=VIEWER)
        assert found.status_code == 200
        assert "default-src 'none'" in found.headers["Content-Security-Policy"]


def test_a_promoter_promotes_refuses_and_rolls_back(lab: Lab) -> None:
    browser = lab.session(PROMOTER)
    own = {"Origin": lab.address.removesuffix(PREFIX), "Sec-Fetch-Site": "same-origin"}
    decision = browser.post(lab.api("promote"), json=PROMOTION, headers=own)
    assert decision.status_code == 200, decision.text
    assert decision.json()["record"]["actor"] == "petra"
    assert decision.json()["record"]["outcome"] == "done"
    assert aliases_of(lab.registry, MODEL)["champion"] == GOOD

    program = {"headers": {"X-Dragoman-Client": "a test"}, "auth": PROMOTER}
    failed = requests.post(lab.api("promote"), json={**PROMOTION, "version": POOR, "actor": "x"}, **program)
    assert failed.status_code == 200
    assert (failed.json()["record"]["outcome"], failed.json()["record"]["actor"]) == ("refused", "petra")
    refused = browser.post(lab.api("refuse"), json={**PROMOTION, "reason": "mistranslates numbers"})
    assert (refused.json()["outcome"], refused.json()["reason"]) == ("refused", "mistranslates numbers")
    assert aliases_of(lab.registry, MODEL)["champion"] == GOOD
    first = browser.post(lab.api("rollback"), json={"name": MODEL, "reason": "a try"})
    assert first.status_code == 409
    assert "there is none to go back to" in first.json()["message"]
    forced = {**PROMOTION, "version": POOR, "force": True, "reason": "to see it marked"}
    mine = browser.post(lab.api("promote"), json=forced)
    assert mine.status_code == 403
    assert "petra may not promote demo-translator@2 by force: ask an administrator" in mine.json()["message"]
    done = lab.session(ADMIN).post(lab.api("promote"), json=forced)
    assert done.json()["record"]["action"] == "forced"
    back = browser.post(lab.api("rollback"), json={"name": MODEL, "reason": "enough"})
    assert (back.json()["action"], back.json()["to_version"]) == ("rollback", GOOD)
    assert aliases_of(lab.registry, MODEL)["champion"] == GOOD


@pytest.mark.parametrize(
    ("path", "body", "status", "sentence"),
    [
        ("promote", {"name": MODEL, "version": "9"}, 404, "has no version 9"),
        ("promote", {"name": "other", "version": "1"}, 403, "takes a promoter"),
        ("promote", {"name": MODEL, "version": FREE}, 409, "was not registered by Dragoman"),
        ("promote", {"name": MODEL}, 400, "lacks the key 'version'"),
        ("promote", {"name": MODEL, "version": GOOD, "alias": "chamipon"}, 400, "did you mean 'champion'?"),
        ("refuse", {**PROMOTION, "alias": "playground", "reason": "no"}, 409, "nothing to refuse"),
        ("promote", ["x"], 400, "send a JSON object"),
        ("stop", {"grid": "demo"}, 403, "takes a submitter"),
    ],
)
def test_mistakes_in_writes_get_a_sentence(lab: Lab, path: str, body: Any, status: int, sentence: str) -> None:
    answer = lab.session(PROMOTER).post(lab.api(path), json=body)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/json"), answer.text
    assert sentence in answer.json()["message"]


def test_an_administrator_stops_a_grid_and_retries_its_cells(lab: Lab) -> None:
    browser = lab.session(ADMIN)
    idle = browser.post(lab.api("stop"), json={"grid": "demo"})
    assert idle.status_code == 404
    assert "there is nothing to stop" in idle.json()["message"]
    store = Store.open_existing(f"sqlite:///{lab.home}/store.db", f"file://{lab.home}/blobs")
    store.jobs.start("demo", "another-host-1")
    stopped = browser.post(lab.api("stop"), json={"grid": "demo"})
    assert stopped.json()["job"]["stop_asked_by"] == "admin"
    store.jobs.end(stopped.json()["job"]["id"], JobState.STOPPED, "stopped by admin")
    store.close()
    again = browser.post(lab.api("retry"), json={"grid": "demo"}).json()
    assert again["cells"] == 1
    assert "`dragoman resume demo` has to do" in again["sentence"]
    none = browser.post(lab.api("retry"), json={"grid": "demo"}).json()
    assert (none["cells"], "No cell of demo has failed" in none["sentence"]) == (0, True)
    log = browser.get(lab.api("log"), params={"grid": "demo"}).json()["lines"]
    assert "1 failed cell planned again, as admin asked." in [line["text"] for line in log]


def test_every_registered_model_is_listed_and_only_gated_aliases_can_stray(lab: Lab) -> None:
    client = client_at(lab.registry)
    client.create_registered_model("without-aliases")
    page = requests.get(f"{lab.address}/dragoman/promotions", auth=VIEWER)
    model = requests.get(f"{lab.address}/dragoman/model", params={"name": MODEL}, auth=VIEWER)
    client.delete_registered_model("without-aliases")
    assert page.status_code == model.status_code == 200
    text = " ".join(re.sub(r"<[^>]*>", " ", page.text).split())
    assert "without-aliases 0 none" in text
    assert re.search(rf"{MODEL} 3 .*playground", text)
    assert "was moved without Dragoman" not in model.text  # `playground` was set in MLflow, and may be


def test_a_trail_cut_off_shows_on_the_page(lab: Lab) -> None:
    client = client_at(lab.registry)
    client.create_registered_model("cut")
    client.set_registered_model_tag("cut", "dragoman.audit", "9999 abc")
    page = requests.get(f"{lab.address}/dragoman/promotions", auth=VIEWER).text
    client.delete_registered_model("cut")
    assert "The audit trail was altered or is incomplete." in page
    assert "The registry remembers a record 9999 about cut" in page


def test_specs_of_another_version_are_sentences(lab: Lab) -> None:
    store = Store.open_existing(f"sqlite:///{lab.home}/store.db", f"file://{lab.home}/blobs")
    spec = store.grids.get("demo").spec
    broken = {**spec, "languages": [], "promotion": {**spec["promotion"], "rules": "none"}}
    with store.database.writing() as connection:
        connection.execute(update(GridRow).values(spec=broken))
    try:
        asked = {"name": MODEL, "version": GOOD}
        assert requests.get(f"{lab.address}/dragoman/model", params=asked, auth=VIEWER).status_code == 200
        gate = requests.get(f"{lab.address}/dragoman/gate", params=asked, auth=VIEWER)
        assert (gate.status_code, "be read by this version" in gate.text) == (200, True)
        told = requests.get(lab.api("gate"), params=asked, auth=VIEWER)
        assert (told.status_code, "run the grid again" in told.json()["message"]) == (409, True)
        pair = {"grid": "demo", "source": "en", "target": "de"}
        assert requests.get(f"{lab.address}/dragoman/cell", params=pair, auth=VIEWER).status_code == 200
        alias = {"name": MODEL, "alias": "champion", "version": FREE}
        address = f"{lab.address}/api/2.0/mlflow/registered-models/alias"
        assert requests.post(address, json=alias, auth=ADMIN).status_code == 403  # guarded all the same
    finally:
        with store.database.writing() as connection:
            connection.execute(update(GridRow).values(spec=spec))
        store.close()


DOORS = {
    "set": ("POST", "registered-models/alias", {"alias": "champion", "version": FREE}),
    "set another gated one": ("POST", "registered-models/alias", {"alias": "challenger", "version": FREE}),
    "in another case": ("POST", "registered-models/alias", {"alias": "Champion", "version": FREE}),
    "remove": ("DELETE", "registered-models/alias", {"alias": "champion"}),
    "delete the version": ("DELETE", "model-versions/delete", {"version": GOOD}),
    "delete the model": ("DELETE", "registered-models/delete", {}),
    "rename": ("POST", "registered-models/rename", {"new_name": "elsewhere"}),
    "another model's scores": ("POST", "model-versions/set-tag", {"version": GOOD, "key": MODEL_TAG, "value": "x"}),
    "no scores": ("DELETE", "model-versions/delete-tag", {"version": GOOD, "key": GRID_TAG}),
    "the trail's end": ("POST", "registered-models/set-tag", {"key": "dragoman.audit", "value": "0 x"}),
    "no trail": ("DELETE", "registered-models/delete-tag", {"key": "dragoman.audit"}),
}


@pytest.fixture
def champion(lab: Lab) -> Iterator[None]:
    """The first version is the champion, and stays it."""
    if aliases_of(lab.registry, MODEL).get("champion") != GOOD:
        lab.session(PROMOTER).post(lab.api("promote"), json=PROMOTION).raise_for_status()
    yield
    aliases = {alias: at for alias, at in aliases_of(lab.registry, MODEL).items() if alias != "playground"}
    assert aliases == {"champion": GOOD}


@pytest.mark.usefixtures("champion")
@pytest.mark.parametrize("root", ["api", "ajax-api"])
@pytest.mark.parametrize("door", DOORS)
def test_other_doors_are_guarded(lab: Lab, root: str, door: str) -> None:
    before = len(lab.records())
    method, path, body = DOORS[door]
    address = f"{lab.address}/{root}/2.0/mlflow/{path}"
    answer = requests.request(method, address, json={"name": MODEL, **body}, auth=ADMIN)
    assert answer.status_code == 403, answer.text
    assert answer.json()["error_code"] == "PERMISSION_DENIED"
    assert "`dragoman promote demo-translator@" in answer.json()["message"]
    records = lab.records()
    assert len(records) == before + 1
    said = (records[-1].action, records[-1].outcome, records[-1].actor, records[-1].name)
    assert said == ("direct", "refused", "admin", MODEL)


@pytest.mark.usefixtures("champion")
def test_mlflows_own_client_meets_the_guard_and_is_free_otherwise(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow.exceptions import RestException

    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", PROMOTER[0])
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", PROMOTER[1])
    client = client_at(lab.address)
    with pytest.raises(RestException, match="is refused and recorded: the alias champion of demo-translator is gated"):
        client.set_registered_model_alias(MODEL, "champion", FREE)
    with pytest.raises(RestException, match="dragoman rollback demo-translator"):
        client.delete_registered_model_alias(MODEL, "champion")
    with pytest.raises(RestException, match="Deleting version 1"):
        client.delete_model_version(MODEL, GOOD)
    assert lab.records()[-1].actor == "petra"
    client.set_registered_model_alias(MODEL, "playground", POOR)
    assert client.get_model_version_by_alias(MODEL, "playground").version == POOR
    client.set_model_version_tag(MODEL, POOR, "dragoman.note", "not there before")
    client.update_model_version(MODEL, POOR, "a description")
    client.create_registered_model("smuggled")
    client_at(lab.registry).create_model_version("smuggled", "file:///nowhere")
    client.set_registered_model_alias("smuggled", "champion", "1")  # gated for the other name alone
    client.rename_registered_model("smuggled", "landed")
    client.delete_registered_model_alias("landed", "champion")
    client.delete_registered_model("landed")


@pytest.mark.usefixtures("champion")
def test_the_request_of_mlflows_own_pages_meets_the_guard(lab: Lab, chromium: Any) -> None:
    before = len(lab.records())
    page = chromium.new_page(http_credentials={"username": PROMOTER[0], "password": PROMOTER[1], "send": "always"})
    page.goto(f"{lab.address}/health")
    status, said = page.evaluate(
        """async ([name, alias, version]) => {
            const body = JSON.stringify({name, alias, version}), headers = {"Content-Type": "application/json"};
            const answer = await fetch("ajax-api/2.0/mlflow/registered-models/alias", {method: "POST", headers, body});
            return [answer.status, await answer.json()];
        }""",
        [MODEL, "champion", POOR],
    )
    page.close()
    assert (status, said["error_code"]) == (403, "PERMISSION_DENIED")
    assert f"`dragoman promote {MODEL}@{POOR} --alias champion`" in said["message"]
    assert [record.actor for record in lab.records()[before:]] == ["petra"]


def test_mlflow_answers_as_without_the_plugin(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", ADMIN[0])
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", ADMIN[1])
    client = client_at(lab.address)
    experiment = client.create_experiment("apart")
    run = client.create_run(experiment, run_name="<script>alert(1)</script>").info.run_id
    client.log_param(run, "rank", 4)
    client.log_metric(run, "bleu/seen", 12.5)
    (tmp_path / "note.txt").write_text("kept")
    client.log_artifact(run, str(tmp_path / "note.txt"))
    client.set_terminated(run)
    found = client.search_runs([experiment], "metrics.`bleu/seen` > 12")
    assert [(one.info.run_id, one.data.params, one.info.status) for one in found] == [(run, {"rank": "4"}, "FINISHED")]
    assert [each.path for each in client.list_artifacts(run)] == ["note.txt"]
    (tmp_path / "back").mkdir()
    assert Path(client.download_artifacts(run, "note.txt", str(tmp_path / "back"))).read_text() == "kept"

    client.create_registered_model("apart", {"team": "one"}, "a description")
    number = client.create_model_version("apart", f"{client.get_run(run).info.artifact_uri}/model", run).version
    client.set_registered_model_alias("apart", "champion", number)
    assert client.get_model_version_by_alias("apart", "champion").run_id == run
    client.set_model_version_tag("apart", number, "dragoman.model", "mine to change")
    client.set_model_version_tag("apart", number, "dragoman.model", "changed")
    assert {each.name for each in client.search_registered_models()} == {MODEL, "apart"}
    client.delete_registered_model_alias("apart", "champion")
    client.delete_model_version("apart", number)
    client.delete_registered_model("apart")
    client.delete_experiment(experiment)

    page = requests.get(f"{lab.address}/", auth=ADMIN).text
    assert "<title>MLflow</title>" in page
    script = re.search(r'src="([^"]*static-files/[^"]*\.js)"', page)
    assert script
    files = requests.get(urljoin(f"{lab.address}/", script[1]), auth=ADMIN)
    assert files.status_code == 200
    assert "Content-Security-Policy" not in files.headers  # ours stays with our pages
    assert requests.get(f"{lab.address}/version", auth=ADMIN).text == version("mlflow")
