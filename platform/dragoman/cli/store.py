"""`dragoman gc` and `dragoman import`."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from dragoman.cli.groups import Group, grouped
from dragoman.cli.output import printed
from dragoman.settings import settings
from dragoman.store.store import Store
from dragoman.tables.table import Table, number, word
from dragoman.terminal import say


@grouped(Group.STORE)
@printed
def gc(
    remove: Annotated[bool, typer.Option("--remove", help="Remove them; otherwise they are only listed.")] = False,
    older_than: Annotated[
        float,
        typer.Option("--older-than", metavar="HOURS", min=0, help="Keep younger blobs: a run may still need them."),
    ] = 24,
) -> Sequence[Table]:
    """List, and with --remove remove, stored hypotheses and test texts that nothing refers to.

    Examples: dragoman gc · dragoman gc --remove --older-than 0
    """
    from dragoman.store.maintenance import garbage_collection

    store = _open_existing()
    found = garbage_collection.unreferenced(store, timedelta(hours=older_than))
    if remove:
        found = list(garbage_collection.remove(store, found))
    size = sum(blob.size for blob in found)
    say(f"{len(found)} blobs, {size:,} bytes {'removed' if remove else 'that nothing refers to'}.", err=True)
    rows = [{"path": blob.path, "size": blob.size, "written": blob.written.isoformat()} for blob in found]
    what = "Removed" if remove else "Nothing refers to these"
    return [Table("blobs", what, [word("path"), number("size", "bytes", digits=0), word("written")], rows)]


@grouped(Group.STORE)
def import_(
    file: Annotated[Path, typer.Argument(help="File that `dragoman export` wrote.")],
    name: Annotated[str | None, typer.Option("--name", help="Name of the grid in this store.")] = None,
) -> None:
    """Read a grid that `dragoman export` wrote: all of it, or nothing if the file is damaged.

    Examples: dragoman import demo.zip · dragoman import demo.zip --name demo-of-ann
    """
    from dragoman.store.transfer.importer import checked

    with checked(file, name) as coming:  # a store is created only for a file that is whole
        done = coming.into(Store.open(settings().store_url, settings().blobs_url))
    say(f"{done.grid}: {done.cells} cells, {done.translations} of them translated and new here.", err=True)


def _open_existing() -> Store:
    return Store.open_existing(settings().store_url, settings().blobs_url)
