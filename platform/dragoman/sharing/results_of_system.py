"""The scores of one system of a grid by test set and metric, as results pages of other projects list them."""

from collections.abc import Iterator
from typing import NamedTuple

from dragoman.analysis.aggregation import means_by_scope
from dragoman.analysis.pair_scores import pair_columns, pair_scores
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.errors import StoreError
from dragoman.pair import Pair
from dragoman.sharing.shared_grid import SharedGrid, SharedSystem
from dragoman.store.records import TestSetRecord
from dragoman.store.store import Store


class Result(NamedTuple):
    """A score of a pair, or a mean over the pairs of a scope."""

    folder: str
    """Name of the test set: the grid's own, or a short one of its corpus."""
    test_set: TestSetRecord
    """The test set."""
    metric: str
    """The metric."""
    over: Pair | str
    """The pair, or the scope."""
    value: float
    """The score, or the mean."""
    done: int
    """Pairs that have a score: 1, or k ..."""
    pairs: int
    """... of n planned."""
    signatures: tuple[str, ...]
    """The signatures of the scores."""


def results_of(store: Store, shared: SharedGrid, system: SharedSystem) -> Iterator[Result]:
    """The means of a system over each scope that occurs, then its score of each pair, by test set and metric.

    Raises:
        StoreError: it has no scores, or scores of a metric under several signatures.
    """
    is_scored = False
    for folder, test_set in shared.test_sets.items():
        if (folder, system.file) not in shared.cells:
            continue
        for metric in shared.record.metrics:
            question = ScoreQuestion(
                shared.record.name, metric, test_set=test_set.id, prompt=system.prompt, decoding=system.decoding
            )
            columns = pair_columns(store, question, model=system.model.name)
            for scope, found in means_by_scope(columns).items():
                if found.mean is not None:
                    is_scored = True
                    yield Result(
                        folder, test_set, metric, str(scope), found.mean, found.done, found.pairs, columns.signatures
                    )
            for score in pair_scores(store, question, model=system.model.name):
                if score.value is not None:
                    signatures = (score.signature,) if score.signature else ()
                    yield Result(folder, test_set, metric, score.pair, score.value, 1, 1, signatures)
    if not is_scored:
        raise StoreError(f"Grid '{shared.record.name}' has no scores of {system.name} yet: run it first.")
