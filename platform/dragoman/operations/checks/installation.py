"""Check of Python and the installed packages against Dragoman's requirements."""

import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata, requires, version

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from dragoman.operations.finding import Finding, fault, fine, warning
from dragoman.version import __version__

DISTRIBUTION = "dragoman"

_DEVELOPMENT = ("dev", "all")


def check() -> Iterator[Finding]:
    """Check Python, and every requirement of Dragoman and of its installed extras."""
    python = ".".join(map(str, sys.version_info[:3]))
    wanted = str(metadata(DISTRIBUTION)["Requires-Python"])
    if python in SpecifierSet(wanted):
        yield fine("python", f"{python}, Dragoman {__version__}")
    else:
        yield fault("python", f"{python}, where {wanted} is needed", f"make a virtual environment with Python {wanted}")
    extras = [name for name in metadata(DISTRIBUTION).get_all("Provides-Extra") or () if name not in _DEVELOPMENT]
    for extra in ("", *extras):
        yield from _check_extra(extra)


def _check_extra(extra: str) -> Iterator[Finding]:
    part = f"packages [{extra}]" if extra else "packages"
    found = {requirement: _installed(requirement.name) for requirement in _requirements(extra)}
    absent = sorted(requirement.name for requirement, has in found.items() if has is None)
    wrong = [f"{r.name} {has} ({r.specifier} is needed)" for r, has in found.items() if has and has not in r.specifier]
    target = f"{DISTRIBUTION}[{extra}]" if extra else DISTRIBUTION
    remedy = f"pip install --upgrade '{target}', with the release's constraints.txt"
    if wrong:
        yield fault(part, f"wrong versions: {', '.join(wrong)}", remedy)
    if absent and len(absent) < len(found):
        made = warning if extra else fault
        yield made(part, f"not installed: {', '.join(absent)}", remedy)
    elif absent:
        yield fine(part, "not installed, so not in use")
    elif not wrong:
        yield fine(part, f"{len(found)} packages in versions that fit")


def _requirements(extra: str) -> list[Requirement]:
    """What an extra adds, or what the base needs; an extra that only names others adds nothing."""
    parsed = [Requirement(text) for text in requires(DISTRIBUTION) or ()]
    base = [each for each in parsed if each.marker is None or each.marker.evaluate({"extra": ""})]
    if not extra:
        return base
    added = [each for each in parsed if each not in base and each.marker and each.marker.evaluate({"extra": extra})]
    return [each for each in added if each.name != DISTRIBUTION]


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
