"""Online backup of the platform: consistent snapshots of its databases, and the files that they refer to.

The store's and MLflow's snapshots are of the same moment: both begin while writes to the store are locked out. A
promotion is written in the trail before and after it moves an alias, so the two agree however it falls. Files come
after: what a database refers to was there before it was referred to.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy import select

from dragoman.errors import DragomanError
from dragoman.operations.folder import Folder
from dragoman.operations.manifest import Manifest
from dragoman.operations.snapshot import BackupError, Snapshot, snapshot
from dragoman.reading import read_bytes
from dragoman.redaction import masked
from dragoman.settings import Settings
from dragoman.store import migrations
from dragoman.store.blobs import check_blob
from dragoman.store.database.connection import Database
from dragoman.store.maintenance.garbage_collection import referenced
from dragoman.store.maintenance.relocation import settle_home
from dragoman.store.schema import ModelRow, TrainingRow


def backup(settings: Settings, folder: Path, models: bool, console: Console) -> Manifest:
    """Write a backup into a new folder.

    Args:
        settings: where everything is.
        folder: a folder that is not there, or empty.
        models: whether finetuned checkpoints are kept too.
        console: for the progress.

    Returns:
        What was written.

    Raises:
        BackupError: the folder holds something, there is nothing to back up, or a part can't be read.
    """
    urls = databases(settings)
    if folder.exists() and any(folder.iterdir()):
        raise BackupError(f"{folder} holds something already: give a new folder.")
    settle_home(settings)
    with ExitStack() as stack:
        moments = _begin(stack, settings, urls)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # the users' database has the hashes of their passwords
        names = {part: f"{part}{moment.suffix}" for part, moment in moments.items()}
        sources = folders(settings)
        manifest = Manifest.now(names, _places(settings))
        files = {part: source.names() for part, source in sources.items() if part == "artifacts"}
        with Database(settings.store_url).readable_errors():
            files |= {"blobs": _blobs(moments["store"]), "models": _models(moments["store"], sources) if models else []}
        with progress(console) as bar:
            task = bar.add_task("databases", total=len(moments))
            for part, moment in moments.items():
                moment.dump(folder / names[part])
                bar.advance(task)
            manifest.add(folder, names.values())
            for part, wanted in files.items():
                task = bar.add_task(part, total=len(wanted))
                sources[part].fetch(wanted, folder / part, lambda done, task=task: bar.advance(task, done))  # type: ignore[misc]
                if part == "blobs":
                    check_blobs(folder, [f"{part}/{name}" for name in wanted])
                manifest.add(folder, [f"{part}/{name}" for name in wanted])
    manifest.write(folder)
    return manifest


def check_blobs(folder: Path, names: Iterable[str]) -> None:
    """Check that blobs of a backup match their addresses.

    Raises:
        BackupError: one does not.
    """
    for name in names:
        try:
            check_blob(Path(name).stem, read_bytes(folder / name))
        except DragomanError as error:
            raise BackupError(f"{error} (It is {folder / name} in the backup, which is not whole.)") from error


def databases(settings: Settings) -> dict[str, str]:
    """The URLs of the databases, by part.

    Raises:
        BackupError: MLflow's is behind a server.
    """
    if settings.mlflow_url.startswith(("http://", "https://")):
        raise BackupError(
            f"MLflow's database is behind the server at {settings.mlflow_url}: do this where the database is, with "
            "DRAGOMAN_MLFLOW set to its URL (in the compose file's service `server`, for example)."
        )
    found = {"store": settings.store_url, "mlflow": settings.mlflow_url}
    return found | ({"users": settings.users} if settings.users else {})


def folders(settings: Settings) -> dict[str, Folder]:
    """The folders of files, by part."""
    urls = {"blobs": settings.blobs_url, "artifacts": settings.artifacts_url, "models": f"file://{settings.models_dir}"}
    return {part: Folder(url) for part, url in urls.items()}


def _places(settings: Settings) -> dict[str, str]:
    """Where each folder is, by the URLs in the databases; a password in one is not kept."""
    artifacts = settings.artifacts or settings.artifacts_dir.as_uri()
    return {
        "blobs": masked(settings.blobs_url),
        "artifacts": masked(artifacts),
        "models": settings.models_dir.as_uri(),
    }


@contextmanager
def progress(console: Console) -> Iterator[Progress]:
    """A bar for each part, with the time left."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        yield bar


def _begin(stack: ExitStack, settings: Settings, urls: dict[str, str]) -> dict[str, Snapshot]:
    """Snapshots of the same moment."""
    store = Database(settings.store_url)
    if not migrations.exists(store):
        raise BackupError(f"There is no store at {store.shown}, so nothing to back up: see `dragoman config`.")
    moments = {part: snapshot(url) for part, url in urls.items()}
    moments = {part: moment for part, moment in moments.items() if part == "store" or not moment.is_empty()}
    with store.writing(alone=True):
        for moment in moments.values():
            stack.enter_context(moment)
    store.engine.dispose()
    return moments


def _blobs(store: Snapshot) -> list[str]:
    return [f"{address[:2]}/{address}.parquet" for address in sorted(referenced(store.connection))]


def _models(store: Snapshot, sources: dict[str, Folder]) -> list[str]:
    """Files of the models that were trained at that moment; a training under way writes its folder still."""
    trained = select(ModelRow.identity).join(TrainingRow, TrainingRow.model_id == ModelRow.id).order_by(ModelRow.id)
    identities = store.connection.execute(trained).scalars().all()
    return [name for identity in identities for name in sources["models"].names(identity)]
