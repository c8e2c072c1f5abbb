"""Grids in a store without a run: the records that a driver writes, with outcomes that a test chooses."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

from dragoman.cell import Cell, CellState, Unscorable
from dragoman.corpora.base import content_hash
from dragoman.identity import hash_lines
from dragoman.pair import Pair
from dragoman.segment import Located, Segment
from dragoman.store.records import (
    CellOutcome,
    CellRecord,
    DecodingRecord,
    GridRecord,
    ModelRecord,
    PromptRecord,
    StoredScore,
    TestSetRecord,
    Translation,
    Untranslated,
)
from dragoman.store.store import Store

TEST_SET = TestSetRecord(id="test1-a", corpus="cldr", revision="r1", split="test", sentences=3)
PROMPT = PromptRecord(id="prompt1-a", template="{source}")
DECODING = DecodingRecord(id="decoding1-a", settings={"beam": 1})


class GridBuilder:
    """Writes a grid and the outcomes of its cells into a store, by the calls that a driver makes."""

    def __init__(
        self,
        store: Store,
        models: Sequence[ModelRecord],
        pairs: Sequence[Pair],
        *,
        name: str = "small",
        metrics: Sequence[str] = ("bleu",),
        languages: Sequence[str] | None = None,
        names: Mapping[str, str] | None = None,
        spec: Mapping[str, Any] | None = None,
        lines: Mapping[Pair, Sequence[Segment]] | None = None,
        further: Mapping[Pair, Sequence[tuple[str, ...]]] | None = None,
        segments: int | None = None,
        test_set: TestSetRecord = TEST_SET,
        prompt: PromptRecord = PROMPT,
        decoding: DecodingRecord = DECODING,
    ) -> None:
        """Write nothing yet; `add` does.

        Args:
            store: where the grid is written.
            models: its models with their graphs, the base first.
            pairs: those that every model is evaluated on.
            name: the grid's name.
            metrics: the metrics asked for.
            languages: its languages; those of the pairs by default.
            names: the names of its models in the grid, by id.
            spec: the specification it was made from; only its name by default.
            lines: test lines of each pair; a pair without them is missing. None stores no test lines.
            further: further references of those lines.
            segments: lines of each pair, where none are stored.
            test_set: the test set.
            prompt: the prompt.
            decoding: the decoding.
        """
        self.store, self.models, self.lines, self.further = store, models, lines, further or {}
        self.test_set, self.prompt, self.decoding = test_set, prompt, decoding
        named = languages or sorted({tag for pair in pairs for tag in pair})
        self.grid = GridRecord(
            name=name,
            spec=dict(spec or {"name": name}),
            spec_hash=name,
            models=tuple(model.id for model in models),
            base=models[0].id,
            metrics=tuple(metrics),
            languages=tuple(named),
            names=names or {},
        )
        self.cells = [self._record(model.id, pair, segments) for model in models for pair in pairs]

    def cell(self, model_id: str, pair: Pair) -> Cell:
        """The cell of a model and a pair."""
        lines = () if self.lines is None else self.lines.get(pair, ())
        content = hash_lines(pair) if self.lines is None else content_hash(list(self._located(pair, lines)))
        return Cell(
            model=model_id,
            test_set=self.test_set.id,
            content=content,
            pair=pair,
            prompt=self.prompt.id,
            decoding=self.decoding.id,
        )

    def _located(self, pair: Pair, lines: Sequence[Segment]) -> Iterator[Located]:
        further = self.further.get(pair) or [()] * len(lines)
        return (Located(line, references=each) for line, each in zip(lines, further, strict=True))

    def _record(self, model_id: str, pair: Pair, segments: int | None) -> CellRecord:
        cell = self.cell(model_id, pair)
        if self.lines is None:
            return CellRecord(cell=cell, segments=segments)
        if not self.lines.get(pair):
            return CellRecord(cell=cell, state=CellState.MISSING, reason=f"no text for {pair}")
        sources, targets = zip(*self.lines[pair], strict=True)
        test = self.store.blobs.put_test(sources, targets, self.further.get(pair))
        return CellRecord(cell=cell, test=test, segments=len(sources))

    def add(self) -> Self:
        """Write the grid: its models, test set, prompt and decoding, its cells, and what each model was trained on."""
        store = self.store
        for model in self.models:
            store.models.add(model)
        store.conditions.add_test_set(self.test_set)
        store.conditions.add_prompt(self.prompt)
        store.conditions.add_decoding(self.decoding)
        store.grids.add(self.grid, self.cells)
        for model in self.models:
            store.models.record_graph(model.id, model.graph)
        return self

    def translate(
        self,
        cell: Cell,
        scores: Sequence[StoredScore],
        *,
        hypotheses: Sequence[tuple[str, str, int]] = (),
        segments: int | None = None,
        unscorable: Sequence[Unscorable] = (),
        engine: str = "test",
        seconds: float = 1.0,
        worker: str = "w",
    ) -> None:
        """Write a cell's translation and scores.

        Args:
            cell: the cell.
            scores: its scores.
            hypotheses: text, finish reason and tokens of each line; without any, none are stored.
            segments: lines translated, where no hypotheses are stored.
            unscorable: the metrics that can't score it, with the reason.
            engine: the engine that decoded.
            seconds: how long it took.
            worker: the worker that did it.
        """
        count = segments if segments is not None else len(hypotheses)
        translation = Translation(
            cell_id=cell.id,
            hypotheses=self.store.blobs.put_translation(hypotheses) if hypotheses else "none",
            segments=count,
            tokens=sum(tokens for _, _, tokens in hypotheses) if hypotheses else count,
            cut=0,
            engine=engine,
            seconds=seconds,
            worker=worker,
        )
        outcome = CellOutcome(translation=translation, scores=tuple(scores), unscorable=tuple(unscorable))
        self.store.cells.advance(translated=[outcome])

    def start(self, cell: Cell, worker: str = "w") -> None:
        """Mark a cell as begun by a worker."""
        self.store.cells.advance(started=[cell.id], worker=worker)

    def fail(self, cell: Cell, reason: str) -> None:
        """Mark a cell as failed."""
        self.store.cells.advance(failed=[Untranslated(cell.id, reason)])

    def state(self, cell: Cell) -> CellState:
        """The state of a cell in the store."""
        return {record.cell.id: record.state for record in self.store.cells.of_grid(self.grid.name)}[cell.id]
