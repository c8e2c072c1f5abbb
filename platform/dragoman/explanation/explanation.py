"""Explanation of a grid's scores by facts about its languages: correlations and a linear model for each model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dragoman.analysis.aggregation import ALL, SCOPES, masks_by_scope
from dragoman.analysis.mantel import PERMUTATIONS, Matrix
from dragoman.analysis.pair_scores import BASE, pair_columns
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.errors import StoreError, nearest
from dragoman.explanation.correlation import FEWEST_LANGUAGES, Correlation, rank_correlation
from dragoman.explanation.factors import (
    OF_PAIRS,
    SIMILARITY,
    FactOptions,
    Factor,
    Facts,
    facts_of,
    require_factors,
)
from dragoman.explanation.pairs_model import PairsModel, Term, pairs_model
from dragoman.explanation.quality import ROLES, By, Quality, matrix, quality
from dragoman.metrics.resampling import SEED
from dragoman.metrics.significance import holm
from dragoman.store.store import Store

MANY_LANGUAGES = 60
"""Languages above which fewer permutations are drawn by default."""
FEWER_PERMUTATIONS = 1_000
"""So many."""


class FactorCorrelation(NamedTuple):
    """How a factor goes with the quality of languages."""

    scope: str
    """The pairs that quality is the mean of: a partition, `unseen` or `all`."""
    role: str
    """The side that the languages are on."""
    factor: str
    """The factor."""
    held: tuple[str, ...]
    """The factors that are held."""
    found: Correlation
    """The correlation."""
    adjusted: float | None
    """Its p-value adjusted after Holm for those of the same model, scope and factors that are held; None of partial
    ones, which ask of the same again."""


class ModelExplanation(NamedTuple):
    """What goes with the quality of one model."""

    model: str
    """Its name."""
    qualities: Mapping[tuple[str, str], Quality]
    """The quality of the languages by scope and role."""
    factors: Mapping[str, Factor]
    """The factors by name."""
    correlations: tuple[FactorCorrelation, ...]
    """The correlations."""
    pairs: PairsModel | None
    """The model of pairs; None where there are too few."""
    languages: tuple[str, ...]
    """The languages that the model of pairs is of."""
    signatures: tuple[str, ...]
    """The signatures of the scores."""
    notes: tuple[str, ...]
    """What is left out, as sentences."""


@dataclass(frozen=True)
class Explanation:
    """What goes with the quality of a grid's models on its languages."""

    question: ScoreQuestion
    """The scores."""
    is_of_gains: bool
    """Whether gains over the base are explained instead of scores."""
    by: By
    """How the quality of a language is read from its pairs."""
    facts: Facts
    """The facts about its languages."""
    models: tuple[ModelExplanation, ...]
    """The models."""
    permutations: int
    """How many permutations are drawn where there are more."""
    seed: int
    """Seed of the draws."""


