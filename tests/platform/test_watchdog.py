"""What a process started ends with it, however that ends; what is another's lives on."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from dragoman import marked_processes, watchdog
from dragoman.watchdog import Watchdog

_DRIVER = """
import os, signal, subprocess, sys, time
from pathlib import Path
from dragoman.watchdog import Watchdog

signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
dog = Watchdog(Path(sys.argv[1]))
child = '''
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
print(other.pid, flush=True)
time.sleep(600)
'''
environment = os.environ | dog.environment
started = subprocess.Popen([sys.executable, "-c", child], env=environment, stdout=subprocess.PIPE, text=True)
print(dog.folder, dog._process.pid, started.pid, started.stdout.readline(), flush=True)
time.sleep(600)
"""
"""A process that starts one that starts another in a session of its own."""


class Driver:
    """That process, in a session of its own."""

    def __init__(self, parent: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _DRIVER, str(parent)], text=True, stdout=subprocess.PIPE, start_new_session=True
        )
        assert self.process.stdout
        folder, *pids = self.process.stdout.readline().split()
        self.folder = Path(folder)
        self.watchdog, *self.started = [psutil.Process(int(pid)) for pid in pids]

    def living(self, seconds: float = 10) -> list[psutil.Process]:
        """Those of what it started, and of its watchdog, that live after so long."""
        _, alive = psutil.wait_procs([self.watchdog, *self.started], timeout=seconds)
        return [each for each in alive if each.status() != psutil.STATUS_ZOMBIE]


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[Driver]:
    driver = Driver(tmp_path)
    yield driver
    driver.process.kill()
    driver.process.communicate()
    for each in driver.living(0):
        each.kill()


@pytest.mark.parametrize("whom", ["process", "group"])
def test_what_a_killed_process_started_ends_within_ten_seconds(driver: Driver, whom: str) -> None:
    assert len(marked_processes.marked(driver.folder)) == 2
    if whom == "process":
        driver.process.kill()
    else:
        os.killpg(driver.process.pid, signal.SIGKILL)
    driver.process.wait()
    assert driver.living() == []
    assert not driver.folder.exists()


def test_signals_of_the_terminal_reach_no_watchdog(driver: Driver) -> None:
    for number in (signal.SIGINT, signal.SIGHUP):
        os.killpg(driver.process.pid, number)
    time.sleep(0.5)
    assert driver.watchdog.is_running()
    driver.process.kill()
    driver.process.wait()
    assert driver.living() == []


def test_the_next_start_ends_what_was_left_where_the_watchdog_was_killed_too(driver: Driver, tmp_path: Path) -> None:
    other = Driver(tmp_path)
    try:
        driver.watchdog.kill()
        assert watchdog.clear(tmp_path) == 0, "its driver is alive"
        driver.process.kill()
        driver.process.wait()
        assert len(driver.living(1)) == 2
        assert watchdog.clear(tmp_path) == 2
        assert driver.living() == []
        assert not driver.folder.exists()
        assert len(other.living(0)) == 3, "another's driver is alive"
        assert other.folder.exists()
    finally:
        other.process.kill()
        other.process.communicate()
    assert other.living() == []


def test_what_is_left_at_a_good_end_is_ended_and_the_watchdog_goes(tmp_path: Path) -> None:
    dog = Watchdog(tmp_path)
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    marked = subprocess.Popen(command, env=os.environ | dog.environment)
    unmarked = subprocess.Popen(command)
    try:
        dog.close()
        assert marked.wait(10) == -signal.SIGKILL
        assert dog._process.poll() == 0
        assert list(tmp_path.iterdir()) == []
        assert unmarked.poll() is None
    finally:
        unmarked.kill()
        unmarked.wait()


def test_a_watchdog_is_light(tmp_path: Path) -> None:
    code = "import sys, dragoman.marked_processes; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"ray", "torch", "numpy", "sqlalchemy", "pydantic", "filelock"} & {*modules}
    dog = Watchdog(tmp_path)
    try:
        time.sleep(0.5)
        assert psutil.Process(dog._process.pid).memory_info().rss < 50e6
    finally:
        dog.close()
