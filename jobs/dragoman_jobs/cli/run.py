"""`dragoman run` and `dragoman submit`: from a spec to scores and a promoted model, here or on a cluster."""

import sys

import typer

from dragoman import interruption, logs, plugins
from dragoman.cli.groups import Group, grouped
from dragoman.cli.plan import SpecArgument
from dragoman.planning.model_metrics import configured_metrics
from dragoman.planning.plan import Plan
from dragoman.planning.planner import make_plan
from dragoman.reports.plan import missing
from dragoman.settings import Settings
from dragoman.spec.loading import load_campaign
from dragoman.tables.render import Form, render
from dragoman.terminal import say
from dragoman_jobs.cli.options import (
    AddressOption,
    AttachOption,
    CpusOption,
    GpusOption,
    QuietOption,
    TrainingGpusOption,
    TrainingWorkersOption,
    WorkersOption,
    asked_for,
    chosen_address,
)


@grouped(Group.RUN)
def run(
    spec: SpecArgument,
    workers: WorkersOption = None,
    cpus: CpusOption = None,
    gpus: GpusOption = None,
    training_workers: TrainingWorkersOption = None,
    training_gpus: TrainingGpusOption = None,
    attach: AttachOption = None,
    quiet: QuietOption = False,
) -> None:
    """Run a grid, or each of a sweep in turn, on an embedded Ray: finetune, translate, score, log to MLflow, promote.

    Closing the terminal loses nothing: the same command again does only what is missing.

    Examples: dragoman run examples/demo.yaml · dragoman run examples/demo.yaml --workers 4 ·
    dragoman run examples/demo.yaml --attach auto
    """
    plans = [make_plan(grid) for grid in load_campaign(spec).grids]
    chosen = asked_for(workers, cpus, gpus, training_workers, training_gpus)
    from dragoman_jobs.driver.complete import is_complete  # brings the store, which a wrong spec need not wait for

    incomplete = False
    for plan in plans:
        if is_complete(plan, chosen):
            _tell_complete(plan, chosen, quiet, alone=len(plans) == 1)
            continue
        try:
            run_here(plan, chosen, quiet, attach=attach)
        except typer.Exit:
            incomplete = True  # the other grids of a campaign go on
    if incomplete:
        raise typer.Exit(1)


@grouped(Group.RUN)
def submit(
    spec: SpecArgument,
    address: AddressOption = None,
    workers: WorkersOption = None,
    cpus: CpusOption = None,
    gpus: GpusOption = None,
    training_workers: TrainingWorkersOption = None,
    training_gpus: TrainingGpusOption = None,
) -> None:
    """Send a grid, or each of a sweep, to a Ray cluster and return at once.

    `status`, `logs`, `stop` and `resume` follow it from anywhere.

    The token is taken from RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH.

    Examples: dragoman submit examples/demo.yaml --address http://127.0.0.1:8265
    """
    where = chosen_address(address)
    plans = [make_plan(grid) for grid in load_campaign(spec).grids]
    for plan in plans:
        interruption.keeps(
            "Grids that were submitted before run on, as `dragoman list` shows: submit the others again, or stop one "
            "with `dragoman stop`."
        )
        send(plan, asked_for(workers, cpus, gpus, training_workers, training_gpus), where)


def _tell_complete(plan: Plan, chosen: Settings, quiet: bool, *, alone: bool) -> None:
    """Print a complete grid's results; of one among others, which would take long, only where they are."""
    if quiet:
        return
    if not alone:
        say(f"{plan.spec.name} is complete; `dragoman results {plan.spec.name}` prints its scores.")
        return
    from dragoman.store.store import Store
    from dragoman_jobs.driver.answers import print_answers

    store = Store.open_existing(chosen.store_url, chosen.blobs_url)
    say(f"{plan.spec.name} is complete: nothing is left to do.")
    print_answers(plan, store)


def run_here(plan: Plan, chosen: Settings, quiet: bool, *, failed_too: bool = True, attach: str | None = None) -> None:
    """Run a plan on an embedded Ray, or one that runs; a command ends with 1 where cells failed, or what follows."""
    # Brings Ray and the engines: a wrong spec, and every other command, need not wait for it.
    from dragoman_jobs.cluster.ray_cluster import RayCluster, require_short_temporary_folder
    from dragoman_jobs.cluster.resources import Shares, room_here
    from dragoman_jobs.driver.finishers import FinisherError
    from dragoman_jobs.driver.grid_run import run_grid
    from dragoman_jobs.driver.prewarm import prewarm_base
    from dragoman_jobs.driver.progress import log_console

    grid = plan.spec.name
    interruption.keeps(
        f"What is done of {grid} is kept, finetunings to their last checkpoint: the same command goes on with it, "
        f"and so does `dragoman resume {grid}`."
    )
    shares = Shares.of(chosen)
    has_models = bool(configured_metrics(plan.spec.evaluation.metrics))
    if attach is None:
        require_short_temporary_folder()
        shares.require_room(room_here(chosen), bool(plan.trainings), "this machine", has_models=has_models)
    shares.require_sense(plan)
    logs.configure(chosen)
    console = log_console(quiet)
    if missing(plan).rows:
        console.print(render([missing(plan)], Form.TEXT), highlight=False, markup=False)
    try:
        complete = run_grid(
            plan,
            chosen,
            console,
            lambda: RayCluster(chosen.workers, address=attach, grows=attach is not None and chosen.autoscaling),
            failed_too=failed_too,
            ahead=lambda prepared: prewarm_base(prepared, chosen),
        )
    except FinisherError as error:
        say(f"dragoman: {error}", err=True)
        raise typer.Exit(error.exit_code) from error
    if "ui" in plugins.available("commands"):
        console.print(f"\nOpen the pages in a browser with: {sys.argv[0]} ui", highlight=False, markup=False)
    if not complete:
        raise typer.Exit(1)


def send(plan: Plan, chosen: Settings, address: str) -> None:
    """Send a plan to a cluster and say where to look."""
    from dragoman_jobs.driver.submission import submit as submit_plan

    sent = submit_plan(plan, chosen, address)
    say(f"{sent.grid} is submitted to {address} as {sent.submission}.")
    say(f"  Ray:    {sent.dashboard}")
    page = sent.mlflow or "does not answer; it is told later"
    say(f"  MLflow: {page}{' after the address of `dragoman ui`' if page.startswith('/') else ''}")
    for name in sent.withheld:
        say(f"The setting {name} holds a password and was not sent: the cluster has to have its own.")
    say(f"Follow it with `dragoman status {sent.grid}` and `dragoman logs {sent.grid} --follow`.")
