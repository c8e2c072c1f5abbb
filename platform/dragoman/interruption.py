"""What a command says when it is interrupted (Ctrl-C, SIGTERM): what is kept, and how to go on."""

CODE = 130
"""Exit code of an interrupted command: a shell's for SIGINT."""

_BY_DEFAULT = "Nothing is lost: the same command does it again."
_said = [_BY_DEFAULT]


def keeps(sentence: str) -> None:
    """Set what is said when this command is interrupted from now on; a later sentence replaces an earlier one.

    Args:
        sentence: what is kept of what was done, and how to go on.
    """
    _said[:] = [sentence]


def forget() -> None:
    """Say what holds for every command, as before the first `keeps`."""
    _said[:] = [_BY_DEFAULT]


def message() -> str:
    """What is said now."""
    return f"dragoman: interrupted. {_said[0]}"
