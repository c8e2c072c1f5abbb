"""A grid as folders of mt-metrics-eval, one for each test set, as other tools for metrics and WMT read them.

The layout is that of google-research/mt-metrics-eval (README.md, "File organization and naming convention"; read by
`EvalSet` in mt_metrics_eval/data.py): `sources/LP.txt`, `references/LP.refA.txt`, `documents/LP.docs`,
`system-outputs/LP/SYSTEM.txt` and `metric-scores/LP/METRIC-refA.{seg,sys}.score`, where scores against several
references are `METRIC-refA.refB`.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dragoman.metrics.base import Metric
from dragoman.metrics.lookup import metric_class
from dragoman.metrics.serialization import unpack
from dragoman.pair import Pair
from dragoman.sharing.bundle import layout
from dragoman.sharing.file_names import language_pair
from dragoman.sharing.new_folder import new_folder
from dragoman.sharing.shared_grid import SharedGrid, hypotheses, test_lines
from dragoman.store.line_keys import LineKeys
from dragoman.store.line_keys import unpack as unpack_keys
from dragoman.store.line_labels import DOCUMENT, Labels
from dragoman.store.records import CellRecord, StoredScore
from dragoman.store.store import Store

ALL, DOMAIN = "all", "domain"
"""The domain, or the document, of lines that no other is known of; the label that has their domain."""


class _About(NamedTuple):
    """What is known of the lines of a text."""

    keys: LineKeys | None
    labels: Labels


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
        conditions = snapshot.conditions
        keys, labels = conditions.keys_of_grid(grid), conditions.labels_of_grid(grid)
        every = [(name, pair) for name in shared.test_sets for pair in shared.pairs(name)]
        for done, (name, pair) in enumerate(every, 1):
            systems = {system.file: cell for system, cell in shared.translated(name, pair)}
            if systems:
                first = next(iter(systems.values())).cell
                text = (first.test_set, pair, first.content)
                about = _About(keys.get(text), labels.get(text, {}))
                _write_pair(snapshot, partial, name, pair, systems, about)
            if advance:
                advance(done, len(every))


def _write_pair(
    store: Store, root: Path, folder: str, pair: Pair, systems: Mapping[str, CellRecord], about: _About
) -> None:
    sources, references = test_lines(store, next(iter(systems.values())))
    _write(root / layout.sources(folder, pair), sources)
    for number, column in enumerate(references):
        _write(root / layout.references(folder, pair, number), column)
    _write(root / folder / "documents" / f"{language_pair(pair)}.docs", _documents(about, len(sources)))
    for system, cell in systems.items():
        _write(root / layout.hypotheses(folder, pair, system), hypotheses(store, cell))
    scores = {system: store.cells.scores(cell.cell.id) for system, cell in systems.items()}
    for metric in dict.fromkeys(score.metric for its in scores.values() for score in its):
        _write_scores(
            root / folder / "metric-scores" / language_pair(pair), pair, metric, scores, references=len(references)
        )


def _write_scores(folder: Path, pair: Pair, metric: str, scores: Scored, *, references: int) -> None:
    """Write the scores of a metric, under the signature that all systems have one of; the layout takes no gaps."""
    by_signature = [{each.signature: each for each in its if each.metric == metric} for its in scores.values()]
    common = [signature for signature in by_signature[0] if all(signature in its for its in by_signature)]
    if not common:
        return
    signature = max(common)  # of several versions the latest
    found = {system: its[signature] for system, its in zip(scores, by_signature, strict=True)}
    kind = metric_class(metric)
    takes_several = kind is not None and kind.statistics_of_several is not Metric.statistics_of_several
    used = ".".join(layout.reference(number) for number in range(references if takes_several else 1))
    if kind is not None and not kind.needs_reference:
        used = "src"
    name = f"{metric.replace(':', '_')}-{used}"
    _write(folder / f"{name}.sys.score", (f"{system}\t{score.value!r}" for system, score in found.items()))
    if kind is None or any(score.statistics is None for score in found.values()):
        return
    lines = []
    for system, score in found.items():
        values = kind(pair).aggregate(unpack(score.statistics or b"")).tolist()
        lines += [f"{system}\t{value!r}" for value in values]
    if np.isfinite([float(line.partition("\t")[2]) for line in lines]).all():
        _write(folder / f"{name}.seg.score", lines)


def _documents(about: _About, lines: int) -> list[str]:
    """The domain and the document of each line, without blanks; a document that begins again is another one."""
    names, nothing = about.labels.get(DOCUMENT), [""] * lines
    hashes = about.keys and about.keys.documents
    numbers = [f"{number:016x}" for number in unpack_keys(hashes).tolist()] if hashes else nothing
    documents = [name or number for name, number in zip(names or nothing, numbers, strict=True)]
    both = zip(about.labels.get(DOMAIN, nothing), documents, strict=True)
    taken: set[str] = set()
    parts: Counter[str] = Counter()
    written = []
    for (domain, document), its in groupby(tuple("_".join(each.split()) or ALL for each in line) for line in both):
        name = document
        while name in taken:
            parts[document] += 1
            name = f"{document}-{parts[document] + 1}"
        taken.add(name)
        written += [f"{domain} {name}"] * len(list(its))
    return written


def _write(path: Path, lines: Iterable[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")
