"""Where settings come from, and which of two wins."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dragoman.operations.folder import Folder
from dragoman.settings import (
    FILE_VARIABLE,
    Settings,
    SettingsError,
    origin,
    set_flags,
    settings,
    settings_file,
    unknown_variables,
)
from dragoman.store.blobs import BlobStore
from dragoman.store.database.connection import Database
from dragoman.store.maintenance.relocation import local_path


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


ODD_NAMES = [
    "feature%2Fx",  # as Jenkins names the folder of a branch
    "who?", "a::b", "#1", "two words", "it's \"quoted\"", "*", "[x]", "{y}", "~", "~root", "für", "家", "a\n", " ",
    "a;b&c=d", "a\\b", "file:", "sqlite:", "-", "$HOME", "100%", "@host:1",
]  # fmt: skip


@pytest.mark.parametrize("name", ODD_NAMES)
def test_everything_lies_below_the_home_whatever_its_name(
    here: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    chosen, home = Settings(home=tmp_path / name / "home"), tmp_path / name / "home"
    home.mkdir(parents=True)
    with Database(chosen.store_url).writing() as connection:
        connection.exec_driver_sql("CREATE TABLE some (number INTEGER)")
    blobs = BlobStore(chosen.blobs_url)
    address = blobs.put_test(["a"], ["b"])
    assert [each.address for each in blobs.stored()] == [address]
    Folder(chosen.artifacts_url).send(["settings.txt"], _file(tmp_path), lambda _: None)
    assert [each.name for each in tmp_path.iterdir() if each.name != "source"] == [name]
    assert {each.name for each in home.iterdir()} >= {"store.db", "blobs", "artifacts"}
    assert Database(chosen.mlflow_url).file == home / "mlflow.db"
    assert local_path(chosen.artifacts_dir.as_uri()) == home / "artifacts"
    assert Folder(chosen.artifacts_url).names() == ["settings.txt"]


def _file(folder: Path) -> Path:
    source = folder / "source"
    source.mkdir()
    (source / "settings.txt").write_text("x")
    return source


def test_a_tilde_is_the_users_home(
    here: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    here("home = '~/data'\nstore = 'sqlite:///~/s.db'")
    assert settings().home == Path("/home/somebody/data")
    assert settings().store_url == "sqlite:////home/somebody/s.db"
    monkeypatch.setenv("DRAGOMAN_HOME", "~/elsewhere")
    settings.cache_clear()
    assert settings().models_dir == Path("/home/somebody/elsewhere/models")
    set_flags(["home=~"])
    assert settings().home == Path("/home/somebody")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(FILE_VARIABLE, "~/dragoman.toml")
    assert settings_file() == tmp_path / "dragoman.toml"


@pytest.mark.parametrize(
    ("home", "sentence"),
    [
        ("/tmp/\udce9", "its name is no text in this locale"),
        ("~nobody-of-that-name/x", "there is no home of such a user"),
        ("/tmp/a\0b", "it is no folder's name"),
    ],
)
def test_a_home_that_can_have_no_databases_is_refused(
    here: Callable[[str], Path], home: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match=sentence):
        Settings(home=Path(home))


def test_urls_that_were_given_stay_as_they_are(here: Callable[[str], Path]) -> None:
    given = {"store": "sqlite:///a b.db", "blobs": "s3://bucket/a::b", "mlflow": "postgresql://u:p%40@h/db"}
    chosen = Settings(**given)  # type: ignore[arg-type]
    assert (chosen.store_url, chosen.blobs_url, chosen.mlflow_url) == tuple(given.values())
