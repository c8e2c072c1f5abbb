"""Suggested training pairs: chosen one after another, each the one that is expected to help unseen pairs the most.

The aim is the expected value of all evaluated pairs, each as though it was not trained itself, so that a hard pair is
not trained to be rid of it. Expectations are of a regression on the training graph (`gain_model`); their intervals are
the jackknife's over draws. The choice is greedy, which is flattering: `foresight` says how far it is to be believed.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from math import inf, isinf

import numpy as np
from numpy.typing import NDArray

from dragoman.analysis.estimate import Estimate
from dragoman.analysis.finding import Finding
from dragoman.analysis.pair_scores import Numbers
from dragoman.effects.campaign_scores import CampaignScores
from dragoman.effects.designs import is_total
from dragoman.effects.jackknife import DRAWS, jackknifed
from dragoman.errors import StoreError, nearest
from dragoman.pair import Pair
from dragoman.suggestion.foresight import FEWEST_DRAWS, Foresight, foresight
from dragoman.suggestion.graph_features import FEATURES
from dragoman.suggestion.observed_models import ObservedModels

RANDOM_SETS = 200
"""Random sets of as many pairs that the chosen ones are held against."""

MOST_PAIRS = 600
"""Candidates of one search: each step looks at all of them."""

_LEVEL = 0.05


@dataclass(frozen=True)
class SuggestedPair:
    """A pair to train, with what it is expected to bring."""

    pair: Pair
    """The pair."""
    finding: Finding
    """What it adds to the mean over unseen pairs, after those before it."""
    reason: str
    """What it adds by."""


@dataclass(frozen=True)
class Suggestion:
    """Training pairs to try next."""

    scores: CampaignScores
    """What it was learnt from."""
    penalty: float
    """The penalty of the training graph in the regression; infinite where pairs alone foretell as well."""
    start: str | None
    """The model whose pairs are trained too."""
    pairs: tuple[SuggestedPair, ...]
    """The pairs, the most helpful first; none where there is too little to tell."""
    against_random: Finding
    """The expected mean with these pairs less that with as many random ones."""
    foresight: Foresight
    """How well the regression foretells finished models."""
    verdict: str
    """How far it is to be believed, as a sentence."""
    notes: tuple[str, ...]
    """What else is to be known, as sentences."""


def suggested_pairs(
    scores: CampaignScores, designs: Collection[str], *, budget: int, start: str | None = None, seed: int = 1
) -> Suggestion:
    """Suggest training pairs from the finished models of a campaign.

    Args:
        scores: the scores of the campaign.
        designs: the design of each model.
        budget: how many pairs.
        start: `GRID/MODEL` whose pairs are trained too; none by default.
        seed: of random sets.

    Raises:
        StoreError: there is no such model, or there are too many pairs to choose among.
    """
    observed = ObservedModels(scores)
    graph, each = _start(observed, start, budget)
    candidates = [pair for pair in observed.candidates if not graph[observed.place(pair)]]
    if len(candidates) > MOST_PAIRS:
        raise StoreError(
            f"There are {len(candidates):,} pairs to choose among, and {MOST_PAIRS} are the most: name grids of fewer "
            "languages with --grid."
        )
    if budget > len(candidates):
        raise StoreError(
            f"A budget of {budget} pairs is more than the {len(candidates)} that are not trained: lower it."
        )
    sizes = [(design, len(model.own.pairs)) for design, model in zip(designs, scores.models, strict=True)]
    tested = foresight(observed, sizes, seed=seed)
    if np.isnan(observed.values).all() or scores.draw_count < FEWEST_DRAWS:
        return _too_little(scores, start, tested)
    penalty = observed.model.penalty()
    if isinf(penalty):
        return _too_little(scores, start, tested)
    regression = _Regression(observed, penalty)
    chosen, last = _greedy(observed, regression, graph, candidates, budget, each)
    return Suggestion(
        scores=scores,
        penalty=penalty,
        start=start,
        pairs=tuple(chosen),
        against_random=_against_random(observed, regression, graph, last, candidates, budget, each, seed),
        foresight=tested,
        verdict=_verdict(tested),
        notes=tuple(_notes(observed, budget, graph)),
    )


class _Regression:
    """The coefficients, of all draws and without each."""

    def __init__(self, observed: ObservedModels, penalty: float) -> None:
        model = observed.model
        self.slopes = model.slopes(penalty)
        self.without = np.stack([model.slopes(penalty, [draw]) for draw in model.draws])

    def change(self, features: Numbers) -> Estimate:
        """The change of the value with a change of the features."""
        return jackknifed(float(features @ self.slopes), self.without @ features)


def _start(observed: ObservedModels, start: str | None, budget: int) -> tuple[NDArray[np.float64], float]:
    """The training graph to begin with, and the examples of each further pair."""
    models = observed.scores.models
    size = len(observed.languages)
    graph = np.zeros((size, size))
    if start is not None:
        names = [model.system for model in models]
        if start not in names:
            raise StoreError(
                f"There is no model '{start}' in '{observed.scores.question.name}': {nearest(start, names)}"
            )
        graph = observed.graphs[names.index(start)].copy()
    totals = [sum(model.own.examples.values()) for model in models]
    if Counter(map(is_total, models)).most_common(1)[0][0]:
        return graph, float(np.median(totals)) / budget
    return graph, float(np.median([total / len(model.own.pairs) for total, model in zip(totals, models, strict=True)]))


def _greedy(
    observed: ObservedModels,
    regression: _Regression,
    graph: NDArray[np.float64],
    candidates: Collection[Pair],
    budget: int,
    each: float,
) -> tuple[list[SuggestedPair], Numbers]:
    """The pairs one after another, and the mean features with all of them."""
    graph, left = graph.copy(), list(candidates)
    mean = observed.of_graph(graph).mean(axis=0)
    chosen = []
    for _ in range(budget):
        best: tuple[float, Pair, Numbers] | None = None
        for pair in left:
            graph[observed.place(pair)] = each
            tried = observed.of_graph(graph).mean(axis=0)
            graph[observed.place(pair)] = 0
            value = float(tried @ regression.slopes)
            if best is None or value > best[0] + 1e-12:
                best = (value, pair, tried)
        if best is None:
            break
        _, pair, tried = best
        reason = _reason(observed, graph, pair, (tried - mean) * regression.slopes)
        finding = Finding.of(regression.change(tried - mean), n=len(regression.without), of_what=DRAWS)
        chosen.append(SuggestedPair(pair, finding, reason))
        graph[observed.place(pair)] = each
        mean = tried
        left.remove(pair)
    return chosen, mean


def _reason(observed: ObservedModels, graph: NDArray[np.float64], pair: Pair, parts: Numbers) -> str:
    """What a pair adds by: what is new in the graph, and the two features that weigh most."""
    source, target = observed.place(pair)
    trained = graph > 0
    facts = []
    if not trained[source].any():
        facts.append(f"the first from {pair.source}")
    if not trained[:, target].any():
        facts.append(f"the first into {pair.target}")
    after = trained.copy()
    after[source, target] = True
    sources, targets = observed.places
    reached = (after.astype(int) @ after > 0) & ~(trained.astype(int) @ trained > 0)
    if opened := int(reached[sources, targets].sum()):
        facts.append(f"{opened} pair{'s get' if opened > 1 else ' gets'} a language to be reached by")
    named = sorted(zip(parts.tolist(), FEATURES.values(), strict=True), reverse=True)
    weighty = [f"{words} ({value:+.2f})" for value, words in named[:2] if value > 0]
    return "; ".join([*facts, *weighty]) or "no other pair is better"


def _against_random(
    observed: ObservedModels,
    regression: _Regression,
    graph: NDArray[np.float64],
    chosen: Numbers,
    candidates: Collection[Pair],
    budget: int,
    each: float,
    seed: int,
) -> Finding:
    rng, every = np.random.default_rng(seed), list(candidates)
    means = []
    for _ in range(RANDOM_SETS):
        drawn = graph.copy()
        for place in rng.choice(len(every), budget, replace=False).tolist():
            drawn[observed.place(every[place])] = each
        means.append(observed.of_graph(drawn).mean(axis=0))
    change = regression.change(chosen - np.mean(means, axis=0))
    return Finding.of(change, n=len(regression.without), of_what=DRAWS)


def _verdict(tested: Foresight) -> str:
    finding = tested.finding
    if finding.p is None or finding.estimate is None:
        return f"Not tried on models that it has not seen. {finding.why}"
    said = f"of two finished models of one size it named the better one {tested.right} times of {tested.choices}"
    if finding.p <= _LEVEL and finding.estimate > 0:
        return f"It foretells better than chance: {said}, without having seen either."
    within = tested.within
    if within.p is not None and within.estimate is not None and within.p <= _LEVEL and within.estimate > 0:
        said += ", though it foretells which unseen pairs of a model are the better ones"
    return f"It is not shown to be better than random draws: {said}. It had seen neither."


def _too_little(scores: CampaignScores, start: str | None, tested: Foresight) -> Suggestion:
    draws = scores.draw_count
    why = (
        f"There is too little to tell: {draws} draws of training pairs, and {FEWEST_DRAWS} are needed at least."
        if draws < FEWEST_DRAWS
        else "There is too little to tell: the training graph does not help to foretell the scores of unseen pairs. "
        "More draws, or draws that differ more, may show what helps."
    )
    nothing = Finding(n=draws, of_what=DRAWS, why=why)
    return Suggestion(scores, inf, start, (), nothing, tested, why, ())


def _notes(observed: ObservedModels, budget: int, graph: NDArray[np.float64]) -> list[str]:
    tried = [len(model.own.pairs) for model in observed.scores.models]
    total = budget + int((graph > 0).sum())
    notes = ["Whether there is training text for these pairs, `dragoman plan` of a spec with them says."]
    if not min(tried) <= total <= max(tried):
        notes.append(f"{total} pairs are beyond the {min(tried)} to {max(tried)} that these models were trained on.")
    return notes
