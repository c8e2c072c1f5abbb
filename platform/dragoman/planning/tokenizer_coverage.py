"""What a model's tokenizer makes of the test lines of each language: tokens a word, and characters it has no token for.

A character that no token stands for is lost on the way in, and can't be written on the way out. One that is spelt in
bytes can be, at several tokens a character (byte-level BPE, or byte fallback).
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from dragoman.model import ModelIdentity
from dragoman.planning.local_files import local_files
from dragoman.planning.plan import Plan
from dragoman.planning.planned_test_set import PlannedTestSet
from dragoman.script import puts_spaces_between_words

if TYPE_CHECKING:
    from tokenizers import Tokenizer

LINES = 500
"""Test lines of a language that are looked at, at most."""

UNWRITABLE = 0.1
"""The share of characters without a token from which on a language can't be written. Rare characters and foreign names
are far below it in languages that a tokenizer was made for."""


class Coverage(NamedTuple):
    """What a tokenizer makes of the test lines of a language."""

    lines: int
    """The lines."""
    words: int
    """Their words; 0 of a language that is written without spaces."""
    characters: int
    """Their characters, spaces left out."""
    tokens: int
    """Their tokens."""
    unknown: int
    """Characters that no token stands for."""
    in_bytes: int
    """Characters that are spelt in bytes."""

    @property
    def is_writable(self) -> bool:
        """Whether the language can be written with the tokenizer's vocabulary."""
        return self.unknown < UNWRITABLE * self.characters


class ModelCoverage(NamedTuple):
    """The coverage of each language by the tokenizer that some models share."""

    models: tuple[ModelIdentity, ...]
    """The models."""
    languages: Mapping[str, Coverage]
    """By language, those of the test sets."""
    targets: Mapping[str, int]
    """The number of pairs into each language."""

    @property
    def unwritable(self) -> list[str]:
        """The languages that are translated into and can't be written."""
        return [tag for tag, found in self.languages.items() if self.targets.get(tag) and not found.is_writable]


class Coverages(NamedTuple):
    """What is known of the tokenizers of a plan's models."""

    found: list[ModelCoverage]
    """Of each tokenizer that is on this machine."""
    unknown: list[str]
    """Sentences on models that nothing can be said of, with the reason."""


def coverages(plan: Plan) -> Coverages:
    """Look at the test lines with the tokenizer of every model that is asked here.

    Raises:
        CorpusError: the test text is damaged.
    """
    named = {planned.identity.id: planned.baseline for planned in plan.baselines}
    models: dict[str, dict[str, ModelIdentity]] = {}
    for model, _ in plan.asked:
        if model.id not in plan.from_elsewhere and model.id not in plan.pivots:
            place = named.get(model.id) or plan.spec.base
            models.setdefault(str(place.model), {})[model.id] = model
    lines = _lines_by_language(plan.test_sets)
    pairs = {pair for test_set in plan.test_sets for pair in test_set.contents}
    targets = {tag: sum(pair.target == tag for pair in pairs) for tag in lines}
    found, unknown = [], []
    for its in models.values():
        first = next(iter(its.values()))
        files = local_files(named.get(first.id) or plan.spec.base)
        if isinstance(files, str):
            unknown.append(f"{', '.join(model.name for model in its.values())}: {files}")
        else:
            covered = _covered(files.tokenizer, lines)
            found.append(ModelCoverage(tuple(its.values()), covered, targets))
    return Coverages(found, unknown)


def coverage(tokenizer: "Tokenizer", language: str, lines: Sequence[str]) -> Coverage:
    """What a tokenizer makes of some lines of a language.

    Args:
        tokenizer: the tokenizer.
        language: their language.
        lines: the lines.
    """
    return _covered(tokenizer, {language: lines})[language]


def _covered(tokenizer: "Tokenizer", lines: Mapping[str, Sequence[str]]) -> dict[str, Coverage]:
    unknown = _unknown_token(tokenizer)
    of_bytes: dict[int, bool] = {}

    def is_bytes(token: int) -> bool:
        if token not in of_bytes:
            of_bytes[token] = "\N{REPLACEMENT CHARACTER}" in tokenizer.decode([token], skip_special_tokens=False)
        return of_bytes[token]

    found = {}
    for language, texts in lines.items():
        tokens = without = in_bytes = 0
        for text, encoded in zip(texts, tokenizer.encode_batch(list(texts), add_special_tokens=False), strict=True):
            tokens += len(encoded.ids)
            known, spelt = set[int](), set[int]()
            for token, span in zip(encoded.ids, encoded.offsets, strict=True):
                if token != unknown:
                    (spelt if is_bytes(token) else known).update(range(*span))
            shown = {place for place, character in enumerate(text) if not character.isspace()}
            without += len(shown - known - spelt)
            in_bytes += len(shown & spelt)
        found[language] = Coverage(
            lines=len(texts),
            words=sum(len(text.split()) for text in texts) if puts_spaces_between_words(language) else 0,
            characters=sum(not character.isspace() for text in texts for character in text),
            tokens=tokens,
            unknown=without,
            in_bytes=in_bytes,
        )
    return found


def _unknown_token(tokenizer: "Tokenizer") -> int | None:
    """The id of the token that stands for what has none, if there is one."""
    model = json.loads(tokenizer.to_str())["model"]
    if (place := model.get("unk_id")) is not None:
        return int(place)
    name = model.get("unk_token")
    return tokenizer.token_to_id(name) if name else None


def _lines_by_language(test_sets: Iterable[PlannedTestSet]) -> dict[str, list[str]]:
    """Lines of each language: of the first pair into it, else of the first from it."""
    tested = [(pair, test_set) for test_set in test_sets for pair in sorted(test_set.contents)]
    found: dict[str, list[str]] = {}
    for pair, test_set in tested:
        if pair.target not in found:
            found[pair.target] = [segment.target for segment in test_set.lines.segments(pair, LINES)]
    for pair, test_set in tested:
        if pair.source not in found:
            found[pair.source] = [segment.source for segment in test_set.lines.segments(pair, LINES)]
    return dict(sorted(found.items()))
