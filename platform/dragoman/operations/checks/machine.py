"""Check of the machine: free disk space, and a GPU that torch can use, where there is one."""

import shutil
import subprocess
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from dragoman.operations.finding import Finding, fault, fine, warning
from dragoman.settings import Settings

LEAST = 2 * 2**30
"""Bytes below which a finetuning can't keep a checkpoint of the smallest models."""

COMFORT = 20 * 2**30
"""Bytes below which one of a larger model can't."""


def check(settings: Settings) -> Iterator[Finding]:
    """Check the disk, then the GPU."""
    yield _disk(settings)
    yield _gpu()


def _disk(settings: Settings) -> Finding:
    home = settings.home.resolve()
    place = next(each for each in (home, *home.parents) if each.exists())
    free = shutil.disk_usage(place).free
    told = f"{free / 2**30:.1f} GiB free for {home}"
    remedy = f"make room: `dragoman gc --remove`, delete {settings.cache_dir}, or set DRAGOMAN_HOME to a larger disk"
    if free < LEAST:
        return fault("disk", told, remedy)
    return warning("disk", told, remedy) if free < COMFORT else fine("disk", told)


def _gpu() -> Finding:
    command = shutil.which("nvidia-smi")
    if command is None:
        return fine("gpu", "no NVIDIA driver here: work runs on the CPU")
    query = [command, "--query-gpu=name,memory.total", "--format=csv,noheader"]
    try:
        asked = subprocess.run(query, capture_output=True, encoding="utf-8", errors="replace", timeout=30, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        asked = subprocess.CompletedProcess(query, 1, "", str(error))
    if asked.returncode != 0 or not asked.stdout.strip():
        said = (asked.stdout + asked.stderr).strip().splitlines()
        told = f"nvidia-smi fails: {said[0] if said else 'it says nothing'}"
        return fault("gpu", told, "install or restart the NVIDIA driver; in a container, start it with its GPUs")
    names = "; ".join(asked.stdout.strip().splitlines())
    try:
        built = version("torch")
    except PackageNotFoundError:
        return fine("gpu", f"{names}; torch is not installed, so unused")
    import torch

    if not torch.cuda.is_available():
        why = "was built without CUDA" if torch.version.cuda is None else f"(CUDA {torch.version.cuda}) can't use it"
        remedy = "install the torch build for your driver (https://pytorch.org/get-started/locally/)"
        return fault("gpu", f"{names}, but torch {built} {why}", remedy)
    return fine("gpu", f"{names}; torch {built}")
