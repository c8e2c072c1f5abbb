"""Prepare the base model in a process of its own while Ray starts: each takes seconds, and neither needs the other.

`python -m dragoman_jobs.driver.prewarm` reads a request from its input and prepares one model. It only fills the cache:
the driver has the model prepared as any other, waits for the same folder, and finds it there.
"""

import gc
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import BaseModel

from dragoman.planning.plan import Plan
from dragoman.settings import Settings
from dragoman.spec.decoding import Decoding
from dragoman_jobs.cluster.base import ONE_THREAD
from dragoman_jobs.driver.plan_checkpoints import checkpoint_of
from dragoman_jobs.engines.selection import choose_engine
from dragoman_jobs.models.checkpoint import Checkpoint


class PrewarmRequest(BaseModel):
    """What `choose_engine` takes."""

    engine: str
    """Name of an engine, or `auto`."""
    checkpoint: Checkpoint
    """The model."""
    decoding: Decoding
    """How it will be decoded."""
    cache: Path
    """Where engines keep what they prepare."""
    gpus: float
    """Those that each worker holds."""


@contextmanager
def prewarm_base(plan: Plan, settings: Settings) -> Iterator[None]:
    """Have a process prepare the base while the block runs; it ends with the block.

    It does nothing where the base is in the cache, or not evaluated.

    It fails in silence: the driver's own attempt has the same end, and says why.
    """
    if not plan.spec.evaluation.base or (settings.cache_dir / plan.base.id).exists():
        yield
        return
    request = PrewarmRequest(
        engine=plan.spec.evaluation.engine,
        checkpoint=checkpoint_of(plan, plan.base, settings.models_dir),
        decoding=plan.decoding_of(plan.base.id),
        cache=settings.cache_dir.resolve(),
        gpus=settings.worker_gpus,
    )
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "dragoman_jobs.driver.prewarm"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **ONE_THREAD},
    )
    try:
        # not as an argument, which others on this machine see: addresses are in it
        _send(process, request)
        yield
    finally:
        process.communicate()  # closes what it reads from


def _send(process: "subprocess.Popen[bytes]", request: PrewarmRequest) -> None:
    assert process.stdin is not None  # noqa: S101
    with suppress(BrokenPipeError):  # it has ended already, in silence
        process.stdin.write(request.model_dump_json().encode() + b"\n")
        process.stdin.flush()


def _end_with_input() -> None:
    """End this process when the one that started it does, however that comes about."""
    sys.stdin.buffer.read()
    os._exit(1)


def _main() -> None:
    request = PrewarmRequest.model_validate_json(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_input, daemon=True).start()
    choose_engine(request.engine, request.checkpoint, request.decoding, request.cache, request.gpus)


if __name__ == "__main__":
    gc.disable()  # nearly all it does is import what stays: looking for garbage there takes a quarter of the time
    _main()
    os._exit(0)  # to take torch apart takes a second
