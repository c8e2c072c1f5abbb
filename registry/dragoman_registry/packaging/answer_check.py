"""Holding a packaged model to what was scored: a sample of stored sentences, translated by it as it will be served."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from dragoman.errors import ModelError
from dragoman.pair import Pair
from dragoman.store.records import CellRecord, GridRecord
from dragoman.store.repositories.cells import TRANSLATED
from dragoman.store.store import Store

PAIRS = 4
"""Pairs that sentences are taken from, spread over those that were translated."""

SENTENCES = 3
"""Sentences of each pair, spread over its test lines."""

Item = TypeVar("Item")


class Answer(NamedTuple):
    """One stored translation."""

    pair: Pair
    """The direction."""
    source: str
    """The sentence."""
    hypothesis: str
    """What was scored."""


def sample(store: Store, grid: GridRecord, model_id: str, prompt: str, decoding: str) -> list[Answer]:
    """Some of what a model answered in a grid, the same ones each time.

    Args:
        store: the results store.
        grid: the grid.
        model_id: identity of the model.
        prompt: identity of the prompt it was asked with.
        decoding: identity of the decoding.
    """
    cells = [
        record
        for record in store.cells.of_grid(grid.name, model=model_id)
        if record.state in TRANSLATED and (record.cell.prompt, record.cell.decoding) == (prompt, decoding)
    ]
    return [answer for record in _spread(cells, PAIRS) for answer in _spread(_answers(store, record), SENTENCES)]


def check_answers(model: str, folder: Path, answers: Sequence[Answer]) -> None:
    """Have a packaged model translate sentences whose translations were scored, and see that it gives those.

    Args:
        model: the model's name.
        folder: MLflow's folder of it.
        answers: what it has to answer.

    Raises:
        ModelError: there is nothing to hold it to, it can't be loaded, or it answers otherwise.
    """
    if not answers:
        raise ModelError(
            f"No translation of '{model}' is in the store that it could be held to, so it is not registered: run its "
            "grid to the end, then register it."
        )
    import mlflow.pyfunc
    import pandas as pd
    from mlflow.exceptions import MlflowException

    rows = [{"text": each.source, "source": each.pair.source, "target": each.pair.target} for each in answers]
    try:
        served = mlflow.pyfunc.load_model(str(folder)).predict(pd.DataFrame(rows))["translation"].tolist()
    except (ValueError, OSError, RuntimeError, MlflowException) as error:
        raise ModelError(f"'{model}' can't be served as it was scored, so it is not registered: {error}") from error
    differing = [pair for pair, text in zip(answers, served, strict=True) if pair.hypothesis != text]
    if differing:
        first = differing[0]
        raise ModelError(
            f"'{model}' is not registered: of {len(answers)} sentences whose translations were scored, the packaged "
            f"model translates {len(differing)} otherwise (the first: {first.pair}, {first.source[:60]!r}), and would "
            "not be the model that the scores are about. Evaluate it in full precision, without sampling, on hardware "
            "like this machine's, and register it again."
        )


def _answers(store: Store, record: CellRecord) -> list[Answer]:
    sources, _ = store.blobs.test(str(record.test))
    hypotheses = store.blobs.translation(str(record.hypotheses))
    if len(sources) != len(hypotheses):
        raise ModelError(
            f"The store has {len(hypotheses)} translations of the {len(sources)} sentences of {record.cell.pair}: "
            "restore a backup, or run the grid in a home of its own."
        )
    return [
        Answer(record.cell.pair, source, line.text)
        for source, line in zip(sources, hypotheses, strict=True)
        if line.finish_reason != "no_room"  # the packaged model refuses such a sentence
    ]


def _spread(items: Sequence[Item], most: int) -> list[Item]:
    """So many of some items, from the first to the last at equal distances."""
    count = min(most, len(items))
    return [items[place * (len(items) - 1) // max(1, count - 1)] for place in range(count)]
