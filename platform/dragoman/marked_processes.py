"""Processes with a mark in their environment, which all that they start inherit; ended together.

`python -m dragoman.marked_processes FOLDER` ends those that are marked with a folder, and removes it, as soon as its
standard input closes: when the process at the other end says so, or is gone.
"""

import sys
import time
from pathlib import Path

import psutil

from dragoman.folder_removal import remove_with_lock_last

MARK = "STARTED_BY_DRAGOMAN"
"""The variable of the environment that holds it: a path that nobody else has."""

SECONDS = 10.0
"""How long processes that were killed may take to be gone; one that the kernel holds ends later, by itself."""


def environment(folder: Path) -> dict[str, str]:
    """What a process has in its environment to be marked with a folder."""
    # or whoever gives itself a title, as Ray's workers do, writes it over the environment that others see of it
    return {MARK: str(folder), "SPT_NOENV": "1"}


def marked(folder: Path) -> list[psutil.Process]:
    """The processes that are marked with a folder and live, but for this one."""
    own = psutil.Process().pid
    return [each for each in psutil.process_iter() if each.pid != own and _mark(each) == str(folder)]


def end(folder: Path) -> int:
    """Kill the processes that are marked with a folder, and what they start meanwhile; returns how many there were."""
    killed = set[psutil.Process]()
    deadline = time.monotonic() + SECONDS
    while (found := marked(folder)) and time.monotonic() < deadline:
        for process in found:
            try:
                process.kill()  # not one that has its number since
            except psutil.Error:
                continue
        killed.update(found)
        time.sleep(0.02)  # psutil's own waiting would reap children whose exit codes others wait for
    return len(killed)


def _mark(process: psutil.Process) -> str | None:
    try:
        mark: str | None = process.environ().get(MARK)
    except (psutil.Error, OSError):  # it has ended, or is another user's
        return None
    return mark


def _main(folder: Path) -> None:
    sys.stdin.buffer.read()
    end(folder)
    remove_with_lock_last(folder)


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
