"""The commands of operations: `config`, `doctor`, `deploy`, `backup` and `restore`."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from dragoman import interruption
from dragoman.cli.groups import Group, grouped
from dragoman.cli.output import Answer, printed
from dragoman.redaction import masked
from dragoman.settings import Settings, origin, settings, unknown_variables
from dragoman.tables.table import Table, word
from dragoman.terminal import say

IN_FORCE = {"store": "store_url", "blobs": "blobs_url", "mlflow": "mlflow_url", "artifacts": "artifacts_url"}
"""Settings that are empty by default, and what then holds."""

deploy = typer.Typer(
    rich_help_panel=Group.OPERATIONS, help="Set up a deployment: its secrets, its databases.", no_args_is_help=True
)


@grouped(Group.OPERATIONS)
@printed
def config() -> Sequence[Table]:
    """Print the settings in force and where each came from; secrets are masked.

    The order: defaults, `dragoman.toml` (or the file DRAGOMAN_CONFIG names), the environment (DRAGOMAN_*), --set.

    Examples: dragoman config · dragoman --set home=/data config · dragoman config --json
    """
    chosen = settings()
    rows = [
        {
            "setting": name,
            "value": masked(str(getattr(chosen, IN_FORCE.get(name, name)))),
            "from": origin(name),
        }
        for name in Settings.model_fields
    ]
    notes = [f"{name} sets nothing: it is not the name of a setting." for name in unknown_variables(os.environ)]
    return [Table("settings", "Settings in force", [word("setting"), word("value"), word("from")], rows, notes=notes)]


@grouped(Group.OPERATIONS)
@printed
def doctor() -> Answer:
    """Check Python and packages, settings, stores, MLflow, Ray, blobs, GPU, disk and clock, and say what to do.

    Ends with exit code 1 if a part does not work. Nothing is changed but for a file that is written and removed.

    Examples: dragoman doctor · dragoman doctor --json
    """
    from dragoman.operations.doctor import examine, report
    from dragoman.operations.finding import State

    findings = list(examine())
    is_faulty = any(finding.state is State.FAULT for finding in findings)
    return Answer([report(findings)], code=1 if is_faulty else 0)


@deploy.command()
def init(
    folder: Annotated[Path, typer.Option("--folder", help="Folder that docker-compose.yml is in.")] = Path(),
) -> None:
    """Write `.env` with fresh secrets, readable by you alone; what it already has is kept.

    After an upgrade the same command adds the secrets that are new.

    Examples: dragoman deploy init · dragoman deploy init --folder /srv/dragoman
    """
    from dragoman.operations.deployment import write_secrets

    file = folder / ".env"
    added = write_secrets(file)
    if added:
        say(f"{file}: {len(added)} fresh secrets ({', '.join(added)}). Keep a copy where backups are kept.")
    else:
        say(f"{file} has every secret already; nothing was changed.")


@deploy.command()
def migrate() -> None:
    """Bring the databases of the settings to this version's schemas, and make the buckets and MLflow's user `jobs`.

    Empty databases are set up; doing it again changes nothing. Take a backup before an upgrade.

    Examples: dragoman deploy migrate
    """
    from dragoman.operations.migration import migrate_all

    for line in migrate_all(settings(), jobs_password=os.environ.get("JOBS_PASSWORD")):
        say(line)


@grouped(Group.OPERATIONS)
def backup(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder.", show_default=False)],
    models: Annotated[
        bool, typer.Option("--models/--no-models", help="Keep finetuned checkpoints too: most of the bytes.")
    ] = True,
) -> None:
    """Back up the store, MLflow's database and artifacts, blobs and checkpoints, while everything runs.

    It is a snapshot of one moment. The hashes of all files are written last; without them a backup is incomplete.

    No password or key of the settings is in it, but what MLflow's databases hold: hashes of users' passwords, for one.

    Examples: dragoman backup /backups/monday · dragoman backup /backups/monday --no-models
    """
    from dragoman.operations.backup import backup as back_up

    interruption.keeps(f"{folder} is no whole backup, and `dragoman restore` refuses it: back up into another folder.")
    manifest = back_up(settings(), folder, models, Console(stderr=True))
    size = sum(member.size for member in manifest.files.values())
    say(f"{folder}: {len(manifest.files)} files, {size:,} bytes.", err=True)


@grouped(Group.OPERATIONS)
def restore(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What `dragoman backup` wrote.", show_default=False)],
    check: Annotated[bool, typer.Option("--check", help="Only verify the backup.")] = False,
) -> None:
    """Restore a backup into the empty locations that the settings name; a damaged or incomplete one is refused.

    Examples: dragoman restore /backups/monday --check · dragoman --set home=/new restore /backups/monday
    """
    from dragoman.operations.restore import restore as put_back
    from dragoman.operations.restore import verify

    interruption.keeps(
        "The backup was only read."
        if check
        else "The backup is as it was, and what is restored is not whole: empty the new home and restore again."
    )
    console = Console(stderr=True)
    manifest = verify(folder, console) if check else put_back(settings(), folder, console)
    told = "is whole" if check else "was restored"
    say(f"{folder} of {manifest.made:%Y-%m-%d %H:%M} UTC {told}: {len(manifest.files)} files.", err=True)
