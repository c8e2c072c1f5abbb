"""The `Store`: a database and a blob storage, with one repository for each kind of record."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from sqlalchemy import URL

from dragoman.errors import StoreError
from dragoman.store import migrations
from dragoman.store.blobs import BlobStore
from dragoman.store.database.connection import Database
from dragoman.store.database.transaction import Transaction
from dragoman.store.read_only_blobs import ReadOnlyBlobs
from dragoman.store.repositories.alignment import AlignmentRepository
from dragoman.store.repositories.annotations import AnnotationRepository
from dragoman.store.repositories.cells import CellRepository
from dragoman.store.repositories.conditions import ConditionRepository
from dragoman.store.repositories.contamination import ContaminationRepository
from dragoman.store.repositories.grids import GridRepository
from dragoman.store.repositories.jobs import JobRepository
from dragoman.store.repositories.judgements import JudgementRepository
from dragoman.store.repositories.likelihood import LikelihoodRepository
from dragoman.store.repositories.models import ModelRepository

_LOG = logging.getLogger(__name__)

_REFUSAL = "This handle of the store only reads: open one that writes with `dragoman.open_store(writable=True)`."


class Store:
    """The records of one results store. Every call of a repository is one short transaction, and may be repeated.

    Threads may share one; a process opens its own. Its scores are analysed by `dragoman.analysis`.
    """

    models: ModelRepository
    """Models, their lineage and training graphs."""
    conditions: ConditionRepository
    """Test sets, prompts and decodings."""
    grids: GridRepository
    """Grids: their specifications, models, metrics and planned cells."""
    annotations: AnnotationRepository
    """Tags and notes of grids, whether they are archived, and their former names."""
    cells: CellRepository
    """Cells: their states, translations and scores."""
    contamination: ContaminationRepository
    """Contamination of models' training text with test sets."""
    jobs: JobRepository
    """The runs of grids, and their logs."""
    judgements: JudgementRepository
    """Human judgements of translations, and the campaigns they are of."""
    alignment: AlignmentRepository
    """Measures of how alike models represent languages, by layer."""
    likelihood: LikelihoodRepository
    """How probable models find references after their prompts."""

    def __init__(self, database: Database, blobs: BlobStore) -> None:
        """Use a database that is at this program's version, as ensured by `open`."""
        self.database = database
        self.blobs: BlobStore = blobs
        self.models = ModelRepository(database)
        self.conditions = ConditionRepository(database)
        self.grids = GridRepository(database)
        self.annotations = AnnotationRepository(database)
        self.cells = CellRepository(database)
        self.contamination = ContaminationRepository(database)
        self.jobs = JobRepository(database)
        self.judgements = JudgementRepository(database)
        self.alignment = AlignmentRepository(database)
        self.likelihood = LikelihoodRepository(database)

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
            if _is_empty(database.file):
                _LOG.warning("%s is empty, and is made anew: if it held grids, restore a backup.", database.file)
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
        if version is None and database.file is not None and _is_empty(database.file):
            raise StoreError(
                f"The file of the store {database.shown} is empty: restore a backup (`dragoman restore`) if it held "
                "grids, else run `dragoman run SPEC` first."
            )
        if version is None:
            raise StoreError(f"There is no store at {database.shown}: run `dragoman run SPEC` first.")
        if version != migrations.HEAD and not database.is_sqlite:
            raise StoreError(  # a reader must not lock out users of an older program
                f"The store {database.shown} was written by an older Dragoman (schema {version}; this one needs "
                f"{migrations.HEAD}): bring it up to date with `dragoman deploy migrate`, after which older ones can't "
                "use it."
            )
        return cls.open(url, blobs)

    @classmethod
    @contextmanager
    def open_snapshot(cls, url: str, blobs: str) -> Iterator["Store"]:
        """The store at a URL as of one moment: `open_existing` and `snapshot`, in one transaction where it is current.

        Raises:
            StoreError: as for `open_existing`.
        """
        database = Database(url)
        try:
            if database.file is None or database.file.exists():
                with Transaction.snapshot(database) as transaction:
                    if migrations.found(transaction) == migrations.HEAD:
                        yield cls(transaction, BlobStore(blobs))
                        return
        finally:
            database.engine.dispose()
        store = cls.open_existing(url, blobs)
        try:
            with store.snapshot() as snapshot:
                yield snapshot
        finally:
            store.close()

    def __eq__(self, other: object) -> bool:
        """Whether the other has the same database and blobs; a snapshot is equal to its store."""
        return isinstance(other, Store) and self._place == other._place

    def __hash__(self) -> int:
        """Hash of the same, so that cached results of a store are found from every snapshot of it."""
        return hash(self._place)

    @property
    def _place(self) -> tuple[URL, str]:
        return self.database.url, self.blobs.url

    def only_read(self) -> Self:
        """The same store, through which nothing is written or removed from now on.

        What tries to raises a `StoreError`.
        """
        self.database.refusal = _REFUSAL
        self.blobs = ReadOnlyBlobs(self.blobs.url, _REFUSAL)
        return self

    def close(self) -> None:
        """Close the connections; SQLite's file then holds everything, as far as nobody else reads it."""
        self.database.checkpoint()
        self.database.engine.dispose()

    @contextmanager
    def snapshot(self) -> Iterator[Self]:
        """The store as of one moment, for what is read in several steps: one reading transaction for all of them.

        A command or a page opens one and passes it on in the place of the store. It can't be written to, belongs to
        the thread that opened it, and is short: no user and no cluster is waited for meanwhile. One of a snapshot is
        that snapshot.
        """
        with Transaction.snapshot(self.database) as database:
            yield type(self)(database, self.blobs)

    @contextmanager
    def transaction(self, *, alone: bool = True) -> Iterator["Store"]:
        """The store in one writing transaction, all or nothing.

        Args:
            alone: no other writer runs beside it, on PostgreSQL either; what recomputes sums needs that.
        """
        with Transaction.write_in_one(self.database, alone=alone) as database:
            yield Store(database, self.blobs)


def _is_empty(file: Path) -> bool:
    """Whether SQLite's file is there without a byte: it was cut, or a process that was to make it was killed."""
    return file.is_file() and file.stat().st_size == 0
