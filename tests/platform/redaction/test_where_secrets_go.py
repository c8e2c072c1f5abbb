"""Errors, settings, specs, MLflow's runs and command lines have no secrets, whoever shows them."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from dragoman.cli.hidden_settings import hide_secret_settings
from dragoman.cli.main import main
from dragoman.errors import SpecError, StoreError, first_line
from dragoman.operations.backup import _places
from dragoman.redaction import known, masked
from dragoman.settings import Settings
from dragoman.spec.loading import load_spec

URL = "postgresql+psycopg://ann:open%20sesame@host/store"


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "_remembered", frozenset())


def test_sentences_of_errors() -> None:
    assert (
        str(StoreError(f"The store at {URL} is away."))
        == "The store at postgresql+psycopg://ann:***@host/store is away."
    )
    # masked before it is cut: of a secret that is cut nobody could tell
    assert first_line(ValueError(f"{'x' * 150} postgresql://ann:{'open sesame ' * 9}@host/store")).endswith(
        "://ann:***@host/store"
    )


def test_settings_show_none_and_are_remembered() -> None:
    settings = Settings(store=URL, mlflow="http://jobs:swordfish@mlflow:5000")
    for shown in (repr(settings), str(settings), f"{settings}"):
        assert "sesame" not in shown
        assert "swordfish" not in shown
        assert "home=" in shown
    assert settings.store_url == URL
    assert masked("it said open sesame, open%20sesame and swordfish") == "it said ***, *** and ***"


def test_the_places_in_a_backups_manifest() -> None:
    assert _places(Settings(blobs="sftp://ann:open@host/blobs"))["blobs"] == "sftp://ann:***@host/blobs"


@pytest.mark.parametrize(
    "address", ["https://ann:open@host/v1", "https://host/v1?api_key=opensesame", "http://ann:p%40ss@host:8000/v1"]
)
def test_a_spec_with_a_secret_is_refused(tmp_path: Path, address: str) -> None:
    other = {"name": "o", "model": "m", "engine": "openai", "endpoint": address, "trained_on": "all"}
    spec: dict[str, Any] = {"name": "g", "base": "b", "languages": ["en", "de"], "corpus": "cldr", "baselines": [other]}
    path = tmp_path / "spec.yaml"
    path.write_text(yaml.safe_dump(spec))
    with pytest.raises(SpecError, match=r"spec.yaml: baselines.0.endpoint holds a secret .*key_variable") as error:
        load_spec(path)
    assert "open" not in str(error.value).replace(str(tmp_path), "")
    assert "p%40ss" not in str(error.value)
    path.write_text(yaml.safe_dump(spec | {"baselines": [other | {"endpoint": "https://host/v1?beams=1"}]}))
    assert load_spec(path).baselines[0].endpoint == "https://host/v1?beams=1"


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[tuple[list[str], dict[str, str]]]]:
    """What a command is executed as anew."""

    def of(*arguments: str) -> list[tuple[list[str], dict[str, str]]]:
        made: list[tuple[list[str], dict[str, str]]] = []

        def note(_: str, words: list[str], environment: dict[str, str]) -> None:
            changed = {name: value for name, value in environment.items() if os.environ.get(name) != value}
            made.append((words[2:], changed))

        monkeypatch.setattr(os, "execve", note)
        monkeypatch.setattr(sys, "argv", ["/bin/dragoman", *arguments])
        monkeypatch.setattr(sys, "orig_argv", ["python", "/bin/dragoman", *arguments])
        hide_secret_settings()
        return made

    return of


def test_secrets_of_the_command_line_go_to_the_environment(executed: Any) -> None:
    assert executed("--set", f"store={URL}", "--set", "workers=2", "run", "s.yaml") == [
        (["--set", "workers=2", "run", "s.yaml"], {"DRAGOMAN_STORE": URL})
    ]
    # the last one is in force, as it would have been there
    again = executed(f"--set=store={URL}", "--set", "store=sqlite:////tmp/s.db", "config")
    assert again == [(["config"], {"DRAGOMAN_STORE": "sqlite:////tmp/s.db"})]


@pytest.mark.parametrize(
    "arguments",
    [("--set", "store=sqlite:////tmp/s.db", "config"), ("config",), ("--set", "ray=http://host:8265", "config")],
)
def test_other_command_lines_stay(executed: Any, arguments: tuple[str, ...]) -> None:
    assert executed(*arguments) == []


@pytest.mark.parametrize("arguments", [("results", "g", URL), ("results", "g", "--top", URL), (URL,)])
def test_what_a_command_repeats_of_its_arguments(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["dragoman", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "sesame" not in capsys.readouterr().err
