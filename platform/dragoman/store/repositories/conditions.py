"""Repository of conditions: test sets with their texts, prompts and decodings."""

import logging
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, select

from dragoman.pair import Pair
from dragoman.store.database.connection import fetched, insert
from dragoman.store.database.ids import CHUNK, chunks, grid_number, number, number_or_add
from dragoman.store.line_keys import LineKeys
from dragoman.store.line_labels import Labels, pack, unpack
from dragoman.store.records import CellRecord, DecodingRecord, PromptRecord, TestSetRecord, now
from dragoman.store.repositories.base import Repository
from dragoman.store.schema import (
    ConditionRow,
    DecodingRow,
    GridPairRow,
    PairRow,
    PromptRow,
    TestKeysRow,
    TestLabelsRow,
    TestRow,
    TestSetRow,
)

_LOG = logging.getLogger(__name__)

_TEXTS = 500
"""Texts whose keys are held at once."""

Texts = dict[tuple[Pair, str], dict[str, int]]
"""The keys of stored texts in the database, by pair and content hash."""

AnyCondition = TestSetRecord | PromptRecord | DecodingRecord
"""A part of a condition with a table of its own."""


class ConditionRepository(Repository):
    """Test sets, prompts and decodings; what is there stays as it is."""

    def add_test_set(self, test_set: TestSetRecord) -> None:
        """Add a test set."""
        self._add(TestSetRow, test_set)

    def add_prompt(self, prompt: PromptRecord) -> None:
        """Add a prompt."""
        self._add(PromptRow, prompt)

    def prompts(self, identities: Collection[str]) -> dict[str, str]:
        """Some prompts as people are shown them, by identity; those that are not there are left out."""
        with self._database.reading() as connection:
            query = select(PromptRow.identity, PromptRow.template).where(PromptRow.identity.in_(identities))
            return {row.identity: row.template for row in connection.execute(query)}

    def add_decoding(self, decoding: DecodingRecord) -> None:
        """Add a decoding."""
        self._add(DecodingRow, decoding)

    def add_keys(self, test_set_id: str, keys: Mapping[tuple[Pair, str], LineKeys], *, replace: bool = True) -> None:
        """Add the keys of test lines.

        Args:
            test_set_id: id of the test set.
            keys: the keys by pair and content hash of the lines, which are there; those of other lines are left out.
            replace: whether they take the place of keys that are there.

        Raises:
            StoreError: there is no such test set.
        """
        with self._database.writing() as connection:
            texts = _texts(connection, test_set_id)
            rows = [{**texts[text], **found._asdict()} for text, found in keys.items() if text in texts]
            statement = insert(connection, TestKeysRow)
            key = [TestKeysRow.test_set_id, TestKeysRow.pair_id, TestKeysRow.edition]
            if replace:
                changed = {name: statement.excluded[name] for name in LineKeys._fields}
                statement = statement.on_conflict_do_update(index_elements=key, set_=changed)
            else:
                statement = statement.on_conflict_do_nothing()
            for chunk in chunks(rows):
                connection.execute(statement, chunk)

    def add_labels(self, test_set_id: str, labels: Mapping[tuple[Pair, str], Labels], *, replace: bool = True) -> None:
        """Add labels of test lines; each takes the place of one of its name, and those of other names stay.

        Args:
            test_set_id: id of the test set.
            labels: the labels by pair and content hash of the lines, which are there; those of other lines are left
                out.
            replace: whether they take the place of labels that are there; it is logged where these were others.

        Raises:
            StoreError: there is no such test set.
        """
        if not any(labels.values()):
            return
        with self._database.writing() as connection:
            texts, moment = _texts(connection, test_set_id), now()
            rows = [
                {**texts[text], "name": name, "of_lines": pack(values), "updated": moment}
                for text, found in labels.items()
                if text in texts
                for name, values in found.items()
            ]
            if replace:
                rows = _changed(connection, rows)
            statement = insert(connection, TestLabelsRow)
            key = [TestLabelsRow.test_set_id, TestLabelsRow.pair_id, TestLabelsRow.edition, TestLabelsRow.name]
            if replace:
                changed = {name: statement.excluded[name] for name in ("of_lines", "updated")}
                statement = statement.on_conflict_do_update(index_elements=key, set_=changed)
            else:
                statement = statement.on_conflict_do_nothing()
            for chunk in chunks(rows):
                connection.execute(statement, chunk)

    def labels_of_grid(
        self, grid: str, pair: Pair | None = None
    ) -> dict[tuple[str, Pair, str], dict[str, tuple[str, ...]]]:
        """The labels of a grid's test lines by test set, pair and content hash; lines that have none are left out.

        Args:
            grid: name of the grid.
            pair: only those of one pair.

        Raises:
            StoreError: there is no such grid, or labels are damaged.
        """
        with self._database.reading() as connection:
            query = _texts_of_grid(TestLabelsRow, grid_number(connection, grid)).order_by(TestLabelsRow.name)
            query = query.add_columns(TestLabelsRow.name, TestLabelsRow.of_lines)
            if pair is not None:
                query = query.where(PairRow.source == pair.source, PairRow.target == pair.target)
            found: defaultdict[tuple[str, Pair, str], dict[str, tuple[str, ...]]] = defaultdict(dict)
            for test_set, source, target, content, name, packed in fetched(connection, query):
                labels = found[test_set, Pair(source, target), content]
                if name not in labels:  # a text may be tested under several conditions
                    labels[name] = unpack(packed)
            return dict(found)

    def keys_of_grid(self, grid: str) -> dict[tuple[str, Pair, str], LineKeys]:
        """The keys of a grid's test lines by test set, pair and content hash; lines that have none are left out.

        Raises:
            StoreError: there is no such grid.
        """
        return dict(self.iterate_keys(grid))

    def iterate_keys(self, grid: str) -> Iterator[tuple[tuple[str, Pair, str], LineKeys]]:
        """The same, one text after another; the transaction lasts as long."""
        with self._database.reading() as connection:
            query = _texts_of_grid(TestKeysRow, grid_number(connection, grid)).distinct()
            query = query.add_columns(*(getattr(TestKeysRow, name) for name in LineKeys._fields))
            rows = connection.execute(query, execution_options={"yield_per": _TEXTS})
            for test_set, source, target, content, *keys in rows:
                yield (test_set, Pair(source, target), content), LineKeys(*keys)

    def _add(self, table: type[TestSetRow | PromptRow | DecodingRow], record: AnyCondition) -> None:
        row = record.model_dump(exclude={"id"}) | {"identity": record.id}
        with self._database.writing() as connection:
            connection.execute(insert(connection, table).values(**row).on_conflict_do_nothing())


