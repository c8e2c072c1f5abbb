"""`dragoman config`: the settings in force, and where each came from."""

import os
from collections.abc import Sequence

from dragoman.cli.output import printed
from dragoman.redaction import masked
from dragoman.settings import Settings, origin, settings, unknown_variables
from dragoman.tables.table import Table, word

IN_FORCE = {"store": "store_url", "blobs": "blobs_url", "mlflow": "mlflow_url", "artifacts": "artifacts_url"}
"""Settings that are empty by default, and what then holds."""


@printed
def config() -> Sequence[Table]:
    """Print the settings in force and where each came from; secrets are masked.

    The order: defaults, `dragoman.toml` (or the file DRAGOMAN_CONFIG names), the environment (DRAGOMAN_*), --set.

    Examples: dragoman config · dragoman --set home=/data config · dragoman config --json
    """
    chosen = settings()
    rows = [
        {
            "setting": name,
            "value": masked(str(getattr(chosen, IN_FORCE.get(name, name)))),
            "from": origin(name),
        }
        for name in Settings.model_fields
    ]
    notes = [f"{name} sets nothing: it is not the name of a setting." for name in unknown_variables(os.environ)]
    return [Table("settings", "Settings in force", [word("setting"), word("value"), word("from")], rows, notes=notes)]
