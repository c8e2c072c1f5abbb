"""Import of a whole grid from a file, in one transaction."""

import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from sqlalchemy import Connection, bindparam, select, update

from dragoman.cell import CellState
from dragoman.errors import StoreError
from dragoman.pair import Pair
from dragoman.partition import Evidence
from dragoman.spec.base import NAME
from dragoman.store.database.bulk_insert import loading
from dragoman.store.database.connection import insert
from dragoman.store.database.ids import chunks, metric_number, signature_number
from dragoman.store.line_keys import LineKeys
from dragoman.store.line_labels import Labels
from dragoman.store.records import CellRecord, ContaminationRecord, now
from dragoman.store.repositories import aggregates
from dragoman.store.schema import CellRow, ModelRow, ScoreRow, SpansRow, StatisticsRow, UnscorableRow
from dragoman.store.store import Store
from dragoman.store.transfer.archive import Archive
from dragoman.store.transfer.score_loader import ScoreLoader
from dragoman.store.transfer.validation import Contents

LOADING = 1_000_000
"""Scores from which on checking keys at the end is worth the wait of others."""

_NOT_OURS = "its content is not what `dragoman export` writes"


class Imported(NamedTuple):
    """Result of an import."""

    grid: str
    """Name of the grid here."""
    cells: int
    """Cells of the grid."""
    translations: int
    """Translations that were not here before."""


class _Place(NamedTuple):
    """The database key of an imported cell, for its scores."""

    model_id: int
    condition_id: int
    pair_id: int
    partition_id: int
    fresh: bool
    """Whether the cell was not translated here before."""

    @property
    def cell(self) -> dict[str, int]:
        """The cell's key."""
        return {"model_id": self.model_id, "condition_id": self.condition_id, "pair_id": self.pair_id}


def import_grid(store: Store, path: Path, name: str | None = None) -> Imported:
    """Read a grid from a file that `export_grid` wrote.

    The whole file is checked first. Cells that are translated here keep their translation; of the same hypotheses,
    scores that are missing here are added.

    Args:
        store: where to.
        path: the file.
        name: what the grid is to be called here.

    Raises:
        StoreError: the file is damaged, or contradicts what is here; nothing is written.
    """
    with checked(path, name) as coming:
        return coming.into(store)


@contextmanager
def checked(path: Path, name: str | None = None) -> Iterator["Import"]:
    """A grid in a file, all of which has been read and checked; for what opens the store only then.

    Args:
        path: the file.
        name: what the grid is to be called.

    Raises:
        StoreError: the file is damaged.
    """
    if name is not None and not re.fullmatch(NAME, name):
        raise StoreError(f"'{name}' is no name for a grid: use letters, digits, dots, hyphens and underscores.")
    with Archive(path) as archive:
        try:
            contents = Contents(archive)
        except StoreError:
            raise
        except Exception as error:  # what somebody altered may fail in any library that reads it
            raise archive.damaged(_NOT_OURS) from error
        yield Import(archive, contents, name)


