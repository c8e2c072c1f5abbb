"""An engine for tests of what runs around engines: says the source again, a third of a second for each pair.

`install` puts it where every process whose PYTHONPATH has the folder finds it by its entry point; `limited` has it wait
after some pairs, so that a grid is sure to be under way for as long as a test needs it to be.
"""

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from dragoman.spec.decoding import Decoding
from dragoman_jobs.engines.base import Engine, Hypothesis
from dragoman_jobs.models.checkpoint import Checkpoint

SECONDS = 0.3


class Echo(Engine):
    """Needs no model."""

    @classmethod
    def prepare(cls, checkpoint: Checkpoint, decoding: Decoding, cache: Path) -> Path:
        return cache / checkpoint.id

    def __init__(self, prepared: Path, decoding: Decoding, device: str = "cpu") -> None:
        self.prepared = prepared

    def translate(self, prompts: Sequence[str], batch_tokens: int = 4096) -> list[Hypothesis]:
        _wait_for_a_turn(Path(__file__).parent)
        time.sleep(SECONDS)
        texts = [prompt.rpartition("]: ")[0].split(": ", 1)[-1].rpartition(" [")[0] for prompt in prompts]
        # each model says something else, so that its scores are its own
        return [Hypothesis(f"{text} {self.prepared.name[-4:]}", "stop", len(text.split())) for text in texts]


def _wait_for_a_turn(folder: Path) -> None:
    with (folder / "turns").open("ab", buffering=0) as turns:
        turns.write(b".")
        mine = turns.tell()
    while (most := _limit(folder)) is not None and mine > most:
        time.sleep(0.05)


def _limit(folder: Path) -> int | None:
    try:
        return int((folder / "limit").read_text())
    except FileNotFoundError:
        return None


@contextmanager
def limited(folder: Path, *, pairs: int) -> Iterator[None]:
    """While the context lasts, the engine installed in a folder begins so many pairs; the others wait for its end."""
    (folder / "turns").unlink(missing_ok=True)
    (folder / "limit.new").write_text(str(pairs))
    (folder / "limit.new").rename(folder / "limit")
    try:
        yield
    finally:
        (folder / "limit").unlink()


def install(folder: Path) -> Path:
    """Make a package with this engine, named `echo`, in a folder."""
    info = folder / "dragoman_stub_engine-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: dragoman-stub-engine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[dragoman.engines]\necho = dragoman_stub_engine:Echo\n")
    shutil.copy(__file__, folder / "dragoman_stub_engine.py")
    return folder
