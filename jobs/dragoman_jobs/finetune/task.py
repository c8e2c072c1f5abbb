"""The finetuning task that a cluster runs: read the examples, train, save the model in its folder."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from dragoman.corpora.factory import open_corpus
from dragoman.partition import Partition, TrainingGraph
from dragoman.planning.plan import PlannedTraining
from dragoman.planning.training_data import draw_examples, draw_monolingual
from dragoman.segment import Split
from dragoman.spec.method import Selection
from dragoman_jobs.finetune.examples import TrainingExample
from dragoman_jobs.finetune.result import Progress
from dragoman_jobs.models.checkpoint import Checkpoint
from dragoman_jobs.prompts.rendering import instruction_renderer, renderers

if TYPE_CHECKING:
    from dragoman_jobs.finetune.checkpoint_selection import DevPair


class TrainingTask(BaseModel):
    """The parameters of a finetuning."""

    model_config = ConfigDict(frozen=True)

    planned: PlannedTraining
    """What is trained on what."""
    base: str
    """The base model's folder or hub name."""
    revision: str | None
    """Its commit on the hub."""
    out: Path
    """Folder the finished model appears in."""
    device: str = "cpu"
    """Where it is trained: `cpu` or `cuda`."""

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
    """Train, yielding progress; the same task ends with the same bytes, whether it was interrupted or not.

    Called by several workers, it is trained by all of them together.
    """
    # these bring torch, which the driver, which imports this, does not need
    from dragoman_jobs.finetune import distributed
    from dragoman_jobs.finetune.loop import finetune

    planned = task.planned
    method = planned.finetuning.method
    with distributed.agreed():
        render = renderers(planned.prompt, planned.pairs, task.base, task.revision)
        examples = [
            TrainingExample(pair, render[pair](*segment), segment.target)
            for pair, sample in draw_examples(planned).items()
            for segment in sample.segments
        ] + _monolingual(task)
        dev = _dev_lines(task, method.selection) if method.selection else ()
    yield from finetune(task.base, task.revision, examples, method, planned.seed, task.out, device=task.device, dev=dev)


def _monolingual(task: TrainingTask) -> list[TrainingExample]:
    """The monolingual examples, in the form that the prompts of pairs have."""
    planned = task.planned
    asked = planned.finetuning.monolingual
    if asked is None:
        return []
    render = instruction_renderer(asked, planned.prompt, task.base, task.revision)
    return [
        TrainingExample(tag, render(tag, each.text), each.target)
        for tag, sample in draw_monolingual(planned).items()
        for each in sample.instructions
    ]


def _dev_lines(task: TrainingTask, selection: Selection) -> "list[DevPair]":
    """The dev lines a checkpoint is chosen by; a pair the corpus has none of is left out."""
    from dragoman_jobs.finetune.checkpoint_selection import DevPair

    planned = task.planned
    pairs = planned.pairs if selection.pairs == "trained" else selection.pairs
    corpus = open_corpus(planned.corpus.kind, planned.corpus.placed)
    missing = corpus.missing(pairs, Split.DEV)
    there = [pair for pair in pairs if pair not in missing]
    render, graph = renderers(planned.prompt, there, task.base, task.revision), TrainingGraph.of(planned.pairs)
    found = []
    for pair in there:
        lines = list(islice(corpus.segments(pair, Split.DEV), selection.sentences))
        found.append(
            DevPair(
                pair=pair,
                partition=graph.partition(pair) or Partition.SEEN,
                prompts=tuple(render[pair](*line) for line in lines),
                sources=tuple(line.source for line in lines),
                references=tuple(line.target for line in lines),
            )
        )
    return found
