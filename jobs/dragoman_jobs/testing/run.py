"""Running a plan in this process, for tests: the driver of `dragoman run` without Ray, MLflow and finishers."""

from rich.console import Console

from dragoman.planning.candidates import candidates_plan
from dragoman.planning.plan import Plan
from dragoman.settings import Settings
from dragoman.store.store import Store
from dragoman_jobs.cluster.base import Cluster
from dragoman_jobs.driver.driver import Driver
from dragoman_jobs.driver.job import Job
from dragoman_jobs.driver.progress import ProgressDisplay
from dragoman_jobs.testing.local_cluster import LocalCluster


def run_plan(
    plan: Plan,
    settings: Settings,
    *,
    store: Store | None = None,
    cluster: Cluster | None = None,
    failed_too: bool = True,
) -> Store:
    """Do all that a plan lacks, and return the store.

    Args:
        plan: the grid.
        settings: where things are kept.
        store: where it is written; the settings' by default.
        cluster: where it is done; in this process by default.
        failed_too: whether what failed before is tried again.
    """
    store = store or Store.open(settings.store_url, settings.blobs_url)
    cluster = cluster or LocalCluster()
    job = Job(store, plan.spec.name)
    driver = Driver(plan, store, settings, ProgressDisplay(Console(quiet=True), job), candidates_plan(plan))
    driver.register()
    with job:
        driver.commit_files()
        while backlog := driver.remaining(failed_too):
            driver.run(cluster, backlog)
            failed_too = False
    return store
