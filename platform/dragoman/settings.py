"""Settings from defaults, `dragoman.toml`, the environment (`DRAGOMAN_*`), and `--set` of the command line.

The later of these wins, key by key. `dragoman config` prints what is in force and where it came from.
"""

import os
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from dragoman.errors import DragomanError, nearest
from dragoman.redaction import masked, remember_urls
from dragoman.truth_values import NoTruthValues

PREFIX = "DRAGOMAN_"
"""Prefix of the variables of the environment."""

FILE_VARIABLE = f"{PREFIX}CONFIG"
"""Variable that names the settings file where it is not `dragoman.toml` in the current folder."""

LARGEST = 1 << 20
"""The most bytes of a settings file."""

_OF_PLUGINS = (f"{PREFIX}OPENAI_",)
"""Prefixes of the variables that plugins of Dragoman read themselves."""

_FLAGS: set[str] = set()


class SettingsError(DragomanError):
    """A setting that is unknown, or has a value it can't have."""


class Settings(NoTruthValues, BaseSettings):
    """Folders, addresses and limits; every field can be set as `DRAGOMAN_<FIELD>`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", env_ignore_empty=True)

    home: Path = Path(".dragoman")
    """Folder of everything kept on this machine: the embedded store, MLflow's, models, caches."""
    store: str = ""
    """SQLAlchemy URL of the results store; by default an SQLite file in `home`."""
    blobs: str = ""
    """fsspec URL of the folder that holds hypotheses and test sets; by default in `home`."""
    mlflow: str = ""
    """MLflow's tracking and registry URI; by default an SQLite file in `home`."""
    artifacts: str = ""
    """fsspec URL of the folder where a tracking server keeps MLflow's artifacts, for backups; by default in `home`."""
    users: str = ""
    """SQLAlchemy URL of the database of MLflow's users, where its authentication is on."""
    ray: str = ""
    """Address of a Ray cluster's dashboard (`http://HOST:8265`); by default Ray is started when it is needed."""
    autoscaling: bool = False
    """Whether that cluster starts nodes for what waits: workers are asked for though no node has room for them yet."""
    may_force: bool = False
    """Whether `dragoman promote --force` is allowed here; where a server's users sign in, its administrators may."""
    witness: str = ""
    """Where signed checkpoints of the audit trail are written: a file, a folder (ends with `/`; any fsspec URL), or the
    `https://` address of a webhook; by default nowhere."""
    witness_key: Path | None = None
    """File of the secret key that signs them (`dragoman audit keygen`), outside of `home`."""
    ui_token: SecretStr = SecretStr("")
    """Token that `dragoman ui`, and `mlflow server --app-name dragoman`, ask for, of at least 16 characters; by default
    `dragoman ui` makes one at each start, and prints it in its address."""
    workers: int = Field(default=0, ge=0)
    """The most evaluation workers at once; 0 is as many as there is room for. An embedded Ray has as many cores."""
    worker_cpus: float = Field(default=1, gt=0)
    """CPU cores that each evaluation worker holds."""
    worker_gpus: float = Field(default=0, ge=0)
    """GPUs that each evaluation worker holds: 0.5 lets two share one, 2 gives each worker two, 0 decodes on the CPU."""
    batch_tokens: int = Field(default=4096, ge=1)
    """Padded tokens of prompts that an evaluation worker decodes at once (beams counted); no part of any identity."""
    metric_workers: int = Field(default=0, ge=0)
    """The most actors of metrics that hold a model, of all such metrics together; 0 is one for each metric."""
    metric_cpus: float = Field(default=1, gt=0)
    """CPU cores that each of them holds."""
    metric_gpus: float = Field(default=0, ge=0)
    """GPUs that each of them holds: 0.5 lets two share one, 0 scores on the CPU."""
    training_workers: int = Field(default=1, ge=1)
    """Processes that train a model together; two or more are Ray Train's, on one node or several."""
    training_cpus: float = Field(default=1, gt=0)
    """CPU cores that each of them holds."""
    training_gpus: float = Field(default=0, ge=0)
    """GPUs that each of them holds; 0 trains on the CPU."""
    environments: Path | None = None
    """Folder of isolated environments (`dragoman env`), shared by machines or in an image; by default in `home`."""
    build_environments: bool = True
    """Whether a worker that needs an environment builds it where it is not there; else that is an error."""
    metric_threads: int = Field(default=1, ge=1)
    """Threads that the process of a metric that holds a model computes with on a CPU."""
    metric_batch_tokens: int = Field(default=4096, ge=1)
    """Padded tokens that the model of a metric reads at once; fewer where memory runs out."""
    metric_seconds: float = Field(default=1800, gt=0)
    """Seconds that such a process may go without a sign of life, while it loads or scores, before it is ended."""
    limit_spec_bytes: int = Field(default=1 << 20, ge=1)
    """The most bytes of a spec or a policy (YAML)."""
    limit_spec_values: int = Field(default=100_000, ge=1)
    """The most values and keys of a spec or a policy with every alias written out; all grids of a sweep may
    have ten times as many together."""
    limit_depth: int = Field(default=64, ge=1, le=120)
    """The most levels of lists and mappings in each other, in YAML and JSON."""
    limit_file_bytes: int = Field(default=64 << 20, ge=1)
    """The most bytes of another file that is read whole: a model's JSON, a manifest, a text to translate."""
    limit_json_values: int = Field(default=2_000_000, ge=1)
    """The most values in a JSON file, or in a line of JSON lines."""
    limit_line_bytes: int = Field(default=8 << 20, ge=1)
    """The most bytes of a line in a corpus."""
    limit_ratio: int = Field(default=200, ge=1)
    """The most bytes that a packed one may stand for in a corpus or an archive, where more than 16 MiB are unpacked."""
    limit_members: int = Field(default=200_000, ge=1)
    """The most members of a zip."""
    limit_examples: int = Field(default=1_000_000, ge=1)
    """The most examples of a pair that are drawn from a corpus in random order, which may be made without an end."""
    limit_template_seconds: int = Field(default=10, ge=1)
    """Seconds of a processor that a model's chat template may take for a prompt of one word."""
    log: Literal["text", "json"] = "text"
    """Form of the log: lines to read, or JSON, one object a line, for what collects logs."""
    log_level: Literal["debug", "info", "warning", "error"] = "warning"
    """The least that is logged."""

    @field_validator("home")
    @classmethod
    def _is_a_place(cls, home: Path) -> Path:
        """A home that every part of it can be named below: databases and MLflow take names in UTF-8 only."""
        home = _expanded(home)
        try:
            str(home.resolve()).encode()
        except UnicodeEncodeError as error:
            raise ValueError("its name is no text in this locale: choose another, or set PYTHONUTF8=1") from error
        except (OSError, RuntimeError, ValueError) as error:
            raise ValueError(f"it is no folder's name ({error}): choose another") from error
        return home

    @field_validator("environments")
    @classmethod
    def _is_absolute(cls, folder: Path | None) -> Path | None:
        """A folder that is the same from wherever a worker looks at it."""
        return _expanded(folder).resolve() if folder else None

    @field_validator("store", "mlflow", "users")
    @classmethod
    def _without_tilde(cls, url: str) -> str:
        """The same with `~` replaced, where it stands for the user's home in an SQLite file's name or a path."""
        scheme, sqlite, file = url.partition(":///")
        if sqlite and scheme.startswith("sqlite") and file.startswith("~"):
            name, query, rest = file.partition("?")
            return f"{scheme}:///{_expanded(Path(name))}{query}{rest}"
        return str(_expanded(Path(url))) if url.startswith("~") else url

    def model_post_init(self, context: Any) -> None:
        """Have the secrets in its URLs masked in whatever this process shows."""
        remember_urls(self.store, self.blobs, self.mlflow, self.artifacts, self.users, self.ray)

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """What `repr` and `str` show, without secrets."""
        return [(name, masked(value) if isinstance(value, str) else value) for name, value in super().__repr_args__()]

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment before the file; flags reach this process as its environment."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=settings_file())

    @property
    def store_url(self) -> str:
        """The results store in force."""
        return self.store or sqlite_url(self.home.resolve() / "store.db")

    @property
    def blobs_url(self) -> str:
        """The blob storage in force."""
        return self.blobs or f"file://{self.home.resolve()}/blobs"

    @property
    def mlflow_url(self) -> str:
        """The MLflow tracking and registry URI in force."""
        return self.mlflow or sqlite_url(self.home.resolve() / "mlflow.db")

    @property
    def artifacts_url(self) -> str:
        """The folder of MLflow's artifacts in force."""
        return self.artifacts or f"file://{self.artifacts_dir}"

    @property
    def artifacts_dir(self) -> Path:
        """Where MLflow's experiments keep their artifacts if no server does; `as_uri()` is what MLflow is told."""
        return self.home.resolve() / "artifacts"

    @property
    def models_dir(self) -> Path:
        """Finetuned checkpoints and adapters, one folder for each model id."""
        return self.home.resolve() / "models"

    @property
    def cache_dir(self) -> Path:
        """What can be made again: merged and converted models."""
        return self.home.resolve() / "cache"


