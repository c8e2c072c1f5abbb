"""Evidence that a process was killed for want of memory: the kernel's counters, and what it said itself."""

import re
from collections.abc import Iterable
from pathlib import Path

_COUNTERS = (Path("/proc/vmstat"), Path("/sys/fs/cgroup/memory.events"))
"""Files of lines `oom_kill N`: of the machine, and of this container."""

_SAID = re.compile(r"std::bad_alloc|MemoryError|can't allocate memory|CUDA out of memory|Cannot allocate memory")


def kills() -> int:
    """How many processes the kernel has killed for want of memory so far, as far as it tells."""
    return sum(_count(file) for file in _COUNTERS)


def says_so(lines: Iterable[str]) -> bool:
    """Whether the last lines of a process say that memory ran out."""
    return any(_SAID.search(line) for line in lines)


def _count(file: Path) -> int:
    try:
        lines = file.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0
    return sum(int(value) for name, _, value in (line.partition(" ") for line in lines) if name == "oom_kill")
