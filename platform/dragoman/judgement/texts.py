"""The texts that people judge: the translations of each system of a grid, line by line, with source and document."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from sqlalchemy import select

from dragoman.analysis.systems import System, prompt_names, systems
from dragoman.analysis.test_sets import test_set_named
from dragoman.cell import CellState
from dragoman.errors import nearest
from dragoman.judgement.base import JudgementError
from dragoman.pair import Pair
from dragoman.store.database.ids import grid_number
from dragoman.store.judgement_records import JudgementCampaignRecord
from dragoman.store.line_keys import unpack
from dragoman.store.line_labels import DOCUMENT
from dragoman.store.records import CellRecord
from dragoman.store.repositories.grids import test_set_names
from dragoman.store.schema import ConditionRow, GridPairRow, PairRow, TestSetRow
from dragoman.store.store import Store


class Judged(NamedTuple):
    """One translated line."""

    cell: str
    """Id of its cell."""
    system: str
    """The system's name in the grid."""
    line: int
    """The test line, from 1."""
    source: str
    """The source sentence."""
    text: str
    """The translation."""
    test_set: str | None = None
    """The name of its test set; None in a grid that names none."""


class Document(NamedTuple):
    """Lines that belong together."""

    name: str
    """Its name in the corpus where the test lines are labelled with it; else `doc` and its number in the test set."""
    lines: tuple[int, ...]
    """Its test lines, from 1."""


@dataclass(frozen=True)
class PairTexts:
    """The texts of one pair."""

    pair: Pair
    """The pair."""
    sources: Sequence[str]
    """The source sentences."""
    references: Sequence[str]
    """Their references."""
    documents: Sequence[Document]
    """The documents, in the order of the test set; a line whose document is unknown is one by itself."""
    cells: Mapping[str, CellRecord]
    """The cell of each system that has translated it, by the system's name."""
    store: Store
    test_set: str | None = None
    """The name of its test set; None in a grid that names none."""
    quoted: Collection[str] = ()
    """The grid's systems whose scores are quoted: they have no translations."""

    def __str__(self) -> str:
        """The pair, and the test set where the grid has several, as sentences name them."""
        return str(self.pair) if self.test_set is None else f"{self.pair} on {self.test_set}"

    @property
    def left_out(self) -> str | None:
        """Which systems nobody can judge, as a sentence; None where there are none."""
        if not self.quoted:
            return None
        return f"Left out, as their scores are quoted and there are no translations to judge: {', '.join(self.quoted)}."

    def lacks(self, system: str) -> str:
        """That a system has no translations here, as a sentence."""
        if system in self.quoted:
            return f"the scores of '{system}' are quoted, so that there are no translations to judge."
        return f"no system '{system}' has translated {self}; {nearest(system, self.cells)}"

    @cached_property
    def hypotheses(self) -> dict[str, list[str]]:
        """The translations of each system."""
        found = {}
        for name, cell in self.cells.items():
            found[name] = [line.text for line in self.store.blobs.translation(str(cell.hypotheses))]
        return found

    @cached_property
    def by_cell(self) -> dict[str, str]:
        """The system of each cell, by its id."""
        return {cell.cell.id: name for name, cell in self.cells.items()}

    def at(self, system: str, line: int) -> Judged:
        """A system's translation of a line."""
        cell = self.cells[system].cell.id
        return Judged(cell, system, line, self.sources[line - 1], self.hypotheses[system][line - 1], self.test_set)

    def document_of(self, line: int) -> Document:
        """The document of a line."""
        return self._document_of[line]

    @cached_property
    def _document_of(self) -> dict[int, Document]:
        return {line: document for document in self.documents for line in document.lines}


