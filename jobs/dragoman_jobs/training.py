"""A finetuning as a piece of work for the cluster: read the examples, train, leave the model in its folder."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from dragoman.drawing import draw_examples
from dragoman.plan import PlannedTraining
from dragoman_jobs.engines.base import Checkpoint
from dragoman_jobs.finetune.examples import TrainingExample
from dragoman_jobs.finetune.result import Progress
from dragoman_jobs.rendering import renderers


class TrainingTask(BaseModel):
    """All a finetuning needs to know."""

    model_config = ConfigDict(frozen=True)

    planned: PlannedTraining
    """What is trained on what."""
    base: str
    """The base model's folder or hub name."""
    revision: str | None
    """Its commit on the hub."""
    out: Path
    """Folder the finished model appears in."""

    @property
    def checkpoint(self) -> Checkpoint:
        """The finished model."""
        lora = self.planned.finetuning.method.kind == "lora"
        return Checkpoint(
            id=self.planned.identity.id,
            model=self.base if lora else str(self.out),
            revision=self.revision if lora else None,
            adapter=self.out if lora else None,
        )


def train(task: TrainingTask) -> Iterator[Progress]:
    """Train, yielding progress; the same task ends with the same bytes, whether it was interrupted or not."""
    from dragoman_jobs.finetune.loop import finetune  # brings torch: the driver, which imports this, needs none

    planned = task.planned
    render = renderers(planned.prompt, planned.pairs, task.base, task.revision)
    examples = [
        TrainingExample(pair, render[pair](*segment), segment.target)
        for pair, sample in draw_examples(planned).items()
        for segment in sample.segments
    ]
    yield from finetune(task.base, task.revision, examples, planned.finetuning.method, planned.seed, task.out)
