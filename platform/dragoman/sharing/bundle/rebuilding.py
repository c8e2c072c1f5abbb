"""A store made anew of a bundle: its plan, training pairs and texts, so that all numbers can be computed again."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from dragoman.cell import Cell, CellState
from dragoman.corpora.base import content_hash
from dragoman.errors import StoreError
from dragoman.pair import Pair
from dragoman.partition import Evidence
from dragoman.segment import Located, Segment
from dragoman.settings import sqlite_url
from dragoman.sharing.bundle import layout, line_keys
from dragoman.sharing.bundle.claims import BundledTestSet, CellClaim, Contents
from dragoman.sharing.bundle.container import BundleReader
from dragoman.sharing.bundle.findings import Finding
from dragoman.store.line_keys import LineKeys
from dragoman.store.records import CellRecord, GridRecord
from dragoman.store.store import Store

Place = tuple[str, str, Pair]
"""A cell by the folder of its test set, the file name of its system, and its pair."""


class RebuiltCell(NamedTuple):
    """A cell of a rebuilt grid that has translations."""

    id: str
    """Its identity here."""
    pair: Pair
    """The direction."""
    test: str
    """Blob of the test lines."""
    hypotheses: str
    """Blob of the translations."""
    segments: int
    """Sentences."""


class Rebuilt(NamedTuple):
    """A grid made anew, without scores."""

    store: Store
    """The store that it is in."""
    cells: Mapping[Place, RebuiltCell]
    """The cells that have translations."""
    findings: list[Finding]
    """What does not fit together."""
    several: Mapping[tuple[str, Pair], Sequence[Sequence[str]]]
    """All references of each line, by test set and pair, where some line has more than one."""


class _Text(NamedTuple):
    """The test text of a pair."""

    content: str
    """Hash of its lines."""
    address: str
    """Their blob."""
    keys: LineKeys
    """Their keys."""
    segments: int
    """How many they are."""


def rebuild(bundle: BundleReader, contents: Contents, cells: Mapping[Place, CellClaim], folder: Path) -> Rebuilt:
    """Make a store of what a bundle holds, but for its numbers.

    Args:
        bundle: the bundle.
        contents: its grid and plan.
        cells: its cells; those of the plan that are lacking are taken as not translated.
        folder: where the store is made.

    Raises:
        StoreError: what the bundle says can't be put into a store.
        ReadingError: a text has more in it than is read.
    """
    store = Store.open(sqlite_url(folder / "store.db"), f"file://{folder}/blobs")
    try:
        return _Rebuilding(bundle, contents, cells, store).done()
    except BaseException:
        store.close()
        raise


class _Rebuilding:
    """What is known while a store is made."""

    def __init__(
        self, bundle: BundleReader, contents: Contents, cells: Mapping[Place, CellClaim], store: Store
    ) -> None:
        self._bundle, self._contents, self._claims, self._store = bundle, contents, cells, store
        self._findings: list[Finding] = []
        self._cells: dict[Place, RebuiltCell] = {}
        self._several: dict[tuple[str, Pair], list[tuple[str, ...]]] = {}

    def done(self) -> Rebuilt:
        """The store, once everything is in it."""
        store, contents = self._store, self._contents
        for model in contents.models:
            store.models.add(model.record)
        for test_set in contents.test_sets:
            store.conditions.add_test_set(test_set.record)
        for prompt in contents.prompts:
            store.conditions.add_prompt(prompt)
        for decoding in contents.decodings:
            store.conditions.add_decoding(decoding)
        texts = {each.folder: dict(self._texts(each)) for each in contents.test_sets}
        models = dict.fromkeys(each.model for each in contents.systems)
        grid = GridRecord(
            name=contents.grid, spec={"name": contents.grid}, spec_hash="", models=tuple(models), base=contents.base,
            metrics=contents.metrics, languages=contents.languages,
            names={identity: name for identity, name in contents.names.items() if identity in models},
        )  # fmt: skip
        store.grids.add(grid, list(self._records(texts)))
        for model in contents.models:
            if model.evidence is not Evidence.UNKNOWN:
                store.models.record_graph(model.id, model.own_graph)
        for test_set in contents.test_sets:
            keys = {(pair, text.content): text.keys for pair, text in texts[test_set.folder].items()}
            store.conditions.add_keys(test_set.record.id, keys)
        return Rebuilt(store, self._cells, self._findings, self._several)

    def _texts(self, test_set: BundledTestSet) -> Iterator[tuple[Pair, _Text]]:
        for pair in test_set.pairs:
            names = layout.sources(test_set.folder, pair), layout.references(test_set.folder, pair)
            if not all(name in self._bundle.members for name in names):
                continue
            sources, references = (self._lines(name) for name in names)
            if len(sources) != len(references):
                told = f"it has {len(references)} lines, and {names[0]} has {len(sources)}"
                self._findings.append(Finding(names[1], told))
                continue
            further = self._further(test_set.folder, pair, len(sources))
            if any(further):
                both = zip(references, further, strict=True)
                self._several[test_set.folder, pair] = [(first, *others) for first, others in both]
            rows = zip(sources, references, further, strict=True)
            content = content_hash([Located(Segment(one, other), references=more) for one, other, more in rows])
            address = self._store.blobs.put_test(sources, references, further)
            keys = self._keys(test_set.folder, pair, sources, references)
            yield pair, _Text(content, address, keys, len(sources))

    def _further(self, folder: str, pair: Pair, count: int) -> list[tuple[str, ...]]:
        """The further references of each line."""
        found: list[list[str]] = [[] for _ in range(count)]
        for place in range(1, len(layout.REFERENCES)):
            name = layout.references(folder, pair, place)
            if name not in self._bundle.members:
                continue
            lines = self._lines(name)
            if len(lines) != count:
                told = f"it has {len(lines)} lines, and there are {count} test sentences"
                self._findings.append(Finding(name, told))
                continue
            for own, line in zip(found, lines, strict=True):
                own += [line] if line else []
        return list(map(tuple, found))

    def _keys(self, folder: str, pair: Pair, sources: list[str], references: list[str]) -> LineKeys:
        name = layout.line_keys(folder, pair)
        lines = self._lines(name) if name in self._bundle.members else []
        try:
            return line_keys.read_back(lines, pair, sources, references)
        except StoreError as error:
            self._findings.append(Finding(name, str(error)))
            return line_keys.read_back([], pair, sources, references)

    def _records(self, texts: Mapping[str, Mapping[Pair, _Text]]) -> Iterator[CellRecord]:
        for test_set in self._contents.test_sets:
            for system in self._contents.systems:
                if system.file not in test_set.systems:
                    continue
                for pair in test_set.pairs:
                    text = texts[test_set.folder].get(pair)
                    cell = Cell(
                        model=system.model, test_set=test_set.record.id, content=text.content if text else "",
                        pair=pair, prompt=system.prompt, decoding=system.decoding,
                    )  # fmt: skip
                    yield self._record((test_set.folder, system.file, pair), cell, text)

    def _record(self, place: Place, cell: Cell, text: _Text | None) -> CellRecord:
        claim, name = self._claims.get(place), layout.hypotheses(place[0], place[2], place[1])
        if text is None:
            if claim is not None and claim.state.is_translated:
                self._findings.append(Finding(name, "its test sentences are not there"))
            return CellRecord(cell=cell, state=CellState.MISSING, reason="no test sentences")
        if name in self._bundle.members:
            hypotheses = self._lines(name)
            if len(hypotheses) == text.segments:
                address = self._store.blobs.put_translation([(each, "file", 0) for each in hypotheses])
                self._cells[place] = RebuiltCell(cell.id, place[2], text.address, address, text.segments)
            else:
                told = f"it has {len(hypotheses)} lines, and there are {text.segments} test sentences"
                self._findings.append(Finding(name, told))
        if claim is not None and claim.state.is_translated and claim.id != cell.id:
            told = f"the identity of {place[1]} on {place[2]} is not that of its model, prompt and test sentences"
            self._findings.append(Finding(name, told, claim.id, cell.id))
        return CellRecord(cell=cell, test=text.address, segments=text.segments)

    def _lines(self, name: str) -> list[str]:
        data = self._bundle.read(name)
        try:
            return data.decode().removesuffix("\n").split("\n") if data else []
        except UnicodeDecodeError as error:
            line = data[: error.start].count(b"\n") + 1
            self._findings.append(Finding(f"{name}, line {line:,}", "it is no UTF-8"))
            return data.decode("utf-8", "replace").removesuffix("\n").split("\n")
