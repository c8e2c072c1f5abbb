"""A worker that holds the model of one metric, and scores one stored translation after another. It knows no Ray."""

import time
from pathlib import Path

from dragoman.cell import Unscorable
from dragoman.metrics.loaded_metric import ConfiguredMetric, LoadedMetric
from dragoman.store.blobs import BlobStore
from dragoman.store.maintenance.open_scores import OpenScore
from dragoman.store.records import ScoredCell, StoredScore


class MetricWorker:
    """Holds a metric's model, which is loaded once, and scores with it."""

    def __init__(self, metric: ConfiguredMetric, blobs: str, home: Path, device: str = "cpu") -> None:
        """Load nothing yet.

        Args:
            metric: the metric.
            blobs: URL of the blob store.
            home: the folder of environments, converted checkpoints and caches.
            device: `cpu` or `cuda`.
        """
        self._metric, self._home, self._device = metric, home, device
        self._blobs = BlobStore(blobs)
        self._loaded: LoadedMetric | None = None

    def ready(self) -> str:
        """Load the model; returns the signature of its scores.

        Raises:
            MetricError: the checkpoint is not one of this metric's.
            MetricNeedError: an environment, the checkpoint or the device is not there.
        """
        return self._model().signature

    def run(self, task: OpenScore) -> ScoredCell:
        """Score one cell.

        Raises:
            MetricNeedError: the model can't be used any more.
            StoreError: the translation or its test lines are gone, or damaged.
        """
        model = self._model()
        began = time.time()
        text = self._blobs.test_text(task.test)
        hypotheses = [line.text for line in self._blobs.translation(task.hypotheses)]
        found = model.score(task.pair, text.sources, hypotheses, text.references)
        if isinstance(found, Unscorable):
            return ScoredCell(task.cell, unscorable=(found,), began=began, ended=time.time())
        return ScoredCell(task.cell, (StoredScore.of(found),), began=began, ended=time.time())

    def _model(self) -> LoadedMetric:
        if self._loaded is None:
            self._loaded = LoadedMetric(self._metric, home=self._home, device=self._device)
        return self._loaded

    def close(self) -> None:
        """Give up the model."""
        if self._loaded is not None:
            self._loaded.close()
            self._loaded = None
