"""Factors: the facts about languages that may explain a model's quality, gathered for the languages of a grid."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dragoman.analysis.mantel import Matrix
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.errors import DragomanError, StoreError, nearest
from dragoman.explanation.correlation import Values
from dragoman.explanation.language_lines import language_lines
from dragoman.explanation.pretraining import Pretraining, pretraining
from dragoman.explanation.similarity import CLDR, measure
from dragoman.explanation.tokens import TokenizerError, token_counts, tokenizer_of
from dragoman.language import canonical_tag, english_name
from dragoman.partition import Evidence, TrainingGraph
from dragoman.store.store import Store

PRETRAINING, UPSAMPLED, SIMILARITY = "pretraining", "upsampled", "similarity"
FERTILITY, PARITY, TYPES = "fertility", "parity", "types"
PAIRS, EXAMPLES = "pairs", "examples"

FACTORS = {
    PRETRAINING: "log10 of pretraining tokens",
    UPSAMPLED: "log10 of the share in what was read in pretraining, rare languages repeated",
    SIMILARITY: "similarity to another language, by default English",
    FERTILITY: "tokens per word of the test lines",
    PARITY: "tokens of the test lines per token of the same lines in that other language",
    TYPES: "different words per word of the test lines (type-token ratio)",
    PAIRS: "pairs trained on with the language on that side",
    EXAMPLES: "log10 of training examples with the language on that side, and one",
}
"""The factors by name, and what each is."""

RELATIVE = (SIMILARITY, PARITY)
"""Those that are relative to another language, which has none itself."""

OF_PAIRS = (PRETRAINING, SIMILARITY)
"""Those of the model of pairs by default: the two of the paper."""


class Factor(NamedTuple):
    """A fact about each language, on each side of a pair."""

    name: str
    """Its name."""
    source: Values
    """Its value for each language as a source; NaN where it has none."""
    target: Values
    """Likewise as a target."""

    def beside(self, excluded: NDArray[np.bool_]) -> "Factor":
        """The factor without some languages; those that others are relative to have no value to compare."""
        if self.name not in RELATIVE:
            return self
        return self._replace(
            source=np.where(excluded, np.nan, self.source), target=np.where(excluded, np.nan, self.target)
        )


@dataclass(frozen=True)
class Facts:
    """What is known about the languages of a grid, whatever the model."""

    languages: tuple[str, ...]
    """The languages."""
    to: str
    """The language that others are similar to."""
    factors: Mapping[str, Factor]
    """The factors by name, without those of training."""
    similarity: Matrix
    """Similarity of every two languages."""
    about: tuple[str, ...]
    """Where the facts are from, as sentences."""
    missing: Mapping[str, str]
    """The factors that are not to be had, each with a sentence why and what to do."""

    def of_model(self, graph: TrainingGraph) -> dict[str, Factor]:
        """All factors for a model of a training graph, in the order of `FACTORS`."""
        found = {**self.factors, **_training(graph, self.languages)}
        return {name: found[name] for name in FACTORS if name in found}


@dataclass(frozen=True, kw_only=True)
class FactOptions:
    """Where facts are taken from."""

    similarity: str = CLDR
    """The measure of similarity."""
    to: str = "en"
    """The language that others are similar to."""
    pretraining: Path | None = None
    """CSV file of amounts of pretraining text."""
    tokenizer: Path | None = None
    """The base's `tokenizer.json`, or a folder with it."""


def require_factors(names: Sequence[str]) -> None:
    """Refuse names that no factor has.

    Raises:
        StoreError: there is one.
    """
    for name in names:
        if name not in FACTORS:
            raise StoreError(f"There is no factor '{name}'; {nearest(name, FACTORS)}")


