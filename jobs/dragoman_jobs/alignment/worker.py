"""A worker that looks into models: represents test lines, measures their alignment, scores references. Knows no Ray."""

import os

import numpy as np

from dragoman.alignment.measures import Space, measured
from dragoman.metrics.serialization import pack
from dragoman.spec.decoding import Decoding
from dragoman.store.alignment_records import AlignmentRecord, LikelihoodRecord
from dragoman.store.blobs import BlobStore
from dragoman_jobs.alignment.representations import Representations
from dragoman_jobs.alignment.tasks import LikelihoodTask, MeasurementTask, ProbingTask, RepresentationTask
from dragoman_jobs.evaluation.worker import Worker
from dragoman_jobs.prompts.rendering import renderer


class ProbingWorker:
    """Keeps the last model loaded, so that tasks of one model load it once."""

    def __init__(self, blobs: str, device: str = "cpu") -> None:
        """Load nothing yet.

        Args:
            blobs: URL of the blob store.
            device: `cpu` or `cuda`.
        """
        self._models = Worker(blobs, device)
        self._blobs = BlobStore(blobs)

    def ready(self) -> int:
        """Say that the worker is there; returns its process id."""
        return os.getpid()

    def run(self, task: ProbingTask) -> int | list[AlignmentRecord] | LikelihoodRecord:
        """Do a task: of a representation the number of layers is returned, of others what goes into the store.

        Raises:
            DragomanError: it can't be done; the sentence says why.
        """
        if isinstance(task, RepresentationTask):
            return self._represent(task)
        return _measure(task) if isinstance(task, MeasurementTask) else self._score(task)

    def _represent(self, task: RepresentationTask) -> int:
        engine = self._models.engine(task.model, Decoding())
        found = Representations(task.cache, task.model.model, task.content, task.pooling)
        return found.write(engine, task.language, task.texts, task.layers, pooling=task.pooling)

    def _score(self, task: LikelihoodTask) -> LikelihoodRecord:
        engine = self._models.engine(task.model, Decoding())
        test = self._blobs.test_text(task.test)
        render = renderer(
            task.prompt, task.of.pair, task.demonstrations, self._models.chat_template(task.asked, task.prompt)
        )
        prompts = [render(*both) for both in zip(test.sources, test.references, strict=True)]
        found = engine.log_probabilities(prompts, test.references)
        rows = np.array([(sum(row), len(row)) for row in found], np.float64).reshape(-1, 2)
        return LikelihoodRecord(
            of=task.of,
            lines=len(rows),
            tokens=int(rows[:, 1].sum()),
            log_probability=float(rows[:, 0].sum()),
            of_lines=pack(rows),
        )


def _measure(task: MeasurementTask) -> list[AlignmentRecord]:
    """The alignment of some pairs, both ways; what belongs to one language is computed once for all its pairs."""
    spaces: dict[str, Space] = {}
    for language in dict.fromkeys(tag for pair in task.pairs for tag in pair):
        same = task.same[language]
        found = Representations(task.cache, task.model, task.contents[language], task.pooling)
        spaces[language] = Space.of(found.read(task.layer, len(same)), same)
    records = []
    for pair in task.pairs:
        both = measured(spaces[pair.source], spaces[pair.target])
        for way, measures in zip((pair, pair.reverse), both, strict=True):
            records.append(
                AlignmentRecord(of=task.aligned(way), lines=len(task.same[pair.source]), **measures._asdict())
            )
    return records
