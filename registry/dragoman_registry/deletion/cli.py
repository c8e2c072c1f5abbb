"""`dragoman delete`: a grid leaves the store, unless a champion rests on it."""

from typing import Annotated

import typer

from dragoman.cli.arguments import GridArgument, open_store
from dragoman.cli.groups import Group, grouped
from dragoman.cli.output import Answer, printed
from dragoman.planning.manifest import manifest_path
from dragoman.settings import settings
from dragoman.store.maintenance.deletion import delete_grid, planned_deletion
from dragoman.tables.table import Table, number, word
from dragoman_registry.deletion.aliases import InUseError, resting_on


@grouped(Group.STORE)
@printed
def delete(
    grid: GridArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Delete it; otherwise what would go is only listed.")] = False,
) -> Answer:
    """List what goes with a grid and, with --yes, delete it: its plan, its runs, and what no other grid has.

    Cells and models that other grids have stay. A grid that a registered version with an alias comes from, or that a
    driver works at, is refused. `dragoman gc --models --remove` then frees the files; MLflow keeps its
    runs.

    Examples: dragoman delete trial · dragoman delete trial --yes
    """
    store = open_store()
    found = planned_deletion(store, grid)
    if aliases := resting_on(settings().mlflow_url, found):
        raise InUseError(
            f"The grid {grid} can't be deleted: {', '.join(aliases)} comes from it, and gates compare with its cells. "
            "Promote a version of another grid, or remove the alias, first."
        )
    if yes:
        found = delete_grid(store, grid)
        for name in found.grids:
            manifest_path(settings().home, name).unlink(missing_ok=True)
    going, kept = ", ".join(model.name for model in found.models), ", ".join(found.kept_models)
    rows = [
        {"what": "grids", "count": len(found.grids), "names": ", ".join(found.grids)},
        {"what": "models", "count": len(found.models), "names": going},
        {"what": "models that stay", "count": len(found.kept_models), "names": kept},
        {"what": "cells", "count": found.cells, "names": ""},
        {"what": "cells that stay", "count": found.shared_cells, "names": ""},
        {"what": "human judgements", "count": found.judgements, "names": ""},
        {"what": "runs", "count": found.jobs, "names": ""},
    ]
    done = "deleted" if yes else "what would go"
    note = f"Nothing was deleted: `dragoman delete {grid} --yes` does."
    if yes:
        note = "`dragoman gc --models --remove` frees the files, once they are a day old."
    columns = [word("what"), number("count", digits=0), word("names")]
    return Answer([Table("deleted", f"{grid}: {done}", columns, rows)], note)