class Import:
    """An import of a checked grid."""

    def __init__(self, archive: Archive, contents: Contents, name: str | None) -> None:
        """Prepare the import of what `checked` read.

        Args:
            archive: the file.
            contents: what is in it.
            name: what the grid is to be called, if not what it is called in the file.
        """
        self._archive = archive
        self._contents = contents
        self._grid = contents.grid.model_copy(update={"name": name}) if name else contents.grid
        self._cells = contents.cells

    def into(self, store: Store) -> Imported:
        """Write the grid: all of it, or nothing.

        Raises:
            StoreError: it contradicts what is in the store, or the store refuses it.
        """
        with store.snapshot() as snapshot:
            self._contradict(snapshot)
        # Before the cells that refer to them; if the rest fails, `dragoman gc` finds them.
        for address in self._contents.blobs:
            store.blobs.write(address, self._archive.read(f"blobs/{address}"))
        refusals: tuple[type[Exception], ...] = (*store.database.refusals, ValueError, OverflowError)
        try:
            with store.transaction() as transaction:
                self._contradict(transaction)
                return self._write(transaction)
        except refusals as error:
            raise self._archive.damaged(_NOT_OURS) from error

    def _contradict(self, store: Store) -> None:
        """Refuse a file that contradicts the store."""
        name = self._grid.name
        if name in store.grids.names():
            here = {record.cell.id for record in store.cells.iterate(name)}
            if here != self._cells.keys():
                raise StoreError(
                    f"There is another grid '{name}' here: import this one under another name with --name."
                )
        for model in self._contents.models:
            own = store.models.own_graph(model.id)
            if Evidence.UNKNOWN not in (own.evidence, model.evidence) and own != model.own_graph:
                raise StoreError(
                    f"Model '{model.name}' ({model.id}) was trained on other pairs here than in the file: they are not "
                    "the same model, so the grid can't be imported."
                )

    def _write(self, store: Store) -> Imported:
        for model in self._contents.models:
            store.models.add(model.record)
            if model.evidence is not Evidence.UNKNOWN:
                store.models.record_graph(model.id, model.own_graph)
            if model.training is not None and store.models.training(model.id) is None:
                store.models.add_training(model.id, model.training)
        for test_set in self._contents.conditions.test_sets:
            store.conditions.add_test_set(test_set)
        for prompt in self._contents.conditions.prompts:
            store.conditions.add_prompt(prompt)
        for decoding in self._contents.conditions.decodings:
            store.conditions.add_decoding(decoding)
        self._write_contamination(store)
        store.grids.add(self._grid, (_untranslated(record) for record in self._cells.values()))
        self._write_keys(store)
        self._write_labels(store)
        self._write_judgements(store)
        with store.database.writing() as connection:
            return self._fill(connection)

    def _fill(self, connection: Connection) -> Imported:
        """Write the outcomes of the planned cells."""
        places = self._places(connection)
        fresh = [(self._cells[identity], place) for identity, place in places.items() if place.fresh]
        _write_outcomes(connection, fresh)
        if self._archive.manifest.scores >= LOADING:
            with loading(connection, ScoreRow):
                self._write_scores(connection, places)
        else:
            self._write_scores(connection, places)
        self._write_spans(connection, places)
        self._write_unscorable(connection, places)
        aggregates.recount(connection, {place.model_id for place in places.values()})
        return Imported(self._grid.name, len(self._cells), len(fresh))

    def _write_contamination(self, store: Store) -> None:
        """Write what was found; existing records of a model and a test set stay, but for those of an earlier search."""
        known = store.contamination.measured()
        found: defaultdict[tuple[str, str], list[ContaminationRecord]] = defaultdict(list)
        for record in self._contents.contamination:
            found[record.model, record.test_set].append(record)
        for (model, test_set), records in found.items():
            if known.get((model, test_set), 0) < min(record.search for record in records):
                store.contamination.record(model, test_set, records)

    def _write_keys(self, store: Store) -> None:
        """Write the keys of test lines; those of lines that have some stay."""
        by_set: defaultdict[str, dict[tuple[Pair, str], LineKeys]] = defaultdict(dict)
        for (test_set, pair, content), keys in self._contents.keys.items():
            by_set[test_set][pair, content] = keys
        for test_set, found in by_set.items():
            store.conditions.add_keys(test_set, found, replace=False)

    def _write_labels(self, store: Store) -> None:
        """Write the labels of test lines; those that are there stay."""
        by_set: defaultdict[str, dict[tuple[Pair, str], Labels]] = defaultdict(dict)
        for (test_set, pair, content), labels in self._contents.labels.items():
            by_set[test_set][pair, content] = labels
        for test_set, found in by_set.items():
            store.conditions.add_labels(test_set, found, replace=False)

    def _write_judgements(self, store: Store) -> None:
        """Write what raters said that is not here; judgements by the same rater that are here stay."""
        for campaign in self._contents.campaigns:
            store.judgements.add_campaign(campaign)
        here = {each.key for each in store.judgements.of_grid(self._grid.name)}
        store.judgements.add(each for each in self._contents.judgements if each.key not in here)

    def _places(self, connection: Connection) -> dict[str, _Place]:
        """The cells whose scores belong here: new translations, and the same hypotheses as there are."""
        columns = (CellRow.model_id, CellRow.condition_id, CellRow.pair_id, CellRow.partition_id)
        query = select(CellRow.identity, *columns, CellRow.state, CellRow.hypotheses)
        query = query.join(ModelRow, ModelRow.id == CellRow.model_id)
        places = {}
        for row in connection.execute(query.where(ModelRow.identity.in_(self._grid.models))):
            record = self._cells.get(row.identity)
            if record is None or not record.state.has_scores:
                continue
            fresh = not CellState(row.state).has_scores
            if fresh or row.hypotheses == record.hypotheses:
                places[row.identity] = _Place(row.model_id, row.condition_id, row.pair_id, row.partition_id, fresh)
        return places

    def _write_scores(self, connection: Connection, places: dict[str, _Place]) -> None:
        signatures: dict[tuple[str, str], dict[str, int]] = {}
        loader = ScoreLoader(connection, {place.model_id for place in places.values()})
        scored_here: set[int] = set()
        for rows in chunks(self._archive.rows("scores.parquet")):
            fresh: list[dict[str, Any]] = []
            known: list[dict[str, Any]] = []
            statistics: list[dict[str, Any]] = []
            for row in rows:
                if (place := places.get(row["cell"])) is None:
                    continue
                name = (row["metric"], row["signature"])
                if name not in signatures:
                    metric_id = metric_number(connection, row["metric"])
                    signature_id = signature_number(connection, metric_id, row["signature"])
                    signatures[name] = {"metric_id": metric_id, "signature_id": signature_id}
                key = place.cell | signatures[name]
                value = {name: row[name] for name in ("value", "low", "high")}
                (fresh if place.fresh else known).append(key | {"partition_id": place.partition_id} | value)
                if row["statistics"] is not None:
                    statistics.append(key | {"statistics": row["statistics"]})
            if fresh:
                loader.insert(pa.RecordBatch.from_pylist(fresh))
            scored_here.update(row["model_id"] for row in known)
            for table, found in ((ScoreRow, known), (StatisticsRow, statistics)):
                if found:
                    connection.execute(insert(connection, table).on_conflict_do_nothing(), found)
        for model_id in sorted(scored_here):
            aggregates.recompute_model(connection, model_id)

    def _write_spans(self, connection: Connection, places: dict[str, _Place]) -> None:
        """Write the error spans of the scores that are here now; those that are there stay."""
        for row in self._contents.spans():
            if place := places.get(row["cell"]):
                metric_id = metric_number(connection, row["metric"])
                signature_id = signature_number(connection, metric_id, row["signature"])
                key = place.cell | {"metric_id": metric_id, "signature_id": signature_id}
                statement = insert(connection, SpansRow).values(**key, spans=row["spans"])
                connection.execute(statement.on_conflict_do_nothing())

    def _write_unscorable(self, connection: Connection, places: dict[str, _Place]) -> None:
        for row in self._archive.rows("unscorable.parquet"):
            if place := places.get(row["cell"]):
                metric_id = metric_number(connection, row["metric"])
                reason = place.cell | {"metric_id": metric_id, "reason": row["reason"]}
                connection.execute(insert(connection, UnscorableRow).values(**reason).on_conflict_do_nothing())


def _untranslated(record: CellRecord) -> CellRecord:
    """A cell as it is planned; its outcome follows where it is wanted."""
    if not record.state.has_scores:
        return record
    return CellRecord(cell=record.cell, test=record.test, segments=record.segments)


def _write_outcomes(connection: Connection, cells: list[tuple[CellRecord, _Place]]) -> None:
    if not cells:
        return
    outcome = ("reason", "hypotheses", "segments", "engine", "seconds", "tokens", "cut", "too_long", "attempts")
    statement = update(CellRow).where(
        CellRow.model_id == bindparam("of_model"),
        CellRow.condition_id == bindparam("of_condition"),
        CellRow.pair_id == bindparam("of_pair"),
    )
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in (*outcome, "state", "updated")}
    rows = [
        {"of_model": place.model_id, "of_condition": place.condition_id, "of_pair": place.pair_id}
        | {f"new_{name}": getattr(record, name) for name in outcome}
        | {"new_state": record.state.value, "new_updated": now()}
        for record, place in cells
    ]
    connection.execute(statement.values(**values), rows)
