"""The lock: every package the project asks for, at one version that its ranges allow."""

import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCK = [
    Requirement(line)
    for line in (ROOT / "constraints.txt").read_text().splitlines()
    if line and not line.startswith("#")
]
PINS = {canonicalize_name(pin.name): pin for pin in LOCK}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DECLARED = [
    Requirement(text)
    for texts in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    for text in texts
]


def version(pin: Requirement) -> str:
    (specifier,) = pin.specifier
    assert specifier.operator == "==" and not specifier.version.endswith(".*"), pin
    return specifier.version


def applies(requirement: Requirement, extras: frozenset[str] = frozenset()) -> bool:
    """Whether a requirement counts here, for those who ask for some extras."""
    return requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in extras or {""})


def needed() -> set[str]:
    """Every package that the installed project with all its tools needs, by what the packages themselves declare.

    torch's own are left out but for the lock's: they depend on the build (CPU or CUDA), and pip brings them with it.
    """
    found: set[str] = set()
    done: set[tuple[str, frozenset[str]]] = set()
    waiting: list[tuple[str, frozenset[str]]] = [("dragoman", frozenset({"dev"}))]
    while waiting:
        name, extras = each = waiting.pop()
        if each in done:
            continue
        done.add(each)
        found.add(name)
        for requirement in map(Requirement, distribution(name).requires or ()):
            other = canonicalize_name(requirement.name)
            if applies(requirement, extras) and (name != "torch" or other in PINS):
                waiting.append((other, frozenset(requirement.extras)))
    return found - {"dragoman"}


def test_each_package_is_pinned_once_to_one_version() -> None:
    assert len(PINS) == len(LOCK)
    assert all(version(pin) for pin in LOCK)


@pytest.mark.parametrize("declared", DECLARED, ids=lambda declared: declared.name)
def test_the_lock_is_within_the_declared_range(declared: Requirement) -> None:
    name = canonicalize_name(declared.name)
    if name == "dragoman":
        assert name not in PINS
    else:
        assert declared.specifier.contains(version(PINS[name]), prereleases=True)


def test_the_lock_is_what_is_needed_and_nothing_else() -> None:
    assert needed() == {name for name, pin in PINS.items() if applies(pin)}


def test_the_pins_agree_with_what_each_of_them_asks_for() -> None:
    """As `pip check` does for what is installed, for the versions of the lock."""
    for name in needed():
        for requirement in map(Requirement, distribution(name).requires or ()):
            pin = PINS.get(canonicalize_name(requirement.name))
            if pin is not None and applies(requirement):
                assert requirement.specifier.contains(version(pin), prereleases=True), f"{name} asks for {requirement}"
