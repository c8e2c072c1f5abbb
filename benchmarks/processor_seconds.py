"""Processor seconds of one `dragoman` command by what its processes did, its own of MLflow's apart."""

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

import psutil

LOOK_SECONDS = 0.05
"""Seconds between two looks at the processes: of one that ends, so much may be lost."""

COMMAND = """
import sys, threading, time
from dragoman.tracking import mlflow
spent, run, load = [], threading.Thread.run, mlflow.import_mlflow
def clocked(work, clock):
    started = clock()
    work()
    spent.append(clock() - started)
mlflow.import_mlflow = lambda: clocked(load, time.process_time)
def run_clocked(thread):
    clocked(lambda: run(thread), time.thread_time) if thread.name == "mlflow" else run(thread)
threading.Thread.run = run_clocked
from dragoman.cli.main import main
try:
    main()
finally:
    print("mlflow", sum(spent), flush=True)
"""
"""Dragoman's own command, with a clock around its thread for MLflow and its import."""


def of_command(arguments: Sequence[str], environment: Mapping[str, str]) -> dict[str, float]:
    """Run `dragoman` to its end.

    Args:
        arguments: its arguments.
        environment: its variables.

    Returns:
        Seconds of making models ready (`conversion`), of the evaluation workers, of Ray's own processes, of the driver
        but for MLflow, of MLflow (its import and the thread that writes to it), and of whatever else there was.
    """
    command = [sys.executable, "-c", COMMAND, *arguments]
    process = subprocess.Popen(
        command, env=dict(environment), text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    seconds: dict[int, float] = {}
    titles: dict[int, str] = {}
    root = psutil.Process(process.pid)
    while process.poll() is None:
        with suppress(psutil.Error):
            for each in [root, *root.children(recursive=True)]:
                with suppress(psutil.Error):
                    times = each.cpu_times()
                    seconds[each.pid] = times.user + times.system
                    titles[each.pid] = titles.get(each.pid, "") + " ".join(each.cmdline())
        time.sleep(LOOK_SECONDS)
    printed = process.stdout.read() if process.stdout else ""
    mlflow = sum(float(line.split()[1]) for line in printed.splitlines() if line.startswith("mlflow "))
    parts = dict.fromkeys(("conversion", "workers", "Ray", "driver", "rest"), 0.0)
    for pid, spent in seconds.items():
        parts["driver" if pid == process.pid else _part(titles[pid])] += spent
    return {**parts, "driver": parts["driver"] - mlflow, "MLflow": mlflow}


def _part(titles: str) -> str:
    """What a process did, by the names that it had."""
    for part, names in {
        "conversion": ("prewarm", "prepare_model"),
        "workers": ("_Holder",),
        "Ray": ("raylet", "gcs_server", "ray::", "/ray/"),
    }.items():
        if any(name in titles for name in names):
            return part
    return "rest"
