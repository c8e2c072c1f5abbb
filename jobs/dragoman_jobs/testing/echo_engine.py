"""An engine without a model, for tests: it answers with the source, at once."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from dragoman.spec.decoding import Decoding
from dragoman_jobs.engines.base import Engine, Hypothesis
from dragoman_jobs.models.checkpoint import Checkpoint


class EchoEngine(Engine):
    """Answers with what follows the first colon of a prompt, and can be told to fail on some prompts."""

    fails: ClassVar[Exception | None] = None
    """Raised for batches whose first prompt has `fails_on` in it."""
    fails_on: ClassVar[str] = "[French]: "
    """The beginning of a prompt from French, in the mFTI format."""

    @classmethod
    def prepare(cls, checkpoint: Checkpoint, decoding: Decoding, cache: Path) -> Path:
        """A folder that is not made: there is nothing to load."""
        del decoding
        return cache / checkpoint.id

    def __init__(self, prepared: Path, decoding: Decoding, device: str = "cpu") -> None:
        del decoding, device
        self.prepared = prepared
        """What `prepare` returned."""

    def translate(self, prompts: Sequence[str], batch_tokens: int | None = None) -> list[Hypothesis]:
        """The sources again."""
        del batch_tokens
        failure = type(self).fails
        if failure is not None and self.fails_on in prompts[0]:
            raise failure
        return [Hypothesis(prompt.split(": ", 1)[1], "stop", 3) for prompt in prompts]
