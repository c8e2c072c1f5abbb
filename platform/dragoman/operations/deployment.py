"""The secrets of a deployment, in its `.env` file."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from dragoman.errors import DragomanError
from dragoman.reading import read_text, refused_as

SECRETS = {
    "POSTGRES_PASSWORD": "PostgreSQL's administrator; nothing signs in as it",
    "STORE_PASSWORD": "the results store's role in PostgreSQL",
    "MLFLOW_DATABASE_PASSWORD": "MLflow's role in PostgreSQL",
    "OBJECTS_ACCESS_KEY": "the object store's account",
    "OBJECTS_SECRET_KEY": "and its key",
    "ADMIN_PASSWORD": "MLflow's user `admin`: sign in with it",
    "JOBS_PASSWORD": "MLflow's user `jobs`, whom the jobs on Ray are",
    "SESSION_KEY": "signs the forms of MLflow's pages",
    "RAY_TOKEN": "Ray's token: whoever has it can run code on the cluster",
}
"""The variables of `.env`, each with what it is for."""


class DeploymentError(DragomanError):
    """A deployment that can't be set up as it is."""


def write_secrets(file: Path) -> list[str]:
    """Add what is missing of the secrets to a file, which only its owner can then read.

    Returns:
        The names that were added.

    Raises:
        DeploymentError: the folder is not there, or can't be written to.
    """
    try:
        with refused_as(DeploymentError):
            text = read_text(file) if file.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise DeploymentError(f"{file} can't be read ({error}): mend it, or give another --folder.") from error
    missing = [name for name in SECRETS if name not in read_env(text)]
    lines = [line for name in missing for line in (f"# {SECRETS[name]}", f"{name}={secrets.token_hex(32)}")]
    partial = file.with_name(f".env.{os.getpid()}")
    try:
        # never readable by others, not for a moment
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
            out.write("\n".join([*text.splitlines(), *lines]) + "\n")
        partial.replace(file)
    except OSError as error:
        raise DeploymentError(f"{file} can't be written ({error.strerror}): give another --folder.") from error
    return missing


def read_env(text: str) -> Mapping[str, str]:
    """The variables of an `.env` file: lines of NAME=VALUE; empty values count as missing."""
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line and not line.lstrip().startswith("#"))
    return {name.strip(): value.strip() for name, value in pairs if value.strip()}
