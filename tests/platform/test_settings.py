"""Where settings come from, and which of two wins."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dragoman.settings import FILE_VARIABLE, Settings, SettingsError, origin, set_flags, settings, unknown_variables


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Path]]:
    """An empty current folder and environment, and a way to write `dragoman.toml` in it."""
    monkeypatch.chdir(tmp_path)
    for name in [*(f"DRAGOMAN_{field.upper()}" for field in Settings.model_fields), FILE_VARIABLE]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("dragoman.settings._FLAGS", set())
    monkeypatch.setenv("DRAGOMAN_WORKERS", "")  # undone at the end, with whatever --set writes over it
    settings.cache_clear()

    def write(text: str) -> Path:
        (tmp_path / "dragoman.toml").write_text(text)
        settings.cache_clear()
        return tmp_path / "dragoman.toml"

    yield write
    settings.cache_clear()


def test_the_later_source_wins(here: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    assert (settings().workers, origin("workers")) == (0, "default")
    here("workers = 1")
    assert (settings().workers, origin("workers")) == (1, "dragoman.toml")
    monkeypatch.setenv("DRAGOMAN_WORKERS", "2")
    settings.cache_clear()
    assert (settings().workers, origin("workers")) == (2, "DRAGOMAN_WORKERS")
    set_flags(["workers=3"])
    assert (settings().workers, origin("workers")) == (3, "--set")


def test_an_empty_variable_says_nothing(here: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    here("store = 'sqlite:///a.db'")
    monkeypatch.setenv("DRAGOMAN_STORE", "")
    assert (settings().store, origin("store")) == ("sqlite:///a.db", "dragoman.toml")


def test_a_settings_file_elsewhere(
    here: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here("workers = 1")
    (tmp_path / "other.toml").write_text("workers = 5")
    monkeypatch.setenv(FILE_VARIABLE, "other.toml")
    assert (settings().workers, origin("workers")) == (5, "other.toml")
    settings.cache_clear()
    monkeypatch.setenv(FILE_VARIABLE, "none.toml")
    with pytest.raises(SettingsError, match=r"no settings file none.toml: correct DRAGOMAN_CONFIG"):
        settings()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("wokers = 1", r"dragoman.toml: 'wokers' is no setting; did you mean 'workers'\?"),
        ("workers = 'many'", r"The setting workers can't be 'many' \(from dragoman.toml\)"),
        ("workers =", r"dragoman.toml is no TOML"),
        ("log = 'xml'", r"The setting log can't be 'xml' .*'text' or 'json'"),
    ],
)
def test_a_mistake_is_a_sentence(here: Callable[[str], Path], text: str, sentence: str) -> None:
    here(text)
    with pytest.raises(SettingsError, match=sentence):
        settings()


@pytest.mark.parametrize(
    ("flag", "sentence"),
    [("stor=x", r"no such setting; did you mean 'store'\?"), ("store", r"--set KEY=VALUE")],
)
def test_a_mistaken_flag_is_a_sentence(here: Callable[[str], Path], flag: str, sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        set_flags([flag])


def test_misspelt_variables_are_noticed() -> None:
    known = {"DRAGOMAN_STORE": "y", "DRAGOMAN_OPENAI_BUDGET": "5", "PATH": "z"}
    assert unknown_variables({"DRAGOMAN_STROE": "x", **known}) == ["DRAGOMAN_STROE"]
