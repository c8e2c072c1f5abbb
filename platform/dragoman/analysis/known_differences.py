"""How closely a test set tells two models apart, learnt from models that are scored on it already."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from dragoman.analysis.joint_tests import Contrast, joint_tests
from dragoman.analysis.scores_by_text import LinesScore, scores_by_lines
from dragoman.analysis.segment_statistics import Stored
from dragoman.analysis.significance_plan import Plan
from dragoman.analysis.units import Units
from dragoman.metrics.lookup import metric_class
from dragoman.pair import Pair
from dragoman.store.store import Store

LOOKED_AT = 40
"""Models that are asked for scores on the lines."""

_SAMPLES = 100
"""Trials: only the standard error is read, which the statistics give without them."""


class KnownErrors(NamedTuple):
    """Standard errors of the difference of two models on a test set."""

    models: tuple[str, str]
    """Identities of the two."""
    errors: Mapping[str, float]
    """Of the mean over each group of pairs, in points of the metric."""


def known_errors(
    store: Store,
    metric: str,
    contents: Mapping[Pair, str],
    models: Sequence[str],
    units: Units,
    groups: Mapping[str, Sequence[Pair]],
) -> KnownErrors | None:
    """The standard errors of the difference of the first two models that have statistics on all of these lines.

    Args:
        store: the results store.
        metric: name of the metric.
        contents: hash of the test lines of each pair.
        models: identities of models, those first that are likest to what will be compared.
        units: the sentences of the lines.
        groups: pairs of each mean, by any name.
    """
    kind = metric_class(metric)
    if kind is None or not contents:
        return None
    found: list[tuple[str, dict[Pair, Stored]]] = []
    signatures: list[frozenset[tuple[Pair, str]]] = []
    for model in models[:LOOKED_AT]:
        for scored, signed in _complete(scores_by_lines(store, model, metric, with_statistics=True), contents):
            if not signatures or signed == signatures[0]:
                found.append((model, scored))
                signatures.append(signed)
                break
        if len(found) == 2:
            break
    if len(found) < 2:
        return None
    (one, baseline), (other, system) = found
    contrasts = {pair: Contrast(baseline[pair], system[pair]) for pair in contents}
    means = {name: dict.fromkeys(pairs, 1.0) for name, pairs in groups.items() if pairs}
    tests = joint_tests(kind, contrasts, units, Plan(samples=_SAMPLES), means)
    return KnownErrors((one, other), {name: mean.se for name, mean in tests.means.items()})


def _complete(
    scores: Mapping[tuple[Pair, str], LinesScore], contents: Mapping[Pair, str]
) -> Iterator[tuple[dict[Pair, Stored], frozenset[tuple[Pair, str]]]]:
    """A model's scores with statistics on all lines, and their signatures; none where one lacks them."""
    found, signed = {}, set()
    for pair, content in contents.items():
        score = scores.get((pair, content))
        signature = next(iter(score.statistics), None) if score else None
        if score is None or signature is None:
            return
        found[pair] = Stored(score.values[signature], score.statistics[signature])
        signed.add((pair, signature))
    yield found, frozenset(signed)
