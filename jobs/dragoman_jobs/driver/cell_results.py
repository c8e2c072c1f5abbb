"""The results of cells on their way to the store: counted as they arrive, written many in one transaction."""

import logging
from collections.abc import Mapping, Sequence

from dragoman.cell import CellState
from dragoman.logs import about
from dragoman.model import ModelIdentity
from dragoman.pair import Pair
from dragoman.redaction import masked
from dragoman.store.jobs import control
from dragoman.store.records import ScoredCell, Untranslated
from dragoman.store.store import Store
from dragoman_jobs.driver.backlog import Backlog
from dragoman_jobs.driver.mlflow_reporter import MlflowReporter
from dragoman_jobs.driver.progress import ProgressDisplay
from dragoman_jobs.driver.retry import SECONDS, with_retries
from dragoman_jobs.driver.throughput import PrometheusMetrics, Throughput
from dragoman_jobs.evaluation.worker import CellTask
from dragoman_jobs.evaluation.worker_pool import CellResult

logger = logging.getLogger(__name__)


class CellResults:
    """Takes what became of cells, counts it, and writes it to the store."""

    def __init__(
        self,
        store: Store,
        backlog: Backlog,
        progress: ProgressDisplay,
        *,
        throughput: Throughput,
        meters: PrometheusMetrics | None = None,
        reporter: MlflowReporter | None = None,
    ) -> None:
        """Begin with nothing to write.

        Args:
            store: where it is written.
            backlog: what is left of the grid; it follows.
            progress: shows failures.
            throughput: counts what is translated.
            meters: what is measured goes there too.
            reporter: hears of models whose cells are all done.
        """
        self._store, self._backlog, self._progress = store, backlog, progress
        self._throughput, self._meters, self._reporter = throughput, meters, reporter
        self._unfinished = backlog.pending_by_model()
        self._unwritten: list[CellResult] = []
        self._scored: list[ScoredCell] = []
        self._reasons: set[str] = set()

    def add(self, ended: CellResult) -> None:
        """Take what became of a cell; `write` writes it."""
        task, outcome = ended.task, ended.outcome
        state = CellState.FAILED if outcome is None else CellState.DONE
        self._backlog.move(state, task.size)
        self._unwritten.append(ended)
        with about(cell=task.cell, pair=str(task.pair), model=task.model.model):
            logger.log(logging.ERROR if ended.failure else logging.INFO, "cell %s", ended.failure or "done")
        if self._meters:
            self._meters.ended(state.value, outcome)
        if outcome is not None:
            self._throughput.count(task, outcome)
        elif ended.failure not in self._reasons:
            # of many cells that fail alike, the log holds one; the store has every one's reason
            self._reasons.add(str(ended.failure))
            self._progress.failed(f"{task.pair} failed: {ended.failure}", ended.detail)

    def add_scores(self, scored: ScoredCell) -> None:
        """Take what a model metric made of a cell that was added, or is in the store; `write` writes it."""
        self._scored.append(scored)
        with about(cell=scored.cell):
            for each in scored.unscorable:
                logger.info("unscorable by %s: %s", each.metric, each.reason)

    def write(self, started: Sequence[CellTask] = (), seconds: float = SECONDS) -> list[str]:
        """Write what was added, and the cells about to start, in one transaction.

        Args:
            started: cells about to start.
            seconds: how long to try while the database can't be reached.

        Returns:
            Ids of those of `started` that are not to start: another grid's driver is at them, or has done them.
        """
        ended, scored = self._unwritten, self._scored
        if not (ended or scored or started):
            return []
        theirs = with_retries(
            lambda: self._store.cells.advance(
                translated=[each.outcome for each in ended if each.outcome is not None],
                scored=scored,
                failed=[
                    Untranslated(each.task.cell, masked(str(each.failure))) for each in ended if each.outcome is None
                ],
                started=[task.cell for task in started],
                worker=self._worker,
            ),
            seconds,
        )
        self._unwritten, self._scored = [], []
        for _ in range(len(started) - len(theirs)):
            self._throughput.begin()
        self._report(ended)
        return theirs

    def write_missing(self, model: ModelIdentity, untranslatable: Mapping[Pair, str]) -> None:
        """Write a model's pending cells as missing whose pairs it can't translate, each with the reason."""
        cells = self._backlog.drop(model.id, CellState.MISSING, untranslatable.keys())
        missing = [Untranslated(cell.id, untranslatable[cell.pair]) for cell in cells]
        if missing:
            with_retries(lambda: self._store.cells.advance(missing=missing, worker=self._worker))

    def write_failed(self, model: ModelIdentity, reason: str, detail: str | None = None) -> None:
        """Write all pending cells of a model as failed.

        Args:
            model: whose.
            reason: why, for all of them.
            detail: what the log should hold besides.
        """
        cells = self._backlog.drop(model.id, CellState.FAILED)
        failed = [Untranslated(cell.id, masked(reason)) for cell in cells]
        with_retries(lambda: self._store.cells.advance(failed=failed, worker=self._worker))
        self._progress.failed(f"{model.name}: {reason}", detail)

    @property
    def _worker(self) -> str:
        """Name of this driver in the cells that it runs."""
        return control.owner(self._progress.job_number)

    def _report(self, ended: Sequence[CellResult]) -> None:
        models = [each.task.model.model for each in ended]
        self._unfinished.subtract(models)
        for model in set(models):
            if self._reporter and not self._unfinished[model]:
                self._reporter.evaluated(model)
