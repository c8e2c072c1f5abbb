"""Alignment of the languages of a grid in some models, computed on a cluster as far as the store lacks it.

Each model reads the lines of each language once; all pairs are measured from what is kept of that. Every result is
stored as it comes, so that after any interruption the same again does only what is missing.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import combinations_with_replacement
from typing import TypeVar

import numpy as np

from dragoman.alignment.measures import Space
from dragoman.alignment.parallel_lines import ParallelLines
from dragoman.errors import ModelError
from dragoman.pair import Pair
from dragoman.settings import Settings
from dragoman.spec.decoding import Decoding
from dragoman.store.alignment_records import Aligned, Pooling
from dragoman.store.store import Store
from dragoman_jobs.alignment.representations import Representations, remove_partial
from dragoman_jobs.alignment.subjects import Subject
from dragoman_jobs.alignment.tasks import MeasurementTask, RepresentationTask
from dragoman_jobs.alignment.worker import ProbingWorker
from dragoman_jobs.cluster.base import Cluster
from dragoman_jobs.cluster.resources import Shares
from dragoman_jobs.cluster.work_queue import Task, WorkQueue
from dragoman_jobs.driver.progress import ProgressDisplay
from dragoman_jobs.driver.retry import with_retries
from dragoman_jobs.engines.selection import choose_engine
from dragoman_jobs.evaluation.worker import PreparedModel
from dragoman_jobs.models.pretrained import load_config, local_folder

SPACES_BYTES = 512 << 20
"""The most that the spaces of the languages of one measurement take: with more, a task has fewer languages."""

_REPRESENTATIONS, _MEASUREMENTS = "representations", "measurements"

T = TypeVar("T", bound=Task)

Connect = Callable[[], AbstractContextManager[Cluster]]
"""Starts Ray, or joins it, for as long as a block runs."""


@dataclass
class Work:
    """What was done."""

    passes: int = 0
    """Passes of a model over the lines of a language."""
    from_cache: int = 0
    """Representations that were there."""
    measured: int = 0
    """Alignments that were measured: a model, layer and directed pair each."""
    known: int = 0
    """Alignments that the store had."""
    failures: list[str] = field(default_factory=list)
    """Why some are still missing."""


def layers_of(subject: Subject, asked: Collection[int] | None) -> tuple[int, ...]:
    """The layers of a model that are asked for; all of them by default, from what goes into the first.

    Raises:
        ModelError: it has no such layer, or is not there.
    """
    folder = local_folder(subject.checkpoint.model, subject.checkpoint.revision)
    last = int(load_config(folder).get_text_config().num_hidden_layers)
    if asked is None:
        return tuple(range(last + 1))
    if wrong := [layer for layer in sorted(asked) if not 0 <= layer <= last]:
        raise ModelError(
            f"The model {subject.name} has the layers 0 (what goes into the first) to {last}, and no layer {wrong[0]}: "
            "choose among these with `--layers`."
        )
    return tuple(sorted(set(asked)))


class AlignmentRun:
    """Measures what the store lacks."""

    def __init__(
        self, store: Store, settings: Settings, lines: ParallelLines, *, pooling: Pooling, progress: ProgressDisplay
    ) -> None:
        """Do nothing yet.

        Args:
            store: where it is kept.
            settings: what workers hold, and where models and caches lie.
            lines: the sentences.
            pooling: how a sentence's tokens are made one vector.
            progress: what is shown meanwhile.
        """
        self._store, self._settings, self._lines, self._pooling = store, settings, lines, pooling
        self._progress = progress
        self._contents = {tag: lines.content(tag) for tag in lines.texts}
        self._same = {
            tag: tuple(np.unique(np.array(texts, dtype=object), return_inverse=True)[1].tolist())
            for tag, texts in lines.texts.items()
        }
        self._work = Work()

    def run(self, wanted: Mapping[Subject, Sequence[int]], connect: Connect) -> Work:
        """Measure these layers of these models, as far as the store lacks them; no cluster is started for nothing.

        Raises:
            ClusterError: Ray can't be used, or lacks what a worker is to hold.
            KeyboardInterrupt: this process was interrupted; what is done is kept.
        """
        asked = [
            each
            for subject, layers in wanted.items()
            for each in self._lines.aligned(subject.checkpoint.id, layers, self._pooling)
        ]
        missing = self._store.alignment.missing(asked)
        self._work = Work(known=len(asked) - len(missing))
        if missing:
            names = {subject.checkpoint.id: subject for subject in wanted}
            by_model = {names[model]: [each for each in missing if each.model == model] for model in names}
            with self._progress, connect() as cluster:
                self._measure(cluster, {subject: its for subject, its in by_model.items() if its})
        return self._work

    def _measure(self, cluster: Cluster, missing: Mapping[Subject, Sequence[Aligned]]) -> None:
        remove_partial(self._settings.cache_dir)
        queue: WorkQueue[RepresentationTask | MeasurementTask] = workers_of(cluster, self._settings)
        representations: dict[str, list[RepresentationTask]] = {}
        measurements: dict[str, list[MeasurementTask]] = {}
        for subject, its in missing.items():
            try:
                representations[subject.checkpoint.id] = self._representations(cluster, subject, its)
            except ModelError as error:
                self._fail(f"{subject.name}: {error}")
            else:
                measurements[subject.checkpoint.id] = list(self._measurements(subject, its))
        left = Counter({model: len(tasks) for model, tasks in representations.items()})
        self._progress.bar(_REPRESENTATIONS, sum(left.values()))
        self._progress.bar(_MEASUREMENTS, sum(map(len, measurements.values())))
        for model, tasks in representations.items():
            queue.add(tasks or measurements[model])
        done, names = Counter[str](), {subject.checkpoint.id: subject.name for subject in missing}
        broken: set[str] = set()
        for task, value, failure in queue:
            if isinstance(task, RepresentationTask):
                model, bar = task.model.model, _REPRESENTATIONS
                left[model] -= 1
                if failure is not None:
                    self._fail(f"{names[model]}, {task.language}: {failure}")
                    broken.add(model)
                self._work.passes += failure is None
                if not left[model] and model not in broken:
                    queue.add(measurements[model])
            else:
                bar = _MEASUREMENTS
                if failure is not None:
                    self._fail(f"{names[task.model]}, layer {task.layer}: {failure}")
                else:
                    with_retries(lambda: self._store.alignment.add(value))  # noqa: B023 (done at once)
                    self._work.measured += len(value)
            done[bar] += 1
            self._progress.update(bar, done[bar])

    def _fail(self, reason: str) -> None:
        if reason not in self._work.failures:
            self._work.failures.append(reason)
            self._progress.failed(reason)

    def _representations(
        self, cluster: Cluster, subject: Subject, missing: Sequence[Aligned]
    ) -> list[RepresentationTask]:
        """The languages that the model has to read for what is missing, unless that is on disk."""
        layers = sorted({each.layer for each in missing})
        lacking: dict[str, list[int]] = {}
        for tag in sorted({tag for each in missing for tag in each.pair}):
            found = Representations(self._settings.cache_dir, subject.checkpoint.id, self._contents[tag], self._pooling)
            if its := found.lacking(layers):
                lacking[tag] = its
            else:
                self._work.from_cache += 1
        if not lacking:
            return []
        model = prepared_model(cluster, self._settings, subject, self._progress)
        return [
            RepresentationTask(
                model=model,
                language=tag,
                texts=self._lines.texts[tag],
                content=self._contents[tag],
                layers=tuple(its),
                pooling=self._pooling,
                cache=self._settings.cache_dir,
            )
            for tag, its in lacking.items()
        ]

    def _measurements(self, subject: Subject, missing: Sequence[Aligned]) -> Iterator[MeasurementTask]:
        """Layer by layer, as many languages at once as have room in memory."""
        folder = local_folder(subject.checkpoint.model, subject.checkpoint.revision)
        width = int(load_config(folder).get_text_config().hidden_size)
        for layer in sorted({each.layer for each in missing}):
            pairs = {Pair(*sorted(each.pair)) for each in missing if each.layer == layer}
            for some in _blocks(pairs, max(1, SPACES_BYTES // Space.size(self._lines.count, width) // 2)):
                languages = sorted({tag for pair in some for tag in pair})
                yield MeasurementTask(
                    model=subject.checkpoint.id,
                    layer=layer,
                    pooling=self._pooling,
                    pairs=tuple(some),
                    contents={tag: self._contents[tag] for tag in languages},
                    same={tag: self._same[tag] for tag in languages},
                    cache=self._settings.cache_dir,
                )


def prepared_model(cluster: Cluster, settings: Settings, subject: Subject, progress: ProgressDisplay) -> PreparedModel:
    """A model in the form that the workers load, made on the cluster.

    Raises:
        ModelError: it can't be prepared.
    """
    gpus = Shares.of(settings).evaluation.gpus
    task = cluster.task(choose_engine, "transformers", subject.checkpoint, Decoding(), settings.cache_dir, gpus)
    with progress.status(f"preparing {subject.name}"):
        engine, path = cluster.result(task)
    return PreparedModel(model=subject.checkpoint.id, engine=engine, path=path)


def workers_of(cluster: Cluster, settings: Settings) -> WorkQueue[T]:
    """A queue for workers that look into models, as many as the settings say and there is room for.

    Raises:
        ClusterError: the cluster lacks what a worker is to hold.
    """
    shares = Shares.of(settings)
    if not cluster.grows:
        shares.require_room(cluster.room, trains=False)
    device = "cuda" if shares.evaluation.gpus else "cpu"
    room = max(1, cluster.room(shares.evaluation))
    return WorkQueue(
        cluster,
        lambda: cluster.worker(ProbingWorker, settings.blobs_url, device, share=shares.evaluation),
        min(settings.workers or room, room),
    )


def _blocks(pairs: Collection[Pair], size: int) -> Iterator[list[Pair]]:
    """Pairs in groups that have no more than two times so many languages, each group's pairs in order."""
    languages = sorted({tag for pair in pairs for tag in pair})
    parts = [languages[start : start + size] for start in range(0, len(languages), size)]
    if len(parts) == 2:
        parts = [languages]  # both are in memory anyway
    for one, other in combinations_with_replacement(parts, 2):
        some = [pair for pair in sorted(pairs) if pair.source in one and pair.target in other]
        if some:
            yield some
