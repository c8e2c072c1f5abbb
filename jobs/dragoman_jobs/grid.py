"""One grid from its plan to its end: what `dragoman run` does."""

import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NoReturn

from filelock import FileLock, Timeout
from rich.console import Console

from dragoman import plugins
from dragoman.cell import CellState
from dragoman.cli.results import answers
from dragoman.cli.tables import Form, render
from dragoman.errors import DragomanError
from dragoman.plan import Plan
from dragoman.settings import Settings
from dragoman.store.queries import model_names
from dragoman.store.records import JobState
from dragoman.store.store import Store
from dragoman.tracking import BackgroundTracker, Tracker
from dragoman_jobs.cluster import RayCluster
from dragoman_jobs.driver import Driver
from dragoman_jobs.progress import GridProgress
from dragoman_jobs.reporting import log_evaluations, log_trainings


class GridBusyError(DragomanError):
    """Another process runs this grid."""


def run_grid(plan: Plan, settings: Settings, console: Console, cpus: int = 0) -> bool:
    """Do what a grid still lacks, log it, print the answers, and let the finishers have their say.

    Returns whether no cell failed.

    Raises:
        GridBusyError: another process runs a grid of this name in this home.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    with _only_driver(settings, plan.spec.name):
        store = Store.open(settings.store_url, settings.blobs_url)
        tracker = BackgroundTracker(lambda: Tracker(settings.mlflow_url, settings.home / "artifacts", plan))
        tracker.tell(Tracker.start)
        driver = Driver(plan, store, settings, GridProgress(console))
        driver.register()
        if driver.remaining():
            _work(driver, store, plan.spec.name, cpus)
        log_trainings(tracker, plan, store)
        runs = log_evaluations(tracker, plan, store)
        _print_answers(plan, store, console)
        with console.status("writing to MLflow"):
            complaints = tracker.close()
        for complaint in complaints:
            console.print(complaint, style="yellow", highlight=False, markup=False)
        failed = sum(cell.state is CellState.FAILED for cell in store.cells(plan.spec.name))
        if failed:
            console.print(f"{failed} cells failed, so nothing is promoted; the same command tries them again.")
        else:
            _finish(plan, settings, dict(runs), console)
    return failed == 0


def _work(driver: Driver, store: Store, grid: str, cpus: int) -> None:
    """Do what remains, as one job of the store's record."""
    job = store.start_job(grid, f"{socket.gethostname()}-{os.getpid()}")
    try:
        with driver.progress:
            _run_on_ray(driver, cpus)
    except BaseException as error:
        store.end_job(job, JobState.FAILED, str(error) or type(error).__name__)
        raise
    store.end_job(job, JobState.DONE)


def _run_on_ray(driver: Driver, cpus: int) -> None:
    with driver.progress.status("starting Ray on this machine"):
        cluster = RayCluster(cpus)

    def stop(*_: Any) -> NoReturn:
        raise KeyboardInterrupt

    # after ray.init, which puts its own handler there and would cut the clean-up short
    before = signal.signal(signal.SIGTERM, stop)
    try:
        driver.run(cluster)
    finally:
        signal.signal(signal.SIGTERM, before)
        cluster.close()


def _print_answers(plan: Plan, store: Store, console: Console) -> None:
    """What `dragoman results GRID` prints."""
    grid, metric = plan.spec.name, plan.spec.evaluation.metrics[0]
    tables = answers(store, grid, model_names(store, grid), metric)
    console.print()
    if not console.quiet:
        sys.stdout.write(render(tables, Form.TEXT))


def _finish(plan: Plan, settings: Settings, runs: dict[str, str], console: Console) -> None:
    echo = partial(console.print, markup=False, highlight=False, soft_wrap=True)  # tables keep their lines
    for name in sorted(plugins.available("finishers")):
        plugins.load("finishers", name)(settings, plan.spec.name, plan.spec, runs, echo)


@contextmanager
def _only_driver(settings: Settings, grid: str) -> Iterator[None]:
    """Keep a second driver off this grid; the lock goes with its process, however that ends."""
    lock = FileLock(settings.home / f"{grid}.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise GridBusyError(
            f"The grid {grid} is being run by another process in {settings.home.resolve()}: wait for it or stop it."
        ) from error
    try:
        yield
    finally:
        lock.release()