def _texts(connection: Connection, test_set_id: str) -> Texts:
    """The texts of a test set.

    Raises:
        StoreError: there is no such test set.
    """
    number_of_set = number(connection, TestSetRow.identity, test_set_id, "test set")
    query = (
        select(PairRow.source, PairRow.target, TestRow.content, TestRow.pair_id, TestRow.edition)
        .join(PairRow, PairRow.id == TestRow.pair_id)
        .where(TestRow.test_set_id == number_of_set)
    )
    return {
        (Pair(source, target), content): {"test_set_id": number_of_set, "pair_id": pair_id, "edition": edition}
        for source, target, content, pair_id, edition in fetched(connection, query)
    }


def _changed(connection: Connection, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of some labels that are not there as they are; of how many texts there were others is logged."""
    columns = (TestLabelsRow.test_set_id, TestLabelsRow.pair_id, TestLabelsRow.edition, TestLabelsRow.name)
    query = select(*columns, TestLabelsRow.of_lines)
    query = query.where(TestLabelsRow.test_set_id.in_({row["test_set_id"] for row in rows}))
    there = {tuple(key): of_lines for *key, of_lines in fetched(connection, query)}
    changed, others = [], Counter[str]()
    for row in rows:
        old = there.get((row["test_set_id"], row["pair_id"], row["edition"], row["name"]))
        if old != row["of_lines"]:
            changed.append(row)
            others.update([row["name"]] if old is not None else [])
    for name, count in sorted(others.items()):
        texts = f"{count:,} test text{'' if count == 1 else 's'}"
        _LOG.warning("The label %s of the lines of %s has changed: slices go by the new one.", name, texts)
    return changed


def _texts_of_grid(row: type[TestKeysRow | TestLabelsRow], grid_id: int) -> Select[*tuple[Any, ...]]:
    """Test set, pair and content hash of the texts of a grid that have keys, or labels, joined with these."""
    return (
        select(TestSetRow.identity, PairRow.source, PairRow.target, TestRow.content)
        .select_from(GridPairRow)
        .join(ConditionRow, ConditionRow.id == GridPairRow.condition_id)
        .join(TestSetRow, TestSetRow.id == ConditionRow.test_set_id)
        .join(PairRow, PairRow.id == GridPairRow.pair_id)
        .join(TestRow, is_text(TestRow))
        .join(row, is_text(row))
        .where(GridPairRow.grid_id == grid_id)
        .order_by(TestSetRow.identity, PairRow.source, PairRow.target, TestRow.content)
    )


def is_text(row: type[TestRow] | type[TestKeysRow] | type[TestLabelsRow]) -> ColumnElement[bool]:
    """The SQL condition that a text, or keys of one, are those of a pair of a grid (`GridPairRow`, `ConditionRow`)."""
    return and_(
        row.test_set_id == ConditionRow.test_set_id,
        row.edition == ConditionRow.edition,
        row.pair_id == GridPairRow.pair_id,
    )


class ConditionNumbers:
    """The conditions of many cells, found or made; each test set, prompt and decoding is looked up once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._numbers: dict[tuple[str, str], int] = {}
        self._editions: dict[int, dict[int, dict[str, int]]] = {}
        self._conditions: dict[tuple[int, int, int, int], int] = {}
        self._tests: dict[tuple[int, int, int], dict[str, Any]] = {}

    def of(self, record: CellRecord, pair_id: int) -> int:
        """The number of a cell's condition; its text is noted for `write_tests`.

        Raises:
            StoreError: its test set, prompt or decoding was not added before.
        """
        cell = record.cell
        test_set_id = self._number("test set", cell.test_set)
        editions = self._of_test_set(test_set_id)[pair_id]
        edition = editions.setdefault(cell.content, len(editions))
        test = {"test_set_id": test_set_id, "pair_id": pair_id, "edition": edition, "content": cell.content}
        known = self._tests.setdefault((test_set_id, pair_id, edition), test | {"lines": None, "segments": None})
        known["lines"] = known["lines"] or record.test
        known["segments"] = record.segments if known["segments"] is None else known["segments"]
        key = (test_set_id, edition, self._number("prompt", cell.prompt), self._number("decoding", cell.decoding))
        if key not in self._conditions:
            columns = ("test_set_id", "edition", "prompt_id", "decoding_id")
            row = dict(zip(columns, key, strict=True))
            self._conditions[key] = number_or_add(self._connection, ConditionRow, row)
        return self._conditions[key]

    def write_tests(self) -> None:
        """Write the texts of the cells seen; texts already stored stay."""
        statement = insert(self._connection, TestRow)
        statement = statement.on_conflict_do_update(
            index_elements=[TestRow.test_set_id, TestRow.pair_id, TestRow.edition],
            set_={
                "lines": func.coalesce(TestRow.lines, statement.excluded.lines),
                "segments": func.coalesce(TestRow.segments, statement.excluded.segments),
            },
        )
        rows = list(self._tests.values())
        for start in range(0, len(rows), CHUNK):
            self._connection.execute(statement, rows[start : start + CHUNK])
        self._tests.clear()

    def _number(self, noun: str, identity: str) -> int:
        columns = {"test set": TestSetRow.identity, "prompt": PromptRow.identity, "decoding": DecodingRow.identity}
        if (noun, identity) not in self._numbers:
            self._numbers[noun, identity] = number(self._connection, columns[noun], identity, noun)
        return self._numbers[noun, identity]

    def _of_test_set(self, test_set_id: int) -> dict[int, dict[str, int]]:
        if test_set_id not in self._editions:
            editions: dict[int, dict[str, int]] = defaultdict(dict)
            query = select(TestRow.pair_id, TestRow.content, TestRow.edition).where(TestRow.test_set_id == test_set_id)
            for pair_id, content, edition in self._connection.execute(query):
                editions[pair_id][content] = edition
            self._editions[test_set_id] = editions
        return self._editions[test_set_id]
