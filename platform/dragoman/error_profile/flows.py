"""Where the wrong language goes: the language asked for by the language found."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from dragoman.error_profile.stored_labels import SystemLabels
from dragoman.metrics.errors.label import Label
from dragoman.metrics.errors.wrong_language import PIVOT, UNDECIDED
from dragoman.pair import Pair

OTHER_SCRIPT = "other script"
"""Found in place of a language: a script that no candidate is written in."""

OPEN = "undecided"
"""Found in place of a language: the detector leaves it open."""


class Category(StrEnum):
    """What a language found is to the pair and to the model; the first that holds."""

    TARGET = "target"
    """The language asked for."""
    SOURCE = "source"
    """The source language: not translated."""
    ENGLISH = "English"
    """English, being neither."""
    TRAINED = "another trained"
    """Another language that the model was finetuned on."""
    OTHER = "another"
    """Any other one, or another script."""
    UNDECIDED = "undecided"
    """The detector leaves it open."""


@dataclass(frozen=True)
class Flow:
    """The hypotheses of a system that were asked for in one language and found to be in another, or the same."""

    model: str
    """The model's name in the grid."""
    prompt: str | None
    """The prompt's name; None where the grid has none of its own."""
    scope: str
    """A partition, `unseen`, `unknown` or `all`."""
    asked: str
    """The target language."""
    found: str
    """The language found; `other script` or `undecided`."""
    category: Category
    """What that is to the pair."""
    sentences: int
    """How many hypotheses."""
    estimate: float
    """Their share of the hypotheses into that language, in percent."""
    n: int
    """Hypotheses into that language, in the scope."""


def flows(labels: SystemLabels, trained: Collection[str]) -> list[Flow]:
    """Every flow that occurs, by scope, language asked for, and the number of sentences.

    Args:
        labels: the labels of a system, that of wrong languages among them.
        trained: the languages that the model was finetuned on.
    """
    if Label.LANGUAGE not in labels.labels:
        return []
    listed = []
    for scope, planned in labels.scopes.items():
        counts: Counter[tuple[str, str, Category]] = Counter()
        for pair in planned:
            if pair in labels.pairs and Label.LANGUAGE in labels.pairs[pair].flags:
                counts.update(_found(labels, pair, trained))
        into: Counter[str] = Counter()
        for (asked, _, _), count in counts.items():
            into[asked] += count
        ordered = sorted(counts.items(), key=lambda item: (item[0][0], -item[1], item[0][1:]))
        listed += [
            Flow(
                labels.system.model,
                labels.system.asked_with,
                scope,
                asked,
                found,
                category,
                count,
                100 * count / into[asked],
                into[asked],
            )
            for (asked, found, category), count in ordered
        ]
    return listed


def _found(labels: SystemLabels, pair: Pair, trained: Collection[str]) -> Counter[tuple[str, str, Category]]:
    own = labels.pairs[pair]
    counts: Counter[tuple[str, str, Category]] = Counter()
    for number, count in Counter(own.found.tolist()).items():
        if number == UNDECIDED:
            found, category = OPEN, Category.UNDECIDED
        elif number > len(own.candidates):
            found, category = OTHER_SCRIPT, Category.OTHER
        else:
            found = own.candidates[number - 1]
            category = category_of(found, pair, trained)
        counts[pair.target, found, category] += count
    return counts


def category_of(found: str, pair: Pair, trained: Collection[str]) -> Category:
    """What a language found is to a pair and to a model that was finetuned on some languages."""
    if found == pair.target:
        return Category.TARGET
    if found == pair.source:
        return Category.SOURCE
    if found == PIVOT:
        return Category.ENGLISH
    return Category.TRAINED if found in trained else Category.OTHER
