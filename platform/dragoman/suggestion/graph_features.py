"""Features of pairs that were not trained themselves, by the training graph: what of it is near them.

For a pair s → t: how many other pairs there are from s and into t, with how many examples, how many languages p it
could be reached by (s → p and p → t), whether t → s was trained, and whether the languages occur at all.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from dragoman.analysis.pair_scores import Numbers
from dragoman.pair import Pair

FEATURES: Mapping[str, str] = {
    "pairs_from_source": "pairs from the source",
    "pairs_into_target": "pairs into the target",
    "examples_from_source": "examples from the source",
    "examples_into_target": "examples into the target",
    "pivots": "languages to reach it by",
    "is_reached": "a language to reach it by at all",
    "reversed": "its reverse",
    "source_occurs": "the source on some side",
    "target_occurs": "the target on some side",
    "pairs": "pairs in all",
}
"""The features, and the words for what a training pair adds; counts are taken as log2(1 + n)."""


def graph_of(examples: Mapping[Pair, int], languages: Sequence[str]) -> NDArray[np.float64]:
    """The examples of each pair as a matrix, sources × targets; pairs of other languages are left out."""
    place = {tag: number for number, tag in enumerate(languages)}
    found = np.zeros((len(languages), len(languages)))
    for pair, count in examples.items():
        if pair.source in place and pair.target in place:
            found[place[pair.source], place[pair.target]] = count
    return found


def graph_features(examples: NDArray[np.float64]) -> Numbers:
    """The features of every pair, sources × targets × features; its own examples are never counted.

    Args:
        examples: of each pair, sources × targets.
    """
    trained = (examples > 0).astype(np.float64)
    from_source, into_target = trained.sum(axis=1)[:, None] - trained, trained.sum(axis=0)[None, :] - trained
    pivots = trained @ trained
    # a language occurs by other pairs than this one, on either side
    occurs = (trained + trained.T).sum(axis=1)
    others = trained + trained.T
    features = {
        "pairs_from_source": np.log2(1 + from_source),
        "pairs_into_target": np.log2(1 + into_target),
        "examples_from_source": np.log2(1 + examples.sum(axis=1)[:, None] - examples),
        "examples_into_target": np.log2(1 + examples.sum(axis=0)[None, :] - examples),
        "pivots": np.log2(1 + pivots),
        "is_reached": (pivots > 0).astype(np.float64),
        "reversed": trained.T,
        "source_occurs": (occurs[:, None] - others + trained.T > 0).astype(np.float64),
        "target_occurs": (occurs[None, :] - others + trained.T > 0).astype(np.float64),
        "pairs": np.log2(1 + trained.sum() - trained),
    }
    return np.stack([np.broadcast_to(features[name], trained.shape) for name in FEATURES], axis=-1)
