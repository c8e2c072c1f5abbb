"""An engine for tests of what runs around engines: says the source again, a third of a second for each pair.

`install` puts it where every process whose PYTHONPATH has the folder finds it by its entry point.
"""

import shutil
import time
from collections.abc import Sequence
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
        time.sleep(SECONDS)
        texts = [prompt.rpartition("]: ")[0].split(": ", 1)[-1].rpartition(" [")[0] for prompt in prompts]
        # each model says something else, so that its scores are its own
        return [Hypothesis(f"{text} {self.prepared.name[-4:]}", "stop", len(text.split())) for text in texts]


def install(folder: Path) -> Path:
    """Make a package with this engine, named `echo`, in a folder."""
    info = folder / "dragoman_stub_engine-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: dragoman-stub-engine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[dragoman.engines]\necho = dragoman_stub_engine:Echo\n")
    shutil.copy(__file__, folder / "dragoman_stub_engine.py")
    return folder