class GridTexts:
    """The texts of one test set of a grid, read pair by pair when they are asked for."""

    def __init__(self, store: Store, grid: str, test_set: str | None = None) -> None:
        """Find the grid and its test set.

        Args:
            store: where they are.
            grid: the grid's name.
            test_set: name of the test set; the grid's first by default.

        Raises:
            StoreError: there is no such grid, or no such test set.
        """
        self.store, self.grid = store, grid
        self.is_asked = test_set is not None
        """Whether the test set was named, and is not the first by default."""
        every = systems(store, grid)
        several = len({each.prompt for each in every if not each.is_from_elsewhere}) > 1
        with store.database.reading() as connection:
            grid_id = grid_number(connection, grid)
            self._prompts = {name: identity for identity, name in prompt_names(connection, grid_id).items()}
            self._names = test_set_names(connection, grid_id)
            self._identity = test_set_named(connection, grid, grid_id, test_set)
        self.systems = {each.within(grid) if several else each.model: each for each in every}
        """The grid's systems by the names that they are judged under: `MODEL`, or `MODEL:PROMPT` of a model that was
        asked where the grid has several prompts."""
        self._ids = {name: identity for identity, name in store.grids.get(grid).names.items()}
        self._texts: dict[tuple[Pair, str | None], PairTexts] = {}

    @property
    def test_set(self) -> str | None:
        """The name of the test set; None where the grid names none."""
        return self._names.get(self._identity or "")

    @property
    def test_sets(self) -> list[str]:
        """The names of the grid's test sets, the first one first; none where its one test set has no name."""
        return list(self._names.values())

    @cached_property
    def pairs(self) -> list[Pair]:
        """The pairs of the grid on the test set."""
        with self.store.database.reading() as connection:
            query = select(PairRow.source, PairRow.target).distinct()
            query = query.join(GridPairRow, GridPairRow.pair_id == PairRow.id)
            query = query.where(GridPairRow.grid_id == grid_number(connection, self.grid))
            if self._identity is not None:
                query = query.join(ConditionRow, ConditionRow.id == GridPairRow.condition_id)
                query = query.join(TestSetRow, TestSetRow.id == ConditionRow.test_set_id)
                query = query.where(TestSetRow.identity == self._identity)
            return sorted(Pair(*row) for row in connection.execute(query))

    @property
    def judged_pairs(self) -> list[Pair]:
        """The pairs that have judgements on the test set."""
        return self.store.judgements.pairs_of_grid(self.grid, self._identity)

    @property
    def judged_elsewhere(self) -> list[str]:
        """The names of the grid's other test sets that have judgements."""
        others = {identity: name for identity, name in self._names.items() if identity != self._identity}
        return [name for identity, name in others.items() if self.store.judgements.pairs_of_grid(self.grid, identity)]

    def pair(self, wanted: str | None) -> Pair:
        """The pair of a name; the only one by default.

        Raises:
            JudgementError: the test set has no such pair, or several.
            PairError: it names no pair.
        """
        names = [str(pair) for pair in self.pairs]
        where = f"Grid '{self.grid}'" + ("" if self.test_set is None else f" on {self.test_set}")
        if wanted is None:
            if len(self.pairs) == 1:
                return self.pairs[0]
            raise JudgementError(f"{where} has {len(self.pairs)} pairs: name one with --pair.")
        found = dict(zip(names, self.pairs, strict=True)).get(wanted) or Pair.parse(wanted)
        if found in self.pairs:
            return found
        raise JudgementError(f"{where} has no pair '{wanted}'; {nearest(wanted, names)}")

    def of(self, pair: Pair) -> PairTexts:
        """The texts of a pair.

        Raises:
            JudgementError: nothing has translated it.
        """
        found = self._read(pair, self._identity)
        if found is None:
            where = str(pair) if self.test_set is None else f"{pair} on {self.test_set}"
            raise JudgementError(f"Nothing in grid '{self.grid}' has translated {where}: run it first.")
        return found

    def of_campaign(self, campaign: JudgementCampaignRecord) -> PairTexts:
        """The texts of a campaign's pair, on the test set that it is of.

        Raises:
            JudgementError: it is of another grid, or of another test set than the one that was named.
        """
        cells = {system.cell for system in campaign.systems.values()}
        for identity, pair in sorted(self.store.judgements.texts_of_campaign(campaign)):
            texts = self._read(pair, identity if self._names else None)
            if texts is None or not cells.intersection(texts.by_cell):
                continue
            if self.is_asked and texts.test_set != self.test_set:
                raise JudgementError(
                    f"The campaign {campaign.id} is of the test set {texts.test_set}, and --test-set is "
                    f"{self.test_set}: leave it out, or name {texts.test_set}."
                )
            return texts
        raise JudgementError(f"The campaign {campaign.id} is of another grid than '{self.grid}': name that.")

    def _read(self, pair: Pair, identity: str | None) -> PairTexts | None:
        """The texts of a pair on a test set; None where nothing has translated it."""
        if (pair, identity) in self._texts:
            return self._texts[pair, identity]
        every = [
            cell
            for cell in self.store.cells.of_grid(self.grid, pair)
            if identity is None or cell.cell.test_set == identity
        ]
        cells = [cell for cell in every if cell.state.is_translated and cell.test]
        first = next(iter(cells), None)
        if first is None:
            return None
        found: dict[str, CellRecord] = {}
        for name, system in self.systems.items():
            for cell in cells:
                same_text = (cell.cell.test_set, cell.cell.content) == (first.cell.test_set, first.cell.content)
                if same_text and self._is_of(cell, system):
                    found.setdefault(name, cell)
        sources, references = self.store.blobs.test(str(first.test))
        quoted = {cell.cell.model for cell in every if cell.state is CellState.QUOTED}
        self._texts[pair, identity] = PairTexts(
            pair, sources, references, self._documents(first, len(sources)), found, self.store,
            self._names.get(first.cell.test_set),
            [name for name, system in self.systems.items() if self._ids.get(system.model) in quoted],
        )  # fmt: skip
        return self._texts[pair, identity]

    def _is_of(self, cell: CellRecord, system: System) -> bool:
        is_asked_so = system.prompt is None or cell.cell.prompt == self._prompts[system.prompt]
        return cell.cell.model == self._ids.get(system.model) and is_asked_so

    def _documents(self, cell: CellRecord, count: int) -> list[Document]:
        """The documents of a text: by their names where its lines are labelled, else by their keys."""
        text = (cell.cell.test_set, cell.cell.pair, cell.cell.content)
        named = self.store.conditions.labels_of_grid(self.grid, cell.cell.pair).get(text, {}).get(DOCUMENT)
        keys = self.store.conditions.keys_of_grid(self.grid).get(text)
        parts: Sequence[object] = range(count)
        if named is not None and len(named) == count:
            parts = [name or line for line, name in enumerate(named)]
        elif keys is not None and keys.documents is not None:
            parts = unpack(keys.documents, count).tolist()
        lines: dict[object, list[int]] = {}
        for line, part in enumerate(parts, 1):
            lines.setdefault(part, []).append(line)
        return [
            Document(part if isinstance(part, str) else f"doc{number}", tuple(each))
            for number, (part, each) in enumerate(lines.items(), 1)
        ]


def chosen_systems(texts: PairTexts, wanted: Sequence[str]) -> list[str]:
    """The systems asked for of those that have translated a pair; all by default.

    Raises:
        JudgementError: one has not.
    """
    for name in wanted:
        if name not in texts.cells:
            told = texts.lacks(name)
            raise JudgementError(f"{told[0].upper()}{told[1:]}")
    return [name for name in texts.cells if not wanted or name in wanted]


def judged_pairs(texts: GridTexts, wanted: Sequence[Pair]) -> list[Pair]:
    """The pairs of a grid that have judgements on the test set, of those wanted; all by default."""
    return [pair for pair in texts.judged_pairs if not wanted or pair in wanted]
