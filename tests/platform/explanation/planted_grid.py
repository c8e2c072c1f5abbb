"""A grid in a store whose scores follow from facts about languages that a test plants."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dragoman.explanation.pretraining import xglm
from dragoman.explanation.similarity import measure
from dragoman.pair import Pair, all_pairs
from dragoman.partition import TrainingGraph
from dragoman.segment import Segment
from dragoman.store.records import ModelRecord, StoredScore
from dragoman.store.store import Store
from dragoman.testing import GridBuilder

LANGUAGES = ("ar", "bg", "de", "en", "fi", "fr", "hi", "ru", "sw", "zh-Hans")
TRAINED = (Pair("en", "de"), Pair("de", "en"), Pair("fr", "en"), Pair("en", "fi"))

Score = Callable[[str, Pair], float | None]


def planted(model: str, pair: Pair, noise: np.random.Generator) -> float:
    """A score that rises with the source's pretraining text, with similarity to English, and by what was trained."""
    tokens = np.log10(xglm().tokens[pair.source])
    similar = measure("cldr").matrix([pair.target, "en"], {})[0, 1]
    seen = 5.0 * (model == "tuned" and pair in TRAINED)
    gain = 4 * similar if model == "tuned" else 0
    return float(4 * tokens + gain + seen + noise.normal(scale=0.5))


def store_with(
    folder: Path,
    score: Score | None = None,
    *,
    languages: Sequence[str] = LANGUAGES,
    base: Mapping[str, Any] | None = None,
    graph: TrainingGraph | None = None,
    lines: Mapping[Pair, Sequence[Segment]] | None = None,
) -> Store:
    """A store in a folder with the grid `planted` of the models `base` and `tuned`.

    Args:
        folder: where it is.
        score: the score of a model on a pair; none where it has none. By default the planted ones.
        languages: the languages.
        base: the spec's part about the base; XGLM-564M by default.
        graph: what `tuned` was trained on.
        lines: test lines.
    """
    rng = np.random.default_rng(4)
    made = score or (lambda model, pair: planted(model, pair, rng))
    store = Store.open(f"sqlite:///{folder}/store.db", f"file://{folder}/blobs")
    named = {"model": "facebook/xglm-564M"} if base is None else dict(base)
    models = [
        ModelRecord(id="model1-base", name="base", recipe=named, graph=TrainingGraph()),
        ModelRecord(
            id="model1-tuned", name="tuned", parent="model1-base", base="model1-base", recipe={"tuned": 1},
            graph=graph or TrainingGraph.of(TRAINED, 100),
        ),
    ]  # fmt: skip
    grid = GridBuilder(
        store, models, all_pairs(languages), name="planted", spec={"name": "planted", "base": named}, lines=lines,
        segments=None if lines else 3,
    ).add()  # fmt: skip
    for record in grid.cells:
        model = record.cell.model.removeprefix("model1-")
        value = made(model, record.cell.pair)
        if value is not None:
            grid.translate(record.cell, [StoredScore(metric="bleu", signature="BLEU|v1", value=value)], segments=3)
    return store
