"""The registry on the command line: tables, sentences and exit codes."""

import csv
import io
import json
import sys

import pytest
from sqlalchemy import text

from dragoman import settings as settings_module
from dragoman.cli import main as cli
from dragoman_jobs.engines.ctranslate2 import CTranslate2Engine
from dragoman_jobs.models.checkpoint import Checkpoint
from dragoman_registry.audit.history import AUDIT_TAG
from dragoman_registry.audit.log import AuditLog
from dragoman_registry.finisher import register_and_promote
from dragoman_registry.packaging import translation
from dragoman_registry.registry_client.client import client_at
from dragoman_registry.registry_client.versions import aliases_of, resolve

NAME = "small-translator"


@pytest.fixture
def dragoman(world, monkeypatch, capsys):
    """Runs the command and returns its exit code, output and complaints."""
    monkeypatch.setenv("DRAGOMAN_HOME", str(world.settings.home))
    settings_module.settings.cache_clear()

    def run(*arguments, stdin=""):
        monkeypatch.setattr(sys, "argv", ["dragoman", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8"))
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return ended.value.code or 0, out, err

    yield run
    settings_module.settings.cache_clear()


def test_gate_explains_every_rule(dragoman):
    code, out, _ = dragoman("gate", "small")
    assert code == 1
    assert "german fails 1 of 4 checks: bleu over seen ≥ 40: 30.25 (4 of 4 pairs), worst de-fr 20.00" in out
    assert "english passes 4 checks" in out
    code, out, _ = dragoman("gate", "small", "--model", "english", "--json")
    assert code == 0
    rows = json.loads(out)["gate"]
    assert [(row["bounded"], row["value"], row["passed"]) for row in rows] == [
        ("at_least", 47.5, True),
        ("gain_at_least", 13.0, True),
        ("at_most", 2.5, True),
        ("regression_at_most", None, True),
    ]


def test_a_policy_of_its_own(dragoman, tmp_path):
    policy = tmp_path / "strict.yaml"
    policy.write_text("rules: [{over: en-de, at_least: 51}]")
    code, out, _ = dragoman("gate", "small", "--model", "english", "--policy", str(policy), "--csv")
    assert code == 1
    (row,) = csv.DictReader(io.StringIO(out))
    facts = {"model": "english", "over": "en-de", "limit": "51.0", "value": "50.0", "p_value": "", "passed": "False"}
    assert row.items() >= facts.items() and row["behind"] == "en-de 50.00"


def test_from_promotion_to_rollback(dragoman, world, tmp_path):
    for model in ("german", "english", "english"):
        world.bare_version(model)
    assert dragoman("promote", f"{NAME}@2")[0] == 0
    code, out, _ = dragoman("promote", f"{NAME}@1")
    assert code == 1
    assert "is not promoted to champion: german fails" in out
    code, out, err = dragoman("promote", f"{NAME}@3", "--alias", "champion", "--json")
    assert (code, json.loads(out)["gate"][0]["passed"]) == (0, True)
    assert "is the champion now, in place of version 2" in err
    rows = json.loads(dragoman("champions", "--json")[1])["champions"]
    assert [(row["alias"], row["version"], row["model_name"], row["grid"]) for row in rows] == [
        ("champion", "3", "english", "small")
    ]
    assert rows[0]["actor"]
    assert rows[0]["since"]
    code, out, _ = dragoman("rollback", NAME, "--reason", "numbers are wrong")
    assert (code, out) == (0, f"{NAME}@champion stands at version 2 again, in place of version 3.\n")
    trail = json.loads(dragoman("history", NAME, "--json")[1])["trail"]
    assert [(row["action"], row["outcome"], row["from_version"], row["to_version"]) for row in trail] == [
        ("promotion", "done", None, "2"),
        ("promotion", "refused", "2", "1"),
        ("promotion", "done", "2", "3"),
        ("rollback", "done", "3", "2"),
    ]
    assert trail[-1]["reason"] == "numbers are wrong"
    assert dragoman("audit", "verify")[:2] == (0, "The audit trail is whole: 7 records.\n")
    client_at(world.settings.mlflow_url).set_registered_model_alias(NAME, "champion", "1")
    assert "it was moved without Dragoman" in dragoman("history", NAME)[1]
    assert "it was moved without Dragoman" in dragoman("champions")[1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["promote", NAME], "names no version: write NAME@NUMBER or NAME@ALIAS"),
        (["promote", f"{NAME}@7"], "has no version 7; use one of: 1, 2."),
        (["promote", f"{NAME}@challenger"], "has no alias 'challenger'"),
        (["promote", "smal-translator@1"], "is not a registered model; did you mean 'small-translator'?"),
        (["promote", f"{NAME}@1", "--policy", "nowhere.yaml"], "can't be read"),
        (
            ["promote", f"{NAME}@1", "--policy", "broken.yaml"],
            "rules.0.over ('sene') is no scope; did you mean",
        ),
        (["promote", f"{NAME}@1", "--policy", "other.yaml"], "The policy is about 'other', not about"),
        (["promote", f"{NAME}@1", "--alias", "chamipon"], "has no alias 'chamipon'; did you mean 'champion'?"),
        (["promote", f"{NAME}@2"], "was not registered by Dragoman, so there are no scores to judge it by"),
        (
            ["promote", f"{NAME}@1", "--policy", "partition.yaml"],
            "rules.0.over ('unsen_both') is no scope",
        ),
        (["promote", f"{NAME}@1", "--policy", "key.yaml"], "rules.0 has no key 'atleast'; did you mean 'at_least'?"),
        (["promote", f"{NAME}@1", "--policy", "list.yaml"], "list.yaml holds no policy"),
        (["promote", f"{NAME}@1", "--force"], "needs a reason, which is recorded for ever: add --reason"),
        (["promote", f"{NAME}@1", "--replacing", "v1"], "--replacing v1 is no version: give its number, or 'none'"),
        (["promote", f"{NAME}@1", "--signature", "blue=x"], "'blue', which 'small' is not scored with"),
        (["promote", f"{NAME}@1", "--signature", "x:y"], "no bleu scores whose signature holds 'x:y'"),
        (["gate", f"{NAME}@9"], "has no version 9"),
        (["gate", "smal"], "did you mean 'small'?"),
        (["gate", "small", "--model", "englisch"], "did you mean 'english'?"),
        (["rollback", NAME], "is not set and no move of it is recorded"),
        (["history", "nothing"], "is not a registered model"),
        (["translate", "--model", f"{NAME}@champion", "--from", "en", "--to", "de"], "has no alias 'champion'"),
        (["translate", "--model", f"{NAME}@1", "--from", "en", "--to", "en"], "pairs en with itself"),
        (["translate", "--model", f"{NAME}@1", "--from", "en", "--to", "Klingonish"], "is not a language"),
        (["translate", "--model", f"{NAME}@1", "--from", "en", "--to", "de", "a", "--file", "b"], "were both given"),
        (["translate", "--model", f"{NAME}@1", "--from", "en", "--to", "de", "--file", "b"], "b can't be read"),
    ],
)
def test_wrong_input_is_one_sentence(dragoman, world, arguments, words):
    from pathlib import Path

    world.bare_version("english")
    Path("broken.yaml").write_text("rules: [{over: sene, at_least: 1}]")
    Path("partition.yaml").write_text("rules: [{over: unsen_both, at_least: 1}]")
    Path("key.yaml").write_text("rules: [{over: seen, atleast: 1}]")
    Path("list.yaml").write_text("- 1")
    client_at(world.settings.mlflow_url).create_model_version(NAME, "file:///nowhere")
    Path("other.yaml").write_text("{model: other, rules: [{at_least: 1}]}")
    code, out, err = dragoman(*arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert err.startswith("dragoman: ")
    assert err.count("\n") == 1
    assert AuditLog(world.store.database).records() == []
    assert aliases_of(world.settings.mlflow_url, NAME) == {}


def test_a_registry_that_cannot_be_reached_is_one_sentence(dragoman, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("DRAGOMAN_MLFLOW", "http://me:secret@127.0.0.1:9")
    for arguments in (["promote", f"{NAME}@1"], ["champions"], ["history", NAME], ["audit", "verify"]):
        settings_module.settings.cache_clear()
        code, out, err = dragoman(*arguments)
        assert (code, out, err.count("\n")) == (2, "", 1), err
        assert "http://me@127.0.0.1:9" in err
        assert "secret" not in err


def test_a_trail_that_was_tampered_with_is_found_out(dragoman, world):
    for _ in range(3):
        world.bare_version("english")
    for number in (1, 2, 3):
        dragoman("promote", f"{NAME}@{number}")
    database = world.store.database

    def tamper(*statements):
        with database.writing() as connection:
            for statement in statements:
                connection.execute(text(statement))

    for statement in ("UPDATE audit SET actor = 'nobody' WHERE sequence = 2", "DELETE FROM audit"):
        with pytest.raises(Exception, match="audit records are only ever added"):
            tamper(statement)
    assert dragoman("audit", "verify")[0] == 0
    tamper("DROP TRIGGER audit_no_update", "DROP TRIGGER audit_no_delete")
    tamper("UPDATE audit SET actor = 'nobody' WHERE sequence = 2")
    code, out, _ = dragoman("audit", "verify")
    assert (code, out) == (1, "Record 2 was altered after it was written.\n")
    tamper("DELETE FROM audit WHERE sequence IN (2, 3)")
    assert dragoman("audit", "verify")[1] == "Records 2 to 3 are gone.\n"
    tamper("DELETE FROM audit WHERE sequence > 3", "DELETE FROM audit WHERE sequence = 6")
    code, out, _ = dragoman("audit", "verify")
    assert (code, out) == (1, f"The registry remembers a record 6 about {NAME} that the trail does not hold.\n")
    anchor = client_at(world.settings.mlflow_url).get_registered_model(NAME).tags[AUDIT_TAG]
    assert anchor.startswith("6 ")


def test_translate_takes_an_argument_a_file_or_standard_input(dragoman, world, tmp_path):
    register_and_promote(world.settings, "small", world.spec, {}, lambda _: None)
    asked = ["translate", "--model", f"{NAME}@champion", "--from", "eng_Latn", "--to", "German"]
    code, one, _ = dragoman(*asked, "two hours")
    assert code == 0
    file = tmp_path / "lines.txt"
    file.write_text("two hours\n\nthree days\n", encoding="utf-8")
    _, from_file, _ = dragoman(*asked, "--file", str(file))
    _, from_stdin, _ = dragoman(*asked, stdin="two hours\n\nthree days\n")
    assert from_file == from_stdin
    assert from_file.split("\n")[:2] == [one.rstrip("\n"), ""]
    assert from_file.count("\n") == 3
    # only a line break ends a line, as for `wc -l`, and a mark between files that were put together is no text
    text = "two hours\r\n\ufefftwo hours\na\u2028b\x85c\x0cd\x0be\x1cf\rg\n\x0c\nlast"
    file.write_bytes(text.encode())
    _, from_file, _ = dragoman(*asked, "--file", str(file))
    _, from_stdin, _ = dragoman(*asked, stdin=text)
    assert from_file == from_stdin
    assert from_file.count("\n") == 5
    assert from_file.startswith(one * 2)
    file.write_bytes(b"two hours\n\xff\n")
    code, out, err = dragoman(*asked, "--file", str(file))
    assert (code, out, err) == (2, "", f"dragoman: {file}, line 2, is not UTF-8 text: convert it.\n")
    code, out, err = dragoman("translate", "--model", f"{NAME}@champion", "--from", "en", "--to", "sw", "two hours")
    assert (code, out) == (2, "")
    assert "'sw' is not a language this model was evaluated on" in err


def test_translate_decodes_with_the_engine_that_has_the_model(dragoman, world, monkeypatch):
    register_and_promote(world.settings, "small", world.spec, {}, lambda _: None)
    asked = ["translate", "--model", f"{NAME}@champion", "--from", "en", "--to", "de", "two hours"]
    _, as_anyone, _ = dragoman(*asked)  # nothing is prepared, so MLflow loads the package
    champion = resolve(world.settings.mlflow_url, f"{NAME}@champion")
    folder = world.checkpoints[champion.model_name]
    adapted = (folder / "adapter_config.json").is_file()
    weights = {"model": str(world.base), "adapter": folder} if adapted else {"model": str(folder)}
    checkpoint = Checkpoint(id=champion.model, **weights)
    CTranslate2Engine.prepare(checkpoint, world.spec.evaluation.decoding, world.settings.cache_dir)

    def not_loaded(*_):
        raise AssertionError("MLflow loaded the package")

    monkeypatch.setattr(translation, "_load", not_loaded)
    assert dragoman(*asked) == (0, as_anyone, "")
    code, out, err = dragoman(*asked[:-1], "x" * 2000)
    assert (code, out) == (2, "")
    assert "is too long" in err


@pytest.mark.parametrize("reference", ["a@1", "a@champion"])
def test_looking_for_a_model_where_nothing_is_makes_nothing(tmp_path, reference) -> None:
    from dragoman.errors import ModelError
    from dragoman_registry.registry_client.versions import registered, registered_names, resolve, versions_of

    uri = f"sqlite:///{tmp_path}/home/mlflow.db"
    with pytest.raises(ModelError, match="'a' is not a registered model; there are none yet"):
        resolve(uri, reference)
    assert registered_names(uri) == registered(uri) == versions_of(uri, "a") == []
    assert not list(tmp_path.iterdir())


def test_a_version_is_written_alike_everywhere(dragoman, world):
    for _ in range(2):
        world.bare_version("english")
    for number in (1, 2):
        assert dragoman("promote", f"{NAME}@{number}", "--alias", "champion")[0] == 0
    moved = [("promotion", "1"), ("promotion", "2")]

    def trail(*arguments):
        rows = json.loads(dragoman("history", *arguments, "--json")[1])["trail"]
        return [(row["action"], row["to_version"]) for row in rows]

    assert trail(NAME) == trail(f"{NAME}@champion") == moved
    assert trail(f"{NAME}@1") == moved  # the second move was away from it
    code, _, err = dragoman("rollback", f"{NAME}@1")
    assert (code, err) == (
        2, f"dragoman: Version 1 of {NAME} has these aliases: none; name one of them with --alias.\n",
    )  # fmt: skip
    code, out, err = dragoman("rollback", f"{NAME}@2", "--csv")
    assert code == 0
    assert err == f"{NAME}@champion stands at version 1 again, in place of version 2.\n"
    assert out.splitlines()[0].startswith("actor,process,action,outcome")
    code, out, _ = dragoman("promote", f"{NAME}@2")
    assert code == 0
    assert dragoman("rollback", f"{NAME}@champion")[:2] == (
        0, f"{NAME}@champion stands at version 1 again, in place of version 2.\n",
    )  # fmt: skip
    code, _, err = dragoman("rollback", f"{NAME}@champion", "--alias", "challenger")
    assert code == 2
    assert "are two aliases: name one of them" in err


def test_names_that_are_not_there_get_the_nearest(dragoman, world):
    world.bare_version("english")
    assert dragoman("promote", f"{NAME}@1")[0] == 0
    assert "did you mean 'champion'?" in dragoman("gate", f"{NAME}@chamipon")[2]
    code, _, err = dragoman("history", f"{NAME}@chamipon")
    assert code == 2
    assert "did you mean 'champion'?" in err


def test_the_gate_is_printed_in_every_form(dragoman, world):
    world.bare_version("english")
    _, text, _ = dragoman("gate", "small")
    assert "asked for" in text and "+13.00 bleu over the base" in text
    for form, begins in (("--markdown", "**Gate report of small"), ("--latex", "% needs"), ("--csv", "model,metric")):
        code, out, _ = dragoman("gate", "small", form)
        assert out.startswith(begins)
        assert code == dragoman("gate", "small")[0]
