"""`dragoman resume` and `dragoman retry`: continue a grid from its spec and its cells in the store."""

from typing import Annotated

import typer

from dragoman.cli.arguments import GridArgument, complete_grids, open_store
from dragoman.cli.groups import Group, grouped
from dragoman.errors import StoreError
from dragoman.settings import Settings
from dragoman.store.jobs import control
from dragoman.store.maintenance.repair import plan_damaged
from dragoman.store.store import Store
from dragoman.terminal import say
from dragoman_jobs.cli.options import (
    AddressOption,
    CpusOption,
    GpusOption,
    QuietOption,
    TrainingGpusOption,
    TrainingWorkersOption,
    WorkersOption,
    asked_for,
)
from dragoman_jobs.cli.run import run_here, send
from dragoman_jobs.driver.resume_plan import named, plan_from_store

LocalOption = Annotated[bool, typer.Option("--here", help="On this machine, wherever it ran before.")]


@grouped(Group.RUN)
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
    """Resume a grid that was stopped, or whose driver, machine or cluster died.

    It runs on the cluster it was last sent to, or else here. Only what is missing is done; failed cells are left to
    `dragoman retry`.

    Examples: dragoman resume demo · dragoman resume demo --address http://127.0.0.1:8265 · dragoman resume demo --here
    """
    store = open_store()
    _go_on(
        store, named(store, grid), address, here, asked_for(workers, cpus, gpus, training_workers, training_gpus), quiet
    )


@grouped(Group.RUN)
def retry(
    grid: GridArgument,
    failed: Annotated[bool, typer.Option("--failed", help="The cells that failed.")] = False,
    damaged: Annotated[
        bool,
        typer.Option("--damaged", help="The cells whose stored hypotheses are gone or damaged; all of them are read."),
    ] = False,
    address: AddressOption = None,
    here: LocalOption = False,
    workers: WorkersOption = None,
    cpus: CpusOption = None,
    gpus: GpusOption = None,
    training_workers: TrainingWorkersOption = None,
    training_gpus: TrainingGpusOption = None,
    quiet: QuietOption = False,
) -> None:
    """Try cells of a grid again: those that failed, or those whose hypotheses are lost.

    A driver at work takes them up, otherwise the grid is resumed.

    Examples: dragoman retry demo --failed · dragoman retry demo --damaged
    """
    if not (failed or damaged):
        raise StoreError(f"Say which cells of {grid} to try again: with --failed, --damaged, or both.")
    store = open_store()
    again = False
    if failed:
        count = control.retry(store, grid)
        again = count > 0
        say(f"{count} failed {'cell' if count == 1 else 'cells'} of {grid} planned again.")
    if damaged:
        lost = plan_damaged(store, grid)
        again = again or lost.cells != [] or lost.texts > 0
        say(
            f"{len(lost.cells)} {'cell' if len(lost.cells) == 1 else 'cells'} of {grid} whose hypotheses are lost "
            f"planned again; test texts of {lost.texts} {'pair' if lost.texts == 1 else 'pairs'} are lost."
        )
    if again and not any(job.is_alive for job in store.jobs.of_grid(grid)):
        _go_on(store, grid, address, here, asked_for(workers, cpus, gpus, training_workers, training_gpus), quiet)


def _go_on(store: Store, grid: str, address: str | None, here: bool, chosen: Settings, quiet: bool) -> None:
    from dragoman_jobs.driver.submission import settle

    last = next(iter(store.jobs.of_grid(grid)), None)
    if last is not None:
        settle(store, last)
    store.jobs.check_free(grid)
    plan = plan_from_store(store, grid)
    where = None if here else address or (last.address if last else None)
    if where is None:
        run_here(plan, chosen, quiet, failed_too=False)
    else:
        send(plan, chosen, where)
