"""Names that a package re-exports from its modules, each module imported when its name is first used (PEP 562).

Packages that are light to import stay so, and modules below them can be imported in any order.

A name that is its module's too (`pair_scores` of `pair_scores`) is the one in it: Python would put the module itself
into the package when that is imported.
"""

import sys
from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any


def lazy_exports(package: str, names: Mapping[str, Collection[str]]) -> Callable[[str], Any]:
    """The `__getattr__` of a package that re-exports names.

    Args:
        package: the package's `__name__`.
        names: the exported names, by the full name of the module that defines them.
    """
    homes = {name: module for module, exported in names.items() for name in exported}
    namesakes = {name for name, module in homes.items() if module == f"{package}.{name}"}
    if namesakes:

        class Package(ModuleType):
            """The package, which shows what a namesake defines in place of the module."""

            def __setattr__(self, name: str, value: Any) -> None:
                own = name in namesakes and isinstance(value, ModuleType)
                super().__setattr__(name, getattr(value, name) if own else value)

        sys.modules[package].__class__ = Package

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        found = getattr(import_module(homes[name]), name)
        setattr(sys.modules[package], name, found)  # from now on it is found without this function
        return found

    return get
