"""`dragoman backup` and `dragoman restore`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from dragoman.settings import settings


def backup(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder.", show_default=False)],
    models: Annotated[
        bool, typer.Option("--models/--no-models", help="Keep finetuned checkpoints too: most of the bytes.")
    ] = True,
) -> None:
    """Back up the store, MLflow's database and artifacts, blobs and checkpoints, while everything runs.

    All of it shows one moment. Every file's hash is written at the end; without it a backup counts as cut short.

    Examples: dragoman backup /backups/monday · dragoman backup /backups/monday --no-models
    """
    from dragoman.operations.backup import backup as back_up

    manifest = back_up(settings(), folder, models, Console(stderr=True))
    size = sum(member.size for member in manifest.files.values())
    typer.echo(f"{folder}: {len(manifest.files)} files, {size:,} bytes.", err=True)


def restore(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What `dragoman backup` wrote.", show_default=False)],
    check: Annotated[bool, typer.Option("--check", help="Only see that the backup is whole.")] = False,
) -> None:
    """Put a backup into the empty places that the settings name; a damaged one, or one cut short, is refused.

    Examples: dragoman restore /backups/monday --check · dragoman --set home=/new restore /backups/monday
    """
    from dragoman.operations.restore import restore as put_back
    from dragoman.operations.restore import verify

    console = Console(stderr=True)
    manifest = verify(folder, console) if check else put_back(settings(), folder, console)
    told = "is whole" if check else "was restored"
    typer.echo(f"{folder} of {manifest.made:%Y-%m-%d %H:%M} UTC {told}: {len(manifest.files)} files.", err=True)
