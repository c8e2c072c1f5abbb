"""Check of the settings: no misspelt variable, no secret in a file that others can read."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from dragoman.errors import nearest
from dragoman.operations.finding import Finding, fault, fine, warning
from dragoman.reading import read_bytes
from dragoman.redaction import masked
from dragoman.settings import Settings, settings_file, unknown_variables, variable


def check(settings: Settings) -> Iterator[Finding]:
    """Check the environment's variables, and the permissions of the files that hold secrets."""
    del settings
    known = [variable(name) for name in Settings.model_fields]
    for name in unknown_variables(os.environ):
        yield warning("settings", f"{name} sets nothing", f"it is not the name of a setting: {nearest(name, known)}")
    for file in (settings_file(), Path(".env")):
        if not file.is_file():
            continue
        text = read_bytes(file).decode(errors="replace")
        if masked(text) != text and file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            yield fault("settings", f"{file} holds secrets and others may read it", f"chmod 600 {file}")
        else:
            yield fine("settings", f"{file} is readable")
