"""Check of the isolated environments: that what is installed is whole."""

from collections.abc import Iterator

from dragoman.environments import environments, installed, place
from dragoman.environments.installation import fault as fault_of
from dragoman.operations.finding import Finding, fault, fine, warning
from dragoman.settings import Settings


def check(settings: Settings) -> Iterator[Finding]:
    """Look at each environment: its pins, its Python, and whether its packages import."""
    for each in environments():
        part, again = f"environment {each.name}", f"dragoman env install {each.name}"
        found = installed(each.name, settings.home)
        folder = place(each.name, settings.home)
        if found and (wrong := fault_of(found, each)):
            yield fault(
                part, f"{found.folder} does not work: {wrong}", f"dragoman env remove {each.name}, then {again}"
            )
        elif found:
            torch = f", torch {found.torch}" if found.torch else ""
            yield fine(part, f"whole, Python {found.python_version}{torch}, in {found.folder}")
        elif any(folder.glob("*.json")):
            yield warning(part, f"what is in {folder} was built from other pins than this version's", again)
        elif folder.is_dir() and any(entry.is_dir() for entry in folder.iterdir()):
            yield warning(part, f"what is in {folder} is not whole: a build was cut off, or goes on", again)
        else:
            yield fine(part, "not installed, so not in use")
