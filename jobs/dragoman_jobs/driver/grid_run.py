"""Run one grid from plan to results: what `dragoman run` and a submitted job do."""

import signal
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile

from rich.console import Console

from dragoman import watchdog
from dragoman.cell import CellState
from dragoman.disk import told_apart
from dragoman.errors import DragomanError
from dragoman.metrics.scoring import require, text_metrics
from dragoman.planning.adoption import adopt_from
from dragoman.planning.candidates import candidates_plan, is_theirs
from dragoman.planning.manifest import prepare
from dragoman.planning.plan import Plan
from dragoman.planning.tokenizer_coverage import coverages
from dragoman.planning.training_data import check_contamination
from dragoman.reports.plan import reading_text
from dragoman.reports.plan_lines import cannot_write
from dragoman.scratch_folder import temporary_files, temporary_folder
from dragoman.settings import Settings
from dragoman.signals import interruptible
from dragoman.store import migrations
from dragoman.store.database.connection import Database
from dragoman.store.jobs.progress import progress as cell_states
from dragoman.store.maintenance.relocation import settle_home
from dragoman.store.maintenance.rescoring import rescore, unscored_metrics
from dragoman.store.store import Store
from dragoman.tracking.background import BackgroundTracker
from dragoman.tracking.mlflow import Tracker, import_mlflow
from dragoman_jobs.cluster.ray_cluster import RayCluster
from dragoman_jobs.cluster.ray_jobs_api import RayJobs
from dragoman_jobs.cluster.system_metrics import Measure, Spool, SystemMetrics, nodes_of, this_machine
from dragoman_jobs.driver.answers import print_answers
from dragoman_jobs.driver.backlog import Backlog
from dragoman_jobs.driver.driver import Driver
from dragoman_jobs.driver.finishers import finish
from dragoman_jobs.driver.job import Job
from dragoman_jobs.driver.mlflow_reporter import MlflowReporter
from dragoman_jobs.driver.progress import ProgressDisplay
from dragoman_jobs.driver.throughput import PrometheusMetrics
from dragoman_jobs.models.atomic_folder import remove_partial
from dragoman_jobs.models.pretrained import require_tokenizer


def run_grid(
    plan: Plan,
    settings: Settings,
    console: Console,
    connect: Callable[[], RayCluster],
    queued: int | None = None,
    failed_too: bool = True,
    ahead: Callable[[Plan], AbstractContextManager[object]] = nullcontext,
) -> bool:
    """Do what a grid still lacks, log it, print its results, and call the finishers.

    Args:
        plan: the grid.
        settings: where things are kept.
        console: where a person looks.
        connect: starts Ray, or joins a cluster; called only if there is something to do.
        queued: number of the job that was submitted, if this one was.
        failed_too: whether cells that failed are tried again.
        ahead: begins what a new grid needs for certain, as soon as it is certain.

    Returns:
        Whether no cell failed, and no score is open.

    Raises:
        ModelError: the base has no tokenizer.
        DragomanError: nothing can be written to the home.
        StoreError: another driver works at the grid.
        ContaminationError: more of the test set is in training text than the spec allows.
        ClusterError: Ray can't be used, or lacks what a worker is to hold.
        StoppedError: somebody stopped the grid.
        MetricNeedError: a metric lacks something that it needs.
        FinisherError: all cells are done, but not what follows.
    """
    require_tokenizer(plan.spec.base.model)
    require(plan.spec.evaluation.metric_names, plan.pairs, plan.spec.languages)
    _make_home(settings.home)
    watchdog.clear(temporary_folder())
    with temporary_files():
        return _run_to_its_end(plan, settings, console, connect, queued, failed_too, ahead)


def _run_to_its_end(
    plan: Plan,
    settings: Settings,
    console: Console,
    connect: Callable[[], RayCluster],
    queued: int | None,
    failed_too: bool,
    ahead: Callable[[Plan], AbstractContextManager[object]],
) -> bool:
    grid = plan.spec.name
    remove_partial(settings.cache_dir)
    settle_home(settings)
    is_new = _check_free(settings, grid)
    plan = adopt_from(plan, settings.store_url, settings.blobs_url)
    with reading_text(plan, quiet=console.quiet) as tell:
        plan = prepare(plan, settings.home, tell)  # from here on, what is run is what stands in the manifest
    check_contamination(plan)
    store = Store.open(settings.store_url, settings.blobs_url)
    with ahead(plan) if is_new else nullcontext():
        complete = _run(plan, settings, store, console, connect, queued, failed_too)
    # `dragoman retry` leaves cells to a driver at work, which may have been at its last words
    while any(states.get(CellState.PLANNED) for states in cell_states(store, grid).values()):
        again = None if queued is None else _queued_again(store, grid, queued)
        complete = _run(plan, settings, store, console, connect, again, failed_too=False)
    return complete


