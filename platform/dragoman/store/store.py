"""The results store: what was planned, translated and scored, written and read record by record."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Self

from dragoman.cell import CellState
from dragoman.errors import StoreError
from dragoman.pair import Pair
from dragoman.partition import TrainingGraph
from dragoman.store import migrations
from dragoman.store.blobs import BlobStore
from dragoman.store.database.connection import Database
from dragoman.store.database.ids import model_number
from dragoman.store.records import (
    CellRecord,
    ContaminationRecord,
    DecodingRecord,
    GridRecord,
    JobLine,
    JobRecord,
    JobState,
    LineKind,
    ModelRecord,
    PromptRecord,
    StoredScore,
    TestSetRecord,
    Translation,
)
from dragoman.store.repositories import cells, conditions, contamination, grids, jobs, models


class Store:
    """The records of one results store. Every call is one short transaction, every write may be repeated.

    Threads may share one; a process opens its own. What its scores say is asked in `dragoman.analysis`.
    """

    def __init__(self, database: Database, blobs: BlobStore) -> None:
        """Take a database that is at this program's version; `open` sees to that."""
        self.database = database
        self.blobs = blobs

    @classmethod
    def open(cls, url: str, blobs: str) -> Self:
        """The store at a URL, created if it isn't there, brought up to date if it is older.

        Args:
            url: SQLAlchemy URL of the database (`sqlite:///...`, `postgresql://...`).
            blobs: fsspec URL of the folder of the blobs (`file://...`, `s3://...`).

        Raises:
            StoreError: the store is newer than this program, or can't be reached.
        """
        database = Database(url)
        if database.file is not None:
            try:
                database.file.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StoreError(f"There can be no store at {database.shown} ({error.strerror}).") from error
        migrations.upgrade(database)
        return cls(database, BlobStore(blobs))

    @classmethod
    def open_existing(cls, url: str, blobs: str) -> Self:
        """The store at a URL, which must be there; a file is brought up to date, a shared database is not.

        Raises:
            StoreError: there is none, it is newer than this program, or older and shared, or it can't be reached.
        """
        database = Database(url)
        version = migrations.found(database)
        if version is None:
            raise StoreError(f"There is no store at {database.shown}: run `dragoman run SPEC` first.")
        if version != migrations.HEAD and not database.is_sqlite:
            raise StoreError(  # whoever only reads must not lock out all that have an older program
                f"The store {database.shown} was written by an older Dragoman (schema {version}; this one needs "
                f"{migrations.HEAD}): bring it up to date with `dragoman deploy migrate`, after which older ones can't "
                "use it."
            )
        return cls.open(url, blobs)

    def close(self) -> None:
        """Close the connections."""
        self.database.engine.dispose()

    def add_model(self, model: ModelRecord) -> None:
        """Add a model; its parent and base come before it."""
        with self.database.writing() as connection:
            models.add(connection, model)

    def record_graph(self, model_id: str, graph: TrainingGraph) -> None:
        """Write what a model itself was trained on; what its ancestors saw is added by the store.

        The model's descendants and the partitions of all their cells follow.
        """
        with self.database.writing(alone=True) as connection:
            models.record_graph(connection, model_id, graph)

    def add_training(self, model_id: str, record: dict[str, Any]) -> None:
        """Keep what a finetuning reported: losses, examples, seconds, where the checkpoint lies."""
        with self.database.writing() as connection:
            models.add_training(connection, model_id, record)

    def record_contamination(self, model_id: str, test_set_id: str, found: Iterable[ContaminationRecord]) -> None:
        """Keep what a model's training text has of a test set; replaces what was known of the two."""
        with self.database.writing() as connection:
            contamination.write(connection, model_id, test_set_id, found)

    def add_test_set(self, test_set: TestSetRecord) -> None:
        """Add a test set."""
        with self.database.writing() as connection:
            conditions.add_test_set(connection, test_set)

    def add_prompt(self, prompt: PromptRecord) -> None:
        """Add a prompt."""
        with self.database.writing() as connection:
            conditions.add_prompt(connection, prompt)

    def add_decoding(self, decoding: DecodingRecord) -> None:
        """Add a decoding."""
        with self.database.writing() as connection:
            conditions.add_decoding(connection, decoding)

    def add_grid(self, grid: GridRecord, cells: Iterable[CellRecord]) -> None:
        """Add a grid with its cells, or replace what belongs to it; cells that are there keep their state.

        Args:
            grid: the grid; its models, test set, prompt and decoding come before it.
            cells: one cell for each model and pair.

        Raises:
            StoreError: something it refers to is not there, or a model lacks a cell that another has.
        """
        with self.database.writing(alone=True) as connection:
            grids.add(connection, grid, cells)

    def add_metric(self, grid: str, metric: str) -> None:
        """Add a metric to those of a grid."""
        with self.database.writing() as connection:
            grids.add_metric(connection, grid, metric)

    def start_cell(self, cell_id: str, worker: str) -> None:
        """A worker begins a cell: one more attempt. A cell that is translated, or another's, stays as it is."""
        self.database.write(lambda connection: cells.start(connection, cell_id, worker))

    def commit_cell(
        self, translation: Translation, scores: Sequence[StoredScore], unscorable: Sequence[tuple[str, str]] = ()
    ) -> None:
        """A cell is translated and scored; a cell that already was stays as it is.

        Args:
            translation: its outcome.
            scores: its scores.
            unscorable: the metrics that can't score it, each with the reason; a cell with no score is unscorable.
        """
        self.database.write(lambda connection: cells.commit(connection, translation, scores, unscorable))

    def fail_cell(self, cell_id: str, reason: str) -> None:
        """A cell failed."""
        self.database.write(lambda connection: cells.fail(connection, cell_id, reason))

    def advance_cells(
        self,
        translated: Sequence[tuple[Translation, Sequence[StoredScore], Sequence[tuple[str, str]]]],
        failed: Sequence[tuple[str, str]],
        started: Sequence[str],
        worker: str,
        missing: Sequence[tuple[str, str]] = (),
    ) -> list[str]:
        """What a driver has to write of many cells, in one transaction.

        Args:
            translated: what `commit_cell` takes, of every cell that was translated.
            failed: id and reason of every cell that failed.
            started: ids of the cells that a worker is about to begin.
            worker: who begins them.
            missing: id and reason of every cell whose pair the model can't translate.

        Returns:
            Those of `started` that are not to begin: another grid's driver works at them, or has translated them.
        """
        with self.database.writing(alone=True) as connection:
            for translation, scores, unscorable in translated:
                cells.commit(connection, translation, scores, unscorable)
            for cell_id, reason in failed:
                cells.fail(connection, cell_id, reason)
            for cell_id, reason in missing:
                cells.lack(connection, cell_id, reason)
            return [cell_id for cell_id in started if not cells.start(connection, cell_id, worker)]

    def reset_cells(self, cell_ids: Collection[str]) -> int:
        """Plan those of the cells again that were running when their driver died; returns how many."""
        return self.database.write(lambda connection: cells.reset(connection, cell_ids))

    def add_scores(
        self, cell_id: str, scores: Sequence[StoredScore], unscorable: Sequence[tuple[str, str]] = ()
    ) -> None:
        """Score a translated cell again; a signature it already has a score of keeps it."""
        self.database.write(lambda connection: cells.add_scores(connection, cell_id, scores, unscorable))

    def check_free(self, grid: str) -> None:
        """Make sure that no driver works at a grid.

        Raises:
            StoreError: one does, or there is no such grid.
        """
        with self.database.reading() as connection:
            jobs.check_free(connection, grid)

    def queue_job(self, grid: str, address: str) -> int:
        """A job is about to be submitted to the cluster at an address; returns its number.

        Raises:
            StoreError: a driver works at the grid.
        """
        with self.database.writing(sums=False) as connection:
            return jobs.queue(connection, grid, address)

    def submitted_job(self, job_id: int, submission: str) -> None:
        """The cluster has taken a queued job, and calls it so."""
        with self.database.writing(sums=False) as connection:
            jobs.submitted(connection, job_id, submission)

    def start_job(self, grid: str, driver: str, queued: int | None = None) -> int:
        """A driver (`liveness.driver_name`) begins a grid; returns the number of the job.

        Raises:
            StoreError: another driver works at the grid, or the queued job was stopped before it began.
        """
        with self.database.writing(sums=False) as connection:
            return jobs.start(connection, grid, driver, queued)

    def beat_job(
        self, job_id: int, progress: Mapping[str, Any] | None = None, lines: Sequence[JobLine] = ()
    ) -> str | None:
        """A driver is alive, how far it is, and what it has to say; returns who wants it to stop, if anybody does."""
        with self.database.writing(sums=False) as connection:
            return jobs.beat(connection, job_id, progress, lines)

    def ask_job_to_stop(self, job_id: int, who: str) -> None:
        """Somebody wants a job to stop; its driver is told at its next beat."""
        with self.database.writing(sums=False) as connection:
            jobs.ask_to_stop(connection, job_id, who)

    def end_job(self, job_id: int, state: JobState, reason: str | None = None) -> None:
        """A driver came to its end."""
        with self.database.writing(sums=False) as connection:
            jobs.end(connection, job_id, state, reason)

    def grids(self) -> list[GridRecord]:
        """All grids, the latest first."""
        with self.database.reading() as connection:
            return [grids.read(connection, name) for name in grids.names(connection)]

    def grid(self, name: str) -> GridRecord:
        """One grid.

        Raises:
            StoreError: there is none of that name.
        """
        with self.database.reading() as connection:
            return grids.read(connection, name)

    def cells(
        self, grid: str, pair: Pair | None = None, model: str | None = None, state: CellState | None = None
    ) -> list[CellRecord]:
        """A grid's cells, model by model, and each model's in the order of the pairs.

        Args:
            grid: name of the grid.
            pair: only those of this pair.
            model: only those of the model of this id.
            state: only those in this state.

        Raises:
            StoreError: there is no such grid.
        """
        with self.database.reading() as connection:
            return list(grids.cells(connection, grid, pair, model, state))

    def model(self, model_id: str) -> ModelRecord:
        """One model, with everything it has seen.

        Raises:
            StoreError: there is none of that id.
        """
        with self.database.reading() as connection:
            return models.read(connection, [model_number(connection, model_id)])[0]

    def models(self, grid: str) -> list[ModelRecord]:
        """The models of a grid, under the names they have there, the base first."""
        with self.database.reading() as connection:
            called = grids.model_numbers(connection, grid)
            found = models.read(connection, list(called))
            return [model.model_copy(update={"name": name}) for model, name in zip(found, called.values(), strict=True)]

    def training(self, model_id: str) -> dict[str, Any] | None:
        """What a model's finetuning reported; None before it did, and for a model not trained here."""
        with self.database.reading() as connection:
            return models.training(connection, model_id)

    def contamination(self, grid: str, model_id: str | None = None) -> list[ContaminationRecord]:
        """What the training text of a grid's models has of the grid's test sets, by model, pair and side.

        A pair and side that was looked at and is clean has a record with zeros; one without a record wasn't looked at.

        Args:
            grid: name of the grid.
            model_id: only this model's; all of the grid's by default.
        """
        with self.database.reading() as connection:
            return contamination.read(connection, grid, [model_id] if model_id else [])

    def scores_of(self, cell_id: str) -> list[StoredScore]:
        """The scores of one cell under every signature, with their statistics."""
        with self.database.reading() as connection:
            return cells.scores(connection, cell_id)

    def jobs(self, grid: str) -> list[JobRecord]:
        """The runs of a grid, the latest first."""
        with self.database.reading() as connection:
            return jobs.read(connection, grid)

    def job_lines(
        self, job_id: int, after: int = 0, kind: LineKind | None = None, most: int | None = None
    ) -> list[JobLine]:
        """What the driver of a job said: of one kind or all, from the line after a number on, at most so many."""
        with self.database.reading() as connection:
            return jobs.lines(connection, job_id, after, kind, most)

    def count_job_lines(self, job_id: int) -> int:
        """How many lines the driver of a job has said, which is also the number of the last."""
        with self.database.reading() as connection:
            return jobs.count_lines(connection, job_id)
