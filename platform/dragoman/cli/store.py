"""`dragoman gc` and `dragoman import`."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dragoman import interruption
from dragoman.cli.groups import Group, grouped
from dragoman.cli.output import printed
from dragoman.settings import settings
from dragoman.store.store import Store
from dragoman.tables.table import Row, Table, number, word
from dragoman.terminal import say

if TYPE_CHECKING:
    from dragoman.store.blobs import StoredBlob
    from dragoman.store.maintenance.garbage_collection import ModelFolder


@grouped(Group.STORE)
@printed
def gc(
    remove: Annotated[bool, typer.Option("--remove", help="Remove them; otherwise they are only listed.")] = False,
    older_than: Annotated[
        float,
        typer.Option("--older-than", metavar="HOURS", min=0, help="Keep younger blobs: a run may still need them."),
    ] = 24,
    models: Annotated[
        bool,
        typer.Option(
            "--models",
            help="Also the checkpoints of models that the store does not know, as of deleted grids, and what was "
            "converted of them. Models of another store in the same home are unknown to it.",
        ),
    ] = False,
) -> Sequence[Table]:
    """List, and with --remove remove, stored hypotheses and test texts that nothing refers to.

    Examples: dragoman gc · dragoman gc --remove --older-than 0 · dragoman gc --models
    """
    from dragoman.store.maintenance import garbage_collection

    store, age = _open_existing(), timedelta(hours=older_than)
    found = garbage_collection.unreferenced(store, age)
    chosen = settings()
    folders = garbage_collection.unknown_models(store, [chosen.models_dir, chosen.cache_dir], age) if models else []
    if remove:
        found = list(garbage_collection.remove(store, found))
        folders = list(garbage_collection.remove_models(store, folders))
    size = sum(blob.size for blob in found)
    say(f"{len(found)} blobs, {size:,} bytes {'removed' if remove else 'that nothing refers to'}.", err=True)
    what = "Removed" if remove else "Nothing refers to these"
    tables = [Table("blobs", what, _FILES, _rows(found))]
    if models:
        size = sum(folder.size for folder in folders)
        say(f"{len(folders)} folders of models, {size:,} bytes {'removed' if remove else 'unknown'}.", err=True)
        tables.append(Table("models", "Removed" if remove else "Unknown to the store", _FILES, _rows(folders)))
    return tables


_FILES = [word("path"), number("size", "bytes", digits=0), word("written")]


def _rows(found: "Sequence[StoredBlob] | Sequence[ModelFolder]") -> list[Row]:
    return [{"path": str(each.path), "size": each.size, "written": each.written.isoformat()} for each in found]


@grouped(Group.STORE)
def import_(
    file: Annotated[Path, typer.Argument(help="File that `dragoman export` wrote.")],
    name: Annotated[str | None, typer.Option("--name", help="Name of the grid in this store.")] = None,
) -> None:
    """Read a grid that `dragoman export` wrote: all of it, or nothing if the file is damaged.

    Examples: dragoman import demo.zip · dragoman import demo.zip --name demo-of-ann
    """
    from dragoman.store.transfer.importer import checked

    interruption.keeps(f"The store is as it was, without the grid of {file}: the same command imports it.")
    with checked(file, name) as coming:  # a store is created only for a file that is whole
        done = coming.into(Store.open(settings().store_url, settings().blobs_url))
    say(f"{done.grid}: {done.cells} cells, {done.translations} of them translated and new here.", err=True)


def _open_existing() -> Store:
    return Store.open_existing(settings().store_url, settings().blobs_url)
