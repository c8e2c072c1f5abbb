"""Repository of conditions: test sets with their texts, prompts and decodings."""

from collections import defaultdict
from typing import Any

from sqlalchemy import Connection, func, select

from dragoman.store.database.connection import insert
from dragoman.store.database.ids import CHUNK, number, number_or_add
from dragoman.store.records import CellRecord, DecodingRecord, PromptRecord, TestSetRecord
from dragoman.store.repositories.base import Repository
from dragoman.store.schema import ConditionRow, DecodingRow, PromptRow, TestRow, TestSetRow

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

    def add_decoding(self, decoding: DecodingRecord) -> None:
        """Add a decoding."""
        self._add(DecodingRow, decoding)

    def _add(self, table: type[TestSetRow | PromptRow | DecodingRow], record: AnyCondition) -> None:
        row = record.model_dump(exclude={"id"}) | {"identity": record.id}
        with self._database.writing() as connection:
            connection.execute(insert(connection, table).values(**row).on_conflict_do_nothing())


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
