"""A grid as folders of mt-metrics-eval, one for each test set, as other tools for metrics and WMT read them.

The layout is that of google-research/mt-metrics-eval (README.md, "File organization and naming convention"; read by
`EvalSet` in mt_metrics_eval/data.py): `sources/LP.txt`, `references/LP.refA.txt`, `documents/LP.docs`,
`system-outputs/LP/SYSTEM.txt` and `metric-scores/LP/METRIC-refA.{seg,sys}.score`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np

from dragoman.metrics.lookup import metric_class
from dragoman.metrics.serialization import unpack
from dragoman.pair import Pair
from dragoman.sharing.bundle import layout
from dragoman.sharing.file_names import language_pair
from dragoman.sharing.new_folder import new_folder
from dragoman.sharing.shared_grid import SharedGrid, further_references, hypotheses, test_lines
from dragoman.store.line_keys import LineKeys
from dragoman.store.line_keys import unpack as unpack_keys
from dragoman.store.records import CellRecord, StoredScore
from dragoman.store.store import Store

DOMAIN = "all"
"""The domain of documents, of which the store keeps none."""

Scored = Mapping[str, Sequence[StoredScore]]
"""The scores on a pair, by the file name of the system."""


def write_folders(store: Store, grid: str, folder: Path, *, advance: Callable[[int, int], None] | None = None) -> None:
    """Write a folder for each test set of a grid.

    Args:
        store: the store.
        grid: name of the grid.
        folder: a new folder, or an empty one.
        advance: is told how many pairs are written, and of how many.

    Raises:
        StoreError: there is no such grid, it has no translations, a text is gone, or the folder can't be written.
    """
    with store.snapshot() as snapshot, new_folder(folder) as partial:
        shared = SharedGrid.of(snapshot, grid).require_texts()
        keys = snapshot.conditions.keys_of_grid(grid)
        every = [(name, pair) for name in shared.test_sets for pair in shared.pairs(name)]
        for done, (name, pair) in enumerate(every, 1):
            systems = {system.file: cell for system, cell in shared.translated(name, pair)}
            if systems:
                _write_pair(snapshot, partial, name, pair, systems, keys)
            if advance:
                advance(done, len(every))


def _write_pair(
    store: Store,
    root: Path,
    folder: str,
    pair: Pair,
    systems: Mapping[str, CellRecord],
    keys: Mapping[tuple[str, Pair, str], LineKeys],
) -> None:
    first = next(iter(systems.values()))
    sources, references = test_lines(store, first)
    _write(root / layout.sources(folder, pair), sources)
    further = further_references(store, first)
    for place, its in enumerate((references, *further)):
        _write(root / layout.references(folder, pair, place), its)
    found = keys.get((first.cell.test_set, pair, first.cell.content))
    _write(root / folder / "documents" / f"{language_pair(pair)}.docs", _documents(found, len(sources)))
    for system, cell in systems.items():
        _write(root / layout.hypotheses(folder, pair, system), hypotheses(store, cell))
    scores = {system: store.cells.scores(cell.cell.id) for system, cell in systems.items()}
    for metric in dict.fromkeys(score.metric for its in scores.values() for score in its):
        _write_scores(root / folder / "metric-scores" / language_pair(pair), pair, metric, scores, len(further))


def _write_scores(folder: Path, pair: Pair, metric: str, scores: Scored, further: int) -> None:
    """Write the scores of a metric, under the signature that all systems have one of; the layout takes no gaps."""
    by_signature = [{each.signature: each for each in its if each.metric == metric} for its in scores.values()]
    common = [signature for signature in by_signature[0] if all(signature in its for its in by_signature)]
    if not common:
        return
    signature = max(common)  # of several versions the latest
    found = {system: its[signature] for system, its in zip(scores, by_signature, strict=True)}
    kind = metric_class(metric)
    takes_several = bool(further) and kind is not None and kind(pair).signature != signature
    used = layout.REFERENCES[: further + 1 if takes_several else 1]
    name = f"{metric}-{'.'.join(used)}"
    _write(folder / f"{name}.sys.score", (f"{system}\t{score.value!r}" for system, score in found.items()))
    if kind is None or any(score.statistics is None for score in found.values()):
        return
    lines = []
    for system, score in found.items():
        values = kind(pair).aggregate(unpack(score.statistics or b"")).tolist()
        lines += [f"{system}\t{value!r}" for value in values]
    if np.isfinite([float(line.partition("\t")[2]) for line in lines]).all():
        _write(folder / f"{name}.seg.score", lines)


def _documents(keys: LineKeys | None, lines: int) -> list[str]:
    """The domain and the document of each line; a document that begins again is another one."""
    if keys is None or keys.documents is None:
        return [f"{DOMAIN} {DOMAIN}"] * lines
    seen: dict[int, int] = {}
    written = []
    for document, its in groupby(unpack_keys(keys.documents).tolist()):
        seen[document] = seen.get(document, 0) + 1
        part = "" if seen[document] == 1 else f"-{seen[document]}"
        written += [f"{DOMAIN} {document:016x}{part}"] * len(list(its))
    return written


def _write(path: Path, lines: Iterable[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")
