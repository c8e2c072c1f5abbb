"""The embedded corpus: phrases of the Unicode CLDR, rendered through babel.

One meaning (a date, an amount of money, a list of countries, ...) is rendered in every language,
so the corpus is multi-parallel: the same line number is the same meaning in all pairs.
"""

import hashlib
import random
from collections.abc import Collection, Iterator
from functools import cache
from importlib.metadata import version
from typing import ClassVar

from babel.core import get_cldr_version
from pydantic import Field

from dragoman.corpora.base import Corpus
from dragoman.corpora.kinds.cldr_phrases import Meaning, domain, draw, knows_language, render
from dragoman.errors import CorpusError
from dragoman.pair import Pair
from dragoman.segment import Located, Segment, Split
from dragoman.spec.corpus import CorpusOptions

CORE_LANGUAGES = ("ar", "bg", "ca", "de", "en", "fi", "fr", "hi", "ko", "ru", "sw", "ta", "zh-Hans")
"""The 13 languages of the mFTI paper. A meaning is in the corpus only if all of them have a proper form for it."""

HELD_OUT = 1000
"""Meanings in each of dev and test; train is as long as one reads, up to `TRAIN`."""

TRAIN = 60_000
"""Meanings in train: about as many as there are before repetition becomes the rule."""

_DRAWN_BEFORE: dict[Split, tuple[Split, ...]] = {
    Split.TEST: (),
    Split.DEV: (Split.TEST,),
    Split.TRAIN: (Split.TEST, Split.DEV),
}
_SHARES = {Split.TEST: (0, 10), Split.DEV: (10, 20), Split.TRAIN: (20, 100)}


class CldrOptions(CorpusOptions):
    """The embedded corpus has one option."""

    seed: int = Field(default=1, ge=0)
    """Which meanings are drawn; part of the test set's identity."""


class Cldr(Corpus):
    """Short phrases of everyday life in any language CLDR covers well, with no download."""

    Options: ClassVar[type[CorpusOptions]] = CldrOptions
    shuffled: ClassVar[bool] = True
    reversible: ClassVar[bool] = True
    multiparallel: ClassVar[bool] = True
    licence: ClassVar[str] = "Unicode License v3"

    def __init__(self, options: CorpusOptions) -> None:
        self._seed = CldrOptions.model_validate(options.model_dump()).seed

    @property
    def revision(self) -> str:
        """CLDR's and babel's versions: another release words some phrases differently."""
        return f"cldr-{get_cldr_version()}+babel-{version('babel')}+seed-{self._seed}"

    def missing(self, pairs: Collection[Pair], split: Split) -> dict[Pair, str]:
        """Pairs with a language CLDR has no (full) data for."""
        del split  # every split has every language
        reasons = {}
        for pair in pairs:
            for tag in pair:
                if not knows_language(tag):
                    reasons[pair] = f"CLDR has no full data for {tag}"
        return reasons

    def segments(self, pair: Pair, split: Split) -> Iterator[Segment]:
        """The renderings of a split's meanings in both languages; a meaning one of them lacks is left out."""
        return (line.segment for line in self.located(pair, split))

    def located(self, pair: Pair, split: Split) -> Iterator[Located]:
        """The same, by the number of the meaning, with what they are about as their domain."""
        if reason := self.missing([pair], split).get(pair):
            raise CorpusError(
                f"The cldr corpus can't serve {pair}: {reason}. Choose other languages or another corpus."
            )
        held_out = frozenset[str]()
        if split is Split.TRAIN:
            held_out = _held_out_sentences(self._seed, pair.source) | _held_out_sentences(self._seed, pair.target)
        for number, meaning in enumerate(self.meanings(split)):
            source, target = render(meaning, pair.source), render(meaning, pair.target)
            if source and target and source not in held_out and target not in held_out:
                yield Located(Segment(source, target), number, labels=(("domain", domain(meaning)),))

    def sentences(self, language: str, split: Split) -> Iterator[str]:
        """The monolingual text of one language: what a base model is pretrained on."""
        held_out = _held_out_sentences(self._seed, language) if split is Split.TRAIN else frozenset()
        for meaning in self.meanings(split):
            sentence = render(meaning, language)
            if sentence and sentence not in held_out:
                yield sentence

    def meanings(self, split: Split) -> Iterator[Meaning]:
        """The distinct meanings of a split, in their seeded order."""
        yield from _meanings(self._seed, split)

    @staticmethod
    def render(meaning: Meaning, language: str) -> str | None:
        """A meaning in a language; None where CLDR lacks it."""
        return render(meaning, language)


class _Meanings:
    """The distinct meanings of one split, drawn when first asked for and kept.

    The hash of a meaning decides its split, so none is in two. Two meanings can still read the same in
    some language; those that read as a held-out sentence in a core language are dropped here, and those that
    do so only in another language when that language is read.
    """

    def __init__(self, seed: int, split: Split) -> None:
        self._kept: list[Meaning] = []
        self._more = self._draw(seed, split)

    def __iter__(self) -> Iterator[Meaning]:
        position = 0
        while True:
            if position == len(self._kept):
                meaning = next(self._more, None)
                if meaning is None:
                    return
                self._kept.append(meaning)
            yield self._kept[position]
            position += 1

    @staticmethod
    def _draw(seed: int, split: Split) -> Iterator[Meaning]:
        low, high = _SHARES[split]
        size = TRAIN if split is Split.TRAIN else HELD_OUT
        taken = {
            tag: frozenset[str]().union(*(_sentences(seed, other, tag) for other in _DRAWN_BEFORE[split]))
            for tag in CORE_LANGUAGES
        }
        rng = random.Random(f"dragoman-cldr-{seed}-{split}")
        drawn: set[Meaning] = set()
        while len(drawn) < size:
            meaning = draw(rng)
            digest = hashlib.sha256(repr(meaning).encode()).digest()
            if meaning in drawn or not low <= int.from_bytes(digest[:4], "big") % 100 < high:
                continue
            texts = {tag: render(meaning, tag) for tag in CORE_LANGUAGES}
            if None in texts.values() or any(text in taken[tag] for tag, text in texts.items()):
                continue
            drawn.add(meaning)
            yield meaning


@cache
def _meanings(seed: int, split: Split) -> _Meanings:
    return _Meanings(seed, split)


@cache
def _sentences(seed: int, split: Split, language: str) -> frozenset[str]:
    return frozenset(filter(None, (render(meaning, language) for meaning in _meanings(seed, split))))


@cache
def _held_out_sentences(seed: int, language: str) -> frozenset[str]:
    return _sentences(seed, Split.DEV, language) | _sentences(seed, Split.TEST, language)