def _queued_again(store: Store, grid: str, job: int) -> int:
    """Another job like one that was submitted and has ended; returns its number."""
    before = next(each for each in store.jobs.of_grid(grid) if each.id == job)
    number = store.jobs.queue(grid, before.address or "")
    store.jobs.submitted(number, before.submission or "")
    return number


def _run(
    plan: Plan,
    settings: Settings,
    store: Store,
    console: Console,
    connect: Callable[[], RayCluster],
    queued: int | None,
    failed_too: bool,
) -> bool:
    grid = plan.spec.name
    import_mlflow()
    job = Job(store, grid, queued)
    progress = ProgressDisplay(console, job)
    tracker = BackgroundTracker(
        lambda: Tracker(settings.mlflow_url, settings.artifacts_dir, plan), settings.mlflow_url, progress.say
    )
    reporter, spool = MlflowReporter(tracker, plan, store), Spool(settings.home / "unsent" / f"{plan.id}.jsonl")
    tracker.tell(spool.send)  # what a driver left behind
    driver = Driver(plan, store, settings, progress, _candidates(plan, store, progress))
    driver.register()
    with interruptible(signal.SIGTERM), job:
        with told_apart():
            job.check()
            driver.forsake()
            try:
                driver.commit_files(job.check)
                if backlog := driver.remaining(failed_too):
                    for sentence in cannot_write(coverages(plan).found):
                        progress.say(sentence)
                    sampling = partial(SystemMetrics, spool=spool, tracker=tracker)
                    _work(driver, backlog, connect, grid, reporter, sampling)
            except BaseException as error:
                reporter.break_off(error)
                tracker.close(away=0.0, busy=5.0)
                raise
            if lacking := text_metrics(unscored_metrics(store, grid)):
                rescore(store, grid, lacking)
            failed = sum(states.get(CellState.FAILED, 0) for states in cell_states(store, grid).values())
            reporter.finish(failed=bool(failed or driver.unscored))
            if not console.quiet:
                console.print()
                print_answers(plan, store)
        with console.status("writing to MLflow"):
            complaints = tracker.close()
        for complaint in complaints:
            progress.say(complaint)
        if failed:
            progress.say(
                f"{failed} cells failed, so nothing is promoted; `dragoman retry {grid} --failed` tries them again."
            )
        if driver.unscored:
            progress.say(
                f"{driver.unscored} scores of metrics that hold a model are open, so nothing is promoted; `dragoman "
                f"resume {grid}` computes them."
            )
        if not failed and not driver.unscored:
            finish(plan, settings, reporter.runs, tracker.unwritten, progress)
    return not failed and not driver.unscored


def _candidates(plan: Plan, store: Store, progress: ProgressDisplay) -> Plan | None:
    """The plan of the dev sentences that the candidate for promotion is chosen on; None without any."""
    found = candidates_plan(plan)
    if found is not None and not is_theirs(store, found):
        progress.say(
            f"Another grid is called {found.spec.name}, where the candidates of {plan.spec.name} would be chosen on "
            "dev: they are chosen on the test set. Give that grid, or this, another name to have it otherwise."
        )
        return None
    return found


def _make_home(home: Path) -> None:
    try:
        home.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=home) as file:
            file.write(b"x")  # a folder that is there may still take nothing
    except OSError as error:
        raise DragomanError(
            f"Nothing can be written to {home} ({error.strerror}): make room there or let this user write, or set "
            "DRAGOMAN_HOME to another folder."
        ) from error


def _check_free(settings: Settings, grid: str) -> bool:
    """Before anything is written: no other driver works at the grid. Returns whether it is new to the store."""
    database = Database(settings.store_url)
    if not migrations.exists(database):
        return True
    store = Store.open(settings.store_url, settings.blobs_url)
    is_new = all(record.name != grid for record in store.grids.all())
    if not is_new:
        store.jobs.check_free(grid)
    store.close()
    return is_new


def _work(
    driver: Driver,
    backlog: Backlog,
    connect: Callable[[], RayCluster],
    grid: str,
    reporter: MlflowReporter,
    sampling: Callable[[Measure], SystemMetrics],
) -> None:
    """Do what remains, and what somebody wants to be tried again meanwhile."""
    with driver.progress:
        with driver.progress.status("starting Ray"):
            cluster = connect()
        measure = this_machine() if cluster.dashboard is None else nodes_of(RayJobs(cluster.dashboard))
        try:
            with sampling(measure):
                meters = PrometheusMetrics(grid)
                while backlog:
                    driver.run(cluster, backlog, meters=meters, reporter=reporter)
                    backlog = driver.remaining(failed_too=False)
        finally:
            cluster.close()
