"""A grid as it is shared: its test sets and systems under the names of folders and files, and its cells by both."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import NamedTuple, Self

from dragoman.analysis.systems import prompt_names
from dragoman.errors import StoreError, nearest
from dragoman.model import is_from_files, is_quoted
from dragoman.pair import Pair
from dragoman.sharing.file_names import file_names
from dragoman.store.database.ids import grid_number
from dragoman.store.records import CellRecord, GridRecord, ModelRecord, TestSetRecord
from dragoman.store.store import Store
from dragoman.store.transfer.exporter import conditions_of
from dragoman.store.transfer.format import Conditions

Asked = tuple[str, str, str]
"""How a system is run: the ids of its model, prompt and decoding."""


class SharedSystem(NamedTuple):
    """A model of a grid with one of its prompts."""

    file: str
    """Its name in names of files."""
    name: str
    """Its name in the grid: the model's, or ``MODEL:PROMPT`` where the model has several."""
    model: ModelRecord
    """The model, under its name in the grid."""
    prompt: str
    """Id of the prompt."""
    decoding: str
    """Id of the decoding."""

    @property
    def is_from_files(self) -> bool:
        """Whether its translations were read from files."""
        return is_from_files(self.model.recipe)


class SharedGrid(NamedTuple):
    """A grid with what is shared of it."""

    record: GridRecord
    """The grid."""
    conditions: Conditions
    """Its test sets, prompts and decodings."""
    test_sets: Mapping[str, TestSetRecord]
    """Its test sets by the name of their folder."""
    systems: Sequence[SharedSystem]
    """Its systems in the order of its models."""
    cells: Mapping[tuple[str, str], Mapping[Pair, CellRecord]]
    """Cells of each pair, sorted, by the folder of the test set and the file name of the system."""

    @classmethod
    def of(cls, store: Store, grid: str) -> Self:
        """Read a grid.

        Raises:
            StoreError: there is no such grid, it has nothing translated, or a pair has two texts of one test set.
        """
        record = store.grids.get(grid)
        by_set: defaultdict[str, defaultdict[Asked, dict[Pair, CellRecord]]] = defaultdict(lambda: defaultdict(dict))
        is_translated = False
        for each in store.cells.iterate(grid):
            cell = each.cell
            found = by_set[cell.test_set][cell.model, cell.prompt, cell.decoding]
            if cell.pair in found:
                raise StoreError(
                    f"Grid '{grid}' has {cell.pair} with two texts of one test set: the corpus changed without a new "
                    "revision. Run the grid again under a new name, and share that one."
                )
            found[cell.pair] = each
            is_translated = is_translated or each.state.is_translated
        if not is_translated:
            raise StoreError(f"Grid '{grid}' has no translations yet: run it first.")
        with store.database.reading() as connection:
            conditions = conditions_of(connection, grid)
        test_sets = _test_sets(conditions.test_sets, record.test_sets)
        systems = _systems(store, record, {asked for its in by_set.values() for asked in its})
        cells = {
            (folder, system.file): dict(sorted(its.items()))
            for folder, test_set in test_sets.items()
            for system in systems
            if (its := by_set[test_set.id].get((system.model.id, system.prompt, system.decoding)))
        }
        return cls(record, conditions, test_sets, systems, cells)

    def without_quoted(self) -> Self:
        """The same without the systems whose scores are quoted: nothing of theirs can be computed."""
        systems = [each for each in self.systems if not is_quoted(each.model.recipe)]
        files = {each.file for each in systems}
        cells = {place: its for place, its in self.cells.items() if place[1] in files}
        return self._replace(systems=systems, cells=cells)

    def system(self, name: str) -> SharedSystem:
        """The system of a name, or of a file's name; of a model's, the one with its first prompt.

        Raises:
            StoreError: there is none.
        """
        found = [each for each in self.systems if name in (each.name, each.file, each.model.name)]
        if not found:
            known = [each.name for each in self.systems]
            raise StoreError(f"Grid '{self.record.name}' has no system '{name}': {nearest(name, known)}")
        return found[0]

    def require_texts(self) -> Self:
        """Refuse a grid that translations are shared of, and the store lacks the test sentences of.

        Raises:
            StoreError: it is one.
        """
        for cells in self.cells.values():
            for pair, cell in cells.items():
                if cell.state.is_translated and cell.test is None:
                    raise StoreError(
                        f"The store has no test sentences of {pair}: run the grid '{self.record.name}' again, which "
                        "adds them and translates nothing anew."
                    )
        return self

    def pairs(self, folder: str) -> list[Pair]:
        """The pairs that are planned on a test set, sorted."""
        return sorted({pair for (test_set, _), its in self.cells.items() if test_set == folder for pair in its})

    def translated(self, folder: str, pair: Pair) -> Iterator[tuple[SharedSystem, CellRecord]]:
        """The systems that have translations of a pair, with their cells."""
        for system in self.systems:
            cell = self.cells.get((folder, system.file), {}).get(pair)
            if cell is not None and cell.state.is_translated and cell.hypotheses:
                yield system, cell