def facts_of(
    store: Store, question: ScoreQuestion, languages: Sequence[str], options: FactOptions, *, wanted: Sequence[str] = ()
) -> Facts:
    """Gather the facts about some languages of a grid.

    Args:
        store: the store.
        question: the grid, and the test lines that tokens are counted on.
        languages: the languages.
        options: where they are from.
        wanted: the factors that have to be there; by default what there is.

    Raises:
        StoreError: a wanted factor is not to be had.
        DragomanError: an option is wrong.
    """
    to = canonical_tag(options.to)
    base = _base(store, question.grid)
    factors: dict[str, Factor] = {}
    missing: dict[str, str] = {}
    about = [f"Base: {_name_of(str(base[0]['model']))}."] if base[0].get("model") else []
    chosen = measure(options.similarity)
    lines = language_lines(store, question, languages, to)
    similarity = chosen.matrix([*languages, to], lines)
    np.fill_diagonal(similarity, 1.0)
    factors[SIMILARITY] = _alike(SIMILARITY, similarity[-1, :-1])
    about.append(f"Similarity ({options.similarity}): {chosen.about}; from {chosen.source}.")
    amounts = pretraining(*base, options.pretraining)
    if amounts is None:
        missing[PRETRAINING] = missing[UPSAMPLED] = (
            "Nobody has told how much text of each language the base was pretrained on: give a CSV file (--pretraining "
            "FILE, with the columns language and tokens), or write base.pretraining into the spec."
        )
    else:
        _add_amounts(amounts, languages, factors, missing)
        about.append(f"Pretraining tokens: from {amounts.source}.")
    types = _values({tag: own.type_token_ratio for tag, own in lines.items()}, languages)
    if np.isnan(types).all():
        missing[TYPES] = "The store has no test lines whose words could be counted."
    else:
        factors[TYPES] = _alike(TYPES, types)
    if not wanted or {FERTILITY, PARITY} & {*wanted}:
        try:
            counted = token_counts(lines, tokenizer_of(*base, options.tokenizer), to=to)
        except TokenizerError as error:
            reason = f"Tokens can't be counted: {error}; name the base's tokenizer (--tokenizer FOLDER)."
            if options.tokenizer is not None:
                raise TokenizerError(reason) from error
            missing[FERTILITY] = missing[PARITY] = reason
        else:
            for name, found in ((FERTILITY, counted.fertility), (PARITY, counted.parity)):
                factors[name] = _alike(name, _values(found, languages))
            about.append(
                f"Tokens: of the base's tokenizer on the test lines, up to {counted.lines:,} of each language; parity "
                f"to the same lines in {english_name(to)}, fertility not of languages written without spaces."
            )
    for name in wanted:
        if name in missing:
            raise StoreError(f"The factor {name} is not to be had. {missing[name]}")
    return Facts(tuple(languages), to, factors, similarity[:-1, :-1], tuple(about), missing)


def _add_amounts(
    amounts: Pretraining, languages: Sequence[str], factors: dict[str, Factor], missing: dict[str, str]
) -> None:
    tokens = _values(amounts.tokens, languages)
    factors[PRETRAINING] = _alike(PRETRAINING, np.log10(np.maximum(tokens, 1)))
    if amounts.upsampled:
        with np.errstate(divide="ignore"):
            shares = np.log10(_values(amounts.upsampled, languages))
        factors[UPSAMPLED] = _alike(UPSAMPLED, np.where(np.isfinite(shares), shares, np.nan))
    else:
        missing[UPSAMPLED] = (
            f"How often rare languages were repeated in pretraining is not in {amounts.source}: add a column "
            "upsampled_share to a CSV file (--pretraining FILE)."
        )


def _alike(name: str, values: Values) -> Factor:
    return Factor(name, values, values)


def _values(found: Mapping[str, float], languages: Sequence[str]) -> Values:
    return np.array([found.get(tag, np.nan) for tag in languages], np.float64)


def _training(graph: TrainingGraph, languages: Sequence[str]) -> dict[str, Factor]:
    """How much a model was trained with each language on each side; nothing where its graph is unknown."""
    if graph.evidence is Evidence.UNKNOWN:
        return {}
    counts = np.zeros((2, 2, len(languages)))  # pairs and examples × source and target
    places = {tag: place for place, tag in enumerate(languages)}
    for pair in graph.pairs:
        for side, tag in enumerate(pair):
            if tag in places:
                counts[:, side, places[tag]] += (1, graph.examples[pair])
    found = {PAIRS: Factor(PAIRS, *counts[0])}
    if graph.evidence is Evidence.RECORDED:  # declared graphs have no counts
        found[EXAMPLES] = Factor(EXAMPLES, *np.log10(counts[1] + 1))
    return found


def _name_of(model: str) -> str:
    """A model's name for people: of a folder its last part, wherever it lies."""
    return Path(model).name if Path(model).is_absolute() else model


def _base(store: Store, grid: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """A grid's base: as its spec names it, and what its identity was made from."""
    record = store.grids.get(grid)
    named = record.spec.get("base")
    spec = named if isinstance(named, Mapping) else {"model": named} if named else {}
    try:
        return spec, store.models.get(record.base).recipe
    except DragomanError:
        return spec, {}
