"""Restoring a backup into empty databases, here or elsewhere: verified first, then restored whole or not at all."""

from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from sqlalchemy import NullPool, create_engine

from dragoman.operations.backup import check_blobs, databases, folders, progress
from dragoman.operations.manifest import Manifest
from dragoman.operations.snapshot import BackupError, snapshot
from dragoman.redaction import masked
from dragoman.settings import Settings
from dragoman.store.maintenance.relocation import local_path, relocate_mlflow, relocate_store, settle_home


def restore(settings: Settings, folder: Path, console: Console) -> Manifest:
    """Put a backup into the places of the settings.

    Files come first and databases last, so that nothing refers to what is not there yet; the store is the last of all.

    Args:
        settings: where everything shall be; the databases are empty, or not there.
        folder: what `backup` wrote.
        console: for the progress.

    Returns:
        What was restored.

    Raises:
        BackupError: the backup is cut short or damaged, or a database holds something; nothing was written then.
    """
    manifest = verify(folder, console)
    urls = databases(settings)
    lacking = set(manifest.databases) - set(urls)
    if lacking:
        raise BackupError(f"The backup holds the database of {lacking.pop()}: set DRAGOMAN_USERS to where it shall be.")
    targets = {part: snapshot(urls[part]) for part in manifest.databases}
    for part, target in targets.items():
        if not target.is_empty():
            shown = target.url.render_as_string()
            raise BackupError(
                f"{shown}, where {part} would be restored, holds something: give an empty database, without SQLite's "
                "other files (-wal, -shm, -journal) of what it was."
            )
    places = folders(settings)
    with progress(console) as bar:
        for part, place in places.items():
            names = [name.removeprefix(f"{part}/") for name in manifest.under(part)]
            task = bar.add_task(part, total=len(names))
            place.send(names, folder / part, lambda done, task=task: bar.advance(task, done))  # type: ignore[misc]
        task = bar.add_task("databases", total=len(targets))
        for part in sorted(targets, key="store".__eq__):
            targets[part].restore(folder / manifest.databases[part])
            bar.advance(task)
    _relocate(manifest, settings, urls)
    return manifest


def verify(folder: Path, console: Console) -> Manifest:
    """Verify a backup: every file is there, with its recorded hash, and every blob matches its address.

    Raises:
        BackupError: it is not.
        StoreError: a blob doesn't match its address.
    """
    manifest = Manifest.read(folder)
    with progress(console) as bar:
        task = bar.add_task("checking", total=len(manifest.files))
        for name in manifest.files:
            manifest.check(folder, name)
            if name.startswith("blobs/"):
                check_blobs(folder, [name])
            bar.advance(task)
    return manifest


def _relocate(manifest: Manifest, settings: Settings, urls: dict[str, str]) -> None:
    """Replace the paths in the databases by the new locations."""
    artifacts = settings.artifacts or settings.artifacts_dir.as_uri()
    with ExitStack() as stack:
        if "mlflow" in manifest.databases and manifest.folders["artifacts"] != masked(artifacts):
            connection = stack.enter_context(create_engine(snapshot(urls["mlflow"]).url, poolclass=NullPool).begin())
            relocate_mlflow(connection, [manifest.folders["artifacts"]], artifacts)
        connection = stack.enter_context(create_engine(snapshot(urls["store"]).url, poolclass=NullPool).begin())
        relocate_store(connection, settings.models_dir, local_path(manifest.folders["models"]))
    settle_home(settings)
