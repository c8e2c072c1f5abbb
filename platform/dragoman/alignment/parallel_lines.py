"""The multi-parallel lines of a grid's test set: the same sentences in each of its languages."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from dragoman.alignment.measures import FEWEST_LINES
from dragoman.analysis.test_sets import test_set_id
from dragoman.errors import StoreError, nearest
from dragoman.identity import hash_lines
from dragoman.language import canonical_tag
from dragoman.pair import all_pairs
from dragoman.store.alignment_records import Aligned, Pooling
from dragoman.store.line_keys import unpack
from dragoman.store.store import Store


@dataclass(frozen=True)
class ParallelLines:
    """The same sentences in several languages."""

    test_set: str
    """Id of the test set."""
    texts: Mapping[str, tuple[str, ...]]
    """The sentences in each language; equal places are the same sentence."""

    @property
    def count(self) -> int:
        """How many sentences there are."""
        return len(next(iter(self.texts.values())))

    def content(self, language: str) -> str:
        """The hash of the sentences in a language."""
        return hash_lines(self.texts[language])

    def aligned(self, model: str, layers: Iterable[int], pooling: Pooling) -> list[Aligned]:
        """All that is to be known of a model, by its id: each of some layers and each directed pair of languages."""
        contents, pairs = {tag: self.content(tag) for tag in self.texts}, all_pairs(self.texts)
        return [
            Aligned(
                model=model,
                pair=pair,
                content=(contents[pair.source], contents[pair.target]),
                layer=layer,
                pooling=pooling,
            )
            for layer in layers
            for pair in pairs
        ]


def parallel_lines(
    store: Store, grid: str, *, test_set: str | None = None, languages: Collection[str] = ()
) -> ParallelLines:
    """The test lines that all languages have.

    Args:
        store: the store.
        grid: name of the grid.
        test_set: name of its test set; the first by default.
        languages: only these; all that have test lines by default.

    Raises:
        StoreError: there is no such grid, test set or language, the test set is not multi-parallel, or too few lines
            are in all languages.
    """
    record = store.grids.get(grid)
    wanted = [canonical_tag(tag) for tag in languages]
    for tag in wanted:
        if tag not in record.languages:
            raise StoreError(f"The grid {grid} has no language '{tag}'; {nearest(tag, record.languages)}")
    test_id = test_set_id(store, grid, test_set)
    by_row: dict[str, dict[int, str]] = {}
    keys = store.conditions.keys_of_grid(grid)
    texts = {
        (cell.cell.pair, cell.cell.content): cell.test
        for cell in store.cells.of_grid(grid)
        if cell.test is not None and cell.cell.test_set == test_id
    }
    for (pair, content), address in texts.items():
        found = keys.get((test_id, pair, content))
        if found is None or found.corpus_rows is None:
            raise StoreError(
                f"The test set of the grid {grid} is not multi-parallel, so far as the store knows: its line numbers "
                f"are not the same sentence in every pair (such as {pair}). Alignment compares the same sentences: "
                "evaluate on FLORES, NTREX, CLDR or files of one sentence a line in every language."
            )
        rows, text = unpack(found.corpus_rows).tolist(), store.blobs.test_text(address)
        for tag, lines in zip(pair, (text.sources, text.references), strict=True):
            if not wanted or tag in wanted:
                by_row.setdefault(tag, {}).update(zip(rows, lines, strict=True))
    return ParallelLines(test_id, _common(grid, by_row, wanted))


def _common(grid: str, by_row: Mapping[str, Mapping[int, str]], wanted: Collection[str]) -> dict[str, tuple[str, ...]]:
    if lacking := [tag for tag in wanted if tag not in by_row]:
        raise StoreError(f"The grid {grid} has no test lines in {lacking[0]}: leave it out.")
    if len(by_row) < 2:
        raise StoreError(f"The grid {grid} has test lines in {len(by_row)} of the languages: alignment takes two.")
    rows = sorted(set.intersection(*(set(lines) for lines in by_row.values())))
    if len(rows) < FEWEST_LINES:
        fewest = min(by_row, key=lambda tag: len(by_row[tag]))
        raise StoreError(
            f"Only {len(rows)} test lines of the grid {grid} are in all of its {len(by_row)} languages, and "
            f"{FEWEST_LINES} are needed: leave out those with few (`--languages`), such as {fewest} with "
            f"{len(by_row[fewest])}."
        )
    return {tag: tuple(by_row[tag][row] for row in rows) for tag in sorted(by_row)}