@cache
def settings() -> Settings:
    """The settings of this process.

    Raises:
        SettingsError: a value can't be what it is, or the file has a key that is no setting.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError(_sentence(error.errors()[0])) from error
    except (ValueError, RecursionError) as error:  # it is no UTF-8, no TOML, or nested or written beyond all measure
        raise SettingsError(f"{settings_file()} is no TOML ({error}): write lines such as home = '/data'.") from error


def sqlite_url(file: Path) -> str:
    """The SQLAlchemy URL of an SQLite file, whatever characters its path has."""
    from sqlalchemy import URL  # imported here, so that `--help` stays fast

    url = URL.create("sqlite", database=str(file))
    if url.render_as_string().endswith(f"///{file}"):
        return url.render_as_string()
    # MLflow makes the folder of a URL that begins with `sqlite:`, and takes the quoted name for the folder's
    return url.set(drivername="sqlite+pysqlite").render_as_string()


def settings_file() -> Path:
    """The settings file: `dragoman.toml` in the current folder, or what `DRAGOMAN_CONFIG` names.

    Raises:
        SettingsError: the file that was named is not there.
    """
    named = os.environ.get(FILE_VARIABLE)
    file = Path(named or "dragoman.toml").expanduser()
    if named and not file.is_file():
        raise SettingsError(f"There is no settings file {named}: correct {FILE_VARIABLE}, or unset it.")
    if file.is_file() and file.stat().st_size > LARGEST:
        raise SettingsError(f"The settings file {file} has more than {LARGEST:,} bytes: write settings alone into it.")
    return file


def set_flags(assignments: Iterable[str]) -> None:
    """Apply settings from the command line, over all others.

    They become variables of the environment, so that the processes this one starts (Ray's workers, MLflow's server)
    have them too.

    Args:
        assignments: each as `KEY=VALUE`.

    Raises:
        SettingsError: a key is no setting, or there is no `=`.
    """
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise SettingsError(f"--set {assignment} gives no value: write --set KEY=VALUE.")
        if name not in Settings.model_fields:
            raise SettingsError(f"--set {name}: there is no such setting; {nearest(name, Settings.model_fields)}")
        os.environ[variable(name)] = value
        _FLAGS.add(name)
        settings.cache_clear()


def variable(name: str) -> str:
    """The variable of the environment that sets a field."""
    return f"{PREFIX}{name.upper()}"


def origin(name: str) -> str:
    """Where a field's value came from: `--set`, a variable, the file, or `default`."""
    folded = {key.upper() for key, value in os.environ.items() if value}
    if name in _FLAGS:
        return "--set"
    if variable(name) in folded:
        return variable(name)
    return str(settings_file()) if name in _file_values() else "default"


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Variables with Dragoman's prefix that set nothing: most likely misspelt."""
    known = {variable(name) for name in Settings.model_fields} | {FILE_VARIABLE}
    ours = {name: name.upper() for name in environment if name.upper().startswith(PREFIX)}
    return sorted(name for name, upper in ours.items() if upper not in known and not upper.startswith(_OF_PLUGINS))


def _expanded(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise ValueError(f"there is no home of such a user ({error}): write the whole path") from error


def _file_values() -> dict[str, Any]:
    file = settings_file()
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def _sentence(error: Mapping[str, Any]) -> str:
    name = str(error["loc"][0])
    if error["type"] == "extra_forbidden":
        return f"{settings_file()}: '{name}' is no setting; {nearest(name, Settings.model_fields)}"
    value = "" if error["input"] is None else f" '{error['input']}'"
    return f"The setting {name} can't be{value} (from {origin(name)}): {str(error['msg']).lower()}."
