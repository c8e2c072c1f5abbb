"""`dragoman resume` and `dragoman retry`: a grid goes on where it was, with what the store knows of it."""

from typing import Annotated

import typer

from dragoman.cli.arguments import GridArgument, complete_grids, open_store
from dragoman.settings import Settings
from dragoman.store import control
from dragoman.store.store import Store
from dragoman_jobs.commands import run_here, send
from dragoman_jobs.options import (
    AddressOption,
    CpusOption,
    GpusOption,
    QuietOption,
    TrainingGpusOption,
    TrainingWorkersOption,
    WorkersOption,
    asked_for,
)
from dragoman_jobs.resuming import named, planned_again

LocalOption = Annotated[bool, typer.Option("--here", help="On this machine, wherever it ran before.")]


def resume(
    grid: Annotated[
        str,
        typer.Argument(
            metavar="GRID",
            help="Name of a grid, or its spec, which must not have changed.",
            autocompletion=complete_grids,
        ),
    ],
    address: AddressOption = None,
    here: LocalOption = False,
    workers: WorkersOption = None,
    cpus: CpusOption = None,
    gpus: GpusOption = None,
    training_workers: TrainingWorkersOption = None,
    training_gpus: TrainingGpusOption = None,
    quiet: QuietOption = False,
) -> None:
    """Go on with a grid that was stopped, or whose driver, machine or cluster died.

    It runs on the cluster it was last sent to, or else here. Only what is missing is done; failed cells are left to
    `dragoman retry`.

    Examples: dragoman resume demo · dragoman resume demo --address http://127.0.0.1:8265 · dragoman resume demo --here
    """
    store = open_store()
    _go_on(
        store, named(store, grid), address, here, asked_for(workers, cpus, gpus, training_workers, training_gpus), quiet
    )


def retry(
    grid: GridArgument,
    failed: Annotated[bool, typer.Option("--failed", help="The cells that failed: say it, so that it is meant.")],
    address: AddressOption = None,
    here: LocalOption = False,
    workers: WorkersOption = None,
    cpus: CpusOption = None,
    gpus: GpusOption = None,
    training_workers: TrainingWorkersOption = None,
    training_gpus: TrainingGpusOption = None,
    quiet: QuietOption = False,
) -> None:
    """Try the failed cells of a grid again; a driver at work takes them up, otherwise the grid is resumed.

    Example: dragoman retry demo --failed
    """
    del failed
    store = open_store()
    count = control.retry(store, grid)
    typer.echo(f"{count} failed {'cell' if count == 1 else 'cells'} of {grid} planned again.")
    if count and not any(job.is_alive for job in store.jobs(grid)):
        _go_on(store, grid, address, here, asked_for(workers, cpus, gpus, training_workers, training_gpus), quiet)


def _go_on(store: Store, grid: str, address: str | None, here: bool, chosen: Settings, quiet: bool) -> None:
    from dragoman_jobs.submission import settle

    last = next(iter(store.jobs(grid)), None)
    if last is not None:
        settle(store, last)
    store.check_free(grid)
    plan = planned_again(store, grid)
    where = None if here else address or (last.address if last else None)
    if where is None:
        run_here(plan, chosen, quiet, failed_too=False)
    else:
        send(plan, chosen, where)
