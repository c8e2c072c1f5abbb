"""The texts that people judge: the translations of each system of a grid, line by line, with source and document."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from sqlalchemy import select

from dragoman.analysis.systems import System, prompt_names, systems
from dragoman.errors import nearest
from dragoman.judgement.base import JudgementError
from dragoman.pair import Pair
from dragoman.store.database.ids import grid_number
from dragoman.store.judgement_records import JudgementCampaignRecord
from dragoman.store.line_keys import unpack
from dragoman.store.records import CellRecord
from dragoman.store.schema import GridPairRow, PairRow
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


class Document(NamedTuple):
    """Lines that belong together."""

    name: str
    """Its name: `doc` and its number in the test set; the corpus's own names are not kept."""
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
        return Judged(cell, system, line, self.sources[line - 1], self.hypotheses[system][line - 1])

    def document_of(self, line: int) -> Document:
        """The document of a line."""
        return self._document_of[line]

    @cached_property
    def _document_of(self) -> dict[int, Document]:
        return {line: document for document in self.documents for line in document.lines}


class GridTexts:
    """The texts of a grid, read pair by pair when they are asked for."""

    def __init__(self, store: Store, grid: str) -> None:
        """Find the grid.

        Raises:
            StoreError: there is no such grid.
        """
        self.store, self.grid = store, grid
        every = systems(store, grid)
        several = len({each.prompt for each in every}) > 1
        with store.database.reading() as connection:
            self._prompts = {
                name: identity for identity, name in prompt_names(connection, grid_number(connection, grid)).items()
            }
        self.systems = {each.within(grid) if several and each.prompt else each.model: each for each in every}
        """The grid's systems by the names that they are judged under: `MODEL`, or `MODEL:PROMPT` where it has several
        prompts."""
        self._ids = {name: identity for identity, name in store.grids.get(grid).names.items()}
        self._texts: dict[Pair, PairTexts] = {}

    @cached_property
    def pairs(self) -> list[Pair]:
        """The pairs of the grid."""
        with self.store.database.reading() as connection:
            query = (
                select(PairRow.source, PairRow.target).join(GridPairRow, GridPairRow.pair_id == PairRow.id).distinct()
            )
            rows = connection.execute(query.where(GridPairRow.grid_id == grid_number(connection, self.grid)))
            return sorted(Pair(*row) for row in rows)

    def pair(self, wanted: str | None) -> Pair:
        """The pair of a name; the only one by default.

        Raises:
            JudgementError: the grid has no such pair, or several.
            PairError: it names no pair.
        """
        names = [str(pair) for pair in self.pairs]
        if wanted is None:
            if len(self.pairs) == 1:
                return self.pairs[0]
            raise JudgementError(f"Grid '{self.grid}' has {len(self.pairs)} pairs: name one with --pair.")
        found = dict(zip(names, self.pairs, strict=True)).get(wanted) or Pair.parse(wanted)
        if found in self.pairs:
            return found
        raise JudgementError(f"Grid '{self.grid}' has no pair '{wanted}'; {nearest(wanted, names)}")

    def of(self, pair: Pair) -> PairTexts:
        """The texts of a pair.

        Raises:
            JudgementError: nothing has translated it.
        """
        if pair not in self._texts:
            self._texts[pair] = self._read(pair)
        return self._texts[pair]

    def of_campaign(self, campaign: JudgementCampaignRecord) -> PairTexts:
        """The texts of a campaign's pair.

        Raises:
            JudgementError: it is of another grid.
        """
        cells = {system.cell for system in campaign.systems.values()}
        for pair in self.store.judgements.pairs_of_campaign(campaign) & set(self.pairs):
            texts = self.of(pair)
            if cells.intersection(texts.by_cell):
                return texts
        raise JudgementError(f"The campaign {campaign.id} is of another grid than '{self.grid}': name that.")

    def _read(self, pair: Pair) -> PairTexts:
        cells = [cell for cell in self.store.cells.of_grid(self.grid, pair) if cell.state.is_translated and cell.test]
        first = next(iter(cells), None)
        if first is None:
            raise JudgementError(f"Nothing in grid '{self.grid}' has translated {pair}: run it first.")
        found: dict[str, CellRecord] = {}
        for name, system in self.systems.items():
            for cell in cells:
                same_text = (cell.cell.test_set, cell.cell.content) == (first.cell.test_set, first.cell.content)
                if same_text and self._is_of(cell, system):
                    found.setdefault(name, cell)
        sources, references = self.store.blobs.test(str(first.test))
        return PairTexts(pair, sources, references, self._documents(first, len(sources)), found, self.store)

    def _is_of(self, cell: CellRecord, system: System) -> bool:
        is_asked_so = system.prompt is None or cell.cell.prompt == self._prompts[system.prompt]
        return cell.cell.model == self._ids.get(system.model) and is_asked_so

    def _documents(self, cell: CellRecord, count: int) -> list[Document]:
        keys = self.store.conditions.keys_of_grid(self.grid).get(
            (cell.cell.test_set, cell.cell.pair, cell.cell.content)
        )
        if keys is None or keys.documents is None:
            return [Document(f"doc{line}", (line,)) for line in range(1, count + 1)]
        lines: dict[int, list[int]] = {}
        for line, key in enumerate(unpack(keys.documents, count).tolist(), 1):
            lines.setdefault(key, []).append(line)
        return [Document(f"doc{number}", tuple(each)) for number, each in enumerate(lines.values(), 1)]


def chosen_systems(texts: PairTexts, wanted: Sequence[str]) -> list[str]:
    """The systems asked for of those that have translated a pair; all by default.

    Raises:
        JudgementError: one has not.
    """
    for name in wanted:
        if name not in texts.cells:
            raise JudgementError(f"No system '{name}' has translated {texts.pair}; {nearest(name, texts.cells)}")
    return [name for name in texts.cells if not wanted or name in wanted]


def judged_pairs(texts: GridTexts, wanted: Sequence[Pair]) -> list[Pair]:
    """The pairs of a grid that have judgements, of those wanted; all by default."""
    return [pair for pair in texts.store.judgements.pairs_of_grid(texts.grid) if not wanted or pair in wanted]