def test_lines(store: Store, cell: CellRecord) -> tuple[list[str], list[str]]:
    """The source and the reference lines of a cell that `SharedGrid.require_texts` has looked at.

    Raises:
        StoreError: they are gone, or a line can't stand in a file of one sentence a line.
    """
    sources, references = store.blobs.test(str(cell.test))
    return in_lines(sources, f"{cell.cell.pair}, sources"), in_lines(references, f"{cell.cell.pair}, references")


def further_references(store: Store, cell: CellRecord) -> list[list[str]]:
    """The further references of a cell's lines, the second ones first; a line that has fewer is blank.

    Errors as for `test_lines`.
    """
    further = store.blobs.test_text(str(cell.test)).further
    return [in_lines(lines, f"{cell.cell.pair}, references") for lines in zip_longest(*further, fillvalue="")]


def hypotheses(store: Store, cell: CellRecord) -> list[str]:
    """The translations of a cell; errors as for `test_lines`."""
    texts = [line.text for line in store.blobs.translation(str(cell.hypotheses))]
    return in_lines(texts, f"{cell.cell.pair}, translations")


def in_lines(texts: Iterable[str], place: str) -> list[str]:
    """Texts that can be written one a line.

    Raises:
        StoreError: one holds a line break.
    """
    lines = list(texts)
    for number, text in enumerate(lines, 1):
        if "\n" in text:
            raise StoreError(f"{place}: sentence {number} holds a line break, and can't be written as one line.")
    return lines


def _test_sets(used: Iterable[TestSetRecord], names: Mapping[str, str]) -> dict[str, TestSetRecord]:
    """Test sets by the name of their folder: their own, else the corpus's, with the split where several are of one."""
    records = sorted(used, key=lambda each: (each.corpus, each.split, each.id))
    corpora = [each.corpus for each in records]
    by_corpus = [each.corpus if corpora.count(each.corpus) == 1 else f"{each.corpus}-{each.split}" for each in records]
    folders = file_names(
        (place, names.get(each.id, other)) for place, (each, other) in enumerate(zip(records, by_corpus, strict=True))
    )
    return {folders[place]: each for place, each in enumerate(records)}


def _systems(store: Store, record: GridRecord, used: set[Asked]) -> list[SharedSystem]:
    models = {model.id: model for model in store.models.of_grid(record.name)}
    with store.database.reading() as connection:
        prompts = prompt_names(connection, grid_number(connection, record.name))
    order = {identity: place for place, identity in enumerate(prompts)}
    asked = sorted(used, key=lambda each: (record.models.index(each[0]), order.get(each[1], len(order)), each[2]))
    names = []
    for model, prompt, decoding in asked:
        own = [each for each in asked if each[0] == model]
        name = models[model].name
        if len({each[1] for each in own}) > 1:
            name += f":{prompts.get(prompt, prompt)}"
        if len([each for each in own if each[1] == prompt]) > 1:
            name += f":{decoding}"
        names.append(((model, prompt, decoding), name))
    files = file_names(names)
    return [SharedSystem(files[key], name, models[key[0]], key[1], key[2]) for key, name in names]
