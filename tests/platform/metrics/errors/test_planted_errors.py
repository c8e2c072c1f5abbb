"""Planted errors of each class, in eleven directions of seven scripts: what labels find, and what they flag besides.

Correct translations of the embedded corpus are each spoilt in one known way. They and the rules are of one project: the
shares below say that the rules do what they say in every script, and not how they fare on a model's own errors.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import islice
from random import Random
from typing import NamedTuple

import pytest
import regex

from dragoman.corpora.kinds.cldr import Cldr, CldrOptions
from dragoman.language import english_name
from dragoman.metrics.errors.label import MEASURED, Label
from dragoman.metrics.errors.metric import FLAG, ON_REFERENCE
from dragoman.metrics.errors.tokens import tokens
from dragoman.metrics.generation import Generation
from dragoman.metrics.lookup import installed_metric
from dragoman.pair import Pair
from dragoman.segment import Split

LANGUAGES = ("ar", "de", "en", "fi", "fr", "hi", "ko", "ru", "sw", "ta", "zh-Hans")
"""Seven scripts: Arabic, Latin, Devanagari, Hangul, Cyrillic, Tamil, Han."""

PROMPT = "Translate from [{source_language}] to [{target_language}]: {source}"

ENTAILED = {
    Label.OSCILLATION: {Label.LONG, Label.TNG, Label.NUMBERS},
    Label.PROMPT: {Label.LONG, Label.LANGUAGE},
    Label.COPY: {Label.LANGUAGE, Label.SHORT, Label.LONG, Label.NUMBERS},
    Label.LANGUAGE: {Label.COPY, Label.SHORT, Label.LONG, Label.NUMBERS},
    Label.SHORT: {Label.NUMBERS, Label.LANGUAGE},
    Label.LONG: {Label.NUMBERS, Label.LANGUAGE, Label.TNG},
    Label.CUT: {Label.SHORT, Label.NUMBERS, Label.LANGUAGE},
    Label.PREAMBLE: {Label.LONG, Label.LANGUAGE},
    Label.NUMBERS: {Label.LANGUAGE},
    Label.TNG: {Label.LONG, Label.NUMBERS, Label.LANGUAGE},
    Label.EMPTY: set(),
}
"""What a planted error may truly bring with it: half of a sentence may have lost its number."""

_PREAMBLES = (
    "Here is the translation: {}",
    "Sure! Here's the translation:\n\n{}",
    "Translation: {}",
    "<think>The user wants a date.</think>\n{}",
    "“{}”",
    "```\n{}\n```",
    "{}\n\nNote: names are left as they are.",
    "Voici la traduction : {}",
    "以下是翻译：{}",
    "Перевод: {}",
)


class Planted(NamedTuple):
    """A hypothesis that is right, or wrong in a known way."""

    source: str
    hypothesis: str
    reference: str
    finish_reason: str
    label: Label | None


def planted(pair: Pair, each: int, seed: int = 1) -> list[Planted]:
    """So many hypotheses of a pair with each error, and eight times as many without one."""
    rng = Random(f"{pair} {seed}")
    corpus = Cldr(CldrOptions())
    meanings = list(islice(corpus.meanings(Split.TEST), 1000))
    rng.shuffle(meanings)
    lines = []
    for meaning in meanings:
        source, reference = corpus.render(meaning, pair.source), corpus.render(meaning, pair.target)
        if not source or not reference:
            continue
        # another right translation: a list's items in another order
        turned = (*meaning[:2], *reversed(meaning[2:])) if meaning[0] == "list" else meaning
        right = corpus.render(turned, pair.target) or reference
        other = corpus.render(meaning, rng.choice([tag for tag in LANGUAGES if tag not in pair])) or ""
        lines.append((source, right, reference, other))
    found = [Planted(source, right, reference, "stop", None) for source, right, reference, _ in lines[: 8 * each]]
    for label in ENTAILED:
        spoilt = 0
        for place, (source, right, reference, other) in enumerate(lines):
            if spoilt == each:
                break
            further = [line[1] for line in lines[place + 1 : place + 9]]
            hypothesis = _spoilt(label, rng, pair, source, right, reference, other, further)
            if hypothesis is not None:
                found.append(Planted(source, hypothesis, reference, "length" if label is Label.CUT else "stop", label))
                spoilt += 1
        assert spoilt == each, (pair, label)
    return found


def _spoilt(
    label: Label, rng: Random, pair: Pair, source: str, right: str, reference: str, other: str, further: Sequence[str]
) -> str | None:
    """A right translation with an error; None where this one can't have it."""
    gap = "" if pair.target.startswith("zh") else " "
    words = tokens(right)
    match label:
        case Label.OSCILLATION:
            last = right[words[-rng.randrange(1, min(3, len(words)) + 1)].start :]
            has_letter = any(character.isalpha() for character in last)
            return right + (gap + last) * rng.randrange(3, 8) if has_letter else None
        case Label.PROMPT:
            name = english_name(rng.choice(pair))
            return rng.choice((f"[{name}]: {right}", f"{right} [{name}]:", f"Translate from {name} {right}"))
        case Label.COPY:
            alike = regex.fullmatch(r"(?i)[\p{L}\p{M} ]*", source) and source.casefold() == reference.casefold()
            return None if alike or _shares_most(source, reference) else source
        case Label.LANGUAGE:
            return other if len(tokens(other)) >= 4 and not _shares_most(other, reference) else None
        case Label.SHORT:
            return right[: int(0.4 * len(reference))].strip() if len(reference) >= 12 else None
        case Label.LONG:
            return (
                gap.join([right, *further[:4]]) if len(gap.join([right, *further[:4]])) > 2.2 * len(reference) else None
            )
        case Label.EMPTY:
            return rng.choice(("", " ", "\u3000", "\n"))
        case Label.CUT:
            return right[: max(1, int(0.8 * len(right)))]
        case Label.PREAMBLE:
            return rng.choice(_PREAMBLES).format(right)
        case Label.NUMBERS:
            number = regex.search(r"\p{Nd}{2,}", right)
            wrong = None if number is None else str(int(number[0]) + rng.randrange(1, 9))
            return None if number is None else right[: number.start()] + str(wrong) + right[number.end() :]
        case Label.TNG:
            if len(words) < 4:
                return None
            return gap.join([right, further[0], right, further[1], right, further[2], right])
    raise AssertionError(label)