def explain(
    store: Store,
    question: ScoreQuestion,
    models: Sequence[str],
    options: FactOptions,
    *,
    gains: bool = False,
    factors: Sequence[str] = (),
    scope: str | None = None,
    by: By = By.MEANS,
    permutations: int | None = None,
    seed: int = SEED,
) -> Explanation:
    """Find what goes with the quality of models on languages.

    Args:
        store: the store.
        question: the scores.
        models: names of models of the grid.
        options: where facts about languages are from.
        gains: explain the gain over the base on each pair instead of its score.
        factors: the factors; by default all there are, and in the model of pairs those of the paper.
        scope: only pairs of this partition, or `unseen`; by default all of them, and each partition by itself too.
        by: how the quality of a language is read from its pairs; the model of pairs does without.
        permutations: how many are drawn; by default 10,000, and of more than 60 languages 1,000.
        seed: of the draws.

    Raises:
        StoreError: something named is not there, too few languages have scores, or a wanted factor is not to be had.
        DragomanError: an option is wrong.
    """
    require_factors(factors)
    if scope is not None and scope not in SCOPES:
        raise StoreError(f"'{scope}' is no partition; {nearest(scope, SCOPES)}")
    chosen = [name for name in models if not (gains and name == BASE)]
    if not chosen:
        raise StoreError(
            f"Only the base of grid '{question.grid}' is asked for, and a gain is that of another model over it: name "
            "a model that was trained (--model MODEL), or explain scores (without --gain)."
        )
    languages = tuple(sorted(store.grids.get(question.grid).languages))
    if len(languages) < FEWEST_LANGUAGES:
        raise StoreError(
            f"Grid '{question.grid}' has {len(languages)} languages, and facts about languages explain nothing over "
            f"fewer than {FEWEST_LANGUAGES}: no correlation over four can be told from chance at 0.05."
        )
    facts = facts_of(store, question, languages, options, wanted=factors)
    drawn = permutations or (FEWER_PERMUTATIONS if len(languages) > MANY_LANGUAGES else PERMUTATIONS)
    graphs = {record.name: record.graph for record in store.models.of_grid(question.grid)}
    found = []
    for model in chosen:
        columns = pair_columns(store, question, model=model)
        known = facts.of_model(graphs[model])
        values = columns.gains if gains else columns.own.values
        masks = {
            name: held
            for name, held in masks_by_scope(columns.partitions).items()
            if name == scope or (scope is None and name in {ALL, *_several(columns.partitions)})
        }
        if not masks and scope is not None:
            continue
        sides = (columns.sources.tolist(), columns.targets.tolist())
        scores = matrix(*sides, values, languages)
        planned = {name: matrix(*sides, held.astype(np.float64), languages) == 1 for name, held in masks.items()}
        whole = scope or ALL
        scores_of = {name: np.where(held, scores, np.nan) for name, held in planned.items()}
        groups = matrix(*sides, columns.partitions.astype(np.float64), languages)
        asked = [name for name in known if name in factors or not factors]
        in_pairs = [name for name in asked if name in (factors or OF_PAIRS)]
        qualities = {
            (name, role): quality(scores_of[name], held, role, by) for name, held in planned.items() for role in ROLES
        }
        correlations = _correlations(qualities, known, asked, in_pairs, facts, drawn, seed)
        fitted, of, notes = _model_of_pairs(
            scores_of.get(whole, np.full_like(scores, np.nan)), groups, known, in_pairs, facts, drawn, seed
        )
        if unknown := [name for name in factors if name not in known]:
            notes.append(f"{', '.join(unknown)}: nothing is recorded of what {model} was trained on.")
        found.append(
            ModelExplanation(model, qualities, known, correlations, fitted, of, columns.signatures, tuple(notes))
        )
    if not any(each.correlations or each.pairs for each in found):
        what = "gains over the base" if gains else f"{question.metric} scores"
        where = "" if scope is None else f" on {scope} pairs"
        raise StoreError(
            f"Fewer than {FEWEST_LANGUAGES} languages have {what}{where} that differ in grid '{question.grid}', and "
            f"facts about languages explain nothing over fewer: {_remedy(gains)}."
        )
    return Explanation(question, gains, by, facts, tuple(found), drawn, seed)


def _remedy(gains: bool) -> str:
    if gains:
        return "evaluate the base on the same pairs, or explain scores (without --gain)"
    return "wait until more of its cells are done, or choose other pairs"


def _several(partitions: NDArray[np.int8]) -> list[str]:
    """The scopes besides all pairs, where there are several partitions."""
    names = list(masks_by_scope(partitions))
    return [name for name in names if name != ALL] if len(np.unique(partitions)) > 1 else []


