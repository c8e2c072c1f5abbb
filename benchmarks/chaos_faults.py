"""What happens to the grids of the campaign (`chaos.py`): processes killed, stopped and doubled."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
from chaos_grid import GRACE, Grid


class SkippedError(Exception):
    """What a kind of fault needs is not on this machine."""


class Trial:
    """One grid that is disturbed."""

    def __init__(self, folder: Path, chance: random.Random, *, seconds: float, most: int) -> None:
        """Make the grid.

        Args:
            folder: new, for it.
            chance: chooses what happens, and when.
            seconds: what the grid takes undisturbed.
            most: kills of it.
        """
        self.grid, self.chance, self.seconds, self.most = Grid(folder), chance, seconds, most
        self.kills = 0
        self.done: list[str] = []
        """What happened."""
        self.wrong: list[str] = []
        self.left: list[str] = []
        self._closing: list[Callable[[], None]] = []

    def note(self, what: str, kills: int = 0) -> None:
        """Remember what happened."""
        self.done.append(what)
        self.kills += kills

    def wait(self, process: "subprocess.Popen[bytes]", most: float) -> bool:
        """Let a driver work for a while of chance; returns whether it still does."""
        with suppress(subprocess.TimeoutExpired):
            process.wait(self.chance.uniform(0, most))
        return process.poll() is None

    def gone(self, process: "subprocess.Popen[bytes]") -> None:
        """See that nothing lives of a driver that was killed."""
        process.wait(GRACE)
        self.left += self.grid.left()

    def end(self, process: "subprocess.Popen[bytes]") -> int | None:
        """Let a driver come to its end."""
        code = self.grid.end(process)
        if code is None:
            self.wrong.append("a driver hung")
            os.killpg(process.pid, signal.SIGKILL)
        return code

    def finally_(self, close: Callable[[], None]) -> None:
        """Have something closed after the try."""
        self._closing.append(close)

    def close(self) -> None:
        """End all that lives of it."""
        for close in reversed(self._closing):
            close()
        while found := self.grid.processes():
            for each in found:
                with suppress(psutil.Error):
                    each.kill()
            psutil.wait_procs(found, timeout=2)


def kill(trial: Trial) -> None:
    """SIGKILL to the driver, its session, everything at once, or one of Ray's processes: several times a grid."""
    share = 1.0
    for _ in range(trial.chance.randint(min(2, trial.most), trial.most)):
        process = trial.grid.begin()
        if not trial.wait(process, share * trial.seconds):
            return
        share = 0.6
        victim = trial.chance.choice(["driver", "driver", "session", "everything", "worker", "raylet", "gcs", "agent"])
        if victim in _OF_RAY:
            if not _kill_one(trial, process, victim) or not trial.wait(process, share * trial.seconds):
                trial.end(process)
                continue
            victim = "driver"
        _strike(trial, process, victim)


_OF_RAY = {"worker": "ray::_Holder", "raylet": "raylet", "gcs": "gcs_server", "agent": "Agent"}
"""What stands in the title or name of Ray's processes."""


def _strike(trial: Trial, process: "subprocess.Popen[bytes]", victim: str) -> None:
    if victim == "driver":
        process.kill()
    elif victim == "session":
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    else:  # as in a power cut: the watchdogs too
        while found := trial.grid.processes():
            for each in found:
                with suppress(psutil.Error):
                    each.kill()
            psutil.wait_procs(found, timeout=2)
    trial.note(f"{victim} {trial.grid.progress()}", kills=1)
    trial.gone(process)


def _kill_one(trial: Trial, process: "subprocess.Popen[bytes]", victim: str) -> bool:
    """Kill one of Ray's processes, as soon as there is one, and up to three workers; returns whether there was one."""
    count = trial.chance.randint(1, 3) if victim == "worker" else 1
    killed = 0
    while process.poll() is None:
        found = [each for each in trial.grid.processes() if _OF_RAY[victim] in _title(each)]
        if found:
            with suppress(psutil.Error):
                trial.chance.choice(found).kill()
                trial.note(f"{victim} {trial.grid.progress()}", kills=1)
                killed += 1
            if killed == count:
                break
            trial.wait(process, 3)
        time.sleep(0.1)
    return killed > 0


def _title(process: psutil.Process) -> str:
    try:
        return " ".join([process.name(), *process.cmdline()[:1]])
    except psutil.Error:
        return ""


def stop(trial: Trial) -> None:
    """SIGSTOP of a driver, whose grid another takes over; then it goes on beside the other."""
    first = trial.grid.begin()
    if not trial.wait(first, trial.seconds):
        return
    first.send_signal(signal.SIGSTOP)
    trial.note("stopped")
    until = time.monotonic() + 60
    while time.monotonic() < until:  # until the heartbeat is old, another is refused
        second = trial.grid.begin()
        if trial.wait(second, trial.seconds) or second.returncode == 0:
            break
        time.sleep(2)
    first.send_signal(signal.SIGCONT)
    trial.note("continued")
    for process in (first, second):
        trial.end(process)


def two(trial: Trial) -> None:
    """Two drivers of one grid at once: one is refused, or waits; the other may be killed."""
    first = trial.grid.begin()
    trial.wait(first, trial.chance.choice([0.1, trial.seconds]))
    second = trial.grid.begin()
    trial.note("two drivers")
    if trial.chance.random() < 0.5 and trial.wait(first, trial.seconds):
        first.kill()
        trial.note("driver", kills=1)
    for process in (first, second):
        trial.end(process)


def spot(trial: Trial) -> None:
    """A node that is taken away: SIGTERM, and SIGKILL to all some seconds later."""
    process = trial.grid.begin()
    for _ in range(2):
        if not trial.wait(process, trial.seconds):
            return
        process.terminate()
        trial.note("SIGTERM")
        if trial.wait(process, 5):
            _strike(trial, process, "everything")
        process = trial.grid.begin()
    trial.end(process)


KINDS: dict[str, Callable[[Trial], None]] = {"kill": kill, "stop": stop, "two": two, "spot": spot}
"""Kinds of faults by name."""
