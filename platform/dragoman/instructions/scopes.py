"""The pairs of some languages by the scopes of a model: partitions of its training graph, unseen, unknown and all."""

from collections.abc import Iterable

from dragoman.analysis.aggregation import SCOPES, scopes_of
from dragoman.pair import Pair, all_pairs
from dragoman.store.store import Store


def pairs_by_scope(store: Store, model: str, languages: Iterable[str]) -> dict[str, list[Pair]]:
    """Every pair of some languages in each of its scopes, in the order of tables; scopes without pairs are left out.

    Args:
        store: the store.
        model: id of the model.
        languages: the languages.

    Raises:
        StoreError: there is no such model.
    """
    graph = store.models.get(model).graph
    found: dict[str, list[Pair]] = {scope: [] for scope in SCOPES}
    for pair in all_pairs(languages):
        for scope in scopes_of(graph.partition(pair)):
            found[scope].append(pair)
    return {scope: pairs for scope, pairs in found.items() if pairs}