def _shares_most(text: str, reference: str) -> bool:
    """Whether two texts have half of their words in common, as lists of names in two languages may."""
    own, theirs = ({token.text for token in tokens(each)} for each in (text, reference))
    return len(own & theirs) * 2 >= min(len(own), len(theirs))


PAIRS = (*(Pair("en", tag) for tag in LANGUAGES if tag != "en"), Pair("de", "en"))

LEAST = {Label.COPY: (0.98, 0.97, 0.9), Label.LANGUAGE: (0.97, 0.97, 0.9)}
"""Precision, recall, and the worst direction's recall, below which a test fails; of other labels 0.99, 0.99, 0.95."""

MOST_ON_REFERENCES = {Label.COPY: 6, Label.LANGUAGE: 3, Label.NUMBERS: 9, Label.SHORT: 1}
"""Percent of references that a label may be given to, without a reference to excuse them; 0 for all others. Names and
loans are alike in two languages, and Chinese and Korean dates have the month as a number."""


class Outcome(NamedTuple):
    """What a label was given to."""

    found: Counter[Pair]
    planted: Counter[Pair]
    false: list[tuple[Pair, Planted]]
    on_references: float


@pytest.fixture(scope="module")
def outcomes() -> dict[Label, Outcome]:
    lines = {pair: planted(pair, each=8) for pair in PAIRS}
    return {label: _outcome(label, lines) for label in MEASURED}


def _outcome(label: Label, lines: dict[Pair, list[Planted]]) -> Outcome:
    found, there, false, references, count = Counter[Pair](), Counter[Pair](), [], 0.0, 0
    for pair, own in lines.items():
        metric = installed_metric(label.metric)(pair, LANGUAGES)
        metric.inform(Generation.of(PROMPT, [line.finish_reason for line in own]))
        rows = metric.statistics(
            [line.source for line in own], [line.hypothesis for line in own], [line.reference for line in own]
        )
        references, count = references + rows[:, ON_REFERENCE].sum(), count + len(own)
        for line, row in zip(own, rows, strict=True):
            if line.label is label:
                there[pair] += 1
                found[pair] += int(row[FLAG])
            elif row[FLAG] and not (line.label and label in ENTAILED[line.label]):
                false.append((pair, line))
    return Outcome(found, there, false, 100 * references / count)


@pytest.mark.parametrize("label", MEASURED)
def test_planted_errors_are_found_and_nothing_else(outcomes: dict[Label, Outcome], label: Label) -> None:
    outcome = outcomes[label]
    hits = outcome.found.total()
    precision, recall = hits / (hits + len(outcome.false)), hits / outcome.planted.total()
    worst = min(outcome.found[pair] / outcome.planted[pair] for pair in PAIRS)
    print(
        f"{label.facts.title:13} precision {precision:.3f}, recall {recall:.3f} (worst direction {worst:.2f}), "
        f"on references {outcome.on_references:.2f}%"
    )
    least = LEAST.get(label, (0.99, 0.99, 0.95))
    assert (precision >= least[0], recall >= least[1], worst >= least[2]) == (True, True, True), outcome.false[:3]


@pytest.mark.parametrize("label", MEASURED)
def test_references_are_seldom_labelled(outcomes: dict[Label, Outcome], label: Label) -> None:
    assert outcomes[label].on_references <= MOST_ON_REFERENCES.get(label, 0)
