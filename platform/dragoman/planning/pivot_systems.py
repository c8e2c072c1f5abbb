"""Pivot systems of a plan: models of the grid that translate in two legs, through a third language."""

from collections.abc import Mapping, Sequence
from typing import Any

from dragoman.corpora.factory import open_corpus
from dragoman.errors import SpecError
from dragoman.model import PIVOT, ModelIdentity
from dragoman.pair import Pair
from dragoman.partition import TrainingGraph
from dragoman.planning.baselines import PlannedBaseline
from dragoman.planning.planned_test_set import PlannedTestSet
from dragoman.segment import Split
from dragoman.spec.baseline import Baseline
from dragoman.spec.grid import GridSpec
from dragoman.spec.pivot_translation import BEST, PivotTranslation


def legs(pair: Pair, pivot: str) -> tuple[Pair, Pair]:
    """The two pairs that are translated in place of one."""
    return Pair(pair.source, pivot), Pair(pivot, pair.target)


def candidates_of(pivot: PivotTranslation, pair: Pair, languages: Sequence[str]) -> list[str]:
    """The languages that a pair may be translated through, in the order in which the first of equals is taken."""
    named = (pivot.candidates or languages) if pivot.through == BEST else (pivot.through,)
    return [language for language in named if language not in pair]


def planned_pivots(
    spec: GridSpec, models: Mapping[str, ModelIdentity], test_sets: Sequence[PlannedTestSet]
) -> tuple[PlannedBaseline, ...]:
    """The pivot systems of a spec, whose models may still have to be trained.

    Args:
        spec: the spec.
        models: the models of the grid by name.
        test_sets: the test sets; dev sentences are those of the first one's corpus.

    Raises:
        SpecError: two are the same, or a pivot is left without pairs.
        CorpusError: there is no such corpus.
    """
    pairs = sorted({pair for test_set in test_sets for pair in test_set.pairs})
    planned: dict[str, PlannedBaseline] = {}
    for baseline in spec.baselines:
        if baseline.pivot is None:
            continue
        missing = _missing(spec, baseline, pairs)
        if len(missing) == len(pairs):
            pair, reason = next(iter(missing.items()))
            raise SpecError(
                f"baselines.{baseline.name}: no pair is left to translate through a pivot ({pair}: {reason}). Choose "
                "another pivot or other pairs."
            )
        identity = pivot_identity(spec, baseline, models[baseline.pivot.model])
        if identity.id in planned:
            other = planned[identity.id].identity.name
            raise SpecError(f"baselines.{baseline.name} is the same system as {other}: leave one of them out.")
        planned[identity.id] = PlannedBaseline(
            identity=identity, baseline=baseline, graph=TrainingGraph(), missing=missing
        )
    return tuple(planned.values())


def pivot_identity(spec: GridSpec, baseline: Baseline, model: ModelIdentity) -> ModelIdentity:
    """The identity of a pivot system: which model it asks, through which language, and what chooses that.

    Both legs have the model, the prompt and the decoding of its cells, which are part of their identities.
    """
    pivot = baseline.pivot
    if pivot is None:
        raise SpecError(f"baselines.{baseline.name} has no pivot.")
    meaning: dict[str, Any] = {"model": model.id, "through": pivot.through}
    if pivot.through == BEST:
        choice = spec.test_sets[0].corpus or spec.corpus
        corpus = open_corpus(choice.kind, choice.placed)
        meaning |= {
            "candidates": list(pivot.candidates or spec.languages), "sentences": pivot.sentences,
            "metric": pivot.metric,
            "dev": {"kind": choice.kind, "revision": corpus.revision, "options": choice.meant},
        }  # fmt: skip
    return ModelIdentity(name=baseline.name, parent=model.id, recipe={PIVOT: meaning})


def _missing(spec: GridSpec, baseline: Baseline, pairs: Sequence[Pair]) -> dict[Pair, str]:
    """The pairs that are not translated through a pivot, with the reason."""
    pivot = baseline.pivot
    if pivot is None:
        return {}
    missing = {
        pair: f"{pivot.through} is a side of it: the pair itself is the direct translation"
        if pivot.through != BEST
        else "no language is left to pivot through"
        for pair in pairs
        if not candidates_of(pivot, pair, spec.languages)
    }
    if pivot.through == BEST:
        choice = spec.test_sets[0].corpus or spec.corpus
        absent = open_corpus(choice.kind, choice.placed).missing(pairs, Split.DEV)
        missing |= {pair: f"there are no dev sentences to choose a pivot by: {why}" for pair, why in absent.items()}
    return missing


def every_leg(spec: GridSpec, pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs that some pivot system of a spec may translate in place of some pairs, sorted."""
    return sorted(
        {
            leg
            for baseline in spec.baselines
            if baseline.pivot is not None
            for pair in pairs
            for pivot in candidates_of(baseline.pivot, pair, spec.languages)
            for leg in legs(pair, pivot)
        }
    )
