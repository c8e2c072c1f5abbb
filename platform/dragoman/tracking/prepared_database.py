"""MLflow's empty database as a script: to run it takes a hundredth of the time of MLflow's migrations, one by one.

The script is what the migrations of one version of MLflow leave, whose schema its first line names. With any other
version the migrations are run.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

SCRIPT = Path(__file__).with_name("mlflow_database.sql")
"""The script."""

_HEAD = "-- schema "


def make(file: Path, head: str) -> bool:
    """Make an empty database in a new file; returns False, and makes none, where the script is of another schema.

    Args:
        file: the file, which is not there.
        head: the schema version of the installed MLflow.

    Raises:
        sqlite3.Error: it can't be made.
    """
    text = SCRIPT.read_text(encoding="utf-8")
    if text.partition("\n")[0] != f"{_HEAD}{head}":
        return False
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(text)
    return True


def script(file: Path, head: str) -> Iterator[str]:
    """The lines of the script that makes an empty database like the one in a file.

    Args:
        file: a database that MLflow's migrations have made, and nobody has used.
        head: its schema version.
    """
    yield f"{_HEAD}{head}"
    yield f"-- as the migrations of MLflow {version('mlflow')} (https://mlflow.org, Apache-2.0) leave it"
    with closing(sqlite3.connect(file)) as connection:
        yield from connection.iterdump()
