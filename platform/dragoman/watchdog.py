"""A watchdog: a process beside this one, which ends what this one started when this one is gone, however it went.

What is started carries a mark in its environment, a scratch folder of its own that this process holds. Where the
watchdog was killed too, the next start finds the folder that nobody holds, and ends what is marked with it.
"""

import os
import subprocess
import sys
from pathlib import Path

from dragoman import marked_processes
from dragoman.scratch_folder import PREFIX, abandoned, made_in


class Watchdog:
    """Watches over what is started with its environment, until it is closed or this process is gone."""

    def __init__(self, parent: Path) -> None:
        """Clear what earlier ones left, and start it.

        Args:
            parent: the folder for temporary files.

        Raises:
            DragomanError: nothing can be written there.
        """
        clear(parent)
        self._scratch = made_in(parent)
        self.folder = self._scratch.path
        """For files that nobody needs afterwards."""
        self.environment = marked_processes.environment(self.folder)
        """What a process has to have in its environment to be watched over; what it starts inherits it."""
        # in a session of its own: no signal to this one's group or terminal reaches it
        self._process = subprocess.Popen(  # noqa: S603 (a module of ours)
            [sys.executable, "-P", "-m", "dragoman.marked_processes", str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={name: value for name, value in os.environ.items() if name != marked_processes.MARK},
            start_new_session=True,
        )

    def close(self) -> None:
        """End what is left, remove the folder, and dismiss the watchdog."""
        marked_processes.end(self.folder)
        self._scratch.remove()
        self._process.communicate()


def clear(parent: Path) -> int:
    """End the processes, and remove the folders, of those that are gone and had no watchdog any more.

    Args:
        parent: the folder for temporary files.

    Returns:
        How many processes there were.
    """
    return sum(marked_processes.end(folder) for folder in abandoned(parent, PREFIX))
