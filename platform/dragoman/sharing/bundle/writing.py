"""Bundles written from a store."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from dragoman.cell import CellState
from dragoman.errors import StoreError
from dragoman.model import is_quoted
from dragoman.pair import Pair
from dragoman.sharing import shared_grid, stored_scores
from dragoman.sharing.bundle import layout, line_keys, line_labels, measures
from dragoman.sharing.bundle.claims import (
    CELLS,
    CONTENTS,
    DIFFERENCES,
    FORMAT,
    MEANS,
    SCORES,
    BundledModel,
    BundledSystem,
    BundledTestSet,
    CellClaim,
    Claim,
    Contents,
    LeftOut,
    ScoreClaim,
)
from dragoman.sharing.bundle.container import BundleWriter
from dragoman.sharing.bundle.line_contents import content_hashes
from dragoman.sharing.bundle.segment_scores import SEGMENTS, model_metrics, segments_of
from dragoman.sharing.shared_grid import SharedGrid
from dragoman.store.line_keys import LineKeys
from dragoman.store.line_labels import Labels
from dragoman.store.maintenance.rescoring import unscored_metrics
from dragoman.store.records import CellRecord
from dragoman.store.store import Store

Text = tuple[str, Pair, str]
"""A test text: its test set, pair and content hash."""


class _OfLines(NamedTuple):
    """What is known of test lines, by their texts."""

    keys: Mapping[Text, LineKeys]
    labels: Mapping[Text, Labels]


def write_bundle(store: Store, grid: str, path: Path, *, advance: Callable[[int, int], None] | None = None) -> str:
    """Write a grid as a bundle, and return its root: the hash of the hashes of all its members.

    The same grid gives the same bytes. Nothing of the machine, of times and of reasons of failures is in them.

    Args:
        store: the store.
        grid: name of the grid.
        path: the file, which is replaced if it is there; it appears once it is whole.
        advance: is told how many pairs are written, and of how many.

    Raises:
        StoreError: there is no such grid, it has no translations, a text is gone, or the file can't be written.
    """
    with store.snapshot() as snapshot:
        shared = SharedGrid.of(snapshot, grid).require_texts()
        if unscored := unscored_metrics(snapshot, grid):
            raise StoreError(
                f"Grid '{grid}' has translations that are not scored with {', '.join(unscored)}: run "
                f"`dragoman score {grid} --metric {unscored[0]}` first."
            )
        contents = _contents(snapshot, shared)
        with BundleWriter(path) as bundle:
            bundle.add(layout.README, layout.ABOUT.splitlines())
            bundle.add(CONTENTS, json.dumps(contents.model_dump(mode="json"), ensure_ascii=False, indent=1).split("\n"))
            bundle.add(CELLS, _written(_cells(snapshot, shared)))
            bundle.add(SCORES, _written(_scores(snapshot, shared)))
            if models := model_metrics(contents.metrics):
                bundle.add(SEGMENTS, _written(segments_of(snapshot, shared, models)))
            bundle.add(MEANS, _written(measures.means(snapshot, contents)))
            bundle.add(DIFFERENCES, _written(measures.differences(snapshot, contents)))
            conditions = snapshot.conditions
            of_lines = _OfLines(conditions.keys_of_grid(grid), conditions.labels_of_grid(grid))
            every = [(folder, pair) for folder in shared.test_sets for pair in shared.pairs(folder)]
            for done, (folder, pair) in enumerate(every, 1):
                _add_texts(snapshot, bundle, shared, of_lines, folder, pair)
                if advance:
                    advance(done, len(every))
        return bundle.root


def _contents(store: Store, shared: SharedGrid) -> Contents:
    record = shared.record
    models = store.models.lineage(record.name)
    return Contents(
        format=FORMAT,
        grid=record.name,
        languages=record.languages,
        metrics=record.metrics,
        base=record.base,
        models=tuple(
            BundledModel.of(model, record.names.get(model.id, model.id), store.models.own_graph(model.id))
            for model in models
            if not is_quoted(model.recipe)
        ),
        prompts=tuple(sorted(shared.conditions.prompts, key=lambda each: each.id)),
        decodings=tuple(sorted(shared.conditions.decodings, key=lambda each: each.id)),
        systems=tuple(
            BundledSystem(
                file=each.file, name=each.name, model=each.model.id, prompt=each.prompt, decoding=each.decoding
            )
            for each in shared.systems
        ),
        left_out=tuple(LeftOut(name=name, scores=phrase) for name, phrase in shared.left_out.items()),
        test_sets=tuple(
            BundledTestSet(
                folder=folder,
                record=test_set,
                pairs=tuple(shared.pairs(folder)),
                contents=dict(_contents_of_more(store, shared, folder)),
                systems=tuple(each.file for each in shared.systems if (folder, each.file) in shared.cells),
            )
            for folder, test_set in shared.test_sets.items()
        ),
    )


def _contents_of_more(store: Store, shared: SharedGrid, folder: str) -> Iterator[tuple[Pair, str]]:
    """The content hashes of the pairs of a test set that do not follow from the tested lines."""
    for pair in shared.pairs(folder):
        _, first = next(shared.translated(folder, pair), (None, None))
        if first is not None:
            content = first.cell.content
            if content not in content_hashes(store.blobs.test_text(str(first.test))):
                yield pair, content


def _written(claims: Iterable[Claim]) -> Iterator[str]:
    return (json.dumps(claim.model_dump(mode="json"), ensure_ascii=False) for claim in claims)


def _every_cell(shared: SharedGrid) -> Iterator[tuple[str, str, Pair, CellRecord]]:
    for (folder, system), cells in shared.cells.items():
        for pair, cell in cells.items():
            yield folder, system, pair, cell


def _cells(store: Store, shared: SharedGrid) -> Iterator[CellClaim]:
    graphs = {system.model.id: system.model.graph for system in shared.systems}
    refused = stored_scores.unscorable(store, shared.record.name)
    for folder, system, pair, cell in _every_cell(shared):
        yield CellClaim(
            test_set=folder, system=system, pair=pair, id=cell.cell.id,
            state=CellState.PLANNED if cell.state.is_open else cell.state,
            partition=graphs[cell.cell.model].partition(pair),
            segments=cell.segments if cell.state.is_translated else None,
            unscorable=tuple(each for each in refused.get(cell.cell.id, ()) if each in shared.record.metrics),
        )  # fmt: skip


def _scores(store: Store, shared: SharedGrid) -> Iterator[ScoreClaim]:
    found = stored_scores.scores(store, shared.record.name)
    for folder, system, pair, cell in _every_cell(shared):
        for score in found.get(cell.cell.id, ()) if cell.state.is_translated else ():
            if score.metric in shared.record.metrics:
                yield ScoreClaim(test_set=folder, system=system, pair=pair, **score._asdict())


def _add_texts(
    store: Store, bundle: BundleWriter, shared: SharedGrid, of_lines: _OfLines, folder: str, pair: Pair
) -> None:
    """Add the test sentences of a pair with what is known of them, and what each system made of them."""
    is_first = True
    for system, cell in shared.translated(folder, pair):
        if is_first:
            sources, references = shared_grid.test_lines(store, cell)
            bundle.add(layout.sources(folder, pair), sources)
            for number, column in enumerate(references):
                bundle.add(layout.references(folder, pair, number), column)
            text = (cell.cell.test_set, pair, cell.cell.content)
            if text in of_lines.keys and (lines := line_keys.written(of_lines.keys[text])):
                bundle.add(layout.line_keys(folder, pair), lines)
            if text in of_lines.labels:
                bundle.add(layout.labels(folder, pair), line_labels.written(of_lines.labels[text]))
            is_first = False
        bundle.add(layout.hypotheses(folder, pair, system.file), shared_grid.hypotheses(store, cell))
