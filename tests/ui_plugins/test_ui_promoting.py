"""`dragoman promote` through a server with the plugin: it judges and moves, so nobody gets in between."""

import shutil
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from dragoman.cli import main as cli
from dragoman.errors import DragomanError
from dragoman.settings import settings
from dragoman.spec.decoding import Decoding
from dragoman.spec.grid import GridSpec
from dragoman.store.schema import GridRow
from dragoman.store.store import Store
from dragoman.tracking.logged_models import DECODING_TAG, GRID_TAG, MODEL_TAG, NAME_TAG, PROMPT_TAG
from dragoman_registry.audit.history import faults
from dragoman_registry.audit.log import AuditLog, Outcome
from dragoman_registry.promotion.remote import RemotePromotions
from dragoman_registry.promotion.requests import UNSET, PromotionRequest
from dragoman_registry.registry_client.client import client_at
from dragoman_registry.registry_client.versions import aliases_of

MODEL = "demo-translator"
CONTENDERS = 8
"""Versions 1 to 8 are the same good model; version 9 is the base."""


@pytest.fixture(scope="module")
def server(filled_home: Path, tmp_path_factory: pytest.TempPathFactory, serve: Callable[..., Any]) -> Iterator[Any]:
    home = tmp_path_factory.mktemp("promoting") / "home"
    shutil.copytree(filled_home, home)
    store = Store.open_existing(f"sqlite:///{home}/store.db", f"file://{home}/blobs")
    grid = store.grids.get("demo")
    training = {"examples": 5, "method": {"kind": "full", "learning_rate": 0.1, "steps": 1}}
    rules = [{"over": "seen", "at_least": 20, "coverage": 0.5}]
    spec = GridSpec.model_validate({
        "name": "demo", "base": "nowhere", "languages": list(grid.languages), "corpus": "cldr",
        "models": [{"name": name, "pairs": {"centric": "en"}, **training} for name in ("english-centric", "roles")],
        "evaluation": {"metrics": list(grid.metrics)}, "prompt": grid.spec["prompt"],
        "promotion": {"model": MODEL, "rules": rules},
    })  # fmt: skip
    with store.database.writing() as connection:
        connection.execute(update(GridRow).values(spec=spec.model_dump(mode="json")))
    store.close()
    client, ids = client_at(f"sqlite:///{home}/mlflow.db"), {name: identity for identity, name in grid.names.items()}
    client.create_registered_model(MODEL)
    for name in ["english-centric"] * CONTENDERS + ["base"]:
        tags = {MODEL_TAG: ids[name], GRID_TAG: "demo", NAME_TAG: name, PROMPT_TAG: spec.prompts[0].id,
                DECODING_TAG: Decoding().id}  # fmt: skip
        client.create_model_version(MODEL, "file:///nowhere", tags=tags)
    yield serve(home, "dragoman")


@pytest.fixture
def dragoman(
    server: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[Callable[..., tuple[int, str, str]]]:
    """Runs a command as a client of the server, which has the store; here there is none."""
    monkeypatch.setenv("DRAGOMAN_HOME", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("DRAGOMAN_MLFLOW", server.address)
    settings.cache_clear()

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["dragoman", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    yield run
    settings.cache_clear()


def trail(server: Any) -> AuditLog:
    return AuditLog(Store.open_existing(f"sqlite:///{server.home}/store.db", f"file://{server.home}/blobs").database)


def test_of_promotions_at_once_through_the_server_one_wins_each_round(server: Any) -> None:
    promotions = RemotePromotions.at(server.address, "a test")
    assert promotions is not None
    uri = f"sqlite:///{server.home}/mlflow.db"

    def put_forward(number: int) -> str:
        asked = PromotionRequest(name=MODEL, version=str(number), alias="champion", replacing=before)
        try:
            return "won" if promotions.ask(asked).stands else "refused"
        except DragomanError as error:
            return str(error)

    for _ in range(2):
        before = aliases_of(uri, MODEL).get("champion", UNSET)
        contenders = [number for number in range(1, CONTENDERS + 1) if str(number) != before]
        with ThreadPoolExecutor(len(contenders)) as threads:
            answers = list(threads.map(put_forward, contenders))
        assert answers.count("won") == 1, answers
        assert aliases_of(uri, MODEL)["champion"] == str(contenders[answers.index("won")])
        for lost in set(answers) - {"won"}:
            assert any(words in lost for words in ("began to move", "moved from version", "stands at version")), lost
    log = trail(server)
    assert faults(log, uri) == []
    done = [record for record in log.records() if record.outcome is Outcome.DONE]
    assert [record.from_version for record in done] == [None, done[0].to_version]
    assert {record.actor for record in done} == {"a test"}


def test_the_command_promotes_and_rolls_back_through_the_server(dragoman: Any, server: Any, tmp_path: Path) -> None:
    code, out, _ = dragoman("promote", f"{MODEL}@1", "--alias", "challenger")
    assert code == 0, out
    assert "english-centric passes 1 check" in out
    assert not (tmp_path / "elsewhere").exists()
    code, out, _ = dragoman("promote", f"{MODEL}@9", "--alias", "challenger")
    assert code == 1
    assert "is not promoted to challenger: base fails" in out
    policy = tmp_path / "strict.yaml"
    policy.write_text("rules: [{over: seen, at_least: 101}]")
    code, out, _ = dragoman("promote", f"{MODEL}@2", "--alias", "challenger", "--policy", str(policy))
    assert (code, "english-centric fails 1 of 1 check" in out) == (1, True)
    assert dragoman("promote", f"{MODEL}@2", "--alias", "challenger")[0] == 0
    code, out, _ = dragoman("rollback", MODEL, "--alias", "challenger")
    assert (code, out) == (0, f"{MODEL}@challenger stands at version 1 again, in place of version 2.\n")
    assert trail(server).records(MODEL, "challenger")[-1].outcome is Outcome.DONE


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["promote", f"{MODEL}@1", "--alias", "chalenger"], "did you mean 'challenger'?"),
        (["promote", f"{MODEL}@99"], "has no version 99"),
        (["promote", f"{MODEL}@1", "--force"], "needs a reason"),
        (["promote", f"{MODEL}@9", "--force", "--reason", "why not"], "may not promote"),
        (["promote", f"{MODEL}@1", "--replacing", "77", "--alias", "candidate"], "stands at version none, not at 77"),
    ],
)
def test_what_the_server_says_no_to_is_one_sentence(dragoman: Any, arguments: list[str], words: str) -> None:
    code, out, err = dragoman(*arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1


def test_a_server_that_is_not_there_is_one_sentence(dragoman: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRAGOMAN_MLFLOW", "http://127.0.0.1:9")
    settings.cache_clear()
    code, out, err = dragoman("promote", f"{MODEL}@1")
    assert (code, out) == (2, "")
    assert "The MLflow server at http://127.0.0.1:9 can't be reached (ConnectionError): check DRAGOMAN_MLFLOW" in err