def _correlations(
    qualities: Mapping[tuple[str, str], Quality],
    known: Mapping[str, Factor],
    asked: Sequence[str],
    in_pairs: Sequence[str],
    facts: Facts,
    permutations: int,
    seed: int,
) -> tuple[FactorCorrelation, ...]:
    """The correlation of each factor with quality, and of those of the model of pairs with the others held."""
    is_other = np.array([tag == facts.to for tag in facts.languages])
    values = {name: factor.beside(is_other) for name, factor in known.items()}
    found: list[FactorCorrelation] = []
    for scope in dict.fromkeys(scope for scope, _ in qualities):
        plain: list[FactorCorrelation] = []
        partial: list[FactorCorrelation] = []
        for role in ROLES:
            of = qualities[scope, role].values

            def of_role(name: str, role: str = role) -> NDArray[np.float64]:
                side: NDArray[np.float64] = getattr(values[name], role)
                return side

            for name in asked:
                one = rank_correlation(of_role(name), of, permutations=permutations, seed=seed)
                if one is not None:
                    plain.append(FactorCorrelation(scope, role, name, (), one, None))
            for name in in_pairs:
                held = tuple(other for other in in_pairs if other != name)
                others = [of_role(other) for other in held]
                one = rank_correlation(of_role(name), of, *others, permutations=permutations, seed=seed)
                if one is not None and held:
                    partial.append(FactorCorrelation(scope, role, name, held, one, None))
        adjusted = holm([each.found.p for each in plain]).tolist()
        found += [each._replace(adjusted=p) for each, p in zip(plain, adjusted, strict=True)]
        found += partial
    return tuple(found)


def _model_of_pairs(
    scores: Matrix,
    partitions: Matrix,
    known: Mapping[str, Factor],
    names: Sequence[str],
    facts: Facts,
    permutations: int,
    seed: int,
) -> tuple[PairsModel | None, tuple[str, ...], list[str]]:
    """The model of pairs, its languages, and what is left out of it."""
    complete = np.ones(len(facts.languages), np.bool_)
    for name in names:
        complete &= ~np.isnan(known[name].source) & ~np.isnan(known[name].target)
    complete = all_compared(facts.similarity, complete) if SIMILARITY in names else complete
    has_score = ~np.isnan(scores)
    scored = np.logical_or(has_score.any(axis=1), has_score.any(axis=0))
    without = [facts.languages[place] for place in np.flatnonzero(scored & ~complete)]
    notes = [f"The model of pairs leaves out {', '.join(without)}: {'/'.join(names)} not known."] if without else []
    held = np.flatnonzero(complete & scored)
    languages = tuple(facts.languages[place] for place in held)
    square = np.ix_(held, held)
    terms = [term for name in names for term in terms_of(name, known[name], facts, held)]
    groups = np.nan_to_num(partitions[square], nan=-1).astype(np.int64)
    fitted = pairs_model(scores[square], terms, groups, permutations=permutations, seed=seed) if terms else None
    if fitted is None:
        notes.append(
            f"There is no model of pairs: {len(held)} languages have scores and all of {', '.join(names) or 'nothing'}."
        )
    elif fitted.left_out:
        notes.append(
            f"The model of pairs leaves out {', '.join(fitted.left_out)}: it does not vary, or the rest tells it."
        )
    return fitted, languages, notes


def terms_of(name: str, factor: Factor, facts: Facts, held: NDArray[np.intp]) -> list[Term]:
    """The predictors that a factor has in the model of pairs, for some of the languages by their number."""
    source = np.repeat(factor.source[held][:, None], len(held), axis=1)
    target = np.repeat(factor.target[held][None], len(held), axis=0)
    if name != SIMILARITY:
        return [Term(name, "source", source), Term(name, "target", target)]
    return [
        Term(name, "source and target", facts.similarity[np.ix_(held, held)]),
        Term(name, f"source and {facts.to}", source),
        Term(name, f"target and {facts.to}", target),
    ]


def all_compared(similarity: Matrix, held: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Some languages without those that lack a similarity, the one with the most gaps first."""
    held = held.copy()
    gaps = np.isnan(similarity)
    while (counts := (gaps & held & held[:, None]).sum(axis=1)).any():
        held[counts.argmax()] = False
    return held
