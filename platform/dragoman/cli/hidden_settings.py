"""Settings with secrets that were given by `--set`, moved from the command line to the environment.

Everyone on a machine sees the command lines of its processes, and Ray keeps that of a driver; an environment only its
owner sees.
"""

import os
import sys

from dragoman.redaction import masked

_MAY_HOLD_SECRETS = ("store", "blobs", "mlflow", "artifacts", "users", "ray")
"""Settings that are addresses."""


def hide_secret_settings() -> None:
    """Where `--set` gives an address with a secret, execute the same command anew with that in its environment.

    Nothing happens where this process was not started with the arguments in `sys.argv`.
    """
    arguments = sys.argv[1:]
    own = len(sys.orig_argv) - len(arguments)
    if not any("://" in each for each in arguments) or sys.orig_argv[own:] != arguments:
        return
    kept: list[str] = []
    hidden: dict[str, str] = {}
    given = iter(arguments)
    for argument in given:
        words = [argument, *([next(given, "")] if argument == "--set" else [])]
        name, _, value = words[-1].removeprefix("--set=").partition("=")
        is_setting = len(words) == 2 or argument.startswith("--set=")
        if is_setting and name in _MAY_HOLD_SECRETS and (name in hidden or masked(value) != value):
            hidden[name] = value
        else:
            kept += words
    if hidden:
        variables = {f"DRAGOMAN_{name.upper()}": value for name, value in hidden.items()}
        os.execve(sys.executable, [*sys.orig_argv[:own], *kept], os.environ | variables)  # noqa: S606
