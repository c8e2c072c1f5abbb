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

    def reach(self, process: "subprocess.Popen[bytes]", most: float) -> bool:
        """Let a driver work to a moment of chance, by the clock or by how far the grid is; returns whether it works.

        By the clock alone most moments would be in Ray's start, where the machine is busy. A moment by progress is at
        most a second and a half after a finetuning, a number of cells, or the registration of the model.
        """
        stages = ["training", "registration", *range(1, self.grid.size + 1)]
        ahead = [stage for stage in stages if not self.grid.is_at(stage)]
        if not ahead or self.chance.random() < 1 / 3:
            return self.wait(process, most)
        stage = self.chance.choice(ahead)
        while process.poll() is None and not self.grid.is_at(stage):
            time.sleep(0.2)
        return self.wait(process, 1.5)

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
    """SIGKILL to the driver, its session, everything at once, or one or two of Ray's processes: several times a grid.

    One in three drivers that resume is killed again within its first seconds.
    """
    for number in range(trial.chance.randint(min(2, trial.most), trial.most)):
        process = trial.grid.begin()
        is_soon = number > 0 and trial.chance.random() < 1 / 3
        if not (trial.wait(process, 4) if is_soon else trial.reach(process, trial.seconds)):
            return
        victims = trial.chance.choice(_VICTIMS)
        if victims[0] in _OF_RAY:
            if not _kill_of_ray(trial, process, victims) or not trial.wait(process, 0.6 * trial.seconds):
                trial.end(process)
                continue
            victims = ("driver",)
        _strike(trial, process, victims[0])


_OF_RAY = {"worker": "ray::_Holder", "raylet": "raylet", "gcs": "gcs_server", "agent": "Agent"}
"""What stands in the title or name of Ray's processes."""

_VICTIMS = (
    ("driver",), ("driver",), ("session",), ("everything",),
    ("worker",), ("raylet",), ("gcs",), ("agent",), ("worker", "agent"), ("raylet", "gcs"),
)  # fmt: skip
"""Who is killed at once."""


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


def _kill_of_ray(trial: Trial, process: "subprocess.Popen[bytes]", victims: tuple[str, ...]) -> bool:
    """Kill a process of each of these kinds of Ray's, as soon as there is one, or up to three workers one by one.

    Returns:
        Whether there was one.
    """
    count = trial.chance.randint(1, 3) if victims == ("worker",) else 1
    killed = 0
    while process.poll() is None and killed < count:
        running = trial.grid.processes()
        found = [[each for each in running if _OF_RAY[victim] in _title(each)] for victim in victims]
        if all(found):
            for each in map(trial.chance.choice, found):
                with suppress(psutil.Error):
                    each.kill()
            trial.note(f"{' and '.join(victims)} {trial.grid.progress()}", kills=len(found))
            killed += 1
            if killed < count:
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
