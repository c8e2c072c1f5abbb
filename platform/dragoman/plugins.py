"""Plugins: entry points that installed packages register, as Dragoman's own features do.

Groups: `dragoman.corpora`, `dragoman.metrics`, `dragoman.detectors`, `dragoman.engines` and `dragoman.questions`
(subclasses of `Corpus`, `Metric`, `LanguageIdentifier`, `Engine` and `Question`, which claims are about),
`dragoman.environments` (objects of `Environment`), `dragoman.commands` (a function or a Typer app, added to the command
line under the entry point's name), `dragoman.finishers` (a function that is called when all cells of a grid are
done) and `dragoman.translators` (one that translates with a finetuned model of a grid, or returns None).
"""

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from dragoman.errors import DragomanError, nearest


class UnknownPluginError(DragomanError):
    """A name that no installed package provides."""


@cache
def available(group: str) -> dict[str, EntryPoint]:
    """The entry points of `dragoman.<group>` by name; nothing is imported."""
    return {entry.name: entry for entry in entry_points(group=f"dragoman.{group}")}


def load(group: str, name: str) -> Any:
    """The object registered under a name.

    Raises:
        UnknownPluginError: no installed package registers that name.
        ModuleNotFoundError: the extra that the plugin needs is not installed.
    """
    found = available(group)
    if name not in found:
        raise UnknownPluginError(f"'{name}' is not one of the {group}: {nearest(name, found)}")
    return found[name].load()
