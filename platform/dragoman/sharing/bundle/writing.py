"""Bundles written from a store."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from dragoman.cell import CellState
from dragoman.errors import StoreError
from dragoman.model import is_quoted
from dragoman.pair import Pair
from dragoman.sharing import shared_grid, stored_scores
from dragoman.sharing.bundle import layout, line_keys, measures
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
    ScoreClaim,
)
from dragoman.sharing.bundle.container import BundleWriter
from dragoman.sharing.shared_grid import SharedGrid
from dragoman.store.line_keys import LineKeys
from dragoman.store.maintenance.rescoring import unscored_metrics
from dragoman.store.records import CellRecord
from dragoman.store.store import Store

Keys = Mapping[tuple[str, Pair, str], LineKeys]
"""Keys of test lines by test set, pair and content hash."""


def write_bundle(store: Store, grid: str, path: Path, *, advance: Callable[[int, int], None] | None = None) -> str:
    """Write a grid as a bundle, and return its root: the hash of the hashes of all its members.

    The same grid gives the same bytes. Systems whose scores are quoted are left out, as nothing of them can be computed
    again. Nothing of the machine, of times and of reasons of failures is in them.

    Args:
        store: the store.
        grid: name of the grid.
        path: the file, which is replaced if it is there; it appears once it is whole.
        advance: is told how many pairs are written, and of how many.

    Raises:
        StoreError: there is no such grid, it has no translations, a text is gone, or the file can't be written.
    """
    with store.snapshot() as snapshot:
        shared = SharedGrid.of(snapshot, grid).without_quoted().require_texts()
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
            bundle.add(MEANS, _written(measures.means(snapshot, contents)))
            bundle.add(DIFFERENCES, _written(measures.differences(snapshot, contents)))
            keys = snapshot.conditions.keys_of_grid(grid)
            every = [(folder, pair) for folder in shared.test_sets for pair in shared.pairs(folder)]
            for done, (folder, pair) in enumerate(every, 1):
                _add_texts(snapshot, bundle, shared, keys, folder, pair)
                if advance:
                    advance(done, len(every))
        return bundle.root


def _contents(store: Store, shared: SharedGrid) -> Contents:
    record = shared.record
    models = [model for model in store.models.lineage(record.name) if not is_quoted(model.recipe)]
    return Contents(
        format=FORMAT,
        grid=record.name,
        languages=record.languages,
        metrics=record.metrics,
        base=record.base,
        models=tuple(
            BundledModel.of(model, record.names.get(model.id, model.id), store.models.own_graph(model.id))
            for model in models
        ),
        prompts=tuple(sorted(shared.conditions.prompts, key=lambda each: each.id)),
        decodings=tuple(sorted(shared.conditions.decodings, key=lambda each: each.id)),
        systems=tuple(
            BundledSystem(
                file=each.file, name=each.name, model=each.model.id, prompt=each.prompt, decoding=each.decoding
            )
            for each in shared.systems
        ),
        test_sets=tuple(
            BundledTestSet(
                folder=folder,
                record=test_set,
                pairs=tuple(shared.pairs(folder)),
                systems=tuple(each.file for each in shared.systems if (folder, each.file) in shared.cells),
            )
            for folder, test_set in shared.test_sets.items()
        ),
    )


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


def _add_texts(store: Store, bundle: BundleWriter, shared: SharedGrid, keys: Keys, folder: str, pair: Pair) -> None:
    """Add the test sentences of a pair with their keys, and what each system made of them."""
    is_first = True
    for system, cell in shared.translated(folder, pair):
        if is_first:
            sources, references = shared_grid.test_lines(store, cell)
            bundle.add(layout.sources(folder, pair), sources)
            bundle.add(layout.references(folder, pair), references)
            for place, lines in enumerate(shared_grid.further_references(store, cell), 1):
                bundle.add(layout.references(folder, pair, place), lines)
            found = keys.get((cell.cell.test_set, pair, cell.cell.content))
            if found is not None and (lines := line_keys.written(found)):
                bundle.add(layout.line_keys(folder, pair), lines)
            is_first = False
        bundle.add(layout.hypotheses(folder, pair, system.file), shared_grid.hypotheses(store, cell))
