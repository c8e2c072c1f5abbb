"""Groups of commands in `dragoman --help`."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

Command = TypeVar("Command", bound=Callable[..., Any])

_KEY = "dragoman_group"
_CLASS = "dragoman_class"


class Group(StrEnum):
    """A group of commands, in the order of the help; a Typer of subcommands names it as its `rich_help_panel`."""

    RUN = "Run"
    RESULTS = "Results"
    ANALYSES = "Analyses"
    REGISTRY = "Registry"
    STORE = "Store"
    OPERATIONS = "Operations"
    PLUGINS = "Plugins"
    """Group of commands without one: those of other packages."""
    UNAVAILABLE = "Not installed"
    """Group of commands whose Python package is not installed."""


def grouped(group: Group, *, cls: type[Any] | None = None) -> Callable[[Command], Command]:
    """Put a command into a group of the help.

    Args:
        group: the group.
        cls: the class of the command, where it reads its arguments in a way of its own.
    """

    def put(command: Command) -> Command:
        command.__dict__[_KEY] = group
        command.__dict__[_CLASS] = cls
        return command

    return put


def group_of(command: Callable[..., Any]) -> Group:
    """The group that a command was put into."""
    found: Group = command.__dict__.get(_KEY, Group.PLUGINS)
    return found


def class_of(command: Callable[..., Any]) -> type[Any] | None:
    """The class that a command has of its own."""
    found: type[Any] | None = command.__dict__.get(_CLASS)
    return found
