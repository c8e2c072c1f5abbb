"""Submit a grid to a Ray cluster. The driver there is that of `dragoman run`, and reads the spec from the store."""

import getpass
import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import uuid4

from pydantic import SecretStr
from rich.console import Console

from dragoman.errors import DragomanError
from dragoman.planning.model_metrics import configured_metrics
from dragoman.planning.plan import Plan
from dragoman.redaction import masked
from dragoman.settings import Settings, variable
from dragoman.store.maintenance.relocation import settle_home
from dragoman.store.records import JobLine, JobRecord, JobState, LineKind
from dragoman.store.store import Store
from dragoman_jobs.cluster.base import ClusterError
from dragoman_jobs.cluster.ray_jobs_api import ENDED, RayJobs
from dragoman_jobs.cluster.resources import Shares
from dragoman_jobs.driver.driver import Driver
from dragoman_jobs.driver.progress import ProgressDisplay
from dragoman_jobs.engines.endpoint import OpenAIEndpoint
from dragoman_jobs.models.pretrained import require_tokenizer

_STAYS_HERE = ("ray", "users", "ui_token", "log", "log_level")
"""Settings that mean something to this process alone."""

_LOG_TAIL = 40
"""Lines kept of the log of a driver that never reached the store."""


@dataclass(frozen=True)
class Submission:
    """A grid on its way."""

    grid: str
    """Its name."""
    job: int
    """Number of the job in the store."""
    submission: str
    """What Ray calls it."""
    dashboard: str
    """Its page on Ray's dashboard."""
    mlflow: str | None
    """Its page in MLflow; None where MLflow did not answer."""
    withheld: tuple[str, ...]
    """Settings that hold a secret, and so were not sent."""


def submit(plan: Plan, settings: Settings, address: str) -> Submission:
    """Send a grid to a cluster, once it is sure that it can run there.

    Raises:
        ClusterError: there is no cluster at the address, it refuses the token, can't reach the store, or lacks what a
            worker is to hold. Nothing is written then.
        ModelError: the base has no tokenizer.
        StoreError: a driver works at the grid.
    """
    require_tokenizer(plan.spec.base.model)
    ray = RayJobs(address)
    ray.check()
    environment, withheld = sent(settings, address)
    nodes, shares = ray.nodes(), Shares.of(settings)
    where = f"the cluster at {ray.address}"
    if not settings.autoscaling:
        shares.require_room(
            lambda share: sum(share.fits(*node) for node in nodes), bool(plan.trainings), where,
            has_models=bool(configured_metrics(plan.spec.evaluation.metrics)),
        )  # fmt: skip
    shares.require_sense(plan)
    settle_home(settings)
    store = Store.open(settings.store_url, settings.blobs_url)
    grid = plan.spec.name
    if any(record.name == grid for record in store.grids.all()):
        store.jobs.check_free(grid)
    Driver(plan, store, settings, ProgressDisplay(Console(quiet=True))).register()
    number = store.jobs.queue(grid, masked(ray.address))
    submission = f"dragoman-{grid}-{number}-{uuid4().hex[:6]}"
    try:
        ray.submit(
            submission,
            f"{_python()} -P -m dragoman_jobs.driver.entrypoint {shlex.quote(grid)} {number}",
            environment,
            {"dragoman.grid": grid, "dragoman.job": str(number)},
        )
    except ClusterError as error:
        store.jobs.end(number, JobState.FAILED, str(error))
        raise
    store.jobs.submitted(number, submission)
    return Submission(grid, number, submission, masked(ray.page(submission)), _mlflow_page(plan, settings), withheld)


def sent(settings: Settings, address: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """The settings as variables of the driver's environment, and the names of those that are withheld.

    What holds a password stays here: Ray shows a job's environment to whoever may see the job. The cluster's own
    environment has to have those.

    Raises:
        ClusterError: the store is a file of this machine and the cluster another.
    """
    values = {
        "home": str(settings.home.resolve()),
        "store": settings.store_url,
        "blobs": settings.blobs_url,
        "mlflow": settings.mlflow_url,
    }
    changed = settings.model_dump(mode="json", exclude_defaults=True, exclude={*values, *_STAYS_HERE})
    values |= {name: str(value) for name, value in changed.items()}
    if not _is_here(address):
        _check_reach(values)
    variables = {variable(name): value for name, value in values.items()} | _endpoint_variables()
    secret = {name for name, value in variables.items() if masked(value) != value}
    named = {variable(name): name for name in values}
    return (
        {name: value for name, value in variables.items() if name not in secret},
        tuple(named.get(name, name) for name in variables if name in secret),
    )


def settle(store: Store, job: JobRecord) -> JobRecord:
    """The current record of a job; where its driver sends no heartbeat, Ray is asked what became of it.

    A driver that ended before it reached the store, or was killed, has written nothing there; Ray has the reason.
    """
    silent = job.state is JobState.QUEUED or job.is_lost
    if not silent or job.address is None or job.submission is None:
        return job
    try:
        ray = RayJobs(job.address, seconds=3.0)
        known = ray.job(job.submission)
        if known is not None and known["status"] not in ENDED:
            return job
        log = ray.log(job.submission).splitlines()[-_LOG_TAIL:] if known else []
    except DragomanError:
        return job  # the store is all there is to go by
    what = "Ray was restarted" if known is None else str(known.get("message") or known["status"]).strip()
    reason = masked(f"the driver ended without a word: {what.splitlines()[0]}")
    line = JobLine(kind=LineKind.FAILURE, text=reason, detail=masked("\n".join(log)) or None)
    store.jobs.beat(job.id, None, [line])
    store.jobs.end(job.id, JobState.FAILED, reason)
    return next(each for each in store.jobs.of_grid(job.grid) if each.id == job.id)


def _check_reach(values: Mapping[str, str]) -> None:
    for name in ("store", "mlflow"):
        if values[name].startswith("sqlite"):
            raise ClusterError(
                f"The setting {name} is a file on this machine, which the cluster can't reach: set {variable(name)} to "
                "a server's address (postgresql://USER@HOST/NAME for the store, http://HOST:5000 for mlflow)."
            )


def _endpoint_variables() -> dict[str, str]:
    """What the environment says of OpenAI's endpoint, but for the key."""
    prefix = OpenAIEndpoint.model_config.get("env_prefix", "")
    names = [
        str(field.validation_alias or f"{prefix}{name}".upper())
        for name, field in OpenAIEndpoint.model_fields.items()
        if field.annotation is not SecretStr
    ]
    return {name: os.environ[name] for name in names if os.environ.get(name)}


def _is_here(address: str) -> bool:
    return urlsplit(address).hostname in ("127.0.0.1", "localhost", "::1")


def _python() -> str:
    """This Python, where the cluster's head has it too; else the one on its path."""
    choices = " || ".join(f"command -v {each}" for each in (shlex.quote(sys.executable), "python", "python3"))
    return f"$({choices})"


def _mlflow_page(plan: Plan, settings: Settings) -> str | None:
    """The page of the grid's run, which is made for it; MLflow may be away, and is then told later by the driver."""
    import requests

    from dragoman.tracking.mlflow import Tracker

    url = settings.mlflow_url
    try:
        if url.startswith("http"):
            requests.get(f"{url.rstrip('/')}/health", timeout=3).raise_for_status()
        return Tracker(url, settings.artifacts_dir, plan).page
    except Exception:  # whatever MLflow raises must not keep a grid from being sent
        return None


def asker() -> str:
    """Who stops a grid from this shell."""
    try:
        return getpass.getuser()
    except OSError:  # a container's user without a name
        return "somebody at the command line"
