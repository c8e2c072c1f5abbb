"""`dragoman env`: isolated environments, whose packages clash with Dragoman's own."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from dragoman import interruption
from dragoman.cli.groups import Group
from dragoman.cli.output import printed
from dragoman.settings import settings
from dragoman.tables.table import Table, word
from dragoman.terminal import say, write_exact

env = typer.Typer(
    rich_help_panel=Group.OPERATIONS,
    help="Install the isolated environments that COMET and vLLM run in, list and remove them.",
    no_args_is_help=True,
)

NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="Name of an environment, such as comet.", show_default=False)
]


@env.command()
def install(
    name: NameArgument,
    wheels: Annotated[
        Path | None,
        typer.Option("--wheels", metavar="FOLDER", help="Take wheels from this folder alone; no index is asked."),
    ] = None,
    torch: Annotated[
        str,
        typer.Option(
            "--torch",
            metavar="BACKEND",
            help="Build of PyTorch, from its makers' index: cpu (which saves gigabytes), cu126, rocm6.4 and so on.",
        ),
    ] = "",
) -> None:
    """Build an environment from the versions that Dragoman ships; one that is there is left as it is.

    It appears whole or not at all, whenever the command is killed. With uv where it is installed, else with pip; the
    index, find-links and certificates that either is configured with hold.

    Examples: dragoman env install comet · dragoman env install comet --torch cpu ·
    dragoman env install comet --wheels /media/wheels
    """
    from dragoman.environments import Sources, environment, installed
    from dragoman.environments import install as build

    wanted, home = environment(name), settings().home
    if found := installed(name, home):
        say(f"{name} is installed in {found.folder}; nothing was changed.")
        return
    interruption.keeps(f"{name} is not installed, and nothing half-made is left: the same command installs it.")
    made = build(wanted, home=home, sources=Sources(wheels, torch))
    say(f"{name} is installed in {made.folder} (Python {made.python_version}, {made.seconds:g} s).")


@env.command("list")
@printed
def list_() -> Sequence[Table]:
    """List the environments that there are, and which of them are installed here. Table: environments.

    Examples: dragoman env list · dragoman env list --json
    """
    from dragoman.environments import environments, installed, place

    home = settings().home
    rows = []
    for each in environments():
        found = installed(each.name, home)
        outdated = found is None and any(place(each.name, home).glob("*.json"))
        rows.append(
            {
                "name": each.name,
                "about": each.about,
                "state": "installed" if found else "of other pins" if outdated else "not installed",
                "folder": found.folder if found else None,
                "python": found.python_version if found else None,
                "torch": (found.torch or None) if found else None,
                "pins": each.fingerprint,
                "built": found.built if found else None,
            }
        )
    columns = [
        word("name", "environment"),
        word("state"),
        word("about", "what for"),
        word("python", "Python"),
        word("torch"),
        word("pins"),
        word("built", "built (UTC)"),
        word("folder"),
    ]
    return [Table("environments", "Isolated environments", columns, rows)]


@env.command()
def remove(name: NameArgument) -> None:
    """Remove an environment, with what attempts that were killed left of it.

    Examples: dragoman env remove comet
    """
    from dragoman.environments import environment, place
    from dragoman.environments import remove as take_away

    home = settings().home
    wanted = environment(name)
    where = place(wanted.name, home)
    say(f"{name} was removed from {where}." if take_away(name, home) else f"{name} is not installed in {where}.")


@env.command()
def path(name: NameArgument) -> None:
    """Print the folder of an installed environment.

    Examples: dragoman env path comet
    """
    from dragoman.environments import EnvironmentMissingError, environment, installed, place

    home = settings().home
    wanted = environment(name)
    found = installed(wanted.name, home)
    if found is None:
        raise EnvironmentMissingError(
            f"The environment {name} is not installed in {place(name, home)}: dragoman env install {name}."
        )
    write_exact(f"{found.folder}\n")
